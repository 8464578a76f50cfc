"""The same on real threads, under real concurrency: nothing lost, nothing doubled, nothing left behind."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from actors.core.base import Actor
from actors.core.future import ActorDead, Future
from actors.core.runtime import IDLE, ThreadedRuntime
from actors.core.supervision import ChildSpec, CountChildren, StartChild
from actors.core.system import System
from supervisors.dynamic import DynamicSupervisor
from supervisors.specs import Flags
from supervisors.supervisor import Supervisor, supervisor_spec

SUPERVISORS, CHILDREN, CRASHES, DRIVERS = 20, 50, 10_000, 4
BEARS_ALL = {"intensity": 1_000_000, "period": 1}


class Crasher(Actor):
    """Counts its lives, and crashes when told to."""

    lives: Counter[str]

    def __init__(self, lives: Counter[str], lock: threading.Lock) -> None:
        super().__init__()
        self._lives, self._lock = lives, lock

    def on_start(self) -> None:
        with self._lock:
            self._lives[self.name] += 1

    def receive(self, message: Any) -> Any:
        if message == "crash":
            raise ValueError("as told")
        return self.generation


@pytest.fixture
def system() -> Iterator[System]:
    before = set(threading.enumerate())
    system = System(ThreadedRuntime())
    yield system
    for thread in set(threading.enumerate()) - before:
        deadline = system.runtime.now() + 20
        while thread.is_alive() and thread.name not in ("timers", IDLE) and system.runtime.now() < deadline:
            thread.join(0.01)
        assert not thread.is_alive() or thread.name in ("timers", IDLE), f"{thread.name} was left behind"


def in_threads(number: int, work: Callable[[int], None]) -> None:
    """Run it in so many threads at once; raise what any of them raised."""
    outcomes = []
    runtime = ThreadedRuntime()
    for index in range(number):
        outcome = Future(runtime)
        outcomes.append(outcome)

        def run(index: int = index, outcome: Future = outcome) -> None:
            try:
                work(index)
            except BaseException as error:  # noqa: BLE001 - it is raised below
                outcome.fail(error)
            else:
                outcome.set(None)

        threading.Thread(target=run, name=f"driver{index}", daemon=True).start()
    for outcome in outcomes:
        outcome.get(60)


def answering(system: System, name: str) -> int:
    """Ask until it answers, as whoever must have an answer does."""
    deadline = system.runtime.now() + 30
    while system.runtime.now() < deadline:
        try:
            generation: int = system.ask(name, "who", timeout=30)
            return generation
        except ActorDead:
            system.directory.wait_for(name, newer_than=0, timeout=5)
    raise AssertionError(f"{name} does not come back")


def test_a_thousand_actors_survive_ten_thousand_crashes(system: System) -> None:
    lives: Counter[str] = Counter()
    lock = threading.Lock()
    names = [f"c{s}.{c}" for s in range(SUPERVISORS) for c in range(CHILDREN)]
    inner = [
        supervisor_spec(
            f"s{s}",
            Flags(**BEARS_ALL),  # type: ignore[arg-type]
            [ChildSpec(id=f"c{s}.{c}", start=lambda: Crasher(lives, lock)) for c in range(CHILDREN)],
        )
        for s in range(SUPERVISORS)
    ]
    root = system.start("root", lambda: Supervisor(Flags(), inner), timeout=None)
    assert lives == Counter(dict.fromkeys(names, 1))

    def drive(driver: int) -> None:
        for round in range(CRASHES // DRIVERS):
            name = names[(round * DRIVERS + driver) * 7 % len(names)]
            system.tell(name, "crash")
            if round % 5 == 0:
                answering(system, name)

    in_threads(DRIVERS, drive)
    generations = [answering(system, name) for name in names]

    assert len(set(generations)) == len(names)  # each lives, once
    assert [system.ask(f"s{s}", CountChildren(), timeout=30).active for s in range(SUPERVISORS)] == [50] * SUPERVISORS
    restarts = sum(lives.values()) - len(names)
    shown = [number for s in range(SUPERVISORS) for *_, number in system.board.get(f"supervisor:s{s}").restarts]
    assert sum(shown) == restarts
    crashes_that_met_nobody = system.dead_letters["no such actor"] + system.dead_letters["dead"]
    assert restarts <= CRASHES <= restarts + crashes_that_met_nobody
    assert len(system.directory.registrations()) == len(names) + SUPERVISORS + 1
    alive = Counter(thread.name for thread in threading.enumerate())
    assert all(alive[f"{name}#{generation}"] == 1 for name, generation in zip(names, generations, strict=True))

    system.stop_and_wait(root, None)
    assert system.directory.registrations() == []
    assert system.zombies() == []


def test_dynamic_children_by_the_thousand_come_and_go(system: System) -> None:
    lives: Counter[str] = Counter()
    lock = threading.Lock()
    runs = system.start("runs", lambda: DynamicSupervisor(Flags(**BEARS_ALL)), timeout=None)  # type: ignore[arg-type]

    def drive(driver: int) -> None:
        for number in range(250):
            name = f"run{driver}.{number}"
            spec = ChildSpec(id=name, start=lambda: Crasher(lives, lock), restart="temporary")
            system.ask("runs", StartChild(spec), timeout=30)
            system.tell(name, "crash")

    in_threads(DRIVERS, drive)
    assert sum(lives.values()) == 1000
    for number in range(250):
        for driver in range(DRIVERS):
            actor = system.directory.whereis(f"run{driver}.{number}")
            if actor is not None:
                actor.ended.get(30)
    while system.ask("runs", CountChildren(), timeout=30).specs:
        pass  # its last messages are still on their way to it
    system.stop_and_wait(runs, None)
    assert system.directory.registrations() == []


def test_asks_never_hang_while_their_actor_dies_again_and_again(system: System) -> None:
    lives: Counter[str] = Counter()
    lock = threading.Lock()
    spec = ChildSpec(id="a", start=lambda: Crasher(lives, lock))
    root = system.start("root", lambda: Supervisor(Flags(**BEARS_ALL), [spec]), timeout=None)  # type: ignore[arg-type]

    def drive(driver: int) -> None:
        for number in range(300):
            if number % 3 == driver % 3:
                system.tell("a", "crash")
            try:
                system.ask("a", "who", timeout=30)
            except ActorDead:
                assert system.directory.wait_for("a", newer_than=0, timeout=30) is not None

    in_threads(DRIVERS, drive)
    assert answering(system, "a") > 0
    system.stop_and_wait(root, None)
