"""The runtime for tests: one thread at a time, in virtual time, and the same again for the same seed.

The actors, supervisors and resources that run here are those of production; only the world under them differs.
Each simulated thread is a real one that waits for a baton. At every point where another thread could see or change
something (a lock, a message, a timer, a snapshot on the board) a seeded scheduler chooses who goes on. When nobody
can, the clock jumps to the next timer; when there is none either, that is a deadlock, and the report says who waits
for what. The trace of all this has a hash, which is the same in every process and on every machine.

    def scenario(runtime: SimulatedRuntime) -> None:
        system = System(runtime)
        root = system.start("root", lambda: Supervisor(Flags(), children))
        runtime.sleep(86_400)                     # a day, in seconds of a test's time

    for seed in seeds(20):
        simulate(scenario, seed)                  # a failure names its seed and the command that replays it

What blocks without the runtime's knowledge (a socket, a lock of one's own held over a message) holds the baton; after
`wall_limit` real seconds without a step the simulation fails with the stack that holds it. More: docs/simulation.md.
"""

import hashlib
import os
import random
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from actors.core.scheduler import (
    Deadlock,
    Frozen,
    Livelock,
    ProcessExit,
    Scheduler,
    SimulatedThread,
    SimulationError,
    Switching,
)
from domain.calendar import Anchor

__all__ = [
    "BEGIN",
    "EPOCH",
    "Deadlock",
    "Frozen",
    "Livelock",
    "ProcessExit",
    "SimulatedRuntime",
    "SimulationError",
    "seeds",
    "simulate",
]

T = TypeVar("T")

EPOCH = 1_767_225_600.0  # where wall and calendar begin: 2026-01-01T00:00:00Z
BEGIN = 1_000.0  # where the monotonic clock begins: not 0, which a careless `or` would take for nothing


class _Condition:
    """A condition variable whose lock is never contended: nobody is switched away from while they hold one."""

    __slots__ = ("_about", "_kind", "_waiters", "_world")

    def __init__(self, world: "SimulatedRuntime", about: str, kind: str) -> None:
        self._world = world
        self._about = about
        self._kind = kind
        self._waiters: list[SimulatedThread] = []

    def acquire(self) -> None:
        self._world.switch()
        self._world.held += 1

    def release(self) -> None:
        self._world.held -= 1

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *exc: object) -> None:
        self.release()

    def wait(self, timeout: float | None = None) -> bool:
        world = self._world
        if world.held != 1:
            raise SimulationError(
                f"a wait for {self._kind} {self._about} with another lock held: that one would stay held"
            )
        me = world.running
        me.notified = False
        self._waiters.append(me)
        timer = None if timeout is None else world.wake_at(world.now() + timeout, me)
        world.held = 0
        try:
            world.block(f"{self._kind} {self._about}".strip() or "a condition", for_ever=timeout is None)
        finally:
            world.held = 1
            if timer is not None:
                timer.cancel()
            if not me.notified:
                self._waiters.remove(me)
        return me.notified

    def notify(self, n: int = 1) -> None:
        for _ in range(min(n, len(self._waiters))):
            waiter = self._waiters.pop(0)
            waiter.notified = True
            self._world.ready(waiter)

    def notify_all(self) -> None:
        self.notify(len(self._waiters))


class _Gate:
    """See `Gate`."""

    __slots__ = ("_changed", "_open", "answer")

    def __init__(self, changed: _Condition) -> None:
        self.answer: Any = None
        self._changed = changed
        self._open = False

    def wait(self, timeout: float | None) -> bool:
        with self._changed:
            return self._open or self._changed.wait(timeout)

    def open(self) -> None:
        with self._changed:
            self._open = True
            self._changed.notify_all()


class _Chance(random.Random):
    """A seeded source whose draws are in the trace."""

    def __init__(self, seed: int, note: Callable[..., None], stream: str) -> None:
        super().__init__(seed)
        self._note = note
        self._stream = stream

    def random(self) -> float:
        drawn = super().random()
        self._note("random", self._stream, repr(drawn))
        return drawn

    def getrandbits(self, k: int, /) -> int:
        drawn = super().getrandbits(k)
        self._note("random", self._stream, str(drawn))
        return drawn


class SimulatedRuntime(Scheduler):
    """`actors.core.runtime.Runtime` in virtual time. Whoever makes it is its main thread; close it at the end."""

    observed = True

    def __init__(
        self,
        seed: int,
        speed: float = 1.0,
        wall_limit: float = 10.0,
        begin: float = BEGIN,
        switching: Switching = "at every point",
    ) -> None:
        """speed: of the calendar. wall_limit: real seconds without a step after which the world counts as frozen.

        begin: the monotonic clock's first reading; a world that goes on after another one begins where that ended.
        switching: "at every point" where another thread could see or change something, which is how races are found;
        or only "where blocked", a third of the hand-overs, for long spans that look for no races.
        """
        super().__init__(seed, wall_limit, begin, switching)
        self.seed = seed
        self._anchor = Anchor(real=EPOCH, calendar=EPOCH, speed=speed)
        self._ids = random.Random(f"{seed}/ids")

    def now(self) -> float:
        return self._now

    def wall(self) -> float:
        return EPOCH + self._now - BEGIN

    def calendar(self) -> float:
        return self._anchor.at(self.wall())

    def real_seconds(self, calendar_seconds: float) -> float:
        return self._anchor.real_seconds(calendar_seconds)

    def sleep(self, seconds: float) -> None:
        self.note("sleep")
        if seconds <= 0:
            self.give_way()
            return
        self.wake_at(self._now + seconds, self.running)
        self.block("the end of its sleep", for_ever=False)

    def condition(self, about: str = "", kind: str = "") -> _Condition:
        return _Condition(self, about, kind)

    def gate(self, about: str, kind: str) -> _Gate:
        return _Gate(_Condition(self, about, kind))

    def checkpoint(self, *event: str) -> None:
        if event:
            self.note(*event)
        self.switch()

    def exit(self, why: str) -> None:
        self._fail(ProcessExit(why))

    def spawn(self, name: str, target: Callable[[], None]) -> None:
        self._start(name, target)
        self.switch()

    def random(self, stream: str) -> random.Random:
        digest = hashlib.blake2b(f"{self.seed}/{stream}".encode(), digest_size=8).digest()
        return _Chance(int.from_bytes(digest, "big"), self.note, stream)

    def new_id(self) -> str:
        return f"{self._ids.getrandbits(128):032x}"


def simulate(scenario: Callable[[SimulatedRuntime], T], seed: int, **options: Any) -> T:
    """Run the scenario in a world of its own, as its main thread. A failure says its seed and how to replay it."""
    runtime = SimulatedRuntime(seed, **options)
    try:
        return scenario(runtime)
    except BaseException as error:
        test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
        replay = f"ROOST_SEED={seed} python -m pytest '{test}'" if test else f"ROOST_SEED={seed}"
        error.add_note(f"simulation seed {seed}; replay: {replay}")
        error.add_note("the last events:\n  " + "\n  ".join(runtime.recent_events()[-20:]))
        raise
    finally:
        runtime.close()


def seeds(number: int) -> Iterable[int]:
    """The seeds to try: `number` times ROOST_SEEDS (default 1) of them, or ROOST_SEED alone where that is set."""
    if (one := os.environ.get("ROOST_SEED")) is not None:
        return (int(one),)
    return range(number * int(os.environ.get("ROOST_SEEDS", "1")))
