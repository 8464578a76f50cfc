"""How many replies to draft now: what may go out within the hour, or what a person can be asked to look at."""

from collections.abc import Sequence

from domain.calendar import DAY, HOUR
from domain.publishing.caps import Policy

AT_ONCE = 4  # drafts in one run
MOST_WAITING = 6  # replies that wait for a person: more would be stale before anybody reads them
STALE = DAY  # calendar seconds after which a reply that was not sent comes too late


def to_draft(charged: Sequence[float], ready: int, waiting: int, *, asks: bool, policy: Policy, now: float) -> int:
    """How many.

    charged: when replies were published or are to be (calendar seconds). ready, waiting: replies in the queue that
    may go, and that wait for a person. asks: whether a person approves each.
    """
    within_hour = sum(at > now - HOUR for at in charged)
    within_day = sum(at > now - DAY for at in charged)
    room = min(policy.replies_an_hour - within_hour, policy.replies_a_day - within_day) - ready
    if asks:
        room = min(policy.replies_a_day - within_day - ready - waiting, MOST_WAITING - waiting)
    return max(0, min(AT_ONCE, room))


def is_stale(queued_at: float, now: float) -> bool:
    """Whether a reply queued then (calendar seconds) comes too late now."""
    return now - queued_at >= STALE
