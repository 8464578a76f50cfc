"""The simulated audience: what it likes, and what it does with a post as calendar time passes.

Pure, and with no state: the counts of a post are a function of the seed, the post and the time. So the site may be
killed and started again and no count ever goes down, and two runs of one seed see the same audience. Tastes over
topic, format, tone and hour are hidden in the seed and drift slowly, so that a learner has something to find and to
keep up with; `best_possible` is what it is measured against.
"""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from domain.calendar import DAY, HOUR
from social.sandbox.reading import FORMATS, OTHER, TONES, TOPICS, Reading

BASE_RATE = -3.4  # log-odds that a viewer of a middling post reacts at all: about 3 in 100
VIEWS_TAU = 3.0 * HOUR  # a post has been seen by 63 % of those who ever will after this long
REACTION_LAG = 0.8  # reactions trail views: their curve is the views' curve to the power 1 + this
BASE_REACH = 220.0  # viewers whom search and the timeline bring to an account without followers
REACH_PER_FOLLOWER = 0.35
REPLY_REACH = 0.45  # a reply is seen by fewer
MOST_FOLLOW_SHARE = 0.012  # of the viewers of a post that everybody likes


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to post: what a learner chooses. hour: of the calendar day in UTC, 0 to 23."""

    topic: str
    format: str
    tone: str
    hour: int


@dataclass(frozen=True, slots=True)
class Seen:
    """A post as the audience meets it. at: calendar seconds; followers: the author's, when it was posted."""

    id: int
    at: float
    reading: Reading
    followers: int
    is_reply: bool = False


@dataclass(frozen=True, slots=True)
class Tally:
    """What people did with a post. follows: how many followed its author because of it (no page shows that)."""

    views: int = 0
    likes: int = 0
    replies: int = 0
    reposts: int = 0
    bookmarks: int = 0
    follows: int = 0

    def at_least(self, other: "Tally") -> bool:
        """Whether no count is below the other's."""
        return all(getattr(self, name) >= getattr(other, name) for name in self.__slots__)


@dataclass(frozen=True, slots=True)
class Expected:
    """The mean of what a post gets in all, over chance."""

    views: float
    likes: float
    replies: float
    reposts: float
    bookmarks: float
    follows: float

    @property
    def engagement_rate(self) -> float:
        """Reactions (likes, replies, reposts, bookmarks) a view."""
        return (self.likes + self.replies + self.reposts + self.bookmarks) / self.views


def engagement_rate(expected: Expected) -> float:
    """The usual reward: reactions a view."""
    return expected.engagement_rate


def every_arm() -> Iterator[Arm]:
    """All ways to post, in a fixed order."""
    for topic in TOPICS:
        for form in FORMATS:
            for tone in TONES:
                for hour in range(24):
                    yield Arm(topic, form, tone, hour)


@dataclass(frozen=True, slots=True)
class _Taste:
    """A liking in log-odds that swings around its mean. period: calendar seconds; phase: radians."""

    mean: float
    swing: float
    period: float
    phase: float

    def at(self, at: float) -> float:
        return self.mean + self.swing * math.sin(2 * math.pi * at / self.period + self.phase)


class Audience:
    """The audience of one seed. Every method is a pure function of its arguments and the seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        rng = random.Random(f"{seed}:tastes")
        self._topic = {name: _draw_taste(rng, 0.75) for name in TOPICS}
        self._format = {name: _draw_taste(rng, 0.45) for name in FORMATS}
        self._tone = {name: _draw_taste(rng, 0.35) for name in TONES}
        # A pair can be more than its parts: what makes a learner look at combinations.
        self._pair = {(topic, form): _draw_taste(rng, 0.25) for topic in TOPICS for form in FORMATS}
        self._peak_hour = rng.uniform(0.0, 24.0)
        self._totals = lru_cache(maxsize=8192)(self._draw_totals)

    def log_odds(self, reading: Reading, at: float) -> float:
        """The log-odds that a viewer at calendar time `at` (seconds) reacts to such a post."""
        score = BASE_RATE + self._awake(at % DAY / HOUR) * 0.35
        if reading.topic == OTHER:
            score -= 0.8
        else:
            score += self._topic[reading.topic].at(at) + self._pair[reading.topic, reading.format].at(at)
        score += self._format[reading.format].at(at) + self._tone[reading.tone].at(at)
        score -= 0.3 * max(0, reading.hashtags - 1)
        return score - (0.3 if reading.length < 30 else 0.0)

    def expected(self, post: Seen) -> Expected:
        """The mean of what `post` gets in all."""
        odds = self.log_odds(post.reading, post.at)
        react = 1.0 / (1.0 + math.exp(-odds))
        reach = (BASE_REACH + REACH_PER_FOLLOWER * post.followers) * (REPLY_REACH if post.is_reply else 1.0)
        # A liked post travels further, and an hour when people are awake brings more of them.
        views = reach * (0.6 + 8.0 * react) * (1.0 + 0.45 * self._awake(post.at % DAY / HOUR))
        talk = 2.0 if post.reading.format == "question" else 1.0
        keep = 2.0 if post.reading.format == "list" else 1.0
        parts = {"likes": 0.72, "replies": 0.08 * talk, "reposts": 0.12, "bookmarks": 0.08 * keep}
        whole = sum(parts.values())
        reacted = {name: views * react * part / whole for name, part in parts.items()}
        follows = views * MOST_FOLLOW_SHARE * min(1.0, react * 6.0)
        return Expected(
            views, reacted["likes"], reacted["replies"], reacted["reposts"], reacted["bookmarks"], follows
        )

    def expected_of(self, arm: Arm, at: float, followers: int) -> Expected:
        """The mean of what `arm` gets on the calendar day of `at` (seconds), played at the arm's own hour."""
        when = at - at % DAY + (arm.hour + 0.5) * HOUR
        return self.expected(Seen(0, when, Reading(arm.topic, arm.format, arm.tone), followers))

    def best_possible(
        self, at: float, followers: int, value: Callable[[Expected], float] = engagement_rate
    ) -> tuple[Arm, float]:
        """The arm that is best on the day of `at`, and its mean value: nobody can do better but by luck."""
        return max(
            ((arm, value(self.expected_of(arm, at, followers))) for arm in every_arm()), key=lambda pair: pair[1]
        )

    def tally(self, post: Seen, now: float) -> Tally:
        """What `post` has got by calendar time `now`. Never less than it had before."""
        age = now - post.at
        if age <= 0:
            return Tally()
        seen = 1.0 - math.exp(-age / VIEWS_TAU)
        reacted = seen ** (1.0 + REACTION_LAG)
        totals = self._totals(post)
        return Tally(
            views=math.floor(totals.views * seen),
            likes=math.floor(totals.likes * reacted),
            replies=math.floor(totals.replies * reacted),
            reposts=math.floor(totals.reposts * reacted),
            bookmarks=math.floor(totals.bookmarks * reacted),
            follows=math.floor(totals.follows * reacted),
        )

    def _draw_totals(self, post: Seen) -> Tally:
        """What the post will have got in the end: chance is drawn once, from the seed and the id."""
        rng = random.Random(f"{self.seed}:post:{post.id}")
        mean = self.expected(post)
        luck = rng.lognormvariate(-0.5 * 0.35**2, 0.35)  # of mean 1: some posts travel, some do not
        views = max(1, poisson(rng, mean.views * luck))
        scale = views / mean.views

        def some(expected: float) -> int:
            return min(views, poisson(rng, expected * scale))

        return Tally(
            views, some(mean.likes), some(mean.replies), some(mean.reposts), some(mean.bookmarks), some(mean.follows)
        )

    def _awake(self, hour: float) -> float:
        """From -1 (asleep) to 1 (all there)."""
        return math.cos(2 * math.pi * (hour - self._peak_hour) / 24.0)


def _draw_taste(rng: random.Random, spread: float) -> _Taste:
    return _Taste(
        mean=rng.gauss(0.0, spread),
        swing=abs(rng.gauss(0.0, spread * 0.5)),
        period=rng.uniform(20.0, 60.0) * DAY,
        phase=rng.uniform(0.0, 2 * math.pi),
    )


def poisson(rng: random.Random, mean: float) -> int:
    """A Poisson draw: Knuth's product below 30, the rounded normal above (its error is far below the noise)."""
    if mean > 30.0:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, count, product = math.exp(-mean), 0, rng.random()
    while product > limit:
        count += 1
        product *= rng.random()
    return count
