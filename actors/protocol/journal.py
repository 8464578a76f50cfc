"""What the journal's actor can be told and asked."""

from dataclasses import dataclass
from typing import Any

from actors.core.board import Key
from actors.core.sender import Teller
from store.journal import Kept, Statistics
from store.posts import Post
from store.writes import Entry, PostWord, Write

OPT_OUTS = "opt_outs"  # the key of what is remembered of Postgres: the authors, in lower case


@dataclass(frozen=True, slots=True)
class Keep:
    """Copy these claims."""

    posts: tuple[Post, ...]


@dataclass(frozen=True, slots=True)
class GetClaims:
    """What is claimed, and what became of it lately. The answer is `Claims`."""


@dataclass(frozen=True, slots=True)
class Claims:
    """kept: in the order of publishing. broken_at: since when (calendar) the journal knows all there is to know."""

    kept: tuple[Kept, ...]
    broken_at: float


@dataclass(frozen=True, slots=True)
class Arm:
    """`run` is about to send the post. The answer is Armed, after the intent is on the disk, or NotArmed."""

    post: Post
    run: str


@dataclass(frozen=True, slots=True)
class Record:
    """What became of a claimed post, as Postgres will be told. The answer: whether that was news.

    attempt: how often the post was claimed by then. armed_by: only where this run has armed it and has not said more.
    """

    word: PostWord
    attempt: int
    armed_by: str | None = None


@dataclass(frozen=True, slots=True)
class Forget:
    """Postgres has this claim no more, and is told nothing. The answer: whether its copy was here, unsent."""

    post: Post


@dataclass(frozen=True, slots=True)
class Append:
    """Writes for Postgres, each with an id of its own, for the outbox. The answer: how many were new."""

    entries: tuple[tuple[str, Write], ...]


@dataclass(frozen=True, slots=True)
class GetWaiting:
    """The oldest entries of the outbox, in order."""

    limit: int = 100


@dataclass(frozen=True, slots=True)
class Replayed:
    """Postgres has these entries."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetAside:
    """Postgres will never take this entry; it is kept beside, and those behind it go on."""

    entry: Entry
    why: str


@dataclass(frozen=True, slots=True)
class Remember:
    """Keep a JSON value for when Postgres is away."""

    key: str
    value: Any


@dataclass(frozen=True, slots=True)
class Recall:
    """What was last kept under that key: Cached or None."""

    key: str


@dataclass(frozen=True, slots=True)
class JournalState:
    """On the board under "journal". detail: one line."""

    healthy: bool
    detail: str
    statistics: Statistics | None


JOURNAL: Key[JournalState | None] = Key("journal", None)


# What actors tell it, who wait for nothing; what runs and people ask of it is in `actors/account/journal.py`.


def remember_later(by: Teller, key: str, value: Any) -> bool:
    """Keep a JSON value, when the journal comes to it."""
    return by.tell("journal", Remember(key, value))


def append_later(by: Teller, entries: tuple[tuple[str, Write], ...]) -> bool:
    """Writes for Postgres, each under an id of its own, when the journal comes to them."""
    return by.tell("journal", Append(entries))
