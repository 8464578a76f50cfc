"""Where the evidence would have the knobs. How far they go at once is `knobs`' to say.

Each target is a formula over the outcomes of the last weeks, and comes with the numbers it was made from.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from domain.analysis.knobs import FLOOR, POSTS_A_DAY, Target, hour_weight
from domain.content.topics import BUCKETS, bucket_of

LEAST = 12  # posts, before anything is concluded
LEAST_IN_HOUR = 3
PRIOR_POSTS = 4.0  # how many ordinary posts the belief is worth that all hours are alike
FLOOR_WITHOUT_SKILL = 0.10
LEAST_SKILL, MOST_SKILL = -1.0, 0.8


@dataclass(frozen=True, slots=True)
class Sample:
    """One post with its outcome. at: calendar seconds; velocity: views an hour in its first three hours.

    reward, predicted: as `rewards.reward`; predicted None where nothing was. before: own posts in the 24 h before it.
    """

    at: float
    velocity: float
    reward: float
    predicted: float | None
    before: int


def targets(samples: Sequence[Sample]) -> tuple[Target, ...]:
    """Where each knob should be, of those about which there is evidence enough."""
    if len(samples) < LEAST:
        return ()
    found = [*_hours(samples), _floor(samples), _cadence(samples)]
    return tuple(each for each in found if each is not None)


def _hours(samples: Sequence[Sample]) -> list[Target]:
    """An hour's weight: how many times the usual views a post of that hour gets, shrunk towards 1.

    The bandit learns what is done with a view; how many views an hour brings it does not see.
    """
    reach = [(bucket_of(sample.at), math.log1p(sample.velocity)) for sample in samples]
    usual = fmean(each for _, each in reach)
    found = []
    for bucket in range(BUCKETS):
        here = [each for at, each in reach if at == bucket]
        if len(here) < LEAST_IN_HOUR:
            continue
        weight = math.exp((fmean(here) - usual) * len(here) / (len(here) + PRIOR_POSTS))
        evidence = {
            "posts": len(here),
            "views_an_hour": round(math.expm1(fmean(here)), 2),
            "usual": round(math.expm1(usual), 2),
        }
        found.append(Target(hour_weight(bucket), weight, evidence))
    return found


def _floor(samples: Sequence[Sample]) -> Target | None:
    """The exploration floor: the worse the predictions, the more is tried.

    Skill is 1 - (mean squared error) / (that of always predicting the mean), as in Murphy, "Skill scores based on the
    mean square error", 1988: 1 is perfect, 0 no better than the mean.
    """
    known = [(sample.reward, sample.predicted) for sample in samples if sample.predicted is not None]
    if len(known) < LEAST:
        return None
    mean = fmean(reward for reward, _ in known)
    naive = fmean((reward - mean) ** 2 for reward, _ in known)
    if naive <= 0.0:
        return None
    error = fmean((reward - predicted) ** 2 for reward, predicted in known)
    skill = min(MOST_SKILL, max(LEAST_SKILL, 1.0 - error / naive))
    evidence = {"posts": len(known), "skill": round(skill, 3), "mean_squared_error": round(error, 4)}
    return Target(FLOOR, FLOOR_WITHOUT_SKILL * (1.0 - skill), evidence)


def _cadence(samples: Sequence[Sample]) -> Target | None:
    """How many posts a day bring the most views in all.

    Where each further post of a day costs the next a share b of its views, n posts bring n·e^(-b·n), which is most at
    n = 1 / b. b is the slope of log views on the posts of the day before, less one standard error: only what is sure
    makes the account say less.
    """
    xs = [float(sample.before) for sample in samples]
    ys = [math.log1p(sample.velocity) for sample in samples]
    x_mean, y_mean = fmean(xs), fmean(ys)
    spread = sum((x - x_mean) ** 2 for x in xs)
    if spread <= 0.0:
        return None
    slope = sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True)) / spread
    left = sum((y - y_mean - slope * (x - x_mean)) ** 2 for x, y in zip(xs, ys, strict=True))
    error = math.sqrt(left / (len(xs) - 2) / spread)
    cost = -slope - error
    best = 1.0 / cost if cost > 0.0 else math.inf
    evidence = {"posts": len(xs), "cost_a_post": round(-slope, 4), "standard_error": round(error, 4)}
    return Target(POSTS_A_DAY, min(best, 100.0), evidence)
