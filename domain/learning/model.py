"""All that is learned, as one value with a version: what planning chooses by and outcomes are held against.

It is learned anew each time from the outcomes of the last months (a few hundred rows, milliseconds). So a post whose
counts have grown counts once, with its newest counts, and a run that is repeated changes nothing but the version.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from domain.calendar import DAY
from domain.learning.arms import Arm, Arms, CorruptStateError, Lesson
from domain.learning.predictors import (
    Logit,
    Ridge,
    coefficients_from_json,
    fit_logit,
    fit_ridge,
    inputs,
    to_json,
)
from domain.learning.rewards import Counts, Gate, certainty, past, reward

SCHEMA = 1
WINDOW = 120 * DAY
GATE = Gate()


@dataclass(frozen=True, slots=True)
class Outcome:
    """One post of ours and its newest counts. at: calendar seconds of its publishing; length: weighted characters."""

    arm: Arm
    at: float
    length: int
    counts: Counts


@dataclass(frozen=True, slots=True, eq=False)
class Predictors:
    """The two predictors, learned together."""

    ridge: Ridge
    logit: Logit


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """What is known. version: 0 before anything was learned, one more each time.

    trained_at: calendar seconds. count: outcomes past the gate it was learned from; predictors: None where that is 0.
    """

    version: int
    trained_at: float
    count: int
    arms: Arms
    predictors: Predictors | None


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a post is expected to do. reward: as `rewards.reward`; good: the probability that it is above 0."""

    reward: float
    good: float


def unlearned(now: float) -> Model:
    """The model before the first outcome."""
    return Model(version=0, trained_at=now, count=0, arms=Arms.untaught(now), predictors=None)


def learn(model: Model, outcomes: Iterable[Outcome], now: float, gate: Gate = GATE) -> Model:
    """The next version, learned from all outcomes of the last 120 days that are past the gate.

    outcomes: one a post, not only the new ones. model: gives the version and the half-life.
    """
    used = [outcome for outcome in outcomes if past(gate, outcome.counts) and now - outcome.at <= WINDOW]
    half_life = model.arms.half_life
    lessons = [Lesson(each.arm, reward(each.counts), each.at, certainty(each.counts)) for each in used]
    arms = Arms.untaught(now, half_life).taught(lessons, now)
    predictors = _fitted(used, lessons, now, half_life) if used else None
    return Model(model.version + 1, now, len(used), arms, predictors)


def predicted(model: Model, arm: Arm, length: int) -> Prediction | None:
    """What the model expects of such a post; None where it has learned nothing yet."""
    if model.predictors is None:
        return None
    x = inputs(arm, length)
    return Prediction(model.predictors.ridge.predict(x), model.predictors.logit.predict(x))


def as_json(model: Model) -> dict[str, Any]:
    """The model as a JSON value."""
    return {
        "schema": SCHEMA,
        "version": model.version,
        "trained_at": model.trained_at,
        "count": model.count,
        "arms": model.arms.to_json(),
        "ridge": to_json(model.predictors.ridge) if model.predictors else None,
        "logit": to_json(model.predictors.logit) if model.predictors else None,
    }


def from_json(value: object) -> Model:
    """The model from its JSON value. Raises CorruptStateError with the reason; then learn anew from the outcomes."""
    if not isinstance(value, Mapping):
        raise CorruptStateError(f"model: expected an object, not {type(value).__name__}")
    if value.get("schema") != SCHEMA:
        raise CorruptStateError(f"model: schema {value.get('schema')!r}, this program reads {SCHEMA}")
    try:
        version, count, trained_at = int(value["version"]), int(value["count"]), float(value["trained_at"])
        arms, ridge, logit = value["arms"], value["ridge"], value["logit"]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise CorruptStateError(f"model: {type(error).__name__}: {error}") from error
    if version < 0 or count < 0 or not np.isfinite(trained_at):
        raise CorruptStateError(f"model: version {version}, count {count} or time {trained_at} is out of its range")
    if (ridge is None) != (logit is None) or (ridge is None) != (count == 0):
        raise CorruptStateError("model: it has one predictor without the other, or predictors without outcomes")
    predictors = None
    if ridge is not None:
        predictors = Predictors(
            Ridge(coefficients_from_json(ridge, "ridge")), Logit(coefficients_from_json(logit, "logit"))
        )
    return Model(version, trained_at, count, Arms.from_json(arms), predictors)


def _fitted(outcomes: list[Outcome], lessons: list[Lesson], now: float, half_life: float) -> Predictors:
    x = np.stack([inputs(outcome.arm, outcome.length) for outcome in outcomes])
    y = np.array([lesson.reward for lesson in lessons])
    weights = np.array([lesson.weight * 0.5 ** (max(0.0, now - lesson.at) / half_life) for lesson in lessons])
    return Predictors(fit_ridge(x, y, weights), fit_logit(x, (y > 0).astype(np.float64), weights))
