"""What to post next: a bandit over topic × format × tone × hour.

There are 720 arms and a handful of posts a day, so arms must teach each other: the expected reward is a sum of one
effect for each factor, learned by Bayesian linear regression, and an arm is chosen by Thompson sampling on the
posterior (Agrawal & Goyal, "Thompson Sampling for Contextual Bandits with Linear Payoffs", 2013, arXiv:1209.3352).
Tastes drift, so what is old counts less: weights halve with calendar age, as in Russac, Vernade & Cappé, "Weighted
Linear Bandits for Non-Stationary Environments", 2019, arXiv:1909.09146 (the prior is not discounted). The noise is
learned too (normal-inverse-gamma, Bishop, Pattern Recognition and Machine Learning, section 2.3.6 and 3.3).
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.calendar import DAY
from domain.content.topics import BUCKETS, FORMATS, TONES, TOPICS

Vector = NDArray[np.float64]

SIZE = 1 + len(TOPICS) + len(FORMATS) + len(TONES) + BUCKETS
HALF_LIFE = 14 * DAY
PRIOR_EFFECT = 0.5  # how large the effect of a factor is expected to be, in standard deviations of the noise
PRIOR_INTERCEPT = 3.0
PRIOR_NOISE = 0.5  # standard deviation
PRIOR_NOISE_COUNT = 4.0  # how many outcomes that belief is worth
DRAWS = 400


class CorruptStateError(ValueError):
    """A stored state cannot be used; the text says why. Learn anew from the outcomes."""


@dataclass(frozen=True, slots=True, order=True)
class Arm:
    """One way to post. hour: the bucket of the day, as `topics.bucket_of`."""

    topic: str
    format: str
    tone: str
    hour: int


ALL_ARMS: tuple[Arm, ...] = tuple(Arm(*parts) for parts in itertools.product(TOPICS, FORMATS, TONES, range(BUCKETS)))


def _vector(arm: Arm) -> Vector:
    x = np.zeros(SIZE)
    places = (
        0,
        1 + TOPICS.index(arm.topic),
        1 + len(TOPICS) + FORMATS.index(arm.format),
        1 + len(TOPICS) + len(FORMATS) + TONES.index(arm.tone),
        1 + len(TOPICS) + len(FORMATS) + len(TONES) + range(BUCKETS).index(arm.hour),
    )
    x[list(places)] = 1.0
    return x


_ROW: Mapping[Arm, int] = {arm: row for row, arm in enumerate(ALL_ARMS)}
_MATRIX: Vector = np.stack([_vector(arm) for arm in ALL_ARMS])


def features(arm: Arm) -> Vector:
    """The arm as a vector: an intercept, and a place for each value of each factor. Raises ValueError on unknowns."""
    return np.asarray(all_features((arm,))[0])


def all_features(arms: Sequence[Arm]) -> Vector:
    """The arms as the rows of a matrix, see `features`. Raises ValueError on unknowns."""
    try:
        return np.asarray(_MATRIX[[_ROW[arm] for arm in arms]])
    except KeyError as error:
        raise ValueError(f"no such arm: {error}") from error


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one post taught. at: calendar seconds of its publishing; weight: how much it says, above 0, at most 1."""

    arm: Arm
    reward: float
    at: float
    weight: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Arms:
    """What is known of all arms at calendar time `at`: discounted sums over the outcomes, without the prior.

    gram: sum of w·x·xᵀ. moment: sum of w·x·reward. square: sum of w·reward². count: sum of w.
    """

    at: float
    gram: Vector
    moment: Vector
    square: float
    count: float
    half_life: float = HALF_LIFE

    @classmethod
    def untaught(cls, at: float, half_life: float = HALF_LIFE) -> "Arms":
        """The state before any outcome."""
        return cls(at, np.zeros((SIZE, SIZE)), np.zeros(SIZE), 0.0, 0.0, half_life)

    def at_time(self, now: float) -> "Arms":
        """The same knowledge, seen from `now`: older. Going back in time changes nothing."""
        if now <= self.at:
            return self
        fade = 0.5 ** ((now - self.at) / self.half_life)
        return replace(
            self,
            at=now,
            gram=self.gram * fade,
            moment=self.moment * fade,
            square=self.square * fade,
            count=self.count * fade,
        )

    def taught(self, lessons: Iterable[Lesson], now: float) -> "Arms":
        """The state at `now` with these lessons added, each faded by its own age. Their order does not matter."""
        aged = self.at_time(now)
        gram, moment, square, count = aged.gram.copy(), aged.moment.copy(), aged.square, aged.count
        for lesson in lessons:
            weight = lesson.weight * 0.5 ** (max(0.0, aged.at - lesson.at) / self.half_life)
            x = features(lesson.arm)
            gram += weight * np.outer(x, x)
            moment += weight * lesson.reward * x
            square += weight * lesson.reward**2
            count += weight
        return replace(aged, gram=gram, moment=moment, square=float(square), count=float(count))

    def posterior(self) -> "Posterior":
        """The belief about the effects."""
        prior = np.full(SIZE, PRIOR_EFFECT**-2)
        prior[0] = PRIOR_INTERCEPT**-2
        precision = self.gram + np.diag(prior)
        mean: Vector = np.asarray(np.linalg.solve(precision, self.moment), dtype=np.float64)
        root: Vector = np.asarray(np.linalg.cholesky(precision), dtype=np.float64)
        residual = max(0.0, self.square - float(mean @ self.moment))
        noise = (PRIOR_NOISE_COUNT * PRIOR_NOISE**2 + residual) / (PRIOR_NOISE_COUNT + self.count)
        return Posterior(mean, root, float(noise))

    def to_json(self) -> dict[str, Any]:
        """The state as a JSON value."""
        return {
            "at": self.at,
            "gram": self.gram.tolist(),
            "moment": self.moment.tolist(),
            "square": self.square,
            "count": self.count,
            "half_life": self.half_life,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Arms":
        """The state from its JSON value. Raises CorruptStateError with the reason."""
        try:
            arms = cls(
                at=float(value["at"]),
                gram=np.array(value["gram"], dtype=np.float64),
                moment=np.array(value["moment"], dtype=np.float64),
                square=float(value["square"]),
                count=float(value["count"]),
                half_life=float(value["half_life"]),
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise CorruptStateError(f"arms: {type(error).__name__}: {error}") from error
        if arms.gram.shape != (SIZE, SIZE) or arms.moment.shape != (SIZE,):
            raise CorruptStateError(f"arms: made for other factors (gram {arms.gram.shape}, expected {(SIZE, SIZE)})")
        numbers = np.array([arms.at, arms.square, arms.count, arms.half_life])
        if not (np.isfinite(arms.gram).all() and np.isfinite(arms.moment).all() and np.isfinite(numbers).all()):
            raise CorruptStateError("arms: a number is not finite")
        if arms.square < 0 or arms.count < 0 or arms.half_life <= 0:
            raise CorruptStateError("arms: a sum of squares, count or half-life is out of its range")
        scale = max(1.0, float(np.abs(arms.gram).max()))
        if not np.allclose(arms.gram, arms.gram.T) or np.linalg.eigvalsh(arms.gram)[0] < -1e-6 * scale:
            raise CorruptStateError("arms: the gram matrix is not one (not symmetric, or not positive)")
        return arms


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """Effects ~ Normal(mean, noise · (root·rootᵀ)⁻¹). root: lower Cholesky factor; noise: a variance."""

    mean: Vector
    root: Vector
    noise: float

    def draws(self, count: int, rng: np.random.Generator) -> Vector:
        """`count` draws of the effects, one a row."""
        normal = rng.standard_normal((SIZE, count))
        return np.asarray(self.mean + np.sqrt(self.noise) * np.linalg.solve(self.root.T, normal).T)

    def expected(self, arm: Arm) -> float:
        """The expected reward of an arm."""
        return float(features(arm) @ self.mean)

    def deviation(self, arm: Arm) -> float:
        """The standard deviation of that expectation."""
        return float(np.sqrt(self.noise) * np.linalg.norm(np.linalg.solve(self.root, features(arm))))


@dataclass(frozen=True, slots=True)
class Choice:
    """An arm, the probability with which it was chosen among those allowed, and its expected reward then."""

    arm: Arm
    propensity: float
    expected: float


def choose(
    arms: Arms,
    allowed: Sequence[Arm],
    rng: np.random.Generator,
    now: float,
    floor: float = 0.05,
    draws: int = DRAWS,
    hour_weights: Mapping[int, float] | None = None,
) -> Choice:
    """One arm of `allowed` by Thompson sampling at calendar time `now`.

    floor: the share of choices made evenly, so that no propensity is 0 and off-policy estimates stay possible.
    hour_weights: how much more than usual an hour bucket is worth for a reason that no reward shows, 1 if unnamed.
    Rewards are logarithms, so the logarithm of the weight is added to what is drawn.
    draws: of the posterior, for the propensity (Monte Carlo; its error is below 0.5 / sqrt(draws)). The draw that
    chose is one of them. Raises ValueError where nothing is allowed.
    """
    if not allowed:
        raise ValueError("no arm is allowed: nothing to choose from")
    posterior = arms.at_time(now).posterior()
    scores = all_features(allowed) @ posterior.draws(draws, rng).T
    if hour_weights:
        scores += np.log([hour_weights.get(arm.hour, 1.0) for arm in allowed])[:, np.newaxis]
    best = np.argmax(scores, axis=0)
    chosen = int(rng.integers(len(allowed))) if rng.random() < floor else int(best[0])
    share = float(np.mean(best == chosen))
    arm = allowed[chosen]
    return Choice(arm, floor / len(allowed) + (1.0 - floor) * share, posterior.expected(arm))
