"""Gates: one thread waits for one thing, really and in simulation."""

from collections.abc import Callable

import pytest

from actors.core.runtime import Runtime, ThreadedRuntime
from actors.core.simulation import SimulatedRuntime, simulate

World = Callable[[Callable[[Runtime], object]], object]


def really(story: Callable[[Runtime], object]) -> object:
    return story(ThreadedRuntime())


def simulated(story: Callable[[Runtime], object]) -> object:
    def told(runtime: SimulatedRuntime) -> object:
        return story(runtime)

    return simulate(told, seed=1)


@pytest.mark.parametrize("world", [really, simulated])
def test_who_waits_at_a_gate_finds_there_what_was_left_before_it_was_opened(world: World) -> None:
    def story(runtime: Runtime) -> object:
        gate = runtime.gate("somebody", "something of")

        def open_it() -> None:
            gate.answer = "here"
            gate.open()

        runtime.spawn("opener", open_it)
        return gate.wait(30.0), gate.answer

    assert world(story) == (True, "here")


@pytest.mark.parametrize("world", [really, simulated])
def test_a_gate_that_was_opened_before_lets_through_at_once(world: World) -> None:
    def story(runtime: Runtime) -> object:
        gate = runtime.gate("somebody", "something of")
        gate.open()
        return gate.wait(0.0)

    assert world(story) is True


@pytest.mark.parametrize("world", [really, simulated])
def test_a_gate_that_stays_shut_is_waited_at_no_longer_than_said(world: World) -> None:
    assert world(lambda runtime: runtime.gate("somebody", "something of").wait(0.001)) is False
