"""What became of one post, from the counts that were scraped of it as it aged.

The counts are a few looks at a curve that rises fast and flattens. So posts are compared by what does not depend on
when somebody looked: a rate a view, and the views an hour over the same first hours.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.calendar import HOUR, MINUTE
from domain.learning.rewards import Counts, Gate, engagement, past, reward

EARLY = 3 * HOUR
YOUNGEST = MINUTE  # what is younger counts as this old, or a velocity would be a division by next to nothing
AS_EXPECTED = 0.35  # of a reward from its prediction: 40 % more or 30 % less engagement a view


@dataclass(frozen=True, slots=True)
class Look:
    """The counts of a post at calendar time `at` (seconds)."""

    at: float
    views: int
    likes: int
    replies: int
    reposts: int
    bookmarks: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """taken_at: of the newest counts; age: of the post then (calendar seconds). engagement: in likes, see `rewards`.

    rate: engagement a view, 0 without views. velocity: views an hour in the first three. reward: as `rewards.reward`.
    surprise: the reward less the predicted one; None without a prediction, or before the post is past the gate.
    """

    taken_at: float
    age: float
    views: int
    engagement: float
    rate: float
    velocity: float
    reward: float
    surprise: float | None

    @property
    def verdict(self) -> str:
        """Against the prediction, in a word or two."""
        if self.surprise is None:
            return "open"
        if abs(self.surprise) <= AS_EXPECTED:
            return "as expected"
        return "above" if self.surprise > 0 else "below"


def judged(
    published_at: float, looks: Sequence[Look], predicted: float | None, followers_gained: float, gate: Gate
) -> Outcome | None:
    """The outcome of a post; None where nobody has looked at it since it was published.

    looks: in any order. predicted: its reward, as when it was planned. followers_gained: attributed to it so far.
    """
    ordered = sorted((look for look in looks if look.at >= published_at), key=lambda look: look.at)
    if not ordered:
        return None
    last = ordered[-1]
    counts = Counts(
        views=last.views,
        likes=last.likes,
        replies=last.replies,
        reposts=last.reposts,
        bookmarks=last.bookmarks,
        followers_gained=followers_gained,
        age=last.at - published_at,
    )
    worth, earned = engagement(counts), reward(counts)
    return Outcome(
        taken_at=last.at,
        age=counts.age,
        views=last.views,
        engagement=worth,
        rate=worth / last.views if last.views > 0 else 0.0,
        velocity=velocity(published_at, ordered),
        reward=earned,
        surprise=earned - predicted if predicted is not None and past(gate, counts) else None,
    )


def velocity(published_at: float, looks: Sequence[Look]) -> float:
    """Views an hour over the first three hours, or over its life if that is shorter. looks: oldest first.

    Between two looks the views are taken to rise in a straight line.
    """
    span = min(EARLY, max(YOUNGEST, looks[-1].at - published_at))
    before_at, before = published_at, 0
    for look in looks:
        if look.at - published_at >= span:
            share = (published_at + span - before_at) / (look.at - before_at) if look.at > before_at else 1.0
            return (before + share * (look.views - before)) / (span / HOUR)
        before_at, before = look.at, look.views
    return before / (span / HOUR)
