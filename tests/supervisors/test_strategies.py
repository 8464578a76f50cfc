"""OTP's `supervisor_SUITE`, theme strategies, with intensity and failing restarts (docs/supervision.md)."""

import pytest
from supervision_world import FAIL, IGNORE, Crash, World

from actors.core.lifecycle import Shutdown
from actors.core.supervision import ChildSpec, RestartChild, StartChild, StartFromTemplate, TerminateChild
from supervisors.specs import Flags
from supervisors.supervisor import supervisor_spec


def four(world: World, **flags: object) -> None:
    world.supervise(*(world.child(name) for name in "abcd"), **flags)
    world.forget_log()


@pytest.mark.parametrize(
    ("strategy", "log"),
    [
        ("one_for_one", "-b+b"),
        ("rest_for_one", "-b-d-c+b+c+d"),
        ("one_for_all", "-b-d-c-a+a+b+c+d"),
    ],
)
def test_a_crash_takes_with_it_what_the_strategy_says(world: World, strategy: str, log: str) -> None:
    four(world, strategy=strategy)
    world.crash("b")
    assert "".join(world.log) == log
    assert world.counts() == (4, 4, 0, 4)


@pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all", "rest_for_one"])
def test_the_third_crash_at_intensity_two_ends_the_supervisor(world: World, strategy: str) -> None:
    four(world, strategy=strategy, intensity=2, period=3600)
    world.crash("b")
    world.crash("b")
    assert world.ended() is None
    world.crash("b")
    assert isinstance(world.ended(), Shutdown)
    assert world.system.directory.registrations() == []


def test_the_third_crash_at_intensity_two_ends_a_dynamic_supervisor(world: World) -> None:
    world.dynamic(intensity=2, period=3600)
    for id in "ab":
        world.ask(StartChild(world.child(id)))
    world.crash("a", "a", "a")
    assert isinstance(world.ended(), Shutdown)
    assert not world.alive("b")


def test_intensity_zero_ends_it_at_the_first_restart(world: World) -> None:
    four(world, intensity=0)
    world.crash("a")
    assert isinstance(world.ended(), Shutdown)
    assert "".join(world.log) == "-a-d-c-b"


def test_restarts_that_are_far_enough_apart_are_borne_for_ever(world: World) -> None:
    four(world, intensity=1, period=1)
    for _ in range(10):
        world.crash("a")
        world.runtime.sleep(2.1)
    assert world.ended() is None


def test_the_period_is_inclusive_in_whole_seconds(world: World) -> None:
    four(world, intensity=1, period=2)
    world.crash("a")
    world.runtime.sleep(2.0)
    world.crash("a")
    assert isinstance(world.ended(), Shutdown)


def test_a_group_restart_counts_once(world: World) -> None:
    four(world, strategy="one_for_all", intensity=1)
    world.crash("a")
    assert world.ended() is None
    assert world.counts() == (4, 4, 0, 4)


@pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all", "rest_for_one"])
def test_a_restart_that_keeps_failing_uses_up_the_intensity(world: World, strategy: str) -> None:
    four(world, strategy=strategy, intensity=4)
    world.plan("a", *[FAIL] * 100)
    world.crash("a")
    assert isinstance(world.ended(), Shutdown)
    assert len(world.plans["a"]) == 96  # the crash and each failed attempt count one
    assert world.system.directory.registrations() == []


def test_a_dynamic_restart_that_keeps_failing_uses_up_the_intensity(world: World) -> None:
    world.dynamic(intensity=4)
    for id in "ab":
        world.ask(StartChild(world.child(id)))
    world.plan("a", *[FAIL] * 100)
    world.crash("a")
    assert isinstance(world.ended(), Shutdown)
    assert len(world.plans["a"]) == 96
    assert not world.alive("b")


def test_one_for_all_ends_restarted_siblings_again_before_it_tries_again(world: World) -> None:
    four(world, strategy="one_for_all", intensity=10)
    world.plan("c", FAIL)
    world.crash("b")
    assert "".join(world.log) == "-b-d-c-a+a+b-b-a+a+b+c+d"
    assert world.counts() == (4, 4, 0, 4)


def test_rest_for_one_leaves_earlier_restarted_siblings_and_goes_on_from_the_failed_one(world: World) -> None:
    four(world, strategy="rest_for_one", intensity=10)
    world.plan("c", FAIL)
    world.crash("b")
    assert "".join(world.log) == "-b-d-c+b+c+d"
    assert world.counts() == (4, 4, 0, 4)


def test_one_for_all_starts_what_was_terminated_by_hand_too(world: World) -> None:
    four(world, strategy="one_for_all")
    world.ask(TerminateChild("c"))
    world.crash("a")
    assert world.state("c") == "running"


def test_a_dynamic_child_that_ignores_its_restart_is_gone(world: World) -> None:
    world.dynamic()
    world.ask(StartChild(world.child("a")))
    world.plan("a", IGNORE)
    world.crash("a")
    assert world.ids() == []
    assert world.ended() is None


def test_a_permanent_child_that_ignores_its_restart_is_kept_undefined(world: World) -> None:
    four(world)
    world.plan("a", IGNORE)
    world.crash("a")
    assert world.state("a") == "undefined"


def test_a_template_s_child_comes_back_with_its_own_arguments(world: World) -> None:
    made: list[tuple[str, int]] = []

    def template(id: str, number: int) -> ChildSpec:
        spec = world.child(id)
        return ChildSpec(id=id, start=lambda: (made.append((id, number)), spec.start())[1])

    world.dynamic(template, intensity=5)
    world.ask(StartFromTemplate(("a", 1)))
    world.ask(StartFromTemplate(("b", 2)))
    world.crash("a", "b", "a")
    assert made == [("a", 1), ("b", 2), ("a", 1), ("b", 2), ("a", 1)]


def test_the_death_of_a_temporary_child_leaves_the_others_arguments_alone(world: World) -> None:
    world.dynamic(lambda id, restart: world.child(id, restart=restart))
    world.ask(StartFromTemplate(("a", "temporary")))
    world.ask(StartFromTemplate(("b", "permanent")))
    world.crash("a", "b")
    assert world.ids() == ["b"]
    assert world.alive("b")


# while a restart keeps failing


def hanging_loop(world: World, **flags: object) -> None:
    """A supervisor whose child `a` fails to start again and again, with the others as they are meanwhile."""
    four(world, intensity=1_000_000, **flags)
    world.plan("a", *[FAIL] * 10_000)
    world.system.tell("a", Crash())
    world.runtime.sleep(0)
    while world.state("a") != "restarting":
        world.runtime.sleep(0)


@pytest.mark.parametrize("strategy", ["one_for_one", "rest_for_one", "one_for_all"])
def test_in_a_restart_loop_the_supervisor_still_answers(world: World, strategy: str) -> None:
    hanging_loop(world, strategy=strategy)
    others = 3 if strategy == "one_for_one" else 0
    assert world.counts() == (4, others, 0, 4)
    assert type(world.ask(StartChild(world.child("a")))).__name__ == "AlreadyPresent"
    assert type(world.ask(RestartChild("a"))).__name__ == "StillRestarting"
    assert world.ended() is None


@pytest.mark.parametrize("strategy", ["one_for_one", "rest_for_one", "one_for_all"])
def test_in_a_restart_loop_the_supervisor_stops_at_once(world: World, strategy: str) -> None:
    hanging_loop(world, strategy=strategy)
    before = world.runtime.now()
    assert world.stop() == Shutdown()
    assert world.runtime.now() == before
    assert world.system.directory.registrations() == []


def test_terminating_a_restarting_child_cancels_its_restart(world: World) -> None:
    hanging_loop(world)
    world.ask(TerminateChild("a"))
    tried = len(world.plans["a"])
    world.runtime.sleep(10)
    assert world.state("a") == "undefined"
    assert len(world.plans["a"]) == tried


def test_a_stale_retry_does_not_resurrect_a_terminated_child(world: World) -> None:
    hanging_loop(world)
    world.ask(TerminateChild("a"))
    world.plans["a"].clear()
    world.ask(RestartChild("a"))
    born = world.generation("a")
    world.ask(TerminateChild("a"))
    world.runtime.sleep(10)
    assert not world.alive("a")
    assert world.state("a") == "undefined"
    assert born > 0


def test_in_a_dynamic_restart_loop_the_supervisor_answers_and_stops(world: World) -> None:
    world.dynamic(intensity=1_000_000)
    for id in "ab":
        world.ask(StartChild(world.child(id)))
    world.plan("a", *[FAIL] * 10_000)
    world.system.tell("a", Crash())
    while world.state("a") != "restarting":
        world.runtime.sleep(0)
    assert world.counts() == (2, 1, 0, 2)
    assert type(world.ask(StartChild(world.child("a")))).__name__ == "AlreadyPresent"
    world.ask(TerminateChild("a"))
    assert world.ids() == ["b"]
    assert world.stop() == Shutdown()


def test_a_failing_child_in_a_nested_supervisor_escalates_to_the_top(world: World) -> None:
    inner = supervisor_spec("inner", Flags(intensity=1), (world.child("a"),))
    world.supervise(inner, world.child("b"), intensity=1)
    world.plan("a", *[FAIL] * 1_000)
    world.crash("a")
    assert isinstance(world.ended(), Shutdown)
    assert not world.alive("b")


def test_an_escalated_restart_brings_the_static_children_of_the_nested_supervisor_back(world: World) -> None:
    inner = supervisor_spec("inner", Flags(intensity=0), (world.child("a"), world.child("b")))
    world.supervise(inner, intensity=1)
    first = world.generation("inner")
    world.crash("b")
    assert world.generation("inner") > first
    assert world.alive("a")
    assert world.alive("b")
    assert "".join(world.log) == "+a+b-b-a+a+b"
