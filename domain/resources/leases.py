"""Leases: the words between a ledger and those who ask it for units.

A request gets exactly one answer, `Granted` or `Refused`. A lease ends exactly once, by `Ended` (its holder gave it
back) or by `Revoke` (it was taken). They are separate types so that a grant without a token cannot be written down.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar, dataclass_transform

from domain.resources.reserves import LOWEST_PRIORITY

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def value(cls: type[T]) -> type[T]:
    """A frozen slotted dataclass, which only the type checker enforces: for what is made anew for every lease, since
    a dataclass that is frozen at run time takes three times as long to make."""
    return dataclass(slots=True, unsafe_hash=True)(cls)


class Cause(StrEnum):
    """Why a request was refused or a lease taken: few and fixed, so that they can label a metric."""

    WAIT_DEADLINE = "wait deadline"
    HOLD_DEADLINE = "hold deadline"
    HOLDER_DIED = "holder died"
    BUDGET = "budget"
    CATEGORY = "category"
    DRAINING = "draining"
    CANCELLED = "cancelled"
    REVOKED = "revoked"


@value
class Request:
    """A wish for one unit: the message to its resource. Answer: the lease, or why there is none; it waits for it.

    request_id: unique for the life of the ledger. holder: the run's name. priority: 0 (critical) to 10 (background).
    wait_until: monotonic seconds, after which it is refused; in the past it means "now or never". hold_seconds: how
    long the lease may last. Raises ValueError on a priority or hold that makes no sense.
    """

    request_id: str
    holder: str
    job: str
    priority: int
    category: str
    wait_until: float
    hold_seconds: float

    def __post_init__(self) -> None:
        if not 0 <= self.priority <= LOWEST_PRIORITY:
            raise ValueError(f"job {self.job!r}: priority {self.priority} is not between 0 and {LOWEST_PRIORITY}")
        if self.hold_seconds <= 0:
            raise ValueError(f"job {self.job!r}: a hold of {self.hold_seconds} s is no hold; give more than 0")


@dataclass(frozen=True, slots=True)
class NextUse:
    """When a job will ask next: not before `at` (monotonic seconds). A time that has passed means at any moment."""

    job: str
    priority: int
    category: str
    at: float


@value
class Lease:
    """The right to use one unit until `hold_until` (monotonic seconds), under a token larger than all before it."""

    token: int
    unit: int
    request: Request
    granted_at: float
    hold_until: float


@value
class Granted:
    """The unit is the requester's. waited: seconds."""

    lease: Lease
    waited: float


@dataclass(frozen=True, slots=True)
class Refused:
    """There is no unit for this request. reason: what happened, why and what to do. waited: seconds."""

    request: Request
    cause: Cause
    reason: str
    waited: float


@dataclass(frozen=True, slots=True)
class Warned:
    """The hold nears its end: tell people, since its holder is at work and hears nothing. left: seconds."""

    lease: Lease
    left: float


@value
class Ended:
    """Its holder gave the lease back. held: seconds."""

    lease: Lease
    held: float


@dataclass(frozen=True, slots=True)
class Revoke:
    """The lease is over and its token worthless. Close the unit, then report `closed`: until then nobody gets it."""

    lease: Lease
    cause: Cause
    reason: str
    held: float


@dataclass(frozen=True, slots=True)
class Stale:
    """A report about a lease that is over already, or never was; nothing changed."""

    token: int


@dataclass(frozen=True, slots=True)
class Drift:
    """The backend has more units taken than the ledger knows of: something took one past the ledger, or leaked it."""

    backend: int
    ledger: int


@dataclass(frozen=True, slots=True)
class Drained:
    """Draining, and the last unit has come back."""


Decision = Granted | Refused | Warned | Ended | Revoke | Stale | Drift | Drained


@dataclass(frozen=True, slots=True)
class Statistics:
    """A ledger at one moment.

    `in_use + quarantined + idle` is `capacity`, or more while a shrunk pool waits for units in use.
    by_job: units in use by job, most first. longest_wait: seconds that the oldest waiting request has waited.
    granted, ended, revoked, refused: counts since the ledger began; granted = ended + revoked + in_use.
    """

    capacity: int
    in_use: int
    idle: int
    waiting: int
    quarantined: int
    draining: bool
    by_job: tuple[tuple[str, int], ...]
    longest_wait: float
    granted: int
    ended: int
    revoked: int
    refused: int
