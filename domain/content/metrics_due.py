"""Which posts to scrape next: those nobody has looked at first, then by age, the young ones more often.

Counts grow fast at first and hardly at all after a week, so how old they may get depends on the post's age. A page
that could not be read is tried again as late as if it had been, and behind all others: it must not keep them waiting.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from domain.calendar import DAY, HOUR, MINUTE

# (younger than, scraped again after), calendar seconds. Older posts are scraped once more, then left alone.
BUCKETS = ((HOUR, 15 * MINUTE), (6 * HOUR, HOUR), (DAY, 6 * HOUR), (7 * DAY, DAY))
OLDEST = BUCKETS[-1][0]


@dataclass(frozen=True, slots=True)
class Published:
    """A post on the site. Calendar seconds; last_scraped: None where it has no metrics yet; failed: when its page
    could not be read, if that was after it was last scraped."""

    id: int
    at: float
    last_scraped: float | None
    failed: float | None = None


def due(posts: Iterable[Published], now: float, limit: int) -> tuple[Published, ...]:
    """At most `limit` posts that are due at calendar time `now`, in the order to scrape them."""
    return tuple(sorted((post for post in posts if is_due(post, now)), key=lambda post: _rank(post, now))[:limit])


def is_due(post: Published, now: float) -> bool:
    """Whether the post has no metrics, or its metrics are old for its age, or lack its last look after a week."""
    tried = post.last_scraped if post.failed is None else post.failed
    if tried is None:
        return True
    bucket = bucket_of(now - post.at)
    if bucket < len(BUCKETS):
        return now - tried >= BUCKETS[bucket][1]
    wanted = post.last_scraped is None or post.last_scraped - post.at < OLDEST
    return wanted and (post.failed is None or now - post.failed >= BUCKETS[-1][1])


def bucket_of(age: float) -> int:
    """The number of the age bucket: 0 for under an hour, to 4 for a week and more. age: calendar seconds."""
    return next((number for number, (below, _) in enumerate(BUCKETS) if age < below), len(BUCKETS))


def _rank(post: Published, now: float) -> tuple[bool, bool, int, float, int]:
    last = post.at if post.last_scraped is None else post.last_scraped
    return (post.failed is not None, post.last_scraped is not None, bucket_of(now - post.at), last, post.id)
