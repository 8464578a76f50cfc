"""What a post's counts are worth, as one number that can be learned from.

The reward is the logarithm of its engagement rate over an ordinary one, shrunk towards the ordinary while few have
seen it: 0 is as usual, +0.69 twice as good. Tastes multiply (a liked topic in a liked tone), so logarithms add, which
is what the linear models assume. Shrinkage is the posterior mean of a Gamma-Poisson model (Gelman et al., Bayesian
Data Analysis, 3rd ed., section 2.6).
"""

import math
from dataclasses import dataclass

from domain.calendar import MINUTE

USUAL_RATE = 0.05  # worth a view
PRIOR_VIEWS = 50.0
FOLLOWER, REPOST, REPLY, BOOKMARK, LIKE = 8.0, 4.0, 3.0, 2.0, 1.0


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of one post as last scraped. followers_gained: attributed to it, not below 0; age: calendar seconds."""

    views: int
    likes: int
    replies: int
    reposts: int
    bookmarks: int
    followers_gained: float
    age: float


@dataclass(frozen=True, slots=True)
class Gate:
    """How old (calendar seconds) and how much seen a post must be before it teaches anything."""

    min_age: float = 30 * MINUTE
    min_views: int = 10


def past(gate: Gate, counts: Counts) -> bool:
    """Whether the post is old and seen enough to learn from."""
    return counts.age >= gate.min_age and counts.views >= gate.min_views


def engagement(counts: Counts) -> float:
    """What was done with it, in likes."""
    return (
        LIKE * counts.likes
        + REPLY * counts.replies
        + REPOST * counts.reposts
        + BOOKMARK * counts.bookmarks
        + FOLLOWER * max(0.0, counts.followers_gained)
    )


def rate(counts: Counts) -> float:
    """Engagement a view, shrunk towards the usual rate. Always above 0."""
    return (engagement(counts) + PRIOR_VIEWS * USUAL_RATE) / (max(0, counts.views) + PRIOR_VIEWS)


def reward(counts: Counts) -> float:
    """The reward: log(rate / usual rate)."""
    return math.log(rate(counts) / USUAL_RATE)


def certainty(counts: Counts) -> float:
    """How much the reward says, 0 to 1: the share of the rate that is data, not prior. Weighs it in the models."""
    views = max(0, counts.views)
    return views / (views + PRIOR_VIEWS)
