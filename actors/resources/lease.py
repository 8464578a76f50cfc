"""What passes between a resource and those it lends to: the words, and the loan itself.

A loan is the one thing that two threads hold at once: the holder works with the unit, and the resource may end the
loan at any moment. So it has a lock, and an end that is set once.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from actors.core.lifecycle import SystemMessage
from actors.core.runtime import Condition, Runtime
from actors.protocol.resources import LeaseEnded
from actors.resources.usage_counters import Tally
from domain.resources.leases import Lease

if TYPE_CHECKING:
    from actors.resources.lease_broker import Desk

T = TypeVar("T")


class Broken(Exception):
    """From a backend's check: it lives, but what was opened on it is worthless. It is rebuilt at once."""


@dataclass(frozen=True, slots=True)
class Release(SystemMessage):
    """The holder is done, and something was not in order; what is goes to the desk. In the system lane: a unit that
    comes back must not wait behind those who want it.

    fault: what went wrong by the backend's doing, None if nothing did. used: False if it was never tried.
    closed: False if its unit is not closed yet, so that the resource must see to it.
    """

    token: int
    fault: str | None = None
    used: bool = True
    closed: bool = True


@dataclass(frozen=True, slots=True)
class BackendFault:
    """From a backend: something went wrong that it can live with. kind: few and fixed words."""

    build: int
    kind: str


@dataclass(frozen=True, slots=True)
class BackendGone:
    """From a backend: it has noticed its own end. build: which one it is."""

    build: int
    why: str


class Loan(ABC):
    """One lease with its unit. Subclasses know the unit. `fault`: what the backend did wrong, as far as seen.

    token: the lease's fencing token.
    """

    __slots__ = ("ended", "fault", "lease", "lock", "runtime", "token")

    def __init__(self, lease: Lease, runtime: Runtime, lock: Condition | None = None) -> None:
        """lock: one that the loans of a backend share; None: one of its own."""
        self.lease = lease
        self.token = lease.token
        self.runtime = runtime
        self.lock = runtime.condition() if lock is None else lock
        self.ended: LeaseEnded | None = None
        self.fault: str | None = None

    # the holder's side

    @abstractmethod
    def open(self) -> Any:
        """Get the unit ready and return what its holder works with. May block, with an end."""

    @abstractmethod
    def give_back(self) -> bool:
        """Put the unit back, if it was not taken meanwhile. Blocks briefly. Returns False if it is not closed."""

    @abstractmethod
    def is_fault(self, error: BaseException) -> bool:
        """Whether the error is the backend's doing: what the breaker counts."""

    def passes_on(self) -> bool:
        """Whether the unit can go to the next lease as it is, so that it need not be given back: see `pass_on`."""
        return False

    # the resource's side

    def end(self, reason: str) -> None:
        """It is over: the holder learns of it at its next use, or at once where it waits. Does not block."""
        with self.lock:
            if self.ended is not None:
                return
            self.ended = LeaseEnded(reason)
        self.interrupt()

    def interrupt(self) -> None:  # noqa: B027 - most have nothing to do
        """Wake the holder. Quick; nothing to do where closing does it."""

    @abstractmethod
    def close(self) -> None:
        """Close the unit for certain, whatever its holder does. Blocks, with an end; raises if not confirmed."""

    def pass_on(self, now: float) -> None:  # noqa: B027 - as above
        """Leave the unit where the next lease finds it; nothing where it was given back. Called with the desk's lock
        held, while the lease is still in force, so that nobody else has the unit; quick."""

    # both

    def check(self) -> None:
        """Raises LeaseEnded if it is over."""
        if self.ended is not None:
            raise self.ended

    def is_over(self) -> bool:
        """Whether it has been ended."""
        return self.ended is not None

    def left(self) -> float:
        """Seconds until its hold deadline."""
        return max(0.0, self.lease.hold_until - self.runtime.now())


class Backend(Protocol):
    """The thing behind a resource. Everything but `lend` and `taken` may block, always with an end of its own."""

    def open(self) -> str:
        """Get ready, and prove it. Returns a line for people; raises with the reason if it cannot."""

    def check(self) -> str:
        """A sign of life. Returns a line for people, raises if there is none."""

    def close(self) -> None:
        """End it, with all that is lent. May be called twice, from any thread, and while `open` is at work."""

    def lend(self, lease: Lease) -> Loan:
        """A loan of one unit, which the holder opens itself."""

    def taken(self) -> int:
        """Units that are out, by the backend's own count: loans not opened yet, in use, or not closed."""


class Superseded(Exception):
    """A backend that nobody wants any more: a later one is being opened, or its actor has ended."""


Place = tuple[int, int]  # the actor's generation, and the number of the backend among its own: they only grow


class BackendSlot:
    """What outlives a resource's actor: the next incarnation finds the backend here, and closes it.

    A fenced incarnation cleans nothing up, and a forgotten pool or browser would live on beside the new one. So a
    place is claimed before a backend is made, and only the newest claim may leave one here: who rests between closing
    and opening, or opens slowly, finds that it has been overtaken. The counts go on here too, and the desk that was
    last, whose breaker the next takes over.
    """

    def __init__(self) -> None:
        self.tally = Tally()
        self.desk: Desk | None = None
        self._lock = threading.Lock()  # for the next two alone: never held over anything that waits
        self._newest: Place = (0, 0)
        self._backend: list[Backend] = []
        self._kept: Any = None

    def once(self, make: Callable[[], T]) -> T:
        """What a resource keeps besides: made by its first incarnation, for all."""
        if self._kept is None:
            self._kept = make()
        kept: T = self._kept
        return kept

    def claim(self, place: Place) -> None:
        """Whoever has an older place is too late. To be followed by `clear`."""
        with self._lock:
            self._newest = max(self._newest, place)

    def check(self, place: Place) -> None:
        """Raises Superseded where there is a newer claim."""
        with self._lock:
            self._check(place)

    def put(self, place: Place, backend: Backend) -> None:
        """Put one there. Raises Superseded."""
        with self._lock:
            self._check(place)
            self._backend.append(backend)

    def _check(self, place: Place) -> None:
        if place < self._newest:
            raise Superseded("not opened: a later one is, or its actor has ended")

    def clear(self) -> None:
        """Close whatever stands there."""
        while True:
            try:
                backend = self._backend.pop()
            except IndexError:
                return
            backend.close()
