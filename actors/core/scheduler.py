"""Who goes on, and when: the scheduler under `actors/core/simulation.py`.

Simulated threads are real ones that wait for a baton; whoever holds it chooses, by the seed, to whom it goes next,
and moves the clock to the next timer when nobody can go on. Nothing of actors is known here: conditions, chance and
the rest of the runtime's seam stand on `switch`, `block`, `ready` and `wake_at`.
"""

import hashlib
import heapq
import logging
import random
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable
from itertools import count
from threading import get_ident
from typing import Literal

from actors.core.runtime import RuntimeEnds

log = logging.getLogger("roost.simulation")

REMEMBERED_EVENTS = 60
HASHED_AT_ONCE = 500
STEP_LIMIT = 500_000
ANSWER = "an answer of "  # what one waits for whom an actor owes an answer (`actors.core.future`)

Switching = Literal["at every point", "where blocked"]


class SimulationError(Exception):
    """The simulated world itself came to an end; the text says why."""


class Deadlock(SimulationError):
    """Nobody can go on, and no timer will change that. The text says who waits for what."""


class Livelock(SimulationError):
    """They go on and on and the clock stands still, which in production burns a whole core."""


class Frozen(SimulationError):
    """A thread holds the baton and waits for something real. The text has its stack."""


class ProcessExit(SimulationError):
    """`Runtime.exit` was called: in production the process would have ended."""


class SimulatedThread:
    """A simulated thread. It runs only while it holds the baton."""

    __slots__ = ("baton", "done", "ident", "name", "notified", "real", "waits_for", "waits_for_ever")

    def __init__(self, name: str, baton: threading.Lock) -> None:
        """baton: taken; of the real thread that it runs on."""
        self.name = name
        self.baton = baton
        self.real: threading.Thread | None = None
        self.ident: int | None = None
        self.waits_for: str | None = None  # None: it can go on
        self.waits_for_ever = False
        self.notified = False
        self.done = False


class _Worker:
    """A real thread that serves one simulated thread after the other: to start one costs more than all its steps."""

    __slots__ = ("_work", "baton", "real")

    def __init__(self) -> None:
        self.baton = _taken_lock()
        self._work: Callable[[], bool] | None = None
        self.real = threading.Thread(target=self._serve, name="simulation", daemon=True)
        self.real.start()

    def do(self, work: Callable[[], bool]) -> None:
        """Begin with it as soon as it is given the baton: woken before, it would wait twice. It returns whether more
        may come."""
        self._work = work

    def end(self) -> None:
        """No more comes."""
        self._work = None
        self.baton.release()
        self.real.join()

    def _serve(self) -> None:
        while True:
            self.baton.acquire()
            work, self._work = self._work, None
            if work is None or not work():
                return
            del work  # while it waits it keeps nobody alive


def _taken_lock() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


class SimulatedTimer:
    """An entry of the heap: a thread to wake, or a callback for the timers' thread. Cancelled ones stay, emptied."""

    __slots__ = ("action",)

    def __init__(self, action: "SimulatedThread | Callable[[], None]") -> None:
        self.action: SimulatedThread | Callable[[], None] | None = action

    def cancel(self) -> None:
        self.action = None

    def run(self) -> None:
        """As the timers' thread does, unless it was cancelled meanwhile."""
        if callable(self.action):
            self.action()


class Scheduler:
    """One world's threads and timers. Whoever makes it is its main thread; close it at the end."""

    def __init__(self, seed: int, wall_limit: float, begin: float, switching: Switching) -> None:
        """wall_limit: real seconds without a step after which the world counts as frozen. begin: where the clock
        begins. switching: where another thread may go on; see `SimulatedRuntime`."""
        self.held = 0  # locks held by the running thread
        self.steps = 0  # how often a thread came to a point where another could go on
        self._steps_limit = STEP_LIMIT  # so many may there be before the clock moves
        self._wall_limit = wall_limit
        self._at_every_point = switching == "at every point"
        self._now = begin
        self._picker = random.Random(f"{seed}/scheduler")
        self._heap: list[tuple[float, int, SimulatedTimer]] = []
        self._order = count()
        self._main = self.running = SimulatedThread("main", _taken_lock())
        self._main.ident = get_ident()
        self._ready: list[SimulatedThread] = [self._main]
        self._threads: list[SimulatedThread] = []
        self._idle: list[_Worker] = []
        self._due: deque[Callable[[], None]] = deque()
        self._timers: SimulatedThread | None = None
        self._settling = False
        self._failure: BaseException | None = None
        self._over = False
        self._hash = hashlib.blake2b(digest_size=16)
        self._unhashed: list[str] = []  # many at a time: each call of the hash costs more than what it hashes
        self._recent: deque[str] = deque(maxlen=REMEMBERED_EVENTS)
        self._stamp = repr(begin)

    # for tests

    def settle(self) -> None:
        """Let the others go on until none can without the clock moving."""
        self._settling = True
        self.block("the others to settle", for_ever=False)

    def trace(self) -> str:
        """The hash of all that has happened so far, 32 hexadecimal digits: the same for a seed and a scenario."""
        self._hash_what_came()
        return self._hash.copy().hexdigest()

    def recent_events(self) -> list[str]:
        """The last events of the trace, oldest first."""
        return list(self._recent)

    def waiting(self) -> list[str]:
        """Who waits for what, one line a thread."""
        threads = [self._main, *self._threads]
        return [f"{thread.name} waits for {thread.waits_for}" for thread in threads if thread.waits_for is not None]

    def close(self) -> None:
        """End every thread of this world, one after the other. Only the main thread may."""
        self._over = True
        for thread in self._threads:
            if not thread.done and thread.real is not None:
                thread.baton.release()
                thread.real.join(self._wall_limit)
        while self._idle:
            self._idle.pop().end()

    # all that follows runs in the thread that holds the baton

    def note(self, *event: str) -> None:
        """Put an event into the trace."""
        line = f"{self._stamp} {self.running.name}: {' '.join(event)}"
        self._recent.append(line)
        self._unhashed.append(line)
        if len(self._unhashed) >= HASHED_AT_ONCE:
            self._hash_what_came()

    def _hash_what_came(self) -> None:
        self._hash.update("".join(self._unhashed).encode())
        self._unhashed.clear()

    def ready(self, thread: SimulatedThread) -> None:
        """It can go on."""
        if thread.waits_for is not None:
            thread.waits_for = None
            self._ready.append(thread)

    def wake_at(self, when: float, thread: SimulatedThread) -> SimulatedTimer:
        """Have it go on at the latest then."""
        return self._set(when, thread)

    def call_at(self, when: float, callback: Callable[[], None]) -> SimulatedTimer:
        """Have the timers' thread call it then."""
        if when > self._now:
            return self._set(when, callback)
        timer = SimulatedTimer(callback)
        self._due.append(timer.run)
        self._ready_timers()
        return timer

    def _set(self, when: float, action: SimulatedThread | Callable[[], None]) -> SimulatedTimer:
        timer = SimulatedTimer(action)
        heapq.heappush(self._heap, (when, next(self._order), timer))
        return timer

    def switch(self) -> None:
        """A point where another thread could go on first: perhaps it does. Not while a lock is held."""
        self.steps += 1
        if self._over or get_ident() != self.running.ident or self.steps > self._steps_limit:
            self._look_what_is_wrong()
        if self.held == 0 and (self._failure is not None or (self._at_every_point and len(self._ready) > 1)):
            self._hand_on(self.running)

    def give_way(self) -> None:
        """Perhaps let another thread go on first, however seldom this world switches."""
        self.switch()
        if self.held == 0 and not self._at_every_point and len(self._ready) > 1:
            self._hand_on(self.running)

    def _look_what_is_wrong(self) -> None:
        if self._over or get_ident() != self.running.ident:
            self._stranger()
        if self._failure is None:
            here = "\n  ".join(self.recent_events()[-10:])
            self._failure = Livelock(f"{STEP_LIMIT} steps, and the clock stands still:\n  {here}")

    def block(self, what: str, for_ever: bool) -> None:
        """Let the others go on until something readies me."""
        if self._over or get_ident() != self.running.ident:
            self._stranger()
        me = self.running
        me.waits_for, me.waits_for_ever = what, for_ever
        self._ready.remove(me)
        if for_ever:
            self._look_for_a_circle(me)
        self._hand_on(me)

    def _hand_on(self, me: SimulatedThread) -> None:
        chosen = self._choose()
        if chosen is me:
            self._wake_up(me)
            return
        self.running = chosen
        self._unhashed.append(chosen.name)
        chosen.baton.release()
        if me.done:
            return
        if me is self._main:
            self._await_baton_in_main()
        else:
            me.baton.acquire()
        self._wake_up(me)

    def _wake_up(self, me: SimulatedThread) -> None:
        if self._over and me is not self._main:
            raise RuntimeEnds
        if self._failure is not None and me is self._main:
            failure, self._failure = self._failure, None
            raise failure

    def _choose(self) -> SimulatedThread:
        if self._failure is None and not self._ready:
            self._move_on()
        if self._failure is not None:
            self.ready(self._main)
            return self._main
        if len(self._ready) == 1:
            return self._ready[0]
        return self._ready[int(self._picker.random() * len(self._ready))]

    def _move_on(self) -> None:
        """Nobody can go on at this instant: ready the main thread if it waits for that, else move the clock."""
        if self._settling:
            self._settling = False
            self.ready(self._main)
            return
        while self._heap and not self._ready:
            when = self._heap[0][0]
            while self._heap and self._heap[0][0] <= when:
                timer = heapq.heappop(self._heap)[2]
                if timer.action is None:
                    continue
                self._now, self._stamp, self._steps_limit = when, repr(when), self.steps + STEP_LIMIT
                if isinstance(timer.action, SimulatedThread):
                    self.ready(timer.action)
                else:
                    self._due.append(timer.run)
            if self._due:
                self._ready_timers()
        if not self._ready:
            self._failure = Deadlock("nobody can go on, and no timer is set:\n  " + "\n  ".join(self.waiting()))

    def _ready_timers(self) -> None:
        if self._timers is None:
            self._timers = self._start("timers", self._run_timers)
        else:
            self.ready(self._timers)

    def _run_timers(self) -> None:
        while True:
            while self._due:
                callback = self._due.popleft()
                self.note("timer")
                try:
                    callback()
                except Exception:
                    log.exception("a timer's callback failed; the other timers go on")
            self.block("the next timer", for_ever=False)

    def _start(self, name: str, target: Callable[[], None]) -> SimulatedThread:
        worker = self._idle.pop() if self._idle else _Worker()
        thread = SimulatedThread(name, worker.baton)
        self._threads = (
            [other for other in self._threads if not other.done] if len(self._threads) > 64 else self._threads
        )
        self._threads.append(thread)
        thread.real = worker.real
        worker.do(lambda: self._run(thread, target, worker))
        self._ready.append(thread)
        self.note("spawn", name)
        return thread

    def _run(self, thread: SimulatedThread, target: Callable[[], None], worker: _Worker) -> bool:
        """A simulated thread's life, from its first baton on. Returns whether its worker is kept for another one."""
        thread.ident = get_ident()
        worker.real.name = thread.name
        try:
            if not self._over:
                target()
        except RuntimeEnds:
            pass
        except BaseException as error:  # noqa: BLE001 - it travels to the main thread
            if not self._over:
                self._failure = error
        thread.done = True
        if self._over or self.running is not thread:
            return False
        self.held = 0
        self._ready.remove(thread)
        self._idle.append(worker)
        self._hand_on(thread)
        return True

    def _fail(self, error: BaseException) -> None:
        """End the simulation with this error: it is raised in the main thread."""
        self._failure = error
        self.held = 0
        self.switch()

    def _stranger(self) -> None:
        if self._over:
            raise RuntimeEnds
        raise SimulationError(
            f"{threading.current_thread().name} is no thread of this simulation, or has lost its baton to it; "
            "threads come from the runtime's spawn()"
        )

    def _await_baton_in_main(self) -> None:
        steps = self.steps
        while not self._main.baton.acquire(timeout=self._wall_limit):
            if self.steps == steps:
                holder = self.running
                frame = sys._current_frames().get(holder.ident or 0)
                stack = "".join(traceback.format_stack(frame)) if frame is not None else "(gone)"
                self._over = True
                self.running = self._main
                raise Frozen(
                    f"{holder.name} has held the baton for {self._wall_limit:g} s, outside the runtime:\n{stack}"
                )
            steps = self.steps

    def _look_for_a_circle(self, me: SimulatedThread) -> None:
        """A circle of threads that wait for each other's answers for ever is a deadlock, whatever the timers."""
        if not me.waits_for or not me.waits_for.startswith(ANSWER):
            return
        by_answer = {ANSWER + thread.name.partition("#")[0]: thread for thread in self._threads if not thread.done}
        path, thread = [me], by_answer.get(me.waits_for or "")
        while thread is not None and thread.waits_for is not None and thread.waits_for_ever:
            path.append(thread)
            if thread is me:
                lines = [f"{one.name} waits for {one.waits_for}" for one in path[:-1]]
                self._failure = Deadlock("they wait for each other, for ever:\n  " + "\n  ".join(lines))
                return
            if len(path) > len(by_answer):
                return
            thread = by_answer.get(thread.waits_for)
