"""OTP's `supervisor_SUITE`, theme stop (docs/supervision.md)."""

from typing import Any

import pytest
from supervision_world import Crash, Finish, Hang, World

from actors.core.lifecycle import Crashed, Killed, Normal, Shutdown
from actors.core.supervision import StartChild


def start_dynamic(world: World, *specs: object, **flags: Any) -> None:
    world.dynamic(**flags)
    for spec in specs:
        world.ask(StartChild(spec))  # type: ignore[arg-type]


def hang(world: World, name: str, seconds: float) -> None:
    world.system.tell(name, Hang(seconds))
    world.runtime.settle()


def test_shutdown_infinity_waits_as_long_as_it_takes(world: World) -> None:
    world.supervise(world.child("a", shutdown=None, hang_limit=None))
    hang(world, "a", 7_000)
    before = world.runtime.now()
    world.stop()
    assert world.runtime.now() - before == pytest.approx(7_000)
    assert world.log == ["+a", "-a"]


def test_a_child_that_does_not_stop_in_its_time_is_fenced_and_its_siblings_are_not(world: World) -> None:
    a, b = world.child("a", shutdown=2.0), world.child("b", shutdown=2.0)
    world.supervise(a, b)
    hanging, orderly = world.system.directory.whereis("b"), world.system.directory.whereis("a")
    hang(world, "b", 1_000)
    before = world.runtime.now()
    world.stop()
    assert world.runtime.now() - before == pytest.approx(2.0)
    assert hanging is not None
    assert orderly is not None
    assert hanging.ended.get() == Killed("not stopped in 2 s")
    assert orderly.ended.get() == Shutdown()


def test_dynamic_children_stop_in_parallel_each_in_its_own_time(world: World) -> None:
    start_dynamic(world, world.child("a", shutdown=3.0), world.child("b", shutdown=2.0), world.child("c"))
    actors = {name: world.system.directory.whereis(name) for name in "abc"}
    hang(world, "a", 1_000)
    hang(world, "b", 1_000)
    before = world.runtime.now()
    world.stop()
    assert world.runtime.now() - before == pytest.approx(3.0)  # one after the other it would be 5
    ends = {name: actor.ended.get() for name, actor in actors.items() if actor is not None}
    assert ends == {"a": Killed("not stopped in 3 s"), "b": Killed("not stopped in 2 s"), "c": Shutdown()}


@pytest.mark.parametrize("dynamic", [False, True])
def test_shutdown_zero_fences_at_once(world: World, dynamic: bool) -> None:
    spec = world.child("a", shutdown=0)
    if dynamic:
        start_dynamic(world, spec)
    else:
        world.supervise(spec)
    child = world.system.directory.whereis("a")
    assert child is not None
    before = world.runtime.now()
    world.stop()
    assert world.runtime.now() == before
    assert child.ended.get() == Killed("at once, as its shutdown says")
    assert world.log == ["+a"]  # it had no time to clean up


@pytest.mark.parametrize("restart", ["permanent", "transient", "temporary"])
@pytest.mark.parametrize("end", [Finish(Normal()), Finish(Shutdown()), Finish(Shutdown("own")), Crash()])
@pytest.mark.parametrize("dynamic", [False, True])
def test_children_that_end_by_themselves_during_the_stop_do_not_disturb_it(
    world: World, restart: str, end: object, dynamic: bool
) -> None:
    specs = [world.child(name, restart=restart) for name in "abc"]
    if dynamic:
        start_dynamic(world, *specs, intensity=10)  # it may hear of all three ends before the stop
    else:
        world.supervise(*specs, intensity=10)
    for name in "abc":
        world.system.tell(name, end)
    assert world.stop() == Shutdown()
    assert world.system.directory.registrations() == []


def test_an_odd_reason_does_not_stall_the_stop(world: World) -> None:
    world.dies_badly.add("a")
    start_dynamic(world, world.child("a"), world.child("b"))
    actor = world.system.directory.whereis("a")
    assert actor is not None
    assert world.stop() == Shutdown()
    assert isinstance(actor.ended.get(), Crashed)


def test_children_start_in_order_and_stop_in_its_exact_reverse(world: World) -> None:
    world.supervise(*(world.child(name) for name in "abcdefgh"))
    world.stop()
    assert "".join(world.log) == "+a+b+c+d+e+f+g+h-h-g-f-e-d-c-b-a"


def test_a_supervisor_that_is_fenced_takes_its_children_with_it(world: World) -> None:
    sup = world.supervise(world.child("a"))
    world.system.fence(sup, "for the test")
    assert not world.alive("a")
    assert not world.alive("sup")
    world.runtime.sleep(1)
    assert world.system.zombies() == []
