"""OTP's `supervisor_SUITE`, theme start (docs/supervision.md)."""

import pytest
from supervision_world import FAIL, HANG, IGNORE, World

from actors.core.base import Ignore
from actors.core.lifecycle import Shutdown
from actors.core.supervision import (
    AlreadyStarted,
    ChildSpec,
    GetChildSpec,
    Ignored,
    NotFound,
    RestartChild,
    StartChild,
    Started,
    StartError,
    StartFromTemplate,
)
from actors.core.system import StartFailed
from supervisors.specs import Faulty, Flags
from supervisors.supervisor import ChildDidNotStart, Supervisor, supervisor_spec


class Nothing(Supervisor):
    """A supervisor that finds nothing to do."""

    def on_start(self) -> None:
        raise Ignore


class Broken(Supervisor):
    """A supervisor that cannot start."""

    def on_start(self) -> None:
        raise KeyError("broken")


def test_starts_and_stops_cleanly(world: World) -> None:
    world.supervise(world.child("a"), world.child("b"))
    assert world.stop() == Shutdown()
    assert world.log == ["+a", "+b", "-b", "-a"]
    assert world.system.directory.registrations() == []
    assert world.system.board.get("supervisor:sup") is None


def test_a_supervisor_that_says_ignore_is_none_and_no_error(world: World) -> None:
    with pytest.raises(Ignore):
        world.start(lambda: Nothing(Flags(), ()))
    assert not world.alive("sup")


def test_a_child_that_says_ignore_is_kept_without_a_process(world: World) -> None:
    world.plan("a", IGNORE)
    world.supervise(world.child("a"), world.child("b"))
    assert world.counts() == (2, 1, 0, 2)
    assert world.state("a") == "undefined"


def test_a_temporary_child_that_says_ignore_is_not_kept(world: World) -> None:
    world.plan("a", IGNORE)
    world.supervise(world.child("a", restart="temporary"), world.child("b"))
    assert world.counts() == (1, 1, 0, 1)


def test_a_temporary_child_started_later_that_says_ignore_is_not_kept(world: World) -> None:
    world.supervise()
    world.plan("a", IGNORE)
    assert world.ask(StartChild(world.child("a", restart="temporary"))) == Ignored("a")
    assert world.ids() == []


@pytest.mark.parametrize("restart", ["temporary", "permanent"])
def test_a_dynamic_child_that_says_ignore_is_not_kept(world: World, restart: str) -> None:
    world.dynamic(lambda id: world.child(id, restart=restart))
    world.plan("a", IGNORE)
    assert world.ask(StartFromTemplate(("a",))) == Ignored("a")
    assert world.ids() == []


def test_what_is_no_list_of_specs_is_refused(world: World) -> None:
    with pytest.raises(StartFailed) as failure:
        world.start(lambda: Supervisor(Flags(), ("not a spec",)))  # type: ignore[arg-type]
    cause = failure.value.__cause__
    assert isinstance(cause, Faulty)
    assert [fault.reason for fault in cause.faults] == ["invalid_child_spec"]


def test_a_crash_in_the_start_of_a_supervisor_is_an_error_to_the_starter(world: World) -> None:
    with pytest.raises(StartFailed) as failure:
        world.start(lambda: Broken(Flags(), ()))
    assert isinstance(failure.value.__cause__, KeyError)
    assert not world.alive("sup")


def test_a_child_that_does_not_start_takes_those_before_it_down_in_reverse(world: World) -> None:
    world.plan("c", FAIL)
    with pytest.raises(StartFailed, match="its child c did not start"):
        world.supervise(world.child("a"), world.child("b"), world.child("c"), world.child("d"))
    assert world.log == ["+a", "+b", "-b", "-a"]
    assert world.system.directory.registrations() == []


def test_a_nested_failure_to_start_carries_its_cause_up(world: World) -> None:
    world.plan("a", FAIL)
    with pytest.raises(StartFailed) as failure:
        world.supervise(supervisor_spec("inner", Flags(), (world.child("a"),)))
    causes, cause = [], failure.value.__cause__
    while cause is not None:
        causes.append(type(cause))
        cause = cause.__cause__
    assert causes == [ChildDidNotStart, StartFailed, ChildDidNotStart, StartFailed, ValueError]


def test_failed_starts_before_it_is_up_do_not_count_against_the_intensity(world: World) -> None:
    world.plan("a", FAIL)
    with pytest.raises(StartFailed):
        world.supervise(world.child("a"), intensity=1)
    world.supervise(world.child("a"), intensity=1)
    world.crash("a")
    assert world.ended() is None


def test_a_child_started_later_that_fails_leaves_no_spec(world: World) -> None:
    world.supervise()
    world.plan("a", FAIL)
    result = world.ask(StartChild(world.child("a")))
    assert isinstance(result, StartError)
    assert "as planned" in str(result.cause)
    assert world.ids() == []


def test_a_restart_by_hand_that_fails_keeps_the_spec(world: World) -> None:
    world.plan("a", IGNORE, FAIL)
    world.supervise(world.child("a"))
    assert isinstance(world.ask(RestartChild("a")), StartError)
    assert world.state("a") == "undefined"


def test_a_dynamic_child_that_fails_leaves_nothing(world: World) -> None:
    world.dynamic()
    world.plan("a", FAIL)
    assert isinstance(world.ask(StartChild(world.child("a"))), StartError)
    assert world.counts() == (0, 0, 0, 0)


def test_a_spec_has_defaults_and_comes_back_as_it_was_given(world: World) -> None:
    spec = world.child("a")
    world.supervise(spec)
    assert world.ask(GetChildSpec("a")) is spec
    assert (spec.restart, spec.shutdown, spec.type, spec.significant) == ("permanent", 5.0, "worker", False)
    assert world.ask(GetChildSpec("b")) == NotFound("b")


def test_a_dynamic_child_s_spec_comes_back_as_it_was_given(world: World) -> None:
    spec = world.child("a")
    world.dynamic(lambda: spec)
    world.ask(StartFromTemplate())
    assert world.ask(GetChildSpec("a")) is spec


def test_a_child_that_hangs_in_its_start_is_abandoned_after_its_start_limit(world: World) -> None:
    world.supervise()
    world.plan("a", HANG)
    before = world.runtime.now()
    result = world.ask(StartChild(world.child("a", start_limit=3.0)))
    assert isinstance(result, StartError)
    assert world.runtime.now() - before == pytest.approx(3.0)
    assert not world.alive("a")
    assert len(world.system.zombies()) == 1


def test_a_start_hands_extra_information_through(world: World) -> None:
    world.supervise()
    world.extras["a"] = "extra"
    result = world.ask(StartChild(world.child("a")))
    assert result == Started("a", world.generation("a"), "extra")


def test_a_dynamic_start_hands_extra_information_through(world: World) -> None:
    world.dynamic(lambda id: world.child(id))
    world.extras["a"] = "extra"
    assert world.ask(StartFromTemplate(("a",))) == Started("a", world.generation("a"), "extra")


def test_a_name_that_somebody_outside_bears_is_already_started(world: World) -> None:
    outsider = world.start(world.child("a").start, name="a")
    world.supervise()
    assert world.ask(StartChild(world.child("a"))) == AlreadyStarted("a", outsider.generation)
    assert world.ids() == []
    assert world.generation("a") == outsider.generation


def test_starting_a_child_logs_no_report(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.supervise()
    with caplog.at_level("DEBUG", logger="roost"):
        world.ask(StartChild(world.child("a")))
    assert caplog.records == []


def test_a_spec_may_be_used_in_another_supervisor_later(world: World) -> None:
    spec: ChildSpec = world.child("a")
    world.supervise(spec)
    world.stop()
    world.dynamic()
    assert isinstance(world.ask(StartChild(spec)), Started)
