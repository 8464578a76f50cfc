"""The simulated runtime: the same for the same seed, virtual time, deadlocks found, failures that replay."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, get_args

import pytest

from actors.core.base import NO_REPLY, Actor
from actors.core.scheduler import Switching
from actors.core.simulation import Deadlock, Frozen, Livelock, SimulatedRuntime, SimulationError, seeds, simulate
from actors.core.supervision import ChildSpec
from actors.core.system import System
from supervisors.specs import Flags
from supervisors.supervisor import Supervisor


class Gambler(Actor):
    """Tells others, waits, draws and crashes by chance."""

    def on_start(self) -> None:
        self._chance = self.system.runtime.random(self.name)
        self.after(self._chance.uniform(0, 2), "tick")

    def receive(self, message: Any) -> Any:
        match message:
            case "tick":
                self.tell(self._chance.choice(["g0", "g1", "g2"]), self.system.runtime.new_id())
                self.after(self._chance.uniform(0, 2), "tick")
                if self._chance.random() < 0.05:
                    raise ValueError("by chance")
            case "who":
                return self.generation


def gamble(runtime: SimulatedRuntime) -> str:
    system = System(runtime)
    specs = tuple(ChildSpec(id=f"g{number}", start=Gambler) for number in range(3))
    system.start("root", lambda: Supervisor(Flags("one_for_all", intensity=1_000, period=1), specs))
    runtime.sleep(60)
    return runtime.trace()


@pytest.mark.parametrize("switching", get_args(Switching))
def test_the_same_seed_gives_the_same_trace_and_another_seed_another(switching: Switching) -> None:
    first = simulate(gamble, seed=1, switching=switching)
    assert simulate(gamble, seed=1, switching=switching) == first
    assert len({simulate(gamble, seed=seed, switching=switching) for seed in range(5)}) == 5


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_the_trace_is_the_same_in_another_process_with_another_hash_seed(hash_seed: str) -> None:
    here = Path(__file__)
    code = (
        f"import sys; sys.path[:0] = ['.', {str(here.parent)!r}]; import test_simulation as t; print(t.trace_of_3())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=here.parents[2], env=environment, capture_output=True, text=True, check=True
    )
    assert answer.stdout.split() == [trace_of_3()]


def trace_of_3() -> str:
    return simulate(gamble, seed=3)


@pytest.mark.parametrize("switching", get_args(Switching))
def test_a_source_of_chance_outside_the_runtime_shows_in_the_trace(switching: Switching) -> None:
    """The negative control: what is not seeded is noticed."""

    def leaky(runtime: SimulatedRuntime) -> str:
        runtime.sleep(int.from_bytes(os.urandom(8), "big") / 2**64)
        runtime.checkpoint("done")
        return runtime.trace()

    assert simulate(leaky, seed=1, switching=switching) != simulate(leaky, seed=1, switching=switching)


def test_time_is_virtual_and_jumps_to_the_next_timer() -> None:
    def scenario(runtime: SimulatedRuntime) -> None:
        began, wall = runtime.now(), runtime.wall()
        runtime.sleep(86_400 * 365)
        assert runtime.now() - began == 86_400 * 365
        assert runtime.wall() - wall == 86_400 * 365

    simulate(scenario, seed=0)


def test_the_calendar_runs_at_its_speed() -> None:
    def scenario(runtime: SimulatedRuntime) -> None:
        before = runtime.calendar()
        runtime.sleep(10)
        assert runtime.calendar() - before == pytest.approx(600)
        assert runtime.real_seconds(600) == pytest.approx(10)

    simulate(scenario, seed=0, speed=60.0)


def test_a_cancelled_timer_does_not_move_the_clock() -> None:
    def scenario(runtime: SimulatedRuntime) -> None:
        runtime.call_at(runtime.now() + 5, lambda: None)
        runtime.call_at(runtime.now() + 500, lambda: None).cancel()
        began = runtime.now()
        with pytest.raises(Deadlock), (nothing := runtime.condition("nothing")):
            nothing.wait()
        assert runtime.now() - began == 5

    simulate(scenario, seed=0)


def test_timers_fire_in_their_order_and_one_that_is_due_fires_at_once() -> None:
    def scenario(runtime: SimulatedRuntime) -> None:
        fired: list[str] = []
        runtime.call_at(runtime.now() + 2, lambda: fired.append("second"))
        runtime.call_at(runtime.now() + 1, lambda: fired.append("first"))
        runtime.call_at(runtime.now() - 1, lambda: fired.append("due"))
        runtime.settle()
        assert fired == ["due"]
        runtime.sleep(3)
        assert fired == ["due", "first", "second"]

    for seed in seeds(5):
        simulate(scenario, seed)


def test_a_timer_s_failure_leaves_the_other_timers_alone() -> None:
    def scenario(runtime: SimulatedRuntime) -> None:
        fired: list[int] = []
        runtime.call_at(runtime.now() + 1, lambda: 1 / 0)  # type: ignore[arg-type,return-value]
        runtime.call_at(runtime.now() + 2, lambda: fired.append(2))
        runtime.sleep(3)
        assert fired == [2]

    simulate(scenario, seed=0)


class Forwarder(Actor):
    """Asks another in its handler, which no actor should do."""

    def receive(self, message: Any) -> Any:
        return self.system.ask_later(message, self.name).get()


def test_two_who_wait_for_each_other_are_a_deadlock_that_names_them() -> None:
    def scenario(runtime: SimulatedRuntime) -> None:
        system = System(runtime)
        system.start("a", Forwarder)
        system.start("b", Forwarder)
        system.start("ticking", Gambler)  # whose timers would hide it
        system.ask_later("a", "b").get()

    with pytest.raises(Deadlock) as deadlock:
        simulate(scenario, seed=0)
    assert "a#1 waits for an answer of b" in str(deadlock.value)
    assert "b#2 waits for an answer of a" in str(deadlock.value)


def test_nobody_runnable_and_no_timer_is_a_deadlock() -> None:
    def scenario(runtime: SimulatedRuntime) -> None:
        system = System(runtime)
        system.start("silent", Silent)
        system.ask_later("silent", "anybody?").get()

    with pytest.raises(Deadlock, match="main waits for an answer of silent"):
        simulate(scenario, seed=0)


class Silent(Actor):
    """Never answers."""

    def receive(self, message: Any) -> Any:
        return NO_REPLY


def test_threads_that_go_on_without_the_clock_are_a_livelock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.core.scheduler.STEP_LIMIT", 2_000)

    class Restless(Actor):
        def receive(self, message: Any) -> None:
            self.tell_myself(message)

    def scenario(runtime: SimulatedRuntime) -> None:
        system = System(runtime)
        system.start("restless", Restless)
        system.tell("restless", "go")
        runtime.sleep(1)

    with pytest.raises(Livelock, match="the clock stands still"):
        simulate(scenario, seed=0)


def test_a_thread_that_blocks_outside_the_runtime_is_reported_with_its_stack() -> None:
    forever = threading.Event()

    class Stubborn(Actor):
        def receive(self, message: Any) -> None:
            forever.wait()

    def scenario(runtime: SimulatedRuntime) -> None:
        system = System(runtime)
        system.start("stubborn", Stubborn)
        system.ask("stubborn", "block", timeout=1)

    try:
        with pytest.raises(Frozen, match=r"(?s)stubborn#1 has held the baton.*forever\.wait\(\)"):
            simulate(scenario, seed=0, wall_limit=0.2)
    finally:
        forever.set()


def test_a_foreign_thread_is_turned_away() -> None:
    def scenario(runtime: SimulatedRuntime) -> None:
        errors: list[Exception] = []

        def intrude() -> None:
            try:
                runtime.checkpoint("hello")
            except SimulationError as error:
                errors.append(error)

        foreign = threading.Thread(target=intrude)
        foreign.start()
        foreign.join()
        assert "no thread of this simulation" in str(errors[0])

    simulate(scenario, seed=0)


def test_an_error_in_a_thread_of_its_own_reaches_the_test() -> None:
    def scenario(runtime: SimulatedRuntime) -> None:
        runtime.spawn("doomed", lambda: 1 / 0)  # type: ignore[arg-type,return-value]
        runtime.sleep(1)

    with pytest.raises(ZeroDivisionError):
        simulate(scenario, seed=0)


def test_a_failure_says_its_seed_and_how_to_replay_it() -> None:
    def scenario(runtime: SimulatedRuntime) -> None:
        raise AssertionError("wrong")

    with pytest.raises(AssertionError) as failure:
        simulate(scenario, seed=17)
    notes = "\n".join(failure.value.__notes__)
    assert "ROOST_SEED=17 python -m pytest 'tests/actors/test_simulation.py::test_a_failure_says_its_seed" in notes


def test_one_seed_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOST_SEED", "41")
    assert list(seeds(100)) == [41]


def test_some_schedule_finds_a_race_that_needs_one_switch_in_the_right_place() -> None:
    """Two threads read, switch, and write: an update is lost only in some orders."""
    outcomes = {simulate(lost_update, seed) for seed in range(30)}
    assert outcomes == {True, False}


def test_a_world_that_switches_where_blocked_hands_on_nowhere_else() -> None:
    outcomes = {simulate(lost_update, seed, switching="where blocked") for seed in range(30)}
    assert outcomes == {False}


def lost_update(runtime: SimulatedRuntime) -> bool:
    """Whether two threads that add to one number, at once, come to one."""
    box = {"count": 0}

    def add() -> None:
        seen = box["count"]
        runtime.checkpoint("between")
        box["count"] = seen + 1

    runtime.spawn("one", add)
    runtime.spawn("two", add)
    runtime.settle()
    return box["count"] == 1


@pytest.mark.parametrize("switching", get_args(Switching))
def test_who_sleeps_no_time_gives_way_all_the_same(switching: Switching) -> None:
    def scenario(runtime: SimulatedRuntime) -> bool:
        came: list[str] = []
        runtime.spawn("other", lambda: came.append("other"))
        for _ in range(20):
            runtime.sleep(0)
        return bool(came)

    assert simulate(scenario, seed=0, switching=switching)


def test_threads_that_go_on_without_blocking_are_a_livelock_wherever_they_switch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("actors.core.scheduler.STEP_LIMIT", 2_000)

    def restless(runtime: SimulatedRuntime) -> None:
        while True:
            runtime.checkpoint("on and on")

    for switching in get_args(Switching):
        with pytest.raises(Livelock):
            simulate(restless, seed=0, switching=switching)


def test_closing_a_world_ends_its_threads() -> None:
    before = set(threading.enumerate())
    assert simulate(gamble, seed=2)
    assert set(threading.enumerate()) <= before  # others' may end meanwhile
