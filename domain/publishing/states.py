"""The life of a post, so that none is lost and none is published twice.

    planned → claimed → armed → confirmed | failed_definite | unknown → reconciled | needs_human

A claimed post is definitely not sent, an armed one may have been: arming is written to the journal before the
request leaves. Everything here follows from that one line. Both stores, Postgres and the journal, ask this table at
every move. It is also what orders their words: a word that comes late, or twice, is one for which there is no move
from where the post is by now.
"""

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

    LANE = "lane"  # holds the account's lane: it alone claims, and withdraws what it must not claim
    OWNER = "owner"  # holds the claim; or held it, and brings its word late
    RECOVERY = "recovery"  # whoever was not there: the end of another's claim, a restored backup, id recovery
    PERSON = "person"  # by the socket or the page


class IllegalMoveError(Exception):
    """A move that the life of a post does not allow: a bug in the caller. Nothing was changed."""


_LANE, _OWNER, _RECOVERY, _PERSON = Party.LANE, Party.OWNER, Party.RECOVERY, Party.PERSON

_MOVES: dict[tuple[State, State], frozenset[Party]] = {
    (State.PLANNED, State.CLAIMED): frozenset({_LANE}),
    # Withdrawn before it was claimed: rejected by a person, its author opted out, or its text is out already.
    (State.PLANNED, State.FAILED_DEFINITE): frozenset({_LANE, _PERSON}),
    # In a restored backup: it may have been claimed and sent since.
    (State.PLANNED, State.UNKNOWN): frozenset({_RECOVERY}),
    (State.CLAIMED, State.FAILED_DEFINITE): frozenset({_OWNER}),
    # Given back by its owner, who alone knows that it was not armed.
    (State.CLAIMED, State.PLANNED): frozenset({_OWNER}),
    (State.CLAIMED, State.ARMED): frozenset({_OWNER}),
    # The journal that would tell whether it was armed is gone, or is another owner's, or its word of that got lost.
    (State.CLAIMED, State.UNKNOWN): frozenset({_OWNER, _RECOVERY}),
    (State.ARMED, State.FAILED_DEFINITE): frozenset({_OWNER}),
    (State.ARMED, State.UNKNOWN): frozenset({_OWNER, _RECOVERY}),
    # Only a definite negative is tried again, with the same bytes.
    (State.FAILED_DEFINITE, State.PLANNED): frozenset({_OWNER, _PERSON}),
    # Others found its claim over; its owner, cut off until now, knows that it never armed it,
    (State.UNKNOWN, State.PLANNED): frozenset({_OWNER}),
    # or that the site refused it.
    (State.UNKNOWN, State.FAILED_DEFINITE): frozenset({_OWNER}),
    (State.UNKNOWN, State.RECONCILED): frozenset({_RECOVERY}),
    (State.UNKNOWN, State.NEEDS_HUMAN): frozenset({_RECOVERY}),
    # A page that lagged may show it after all; else a person says what became of it, or its owner who was cut off.
    (State.NEEDS_HUMAN, State.RECONCILED): frozenset({_RECOVERY, _PERSON}),
    (State.NEEDS_HUMAN, State.FAILED_DEFINITE): frozenset({_OWNER, _PERSON}),
    (State.NEEDS_HUMAN, State.PLANNED): frozenset({_OWNER, _PERSON}),
    # That a post is on the site is a fact, whatever was believed of it meanwhile: it must never be sent again. So the
    # word of whoever sent it counts also where the post was given back, failed or claimed anew before it came.
    (State.PLANNED, State.CONFIRMED): frozenset({_OWNER}),
    (State.CLAIMED, State.CONFIRMED): frozenset({_OWNER}),
    (State.ARMED, State.CONFIRMED): frozenset({_OWNER}),
    (State.UNKNOWN, State.CONFIRMED): frozenset({_OWNER}),
    (State.NEEDS_HUMAN, State.CONFIRMED): frozenset({_OWNER}),
    (State.FAILED_DEFINITE, State.CONFIRMED): frozenset({_OWNER}),
}


def may_move(state: State, to: State, by: Party) -> bool:
    """Whether the life of a post allows this move, to `by`."""
    return by in _MOVES.get((state, to), ())


def moved(state: State, to: State, by: Party) -> State:
    """The state after the move. Raises IllegalMoveError on one that is not allowed, or not to `by`."""
    parties = _MOVES.get((state, to))
    if parties is None:
        ways = ", ".join(sorted(target for source, target in _MOVES if source is state)) or "nowhere"
        raise IllegalMoveError(f"a post cannot go from {state} to {to}; from {state} it goes to {ways}")
    if by not in parties:
        raise IllegalMoveError(f"{by} must not move a post from {state} to {to}; {' or '.join(sorted(parties))} may")
    return to


def may_be_on_site(state: State) -> bool:
    """Whether the request may have left."""
    return state not in (State.PLANNED, State.CLAIMED, State.FAILED_DEFINITE)
