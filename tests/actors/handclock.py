"""Real threads in a time that only the test moves: nothing waits for the machine, nothing depends on its speed.

`Hands.advance(seconds)` fires what falls due, one after another, and lets the threads come to rest in between.
"""

import heapq
import random
import threading
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Any

PATIENCE = 20.0  # real seconds for the threads to come to rest; reached only by a bug


class _Waiter:
    __slots__ = ("counted", "ready", "timed_out", "turn")

    def __init__(self, counted: bool) -> None:
        self.turn = threading.Semaphore(0)
        self.ready = self.timed_out = False
        self.counted = counted


class _Timer:
    __slots__ = ("callback", "order", "when")

    def __init__(self, when: float, order: int, callback: Callable[[], None]) -> None:
        self.when, self.order = when, order
        self.callback: Callable[[], None] | None = callback

    def __lt__(self, other: "_Timer") -> bool:
        return (self.when, self.order) < (other.when, other.order)

    def cancel(self) -> None:
        self.callback = None


class _Condition:
    def __init__(self, hands: "Hands") -> None:
        self._hands, self._lock, self._waiters = hands, threading.Lock(), deque[_Waiter]()

    def __enter__(self) -> Any:
        return self._lock.acquire()

    def __exit__(self, *exc: Any) -> None:
        self._lock.release()

    def wait(self, timeout: float | None = None) -> bool:
        waiter = _Waiter(self._hands.is_worker())
        self._waiters.append(waiter)
        timer = None
        if timeout is not None and (waiter.counted or timeout <= 0):
            timer = self._hands.call_at(self._hands.now() + max(0.0, timeout), lambda: self._time_out(waiter))
        self._lock.release()
        try:
            if waiter.counted:
                self._hands.busy(-1)
            if timeout is not None and timeout <= 0:
                self._time_out(waiter)
            if not waiter.turn.acquire(timeout=None if waiter.counted else PATIENCE):
                raise AssertionError("the test waited for an answer that needs time to pass; use advance()")
        finally:
            self._lock.acquire()
        if timer is not None:
            timer.cancel()
        return not waiter.timed_out

    def _wake(self, waiter: _Waiter) -> None:
        if not waiter.ready:
            waiter.ready = True
            if waiter.counted:
                self._hands.busy(1)
            waiter.turn.release()

    def _time_out(self, waiter: _Waiter) -> None:
        with self._lock:
            if not waiter.ready:
                waiter.timed_out = True
                if waiter in self._waiters:
                    self._waiters.remove(waiter)
                self._wake(waiter)

    def notify(self, n: int = 1) -> None:
        for _ in range(min(n, len(self._waiters))):
            self._wake(self._waiters.popleft())

    def notify_all(self) -> None:
        self.notify(len(self._waiters))


class Hands:
    """A `Runtime` whose clock the test moves. speed: calendar seconds per second."""

    def __init__(self, speed: float = 1.0, start: float = 1_700_000_000.0) -> None:
        self._now, self._start, self._speed = 1000.0, start, speed
        self._timers: list[_Timer] = []
        self._order, self._ids = count(), count(1)
        self._guard = threading.Lock()
        self._rest = threading.Condition(threading.Lock())
        self._busy = 0
        self._worker = threading.local()

    # the runtime

    def now(self) -> float:
        return self._now

    def wall(self) -> float:
        return self._start + self._now - 1000.0

    def calendar(self) -> float:
        return self._start + (self._now - 1000.0) * self._speed

    def real_seconds(self, calendar_seconds: float) -> float:
        return calendar_seconds / self._speed

    def sleep(self, seconds: float) -> None:
        condition = self.condition()
        with condition:
            condition.wait(seconds)

    def condition(self, about: str = "") -> Any:
        return _Condition(self)

    def checkpoint(self, *event: str) -> None:
        pass

    def exit(self, why: str) -> None:
        raise AssertionError(f"the process would end: {why}")

    def spawn(self, name: str, target: Callable[[], None]) -> None:
        self.busy(1)

        def life() -> None:
            self._worker.yes = True
            try:
                target()
            finally:
                self.busy(-1)

        threading.Thread(target=life, name=name, daemon=True).start()

    def call_at(self, when: float, callback: Callable[[], None]) -> _Timer:
        timer = _Timer(when, next(self._order), callback)
        with self._guard:
            heapq.heappush(self._timers, timer)
        return timer

    def random(self, stream: str) -> random.Random:
        return random.Random(stream)

    def new_id(self) -> str:
        return f"{next(self._ids):032x}"

    # the hands

    def is_worker(self) -> bool:
        return getattr(self._worker, "yes", False)

    def busy(self, change: int) -> None:
        with self._rest:
            self._busy += change
            if self._busy == 0:
                self._rest.notify_all()

    def settle(self) -> None:
        """Return when every thread waits for something."""
        with self._rest:
            if not self._rest.wait_for(lambda: self._busy == 0, PATIENCE):
                raise AssertionError(f"{self._busy} thread(s) did not come to rest")

    def advance(self, seconds: float) -> None:
        """Let so much time pass, with all that falls due in it."""
        until = self._now + seconds
        self.settle()
        while True:
            with self._guard:
                while self._timers and self._timers[0].callback is None:
                    heapq.heappop(self._timers)
                if not self._timers or self._timers[0].when > until:
                    break
                timer = heapq.heappop(self._timers)
            self._now = max(self._now, timer.when)
            if timer.callback is not None:
                timer.callback()
            self.settle()
        self._now = until
