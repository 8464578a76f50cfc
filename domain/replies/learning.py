"""Whom to answer and how, learned from how the replies did.

Two small bandits: targets (topic × size of the author's audience) and styles. A reply's reward is a number about 0;
what each value of a factor adds to it is believed to be normal, with a mean that shrinks to 0 while little is known,
and is chosen by drawing from these beliefs (Thompson sampling; Russo et al., "A Tutorial on Thompson Sampling", 2018,
arXiv:1707.02038). Tastes drift, so what is old counts less: weights halve with calendar age (Raj & Kalyani, "Taming
Non-stationary Bandits", 2017, arXiv:1707.09727). The factors are fitted one after the other, each on what the one
before left (one sweep of backfitting: Hastie et al., The Elements of Statistical Learning, 2nd ed., section 9.1.1).
"""

import math
import random
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from domain.calendar import DAY
from domain.content.topics import TOPICS
from domain.learning import rewards
from domain.learning.rewards import Counts, Gate
from domain.replies.styles import STYLES

Key = TypeVar("Key", bound=Hashable)

SCHEMA = 1
WINDOW = 60 * DAY
HALF_LIFE = 14 * DAY
GATE = Gate()
USUAL_VIEWS = 100.0  # of a reply
REACH = 0.25  # what twice the views are worth, against twice the engagement a view
PRIOR_WEIGHT = 4.0  # replies that the belief "as usual" is worth
NOISE = 0.6  # standard deviation of the reward of replies that are alike
FLOOR = 0.1  # share of styles that are chosen evenly
DRAWS = 200

SMALL_BELOW, LARGE_FROM = 2_000, 50_000  # followers
SIZES = ("small", "medium", "large")


class CorruptModelError(ValueError):
    """A stored model cannot be used; the text says why. Learn anew from the replies."""


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """The kind of post that is answered."""

    topic: str
    size: str


def size_of(followers: int | None) -> str:
    """The size of an audience; medium where nobody has looked."""
    if followers is None:
        return "medium"
    return "small" if followers < SMALL_BELOW else "large" if followers >= LARGE_FROM else "medium"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One reply of ours and its newest counts. at: calendar seconds of its publishing."""

    target: Target
    style: str
    at: float
    counts: Counts


@dataclass(frozen=True, slots=True)
class Belief:
    """What a value of a factor adds to the reward. weight: of the replies that say so, faded by their age."""

    weight: float = 0.0
    total: float = 0.0  # of weight × reward

    @property
    def mean(self) -> float:
        """The expectation."""
        return self.total / (self.weight + PRIOR_WEIGHT)

    @property
    def deviation(self) -> float:
        """Its standard deviation."""
        return NOISE / math.sqrt(self.weight + PRIOR_WEIGHT)

    def draw(self, rng: random.Random) -> float:
        """What it may be, by chance."""
        return rng.gauss(self.mean, self.deviation)


UNKNOWN = Belief()


@dataclass(frozen=True, slots=True)
class Model:
    """What is known. version: 0 before anything was learned. usual: the mean reward; count: replies learned from."""

    version: int = 0
    trained_at: float = 0.0
    count: int = 0
    usual: float = 0.0
    targets: Mapping[Target, Belief] = field(default_factory=dict)
    styles: Mapping[str, Belief] = field(default_factory=dict)

    def expected(self, target: Target, style: str) -> float:
        """The expected reward of such a reply."""
        return self.usual + self.targets.get(target, UNKNOWN).mean + self.styles.get(style, UNKNOWN).mean


def reward(counts: Counts) -> float:
    """What a reply is worth: its engagement a view as for posts, and how many it reached; 0 is as usual."""
    prior = rewards.PRIOR_VIEWS
    reach = math.log((max(0, counts.views) + prior) / (USUAL_VIEWS + prior))
    return rewards.reward(counts) + REACH * reach


def learn(model: Model, outcomes: Iterable[Outcome], now: float, gate: Gate = GATE) -> Model:
    """The next version, learned from all outcomes of the last 60 days that are past the gate. Their order does not
    matter; outcomes of topics, sizes and styles that are no more teach nothing."""
    used = [each for each in outcomes if rewards.past(gate, each.counts) and now - each.at <= WINDOW and _known(each)]
    weights = [rewards.certainty(each.counts) * 0.5 ** (max(0.0, now - each.at) / HALF_LIFE) for each in used]
    worth = [reward(each.counts) for each in used]
    usual = math.fsum(w * r for w, r in zip(weights, worth, strict=True)) / (math.fsum(weights) + PRIOR_WEIGHT)
    left = [each - usual for each in worth]
    targets = _believed([each.target for each in used], weights, left)
    left = [rest - targets[each.target].mean for rest, each in zip(left, used, strict=True)]
    styles = _believed([each.style for each in used], weights, left)
    return Model(model.version + 1, now, len(used), usual, targets, styles)


def _known(outcome: Outcome) -> bool:
    target = outcome.target
    return target.topic in TOPICS and target.size in SIZES and outcome.style in STYLES


def _believed(keys: Sequence[Key], weights: Sequence[float], rewards: Sequence[float]) -> dict[Key, Belief]:
    weight: defaultdict[Key, list[float]] = defaultdict(list)
    total: defaultdict[Key, list[float]] = defaultdict(list)
    for key, each, worth in zip(keys, weights, rewards, strict=True):
        weight[key].append(each)
        total[key].append(each * worth)
    return {key: Belief(math.fsum(weight[key]), math.fsum(total[key])) for key in weight}


@dataclass(frozen=True, slots=True)
class Choice:
    """A style, and the probability with which it was chosen."""

    style: str
    propensity: float


def choose_style(model: Model, rng: random.Random) -> Choice:
    """A style by Thompson sampling. The propensity is by Monte Carlo, and never 0; the draw that chose is in it."""
    names = tuple(STYLES)
    winners = [_winner(model, names, rng) for _ in range(DRAWS)]
    style = rng.choice(names) if rng.random() < FLOOR else winners[0]
    share = Counter(winners)[style] / DRAWS
    return Choice(style, FLOOR / len(names) + (1.0 - FLOOR) * share)


def _winner(model: Model, names: Sequence[str], rng: random.Random) -> str:
    draws = {name: model.styles.get(name, UNKNOWN).draw(rng) for name in names}
    return max(names, key=lambda name: draws[name])


def promises(model: Model, rng: random.Random) -> dict[Target, float]:
    """For each kind of target a factor above 0, drawn from what is believed of it: 1 is as usual."""
    every = (Target(topic, size) for topic in TOPICS for size in SIZES)
    return {target: math.exp(model.targets.get(target, UNKNOWN).draw(rng)) for target in every}


def as_json(model: Model) -> dict[str, Any]:
    """The model as a JSON value."""
    return {
        "schema": SCHEMA,
        "version": model.version,
        "trained_at": model.trained_at,
        "count": model.count,
        "usual": model.usual,
        "targets": [
            {**asdict(target), "weight": belief.weight, "total": belief.total}
            for target, belief in sorted(model.targets.items())
        ],
        "styles": [
            {"style": style, "weight": belief.weight, "total": belief.total}
            for style, belief in sorted(model.styles.items())
        ],
    }


def from_json(value: object) -> Model:
    """The model from its JSON value. Raises CorruptModelError with the reason; then learn anew from the replies."""
    if not isinstance(value, Mapping) or value.get("schema") != SCHEMA:
        raise CorruptModelError(f"reply model: not an object of schema {SCHEMA}")
    try:
        model = Model(
            version=int(value["version"]),
            trained_at=float(value["trained_at"]),
            count=int(value["count"]),
            usual=float(value["usual"]),
            targets={Target(str(each["topic"]), str(each["size"])): _belief(each) for each in value["targets"]},
            styles={str(each["style"]): _belief(each) for each in value["styles"]},
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise CorruptModelError(f"reply model: {type(error).__name__}: {error}") from error
    if model.version < 0 or model.count < 0 or not math.isfinite(model.trained_at + model.usual):
        raise CorruptModelError("reply model: a number is out of its range")
    return model


def _belief(value: Mapping[str, Any]) -> Belief:
    belief = Belief(float(value["weight"]), float(value["total"]))
    if not (math.isfinite(belief.weight + belief.total) and belief.weight >= 0):
        raise ValueError(f"weight {belief.weight}, total {belief.total}")
    return belief
