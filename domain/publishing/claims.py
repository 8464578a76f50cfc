"""Who may publish which post when, without asking anybody.

A claim has an end that owner and others read from their own copies, with a margin on both sides: the owner stops
before it, others begin after it. That makes it safe to publish with the database gone, and to take over from an
owner that may still be alive. All times are calendar seconds.

The margin stands for the difference of two clocks and for a request under way, which both take real time: a caller
whose calendar runs faster than the real clock passes a margin as many times longer.
"""

from dataclasses import dataclass
from typing import Literal

from domain.calendar import HOUR, MINUTE
from domain.publishing.states import State

PostStream = Literal["posts", "replies"]  # each is claimed, capped and published by a job of its own

CLAIM_SECONDS = 6 * HOUR
MARGIN = MINUTE
BATCH = 3
AHEAD = 5 * HOUR


def margin_at(speed: float) -> float:
    """The margin in calendar seconds, where the calendar runs `speed` times as fast as the clock: it is real time."""
    return MARGIN * max(1.0, speed)


def length(margin: float = MARGIN) -> float:
    """Seconds that a claim lasts: six hours, and longer where the margin at its end would leave nothing of them."""
    return max(CLAIM_SECONDS, 4 * margin)


def ahead(margin: float = MARGIN) -> float:
    """How long before it is due (seconds) a post may be claimed, so that an outage finds a batch in the journal.

    A person can no longer take back what is claimed, and what is claimed too early must be given back unsent; so no
    longer than leaves a margin, beyond the one in which nothing is sent, to publish what is due last.
    """
    return min(AHEAD, length(margin) - 2 * margin)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to publish one post, until its end.

    owner: the instance that holds it. token: the lane's fencing token when it was taken. until: calendar seconds.
    watermark: the newest own post id visible before; None where the account had none.
    """

    owner: str
    token: int
    until: float
    watermark: int | None


def may_publish(held: Claim, by: str, now: float, margin: float = MARGIN) -> bool:
    """Whether `by` may arm a post under this claim now: its owner, until the margin before its end."""
    return by == held.owner and now < held.until - margin


def is_over(held: Claim, by: str, now: float, margin: float = MARGIN) -> bool:
    """Whether `by`, who holds the lane, may move a post out of this claim: its owner as soon as it may not publish.

    Others only past the end and the margin, and then only to unknown: whether the owner armed it, its journal knows.
    """
    if by == held.owner:
        return not may_publish(held, by, now, margin)
    return now > held.until + margin


@dataclass(frozen=True, slots=True)
class PublishAgain:
    """Definitely not sent, and its claim lasts."""


@dataclass(frozen=True, slots=True)
class TakeBack:
    """Definitely not sent, and too late to send under this claim: its owner returns it to planned."""


@dataclass(frozen=True, slots=True)
class MakeUnknown:
    """It may have been sent: only id recovery may say."""

    why: str


def after_restart(
    state: State, held: Claim, now: float, *, journal_whole: bool, margin: float = MARGIN
) -> PublishAgain | TakeBack | MakeUnknown:
    """What its owner makes of a claim that Postgres has and the journal does not.

    Roost died between the two, or the file was lost. state: as Postgres has it. journal_whole: False where the
    journal was lost or damaged since the claim; then an armed post reads as claimed.
    """
    if state is not State.CLAIMED:
        return MakeUnknown("it was armed when Roost stopped")
    if not journal_whole:
        return MakeUnknown("it was claimed, and the journal that tells whether it was sent is gone")
    return PublishAgain() if may_publish(held, held.owner, now, margin) else TakeBack()
