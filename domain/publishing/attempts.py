"""What becomes of a post that somebody tried to send and that is not known to be out.

Whether it is definitely not out is the page driver's to say, and whether it was armed the journal's. What is surely
not out and was armed, or may have been, comes again by the very entry that says so; what was never armed stays
claimed, for the next run, until others should go first.
"""

from dataclasses import dataclass
from enum import StrEnum

from domain.calendar import HOUR, MINUTE

TRY_AGAIN_IN = 5 * MINUTE  # calendar seconds
LET_OTHERS_GO = HOUR  # calendar seconds
TRIES = 3  # runs in which a post may fail to be sent before others go first
MOST_CLAIMS = 20  # of one post that could not be sent; then a person has to look at it
MOST_FAILURES = 2  # of the page, one after the other: then it is the page, and not the post


class Cause(StrEnum):
    """What the error is about."""

    POST = "post"  # the site will not have it, or what it answers is gone
    ACCOUNT = "account"  # a session that has expired, or a lock
    PATIENCE = "patience"  # the site asks for it
    PAGE = "page"  # the page, or the way there, failed
    BLOCKED = "blocked"  # the page asked for what is not understood, so it was stopped at the send boundary
    HELD = "held"  # held back at the send boundary, by us


class Intent(StrEnum):
    """How far the intent to send it came."""

    NONE = "none"  # the journal was not asked, or refused
    CLICKED = "clicked"  # the button was about to be pressed, and nothing has come to the send boundary yet
    ASKED = "asked"  # it was asked, and nobody waited for the answer
    ARMED = "armed"
    SHADOW = "shadow"  # in shadow mode it is never asked


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to send a post, and its error.

    definite: it is surely not out. tries: runs before in which it could not be sent. claims: of this post so far.
    failures: of the page in this run, this one included, one after the other. now: calendar seconds.
    """

    cause: Cause
    definite: bool
    why: str
    intent: Intent
    tries: int
    claims: int
    failures: int
    now: float


@dataclass(frozen=True, slots=True)
class OutOfSight:
    """Only id recovery may say whether it is out."""

    why: str


@dataclass(frozen=True, slots=True)
class Over:
    """It is not sent, now or later."""

    why: str


@dataclass(frozen=True, slots=True)
class Again:
    """Back into the queue with it, the same bytes, due at `at`. if_armed: where it turns out that it was armed."""

    why: str
    at: float
    if_armed: bool = False


@dataclass(frozen=True, slots=True)
class StaysClaimed:
    """For the next run. tries: runs in which it could not be sent."""

    tries: int


Fate = OutOfSight | Over | Again | StaysClaimed


def fate(attempt: Attempt) -> Fate:
    """What the attempt makes of the post."""
    if not attempt.definite:
        return OutOfSight(attempt.why)
    if attempt.intent is Intent.SHADOW:
        return Over("shadow mode: everything was done but the sending")
    if attempt.cause is Cause.POST:
        return Over(attempt.why)
    match attempt.intent:
        case Intent.ARMED | Intent.ASKED:
            if_armed = attempt.intent is Intent.ASKED
            return Again(attempt.why, attempt.now + TRY_AGAIN_IN, if_armed)
        case Intent.NONE | Intent.CLICKED if attempt.cause in (Cause.PAGE, Cause.BLOCKED):
            return _unsent(attempt)
    return StaysClaimed(attempt.tries)


def ends_run(attempt: Attempt) -> bool:
    """Whether the run is not to try the next post: it would meet the same."""
    if not attempt.definite:
        return False
    match attempt.cause:
        case Cause.ACCOUNT | Cause.PATIENCE | Cause.BLOCKED:
            return True
        case Cause.PAGE:
            return attempt.failures >= MOST_FAILURES
    return False


def _unsent(attempt: Attempt) -> Over | Again | StaysClaimed:
    tries = attempt.tries + 1
    if tries < TRIES:
        return StaysClaimed(tries)
    if attempt.claims >= MOST_CLAIMS:
        return Over(f"claimed {attempt.claims} times and never sent: {attempt.why}")
    return Again(attempt.why, attempt.now + LET_OTHERS_GO)
