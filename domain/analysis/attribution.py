"""Which posts brought the followers: the gains of the series, shared among the posts that were being seen.

Nobody says why they followed. So each gain between two looks at the follower count is shared by exposure: a post's
pull is 1 when it is published and fades by e every twelve hours (exponential decay as in "time-decay attribution",
https://support.google.com/analytics/answer/10596866), a reply's pull is less, and a small constant pull stands for
those who come anyway. What is shared out is exactly what was gained: nothing is counted twice, nothing made up.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from domain.calendar import HOUR

WINDOW = 48 * HOUR
FADE = 12 * HOUR
POST_PULL = 1.0
REPLY_PULL = 0.45  # a reply is seen by fewer
ANYWAY = 0.02  # the pull of no post at all: about that of a post after two days


@dataclass(frozen=True, slots=True)
class Sample:
    """The follower count at calendar time `at` (seconds)."""

    at: float
    followers: int


@dataclass(frozen=True, slots=True)
class Published:
    """A post or reply of ours. at: calendar seconds; pull: above 0."""

    id: int
    at: float
    pull: float = POST_PULL


@dataclass(frozen=True, slots=True)
class Shares:
    """gained: followers by post, 0 for those that brought none. anyway: those of no post. total: the sum of all."""

    gained: Mapping[int, float]
    anyway: float
    total: float


def gains(samples: Iterable[Sample]) -> list[tuple[float, float, int]]:
    """The gains as (from, to, how many), calendar seconds, in order.

    A gain is a rise above all that was there before: a site that shows rounded counts flaps, and a follower lost and
    won back is not won twice. So all gains together are the highest count less the first.
    """
    ordered = sorted(samples, key=lambda sample: sample.at)
    found, highest = [], ordered[0].followers if ordered else 0
    for before, after in pairwise(ordered):
        if after.followers > highest:
            found.append((before.at, after.at, after.followers - highest))
            highest = after.followers
    return found


def attributed(samples: Iterable[Sample], published: Sequence[Published]) -> Shares:
    """The gains of the series shared among the posts whose windows (48 h from publishing) they overlap."""
    ordered = sorted(published, key=lambda post: (post.at, post.id))
    times = [post.at for post in ordered]
    gained = dict.fromkeys((post.id for post in ordered), 0.0)
    anyway, total = 0.0, 0
    for start, end, count in gains(samples):
        total += count
        near = ordered[bisect_left(times, start - WINDOW) : bisect_left(times, end)]
        pulls = [(post.id, exposure(post, start, end)) for post in near]
        base = ANYWAY * (end - start)
        whole = base + math.fsum(pull for _, pull in pulls)
        if whole <= 0.0:  # two looks at the same moment
            anyway += count
            continue
        for post_id, pull in pulls:
            gained[post_id] += count * pull / whole
        anyway += count * base / whole
    return Shares(gained, anyway, float(total))


def exposure(post: Published, start: float, end: float) -> float:
    """The post's pull summed from `start` to `end` (calendar seconds): the integral of pull · e^(-age / fade)."""
    since, until = max(start, post.at) - post.at, min(end, post.at + WINDOW) - post.at
    if until <= since:
        return 0.0
    return post.pull * FADE * (math.exp(-since / FADE) - math.exp(-until / FADE))


def conversion(followers: float, views: int) -> float | None:
    """Followers a view; None where nobody is known to have seen it."""
    return followers / views if views > 0 else None
