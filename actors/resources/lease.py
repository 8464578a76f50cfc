"""What passes between a resource and its holders: the messages of a lease, and the lease itself.

    holder                                resource actor
      │ Request ─────────────────────────▶ breaker, ledger
      │ ◀──────────────── Lease, or LeaseRefused: now, or when its turn or its deadline has come
      │ open, use, give back              (deadline, revocation, the holder's death: `Lease.end`)
      │ Release(token) ─────────────────▶ ledger, and on to who is next

A lease is the one thing that two threads hold at once: the holder works with the unit, and the resource may end the
lease at any moment. So it has a lock of its own, and an end that is set once. The books are the actor's alone.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol

from actors.core.lifecycle import SystemMessage
from actors.core.runtime import Condition, Runtime
from actors.protocol.resources import LeaseEnded
from domain.resources.leases import Lease as LeaseTerms
from domain.resources.leases import value


class Broken(Exception):
    """From a backend's check: it lives, but what was opened on it is worthless. It is rebuilt at once."""


@value
class Release(SystemMessage):
    """The holder is done. In the system lane: a unit that comes back must not wait behind those who want it.

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


class Lease(ABC):
    """One lease with its unit. Subclasses know the unit.

    terms: who may use it until when, as the ledger wrote it down. token: its fencing token. backend: whose unit it
    is. fault: what the backend did wrong, as far as seen. ended: set once it was taken.
    """

    __slots__ = ("backend", "ended", "fault", "lock", "runtime", "terms", "token")

    def __init__(
        self, terms: LeaseTerms, backend: "Backend", runtime: Runtime, lock: Condition | None = None
    ) -> None:
        """lock: one that the leases of a backend share; None: one of its own."""
        self.terms = terms
        self.token = terms.token
        self.backend = backend
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

    def pass_on(self) -> bool:
        """Leave the unit where the next lease finds it, if it can go there as it is. Returns whether it did; else it
        is given back. Quick."""
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
        return max(0.0, self.terms.hold_until - self.runtime.now())


class Backend(Protocol):
    """The thing behind a resource. `open`, `check` and `close` may block, always with an end of their own.

    leases: by token, those whose units are out: granted, and neither back nor closed for certain.
    """

    leases: dict[int, Any]

    def open(self) -> str:
        """Get ready, and prove it. Returns a line for people; raises with the reason if it cannot."""

    def check(self) -> str:
        """A sign of life. Returns a line for people, raises if there is none."""

    def close(self) -> None:
        """End it, with all that is lent. May be called twice, from any thread, and while `open` is at work."""

    def lend(self, terms: LeaseTerms) -> Lease:
        """A lease of one unit, which the holder opens itself. It is in `leases` from now on."""

    def taken(self) -> int:
        """Units that are out, by the backend's own count: leases not opened yet, in use, or not closed."""
