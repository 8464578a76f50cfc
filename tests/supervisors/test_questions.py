"""OTP's `supervisor_SUITE`, themes API, specs and robustness (docs/supervision.md)."""

from dataclasses import replace
from typing import Any

import pytest
from supervision_world import Crash, World

from actors.core.future import ActorDead
from actors.core.supervision import (
    AlreadyPresent,
    AlreadyStarted,
    ChildInfo,
    ChildSpec,
    CountChildren,
    DeleteChild,
    Done,
    FaultySpec,
    GetChildSpec,
    NotForDynamic,
    NotFound,
    RestartChild,
    StartChild,
    Started,
    StartFromTemplate,
    StillRunning,
    TerminateChild,
    TooManyChildren,
    WhichChild,
    WhichChildren,
)
from actors.core.system import StartFailed
from domain.backoff import Backoff
from supervisors.specs import Faulty, Flags, check, flag_faults, spec_faults
from supervisors.supervisor import Supervisor, supervisor_spec


def test_the_whole_life_of_a_child(world: World) -> None:
    spec = world.child("a")
    world.supervise()
    assert world.ask(WhichChildren()) == ()
    assert isinstance(world.ask(StartChild(spec)), Started)
    born = world.generation("a")
    assert world.ask(StartChild(spec)) == AlreadyStarted("a", born)
    assert world.ask(RestartChild("a")) == StillRunning("a")
    assert world.ask(DeleteChild("a")) == StillRunning("a")
    assert world.ask(WhichChild("a")) == ChildInfo("a", "worker", "running", born)
    assert world.ask(TerminateChild("a")) == Done()
    assert world.ask(TerminateChild("a")) == Done()
    assert world.ask(WhichChild("a")) == ChildInfo("a", "worker", "undefined", None, 0, "shutdown")
    assert world.ask(StartChild(spec)) == AlreadyPresent("a")
    assert isinstance(world.ask(RestartChild("a")), Started)
    assert world.generation("a") > born
    assert world.ask(TerminateChild("a")) == Done()
    assert world.ask(DeleteChild("a")) == Done()
    for question in (TerminateChild, RestartChild, DeleteChild, GetChildSpec, WhichChild):
        assert world.ask(question("a")) == NotFound("a")
    world.stop()
    for question in (WhichChildren(), StartChild(spec), CountChildren()):
        with pytest.raises(ActorDead, match=r"sup: ended \(shutdown\)"):
            world.ask(question)


def test_the_whole_life_of_a_dynamic_child(world: World) -> None:
    world.dynamic(lambda id: world.child(id), limit=2)
    assert isinstance(world.ask(StartFromTemplate(("a",))), Started)
    assert isinstance(world.ask(StartChild(world.child("b"))), Started)
    assert world.ask(StartChild(world.child("c"))) == TooManyChildren(2)
    assert world.ask(StartChild(world.child("a"))) == AlreadyStarted("a", world.generation("a"))
    assert world.ask(RestartChild("a")) == NotForDynamic()
    assert world.ask(DeleteChild("a")) == NotForDynamic()
    assert world.ask(TerminateChild("a")) == Done()
    assert world.ask(TerminateChild("a")) == NotFound("a")
    assert world.ids() == ["b"]


def test_start_child_may_be_told_as_well_as_asked(world: World) -> None:
    world.dynamic()
    world.tell("sup", StartChild(world.child("a", restart="temporary")))
    assert world.alive("a")


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"id": ""}, "missing_id"),
    ({"start": None}, "missing_start"),
    ({"start": "not callable"}, "invalid_mfa"),
    ({"restart": "always"}, "invalid_restart_type"),
    ({"shutdown": -1.0}, "invalid_shutdown"),
    ({"shutdown": "soon"}, "invalid_shutdown"),
    ({"type": "manager"}, "invalid_child_type"),
    ({"significant": "very"}, "invalid_significant"),
    ({"restart": "transient", "significant": True}, "bad_combination"),
    ({"hang_limit": 0}, "invalid_hang_limit"),
    ({"start_limit": -1}, "invalid_start_limit"),
    ({"backoff": 2.0}, "invalid_backoff"),
    ({"reset_after": -1.0}, "invalid_reset_after"),
]


@pytest.mark.parametrize(("fields", "reason"), FAULTS)
def test_every_wrong_field_has_its_reason(fields: dict[str, Any], reason: str) -> None:
    spec = replace(ChildSpec(id="a", start=lambda: None), **fields)  # type: ignore[arg-type,return-value]
    assert [fault.reason for fault in spec_faults(spec)] == [reason]


def test_a_permanent_child_cannot_be_significant() -> None:
    spec = ChildSpec(id="a", start=lambda: None, significant=True)  # type: ignore[arg-type,return-value]
    assert [fault.reason for fault in spec_faults(spec, "any_significant")] == ["bad_combination"]


def test_all_faults_are_found_at_once() -> None:
    spec = ChildSpec(id="", start=None, restart="x", shutdown=-1, type="y")  # type: ignore[arg-type]
    reasons = [fault.reason for fault in spec_faults(spec)]
    assert reasons == [
        "missing_id",
        "missing_start",
        "invalid_restart_type",
        "invalid_shutdown",
        "invalid_child_type",
    ]


def test_what_is_no_spec_is_an_answer_of_start_child_and_not_a_crash(world: World) -> None:
    world.supervise()
    answer = world.ask(StartChild("not a spec"))  # type: ignore[arg-type]
    assert isinstance(answer, FaultySpec)
    assert [fault.reason for fault in answer.faults] == ["invalid_child_spec"]


def test_two_children_of_one_id_are_refused(world: World) -> None:
    with pytest.raises(Faulty, match="duplicate_child_name"):
        check(Flags(), (world.child("a"), world.child("a")))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"strategy": "one_for_some"}, "invalid_strategy"),
        ({"intensity": -1}, "invalid_intensity"),
        ({"intensity": True}, "invalid_intensity"),
        ({"period": 0}, "invalid_period"),
        ({"auto_shutdown": "sometimes"}, "invalid_auto_shutdown"),
        ({"cool_down": 0}, "invalid_cool_down"),
    ],
)
def test_every_wrong_flag_has_its_reason(fields: dict[str, Any], reason: str) -> None:
    assert [fault.reason for fault in flag_faults(Flags(**fields))] == [reason]


def test_wrong_flags_are_an_error_to_the_starter(world: World) -> None:
    for start in (lambda: world.supervise(strategy="x"), lambda: world.dynamic(strategy="one_for_all")):
        with pytest.raises(StartFailed, match="invalid_strategy"):
            start()


# robustness


def test_a_child_that_has_ended_unseen_can_still_be_terminated(world: World) -> None:
    world.supervise(world.child("a", restart="temporary"))
    world.system.tell("a", Crash())
    assert world.ask(TerminateChild("a")) in (Done(), NotFound("a"))
    assert world.ids() == []


def test_a_restarted_nested_supervisor_has_its_static_children_and_not_its_dynamic_ones(world: World) -> None:
    inner = supervisor_spec("inner", Flags(intensity=0), (world.child("static"),))
    world.supervise(inner)
    world.ask(StartChild(world.child("dynamic")), name="inner")
    world.crash("static")
    assert [info.id for info in world.ask(WhichChildren(), name="inner")] == ["static"]
    assert world.alive("static")
    assert not world.alive("dynamic")


def test_counts_are_of_specs_and_of_what_runs(world: World) -> None:
    world.supervise(world.child("a"), supervisor_spec("b", Flags(), ()), world.child("c"))
    assert world.counts() == (3, 3, 1, 2)
    world.ask(TerminateChild("a"))
    assert world.counts() == (3, 2, 1, 2)
    world.ask(TerminateChild("b"))
    assert world.counts() == (3, 1, 1, 2)


def test_dynamic_supervisors_are_counted_too(world: World) -> None:
    world.dynamic()
    for number in range(20):
        world.ask(StartChild(supervisor_spec(f"sup{number}", Flags(), ())))
    assert world.counts() == (20, 20, 20, 0)


def test_a_restarting_child_is_not_active(world: World) -> None:
    world.supervise(world.child("a", backoff=Backoff(least=5.0, base=5.0, most=5.0)), world.child("b"))
    world.crash("a")
    assert world.counts() == (2, 1, 0, 2)
    world.runtime.sleep(6)
    assert world.counts() == (2, 2, 0, 2)


def test_children_are_listed_newest_first(world: World) -> None:
    world.supervise(world.child("c"), world.child("a"))
    world.ask(StartChild(world.child("b")))
    assert world.ids() == ["b", "a", "c"]
    world.crash("a")
    assert world.ids() == ["b", "a", "c"]


def test_dynamic_children_are_listed_by_incarnation_oldest_first_and_those_that_restart_last(world: World) -> None:
    world.dynamic(intensity=10)
    for id in "cab":
        world.ask(StartChild(world.child(id, backoff=Backoff(least=5.0, base=5.0, most=5.0))))
    assert world.ids() == ["c", "a", "b"]
    world.crash("c")
    assert world.ids() == ["a", "b", "c"]
    world.crash("a")
    assert world.ids() == ["b", "c", "a"]
    world.runtime.sleep(6)
    assert world.ids() == ["b", "c", "a"]


@pytest.mark.parametrize("dynamic", [False, True])
def test_nothing_is_kept_of_temporary_children_that_are_gone(world: World, dynamic: bool) -> None:
    sup = world.dynamic() if dynamic else world.supervise()
    for number in range(30):
        world.ask(StartChild(world.child(f"t{number}", restart="temporary")))
        world.crash(f"t{number}")
    assert world.ids() == []
    assert not vars(sup)["children"]
    assert not vars(sup)["_shown"]
    assert world.system.board.get("supervisor:sup").children == ()


def test_names_are_the_directory_s_and_there_is_one_of_each(world: World) -> None:
    world.supervise(world.child("a"))
    with pytest.raises(StartFailed, match="sup: already started"):
        world.start(lambda: Supervisor(Flags(), ()))
    assert world.ids() == ["a"]


def test_an_unknown_message_is_logged_and_not_fatal(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.supervise(world.child("a"))
    with caplog.at_level("WARNING", logger="roost"):
        world.tell("sup", "what is this?")
    assert world.ended() is None
    assert "unknown message 'what is this?'" in caplog.text


def test_the_report_of_a_crash_names_the_child_the_reason_and_what_came_of_it(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.supervise(world.child("a"))
    with caplog.at_level("ERROR", logger="roost"):
        world.crash("a")
    assert "sup: child a ended (crashed: ValueError: as told); now running" in caplog.text
    assert caplog.records[0].exc_info is not None
