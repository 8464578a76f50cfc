"""What a resource can be told, what a holder can run into, and how a resource looks on the board."""

from dataclasses import dataclass

from actors.core.board import Board, Key
from actors.core.sender import Asker, Teller
from domain.resources.levels import RESOURCES


class LeaseError(Exception):
    """Anything about leases that a holder can run into."""


class LeaseRefused(LeaseError):
    """There is no unit. The text says what happened, why and what to do; `cause` is a short fixed word for it."""

    def __init__(self, reason: str, cause: str) -> None:
        super().__init__(reason)
        self.cause = cause


class LeaseEnded(LeaseError):
    """The lease was taken while its holder worked: past its deadline, the holder fenced, or the backend gone."""


class LeaseOrder(LeaseError):
    """A mistake of the caller's: this order of asking can deadlock, so it is refused."""


@dataclass(frozen=True, slots=True)
class Revoke:
    """By the operator: take this lease. Answer: whether it was in force."""

    token: int
    reason: str


@dataclass(frozen=True, slots=True)
class ListLeases:
    """What is lent, and to whom. Answer: `LeaseList`."""


@dataclass(frozen=True, slots=True)
class LeaseInfo:
    """One lease in force. held, left: seconds since its grant, and until its hold deadline."""

    token: int
    resource: str
    holder: str
    job: str
    category: str
    held: float
    left: float


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """One request that waits. left: seconds until its wait deadline."""

    resource: str
    holder: str
    job: str
    priority: int
    category: str
    left: float


@dataclass(frozen=True, slots=True)
class LeaseList:
    """Of one resource: oldest lease first, requests in the order of their rank."""

    leases: tuple[LeaseInfo, ...]
    waiting: tuple[RequestInfo, ...]


@dataclass(frozen=True, slots=True)
class Resize:
    """Lend at most so many units from now on (never more than configured)."""

    units: int


@dataclass(frozen=True, slots=True)
class Renew:
    """Open a new backend in place of the old, if that has been used for a while and nobody uses it now.

    That is no illness, and is not told as one. why: one line.
    """

    why: str


@dataclass(frozen=True, slots=True)
class Rebuild:
    """Close everything and open it anew. rest_seconds: between the two."""

    why: str
    rest_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Recycle:
    """To the browser: open a new one, to have the old one's memory back. A publish under way has its time first."""

    why: str


@dataclass(frozen=True, slots=True)
class Check:
    """Probe the backend now."""


@dataclass(frozen=True, slots=True)
class SetBreaker:
    """By the operator. state: "open", "closed" (both forced), or "auto" (as new)."""

    state: str
    reason: str = "by the operator"


@dataclass(frozen=True, slots=True)
class JobUse:
    """One job's use of one resource since the boot. waited, held: seconds in all."""

    job: str
    granted: int = 0
    refused: int = 0
    revoked: int = 0
    warned: int = 0
    waited: float = 0.0
    held: float = 0.0


@dataclass(frozen=True, slots=True)
class ResourceState:
    """What hangs on the board under a resource's name.

    state: "opening", "up" or "down". healthy: up, answering, and its breaker not open. Units and counts as in
    `domain.resources.leases.Statistics`. builds: times the backend was opened. faults: counts by kind, as the backend
    names them. breaker: its state; breaker_retry_at: monotonic seconds. limit: units configured, of which memory may
    allow fewer (`capacity`). budgets: what else is limited, with the share of it that is used, 0 to 1.
    """

    name: str
    state: str
    healthy: bool
    detail: str
    limit: int
    capacity: int
    in_use: int
    idle: int
    waiting: int
    quarantined: int
    by_job: tuple[tuple[str, int], ...]
    longest_wait: float
    granted: int
    ended: int
    revoked: int
    refused: int
    ended_by: tuple[tuple[str, int], ...]
    refused_by: tuple[tuple[str, int], ...]
    jobs: tuple[JobUse, ...]
    builds: int
    faults: tuple[tuple[str, int], ...]
    breaker: str
    breaker_retry_at: float | None
    breaker_opened_times: int
    breaker_overdue: float
    budgets: tuple[tuple[str, float], ...] = ()


def resource(name: str) -> Key[ResourceState | None]:
    """Where it hangs: under its name."""
    return Key(name, None)


def resources(board: Board) -> dict[str, ResourceState]:
    """Those that have said a word, by name."""
    states = ((name, board[resource(name)]) for name in RESOURCES)
    return {name: state for name, state in states if state is not None}


def is_well(board: Board, name: str) -> bool:
    """Up and answering, a moment ago. False before its first word."""
    state = board[resource(name)]
    return state is not None and state.healthy


def check(by: Teller, name: str) -> bool:
    """Probe the backend of this resource now."""
    return by.tell(name, Check())


def rebuild(by: Teller, name: str, why: str, rest_seconds: float = 0.0) -> bool:
    """Close all of this resource and open it anew, `rest_seconds` later."""
    return by.tell(name, Rebuild(why, rest_seconds))


def set_breaker(by: Teller, name: str, state: str, reason: str) -> bool:
    """As `SetBreaker`: hold it open or closed, or let it be."""
    return by.tell(name, SetBreaker(state, reason))


def resize_browser(by: Teller, units: int) -> bool:
    """Lend at most so many contexts."""
    return by.tell("browser", Resize(units))


def recycle_browser(by: Teller, why: str) -> bool:
    """Have its memory back, as `Recycle` has it."""
    return by.tell("browser", Recycle(why))


def renew_browser(by: Teller, why: str) -> bool:
    """A new one for a used one that nobody uses now."""
    return by.tell("browser", Renew(why))


def list_leases(by: Asker, name: str, timeout: float) -> LeaseList:
    """What of this resource is lent, and who waits."""
    found: LeaseList = by.ask(name, ListLeases(), timeout)
    return found


def revoke(by: Asker, name: str, token: int, reason: str, timeout: float) -> bool:
    """Take a lease of this resource. Returns whether it was in force."""
    return bool(by.ask(name, Revoke(token, reason), timeout))
