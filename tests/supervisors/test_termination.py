"""OTP's `supervisor_SUITE`, themes termination types and significant children (docs/supervision.md)."""

import pytest
from supervision_world import Crash, Finish, World

from actors.core.lifecycle import Normal, Shutdown
from actors.core.supervision import ChildSpec, StartChild, TerminateChild, WhichChildren
from supervisors.specs import Flags
from supervisors.supervisor import supervisor_spec

ENDS = {"normal": Finish(Normal()), "shutdown": Finish(Shutdown()), "abnormal": Crash()}


@pytest.mark.parametrize(
    ("restart", "end", "after"),
    [
        ("permanent", "normal", "running"),
        ("permanent", "shutdown", "running"),
        ("permanent", "abnormal", "running"),
        ("transient", "normal", "undefined"),
        ("transient", "shutdown", "undefined"),
        ("transient", "abnormal", "running"),
        ("temporary", "normal", None),
        ("temporary", "shutdown", None),
        ("temporary", "abnormal", None),
    ],
)
def test_who_comes_back_after_what(world: World, restart: str, end: str, after: str | None) -> None:
    world.supervise(world.child("a", restart=restart))
    first = world.generation("a")
    world.tell("a", ENDS[end])
    assert world.state("a") == after
    assert world.alive("a") == (after == "running")
    if after == "running":
        assert world.generation("a") > first
    assert world.counts() == (after is not None, after == "running", 0, after is not None)


def test_a_temporary_sibling_ended_by_a_group_restart_does_not_come_back(world: World) -> None:
    for strategy in ("one_for_all", "rest_for_one"):
        world.supervise(world.child("a"), world.child("b", restart="temporary"), strategy=strategy)
        world.crash("a")
        assert world.ids() == ["a"]
        assert world.alive("a")
        assert not world.alive("b")
        world.stop()


# significant children


def significant(world: World, id: str, restart: str = "temporary") -> ChildSpec:
    return world.child(id, restart=restart, significant=True)


@pytest.mark.parametrize("auto", ["never", "any_significant", "all_significant"])
@pytest.mark.parametrize("restart", ["temporary", "transient"])
@pytest.mark.parametrize("end", ["normal", "abnormal"])
def test_a_child_that_is_not_significant_never_ends_its_supervisor(
    world: World, auto: str, restart: str, end: str
) -> None:
    world.supervise(world.child("a", restart=restart), auto_shutdown=auto)
    world.tell("a", ENDS[end])
    assert world.ended() is None


@pytest.mark.parametrize("end", ["normal", "shutdown", "abnormal"])
def test_any_end_of_its_own_of_a_significant_temporary_child_ends_the_supervisor(world: World, end: str) -> None:
    world.supervise(significant(world, "a"), world.child("b"), auto_shutdown="any_significant")
    world.tell("a", ENDS[end])
    assert isinstance(world.ended(), Shutdown)
    assert not world.alive("b")


def test_the_last_significant_child_ends_a_supervisor_of_all_significant(world: World) -> None:
    world.supervise(
        significant(world, "a"), significant(world, "b"), world.child("c"), auto_shutdown="all_significant"
    )
    world.crash("a")
    assert world.ended() is None
    world.crash("b")
    assert isinstance(world.ended(), Shutdown)


@pytest.mark.parametrize("auto", ["any_significant", "all_significant"])
def test_an_end_caused_by_the_supervisor_does_not_count(world: World, auto: str) -> None:
    world.supervise(significant(world, "a"), world.child("b"), auto_shutdown=auto)
    world.ask(TerminateChild("a"))
    world.runtime.settle()
    assert world.ended() is None


@pytest.mark.parametrize("auto", ["any_significant", "all_significant"])
def test_of_a_significant_transient_child_only_a_normal_end_counts(world: World, auto: str) -> None:
    world.supervise(significant(world, "a", "transient"), auto_shutdown=auto)
    world.crash("a")
    assert world.ended() is None
    world.tell("a", Finish(Normal()))
    assert isinstance(world.ended(), Shutdown)


@pytest.mark.parametrize(("auto", "left"), [("any_significant", 1), ("all_significant", 0)])
def test_significant_dynamic_children_end_their_supervisor(world: World, auto: str, left: int) -> None:
    world.dynamic(auto_shutdown=auto)
    for id in "ab":
        world.ask(StartChild(significant(world, id)))
    world.crash("a")
    assert (world.ended() is None) == (left == 0)
    if left == 0:
        world.crash("b")
        assert isinstance(world.ended(), Shutdown)


@pytest.mark.parametrize("strategy", ["one_for_all", "rest_for_one"])
def test_an_end_caused_by_a_sibling_does_not_count(world: World, strategy: str) -> None:
    world.supervise(
        world.child("a"), significant(world, "b"), strategy=strategy, auto_shutdown="any_significant", intensity=2
    )
    world.crash("a")
    assert world.ended() is None
    assert not world.alive("b")  # temporary: gone with the group


def test_a_restarting_significant_child_still_counts_as_active(world: World) -> None:
    world.supervise(
        significant(world, "a", "transient"),
        significant(world, "b"),
        auto_shutdown="all_significant",
        intensity=10,
    )
    world.plan("a", *["fail"] * 3)
    world.system.tell("a", Crash())
    world.crash("b")
    assert world.ended() is None


@pytest.mark.parametrize(("inner_is_significant", "outer_lives"), [(True, False), (False, True)])
def test_it_cascades_only_through_a_significant_supervisor(
    world: World, inner_is_significant: bool, outer_lives: bool
) -> None:
    inner = supervisor_spec(
        "inner",
        Flags(auto_shutdown="any_significant"),
        (significant(world, "a"),),
        restart="transient",
        significant=inner_is_significant,
    )
    world.supervise(inner, auto_shutdown="any_significant")
    world.crash("a")
    assert not world.alive("inner")
    assert world.alive("sup") == outer_lives
    if outer_lives:
        assert [info.state for info in world.ask(WhichChildren())] == ["undefined"]
