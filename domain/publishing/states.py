"""The life of a post, so that none is lost and none is published twice.

    planned → claimed → armed → confirmed | failed_definite | unknown → reconciled | needs_human

A claimed post is definitely not sent, an armed one may have been: arming is written to the journal before the
request leaves. Everything here follows from that one line. Where Postgres and the journal disagree after a crash, the
one farther along is right (`farther`).
"""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where a post is. The values are what the database and the journal store."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    ARMED = "armed"
    CONFIRMED = "confirmed"
    FAILED_DEFINITE = "failed_definite"
    UNKNOWN = "unknown"
    RECONCILED = "reconciled"
    NEEDS_HUMAN = "needs_human"


class Party(StrEnum):
    """Who moves a post."""

    OWNER = "owner"  # holds the claim (or, to claim, the account's lane)
    RECOVERY = "recovery"  # the start after a crash, and id recovery
    PERSON = "person"  # by the socket or the page


class IllegalMoveError(Exception):
    """A move that the life of a post does not allow: a bug in the caller. Nothing was changed."""


_OWNER, _RECOVERY, _PERSON = Party.OWNER, Party.RECOVERY, Party.PERSON

_MOVES: dict[tuple[State, State], frozenset[Party]] = {
    (State.PLANNED, State.CLAIMED): frozenset({_OWNER}),
    # Withdrawn before it was sent: rejected by a person, or no longer allowed when it was claimed.
    (State.PLANNED, State.FAILED_DEFINITE): frozenset({_OWNER, _PERSON}),
    (State.CLAIMED, State.FAILED_DEFINITE): frozenset({_OWNER}),
    # Given back by its owner, who alone knows that it was not armed.
    (State.CLAIMED, State.PLANNED): frozenset({_OWNER}),
    (State.CLAIMED, State.ARMED): frozenset({_OWNER}),
    # The journal that would tell whether it was armed is gone, or is another owner's.
    (State.CLAIMED, State.UNKNOWN): frozenset({_RECOVERY}),
    (State.ARMED, State.CONFIRMED): frozenset({_OWNER}),
    (State.ARMED, State.FAILED_DEFINITE): frozenset({_OWNER}),
    (State.ARMED, State.UNKNOWN): frozenset({_OWNER, _RECOVERY}),
    # Only a definite negative is tried again, with the same bytes.
    (State.FAILED_DEFINITE, State.PLANNED): frozenset({_OWNER, _PERSON}),
    # Others found its claim over; its owner, cut off until now, knows that it never armed it.
    (State.UNKNOWN, State.PLANNED): frozenset({_OWNER}),
    (State.UNKNOWN, State.RECONCILED): frozenset({_RECOVERY}),
    (State.UNKNOWN, State.NEEDS_HUMAN): frozenset({_RECOVERY}),
    # A page that lagged may show it after all; else a person says what became of it.
    (State.NEEDS_HUMAN, State.RECONCILED): frozenset({_RECOVERY, _PERSON}),
    (State.NEEDS_HUMAN, State.FAILED_DEFINITE): frozenset({_PERSON}),
    (State.NEEDS_HUMAN, State.PLANNED): frozenset({_OWNER, _PERSON}),
}


def moved(state: State, to: State, by: Party) -> State:
    """The state after the move. Raises IllegalMoveError on one that is not allowed, or not to `by`."""
    parties = _MOVES.get((state, to))
    if parties is None:
        ways = ", ".join(sorted(target for source, target in _MOVES if source is state)) or "nowhere"
        raise IllegalMoveError(f"a post cannot go from {state} to {to}; from {state} it goes to {ways}")
    if by not in parties:
        raise IllegalMoveError(f"{by} must not move a post from {state} to {to}; {' or '.join(sorted(parties))} may")
    return to


def is_live(state: State) -> bool:
    """Whether its text counts for uniqueness: everything that did not fail definitely."""
    return state is not State.FAILED_DEFINITE


def may_be_on_site(state: State) -> bool:
    """Whether the request may have left."""
    return state not in (State.PLANNED, State.CLAIMED, State.FAILED_DEFINITE)


@dataclass(frozen=True, slots=True)
class Place:
    """A state as one store has it. attempt: counts the claims of this post, from 0 for never claimed."""

    attempt: int
    state: State


_ALONG = {
    State.PLANNED: 0,
    State.CLAIMED: 1,
    State.ARMED: 2,
    State.UNKNOWN: 3,
    State.NEEDS_HUMAN: 4,
    State.FAILED_DEFINITE: 5,
    State.RECONCILED: 6,
    State.CONFIRMED: 7,
}


def farther(one: Place, other: Place) -> Place:
    """Which of two stores to believe: the later attempt, and within it the state farther along."""
    return max(one, other, key=lambda place: (place.attempt, _ALONG[place.state]))


@dataclass(frozen=True, slots=True)
class Leave:
    """Nothing to do: it is settled, or waits for what it waited for before."""


@dataclass(frozen=True, slots=True)
class PublishAgain:
    """Definitely not sent. Its owner may publish it until `until` (calendar seconds)."""

    until: float


@dataclass(frozen=True, slots=True)
class TakeBack:
    """Definitely not sent, and too late to send under this claim: its owner returns it to planned."""


@dataclass(frozen=True, slots=True)
class AwaitClaimEnd:
    """Another owner may be publishing it. `until`: calendar seconds."""

    until: float


@dataclass(frozen=True, slots=True)
class MakeUnknown:
    """It may have been sent: only id recovery may say."""

    why: str


AfterRestart = Leave | PublishAgain | TakeBack | AwaitClaimEnd | MakeUnknown
