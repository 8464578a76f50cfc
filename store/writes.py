"""What may have to wait in the journal until Postgres is back: writes as values, with a JSON form.

Only what can be applied late, and twice, without harm is here; a claim, for instance, is not, since it must be
checked in Postgres before it is one.
"""

import json
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, get_args

from domain.publishing.states import State
from store.flags import Flag
from store.health import HealthRecord
from store.metrics import Snapshot
from store.runs import Heartbeat, Run
from store.spend import Spend


@dataclass(frozen=True, slots=True)
class PostArmed:
    """The request for the post is about to leave. at: calendar Unix seconds, here and below. token: the claim's.

    to: where this takes the post, by the word of the owner of its claim; so too in the next four.
    """

    to: ClassVar[State] = State.ARMED
    post_id: int
    token: int
    who: str
    at: float


@dataclass(frozen=True, slots=True)
class PostConfirmed:
    """The post is on the site under this id."""

    to: ClassVar[State] = State.CONFIRMED
    post_id: int
    token: int
    site_id: int
    who: str
    at: float
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PostFailed:
    """The post is definitely not on the site. again_at: when it is due again, the same bytes; None: it is over."""

    to: ClassVar[State] = State.FAILED_DEFINITE
    post_id: int
    token: int
    reason: str
    who: str
    at: float
    again_at: float | None = None


@dataclass(frozen=True, slots=True)
class PostLostSight:
    """The post may be on the site or not."""

    to: ClassVar[State] = State.UNKNOWN
    post_id: int
    token: int
    reason: str
    who: str
    at: float


@dataclass(frozen=True, slots=True)
class PostReleased:
    """A claimed, definitely unsent post goes back to the queue."""

    to: ClassVar[State] = State.PLANNED
    post_id: int
    token: int
    reason: str
    who: str
    at: float


@dataclass(frozen=True, slots=True)
class PostNoted:
    """A line for the audit trail: evidence, or what was seen on the way."""

    post_id: int
    event: str
    who: str
    at: float
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AccountStopped:
    """The site refused the account."""

    account: str
    reason: str
    at: float


@dataclass(frozen=True, slots=True)
class OptOut:
    """An author asked not to be answered."""

    author: str
    source: str
    at: float


PostWord = PostConfirmed | PostFailed | PostLostSight | PostReleased  # what an owner says became of a claimed post

Write = (
    PostArmed
    | PostWord
    | PostNoted
    | AccountStopped
    | OptOut
    | Snapshot
    | Run
    | Heartbeat
    | Flag
    | Spend
    | HealthRecord
)

_KINDS: dict[str, type[Any]] = {kind.__name__: kind for kind in get_args(Write)}


@dataclass(frozen=True, slots=True)
class Entry:
    """A write that waits. id: its own, the same at each replay. seq: its place in the order of its journal."""

    seq: int
    id: str
    write: Write


def encode(write: Write) -> tuple[str, str]:
    """The kind of a write and its fields as JSON. Raises TypeError or ValueError on what JSON cannot hold."""
    return type(write).__name__, json.dumps(asdict(write), allow_nan=False, separators=(",", ":"))


def decode(kind: str, fields: str) -> Write:
    """The write that `encode` took apart. Raises ValueError on anything else."""
    if kind not in _KINDS:
        raise ValueError(f"journal entry of an unknown kind {kind!r}; known are {', '.join(sorted(_KINDS))}")
    try:
        write: Write = _KINDS[kind](**json.loads(fields))
    except (TypeError, ValueError) as error:
        raise ValueError(f"journal entry of kind {kind}: {error}") from error
    return write
