"""Time, threads, chance and ids: all that an actor takes from the world comes through here.

That is one seam, so that the very same actors run on real threads in production and, one at a time and in virtual
time, in a simulation (`actors/core/simulation.py`). Nothing above this file calls `time`, `threading` or `random`
itself; the linter refuses it.

Two clocks: `now()` is monotonic and real, for deadlines and time-outs; `calendar()` is what schedules go by, and may
run faster than the world.
"""

import contextvars
import heapq
import logging
import os
import random
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Any, Protocol

from domain.calendar import Anchor

log = logging.getLogger("roost.runtime")

EXIT_CODE = 70  # EX_SOFTWARE
GIVE_WAY_SECONDS = 0.0002  # a thread that waits on an idle core runs 50 to 100 us after it was woken
LONGEST_WAIT = threading.TIMEOUT_MAX
IDLE = "idle"  # the name of a thread that waits for the next actor
MOST_IDLE = 4
IDLE_SECONDS = 10.0
IDS_AT_ONCE = 64


class RuntimeEnds(BaseException):
    """The runtime itself ends this thread. Never caught for good: no actor outlives its world."""


class Condition(Protocol):
    """What we use of `threading.Condition`."""

    def acquire(self) -> Any: ...
    def release(self) -> None: ...
    def __enter__(self) -> Any: ...
    def __exit__(self, *exc: Any) -> Any: ...
    def wait(self, timeout: float | None = None) -> bool: ...
    def notify(self, n: int = 1) -> None: ...
    def notify_all(self) -> None: ...


class Gate(Protocol):
    """Where one thread waits for one thing to happen once: the least that can be waited with.

    answer: what is left there for it before the gate is opened.
    """

    answer: Any

    def wait(self, timeout: float | None) -> bool:
        """Wait until it is open, at most so many seconds (None: as long as it takes). Returns whether it is.

        Called once.
        """

    def open(self) -> None:
        """Let the waiting thread through, be it here already or not. Called at most once."""


class Timer(Protocol):
    """A callback that is due once."""

    def cancel(self) -> None:
        """Forget it. After it has fired this does nothing."""


class Runtime(Protocol):
    """The world as actors see it. observed: whether `checkpoint` does anything."""

    observed: bool

    def now(self) -> float:
        """Monotonic seconds. For deadlines, leases, time-outs, breakers, watchdogs."""

    def wall(self) -> float:
        """Real Unix seconds that never go back. For time stamps that other machines read."""

    def calendar(self) -> float:
        """Calendar Unix seconds (scaled by SPEED, never going back). For schedules, ages, caps, retention."""

    def real_seconds(self, calendar_seconds: float) -> float:
        """How many real seconds a span of the calendar takes."""

    def sleep(self, seconds: float) -> None:
        """Block the calling thread. Runs may; a handler never does."""

    def give_way(self) -> None:
        """Let those who were woken a moment ago run first: what comes next is long, and nobody waits for it."""

    def condition(self, about: str = "", kind: str = "") -> Condition:
        """A condition variable with a lock of its own, not re-entrant.

        kind, about: what one waits for there ("an answer of", "database"), for reports.
        """

    def gate(self, about: str, kind: str) -> Gate:
        """A gate, shut. kind, about: as for a condition."""

    def checkpoint(self, *event: str) -> None:
        """Something happens that another thread can see. A simulation may switch to another thread here.

        event: what its trace says of it; without one it is not worth a line.
        """

    def exit(self, why: str) -> None:
        """End the process at once, non-zero: what is left cannot be mended from within."""

    def spawn(self, name: str, target: Callable[[], None]) -> None:
        """Run `target` in a thread of its own that does not keep the process alive."""

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Call `callback` at the monotonic time `when`. It must be quick, such as a tell."""

    def random(self, stream: str) -> random.Random:
        """The source of chance named `stream`: seeded, and independent of all the others."""

    def new_id(self) -> str:
        """An id that no other call has returned: 32 hexadecimal digits."""


class ThreadedRuntime:
    """The real world: threads, the machine's clock, real chance."""

    observed = False

    def __init__(self, anchor: Anchor | None = None) -> None:
        """anchor: where the calendar stands. None: the calendar is the real time."""
        self._wall_offset = time.time() - time.monotonic()
        self._anchor = anchor or Anchor(real=self.wall(), calendar=self.wall(), speed=1.0)
        self._threads = _Threads()
        self._timers = _Timers(self)
        self._ids: list[str] = []

    now = staticmethod(time.monotonic)  # without a call in between: it is read several times a message

    def wall(self) -> float:
        return time.monotonic() + self._wall_offset

    def calendar(self) -> float:
        return self._anchor.at(self.wall())

    def real_seconds(self, calendar_seconds: float) -> float:
        return self._anchor.real_seconds(calendar_seconds)

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds))

    def give_way(self) -> None:
        time.sleep(GIVE_WAY_SECONDS)

    def condition(self, about: str = "", kind: str = "") -> Condition:
        return _Condition()

    def gate(self, about: str, kind: str) -> Gate:
        return _Gate()

    def checkpoint(self, *event: str) -> None:
        pass

    def exit(self, why: str) -> None:
        log.critical("%s; the process ends, for the container to start it again", why)
        logging.shutdown()
        os._exit(EXIT_CODE)

    def spawn(self, name: str, target: Callable[[], None]) -> None:
        self._threads.run(name, target)

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        return self._timers.add(when, callback)

    def random(self, stream: str) -> random.Random:
        return random.Random()

    def new_id(self) -> str:
        while True:
            try:
                return self._ids.pop()
            except IndexError:
                # Many at a time: each call of the kernel gives the interpreter to another thread.
                chance = os.urandom(16 * IDS_AT_ONCE).hex()
                self._ids += [chance[at : at + 32] for at in range(0, len(chance), 32)]


class _Threads:
    """Runs things in threads of their own, and keeps a few that have done so for the next.

    Starting a thread is half of what a restart costs, and the thread that a crash sets free is there when the
    replacement wants one.
    """

    def __init__(self) -> None:
        self._idle: list[_Worker] = []
        self._lock = threading.Lock()

    def run(self, name: str, target: Callable[[], None]) -> None:
        with self._lock:
            worker = self._idle.pop() if self._idle else None
        if worker is None:
            worker = _Worker()
            thread = threading.Thread(target=self._serve, args=(worker,), name=name, daemon=True)
            worker.begin(name, target)
            thread.start()
        else:
            worker.begin(name, target)

    def _serve(self, worker: "_Worker") -> None:
        worker.wake.acquire()
        while True:
            threading.current_thread().name = worker.name
            try:
                # in a context of its own, as a new thread would have
                contextvars.Context().run(worker.target)
            finally:
                threading.current_thread().name = IDLE
            worker.target = _nothing
            with self._lock:
                if len(self._idle) >= MOST_IDLE:
                    return
                self._idle.append(worker)
            if not worker.wake.acquire(timeout=IDLE_SECONDS):
                with self._lock:
                    if worker in self._idle:
                        self._idle.remove(worker)
                        return
                worker.wake.acquire()  # it was taken in that very moment


class _Worker:
    """A thread's next thing to run."""

    __slots__ = ("name", "target", "wake")

    def __init__(self) -> None:
        self.wake = threading.Lock()
        self.wake.acquire()
        self.name = ""
        self.target: Callable[[], None] = _nothing

    def begin(self, name: str, target: Callable[[], None]) -> None:
        self.name, self.target = name, target
        self.wake.release()


def _nothing() -> None:
    """What an idle thread runs."""


class _Condition:
    """`threading.Condition` without its checks: they were a third of what a message costs."""

    __slots__ = ("_waiters", "acquire", "release")

    def __init__(self) -> None:
        lock = threading.Lock()
        self.acquire = lock.acquire
        self.release = lock.release
        self._waiters: list[threading.Lock] = []

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *exc: object) -> None:
        self.release()

    def wait(self, timeout: float | None = None) -> bool:
        waiter = threading.Lock()
        waiter.acquire()
        self._waiters.append(waiter)
        self.release()
        notified = False
        try:
            notified = (
                waiter.acquire() if timeout is None else waiter.acquire(True, min(max(timeout, 0.0), LONGEST_WAIT))
            )
        finally:
            self.acquire()
            if not notified and waiter in self._waiters:
                self._waiters.remove(waiter)
        return notified

    def notify(self, n: int = 1) -> None:
        waiters = self._waiters
        while n > 0 and waiters:
            waiters.pop(0).release()
            n -= 1

    def notify_all(self) -> None:
        if self._waiters:
            self.notify(len(self._waiters))


class _Gate:
    """A lock that is taken as it is made, and released once."""

    __slots__ = ("_shut", "answer", "open")

    def __init__(self) -> None:
        self.answer: Any = None
        shut = self._shut = threading.Lock()
        shut.acquire()
        self.open = shut.release

    def wait(self, timeout: float | None) -> bool:
        return (
            self._shut.acquire()
            if timeout is None
            else self._shut.acquire(True, min(max(timeout, 0.0), LONGEST_WAIT))
        )


class _Scheduled:
    """One entry of the timer heap. Cancelling leaves it in the heap, without its callback."""

    __slots__ = ("callback",)

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class _Timers:
    """One thread for all timers of a process. It is there from the beginning: a timer never fails for want of it."""

    def __init__(self, runtime: ThreadedRuntime) -> None:
        self._runtime = runtime
        self._heap: list[tuple[float, int, _Scheduled]] = []
        self._order = count()
        self._changed = _Condition()
        runtime.spawn("timers", self._loop)

    def add(self, when: float, callback: Callable[[], None]) -> _Scheduled:
        entry = _Scheduled(callback)
        with self._changed:
            heapq.heappush(self._heap, (when, next(self._order), entry))
            if self._heap[0][2] is entry:
                self._changed.notify()
        return entry

    def _loop(self) -> None:
        while True:
            callback = self._next_due()
            try:
                callback()
            except BaseException:
                # A timer belongs to whoever set it; the thread belongs to all.
                log.exception("a timer's callback failed; the other timers go on")

    def _next_due(self) -> Callable[[], None]:
        heap = self._heap
        with self._changed:
            while True:
                wait = heap[0][0] - self._runtime.now() if heap else None
                if wait is not None and (wait <= 0 or heap[0][2].callback is None):
                    callback = heapq.heappop(heap)[2].callback
                    if callback is not None:
                        return callback
                else:
                    self._changed.wait(wait)
