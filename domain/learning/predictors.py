"""What a post will do, predicted before it is published: its reward, and whether it will be better than usual.

Small, dense and solved exactly, so numpy is enough. Both keep the large design matrices of their caller out of their
state: a predictor is its coefficients. Sources: Hastie, Tibshirani & Friedman, The Elements of Statistical Learning,
2nd ed., sections 3.4.1 (ridge regression, closed form) and 4.4.1 (logistic regression by iteratively reweighted least
squares, here with an L2 penalty).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.learning.arms import SIZE, Arm, CorruptStateError, features

Vector = NDArray[np.float64]

INPUTS = SIZE + 1
PENALTY = 1.0
INTERCEPT_PENALTY = 0.01  # keeps the logit finite where all outcomes are of one kind
MOST_STEPS = 50
ENOUGH = 1e-10


def inputs(arm: Arm, length: int) -> Vector:
    """What a predictor sees of a post: its arm, and how long the text is (weighted characters)."""
    return np.append(features(arm), length / 280.0 - 0.5)


@dataclass(frozen=True, slots=True, eq=False)
class Ridge:
    """Predicts the reward. coefficients: the first is the intercept."""

    coefficients: Vector

    def predict(self, x: Vector) -> float:
        """The predicted reward of one row of inputs."""
        return float(x @ self.coefficients)


@dataclass(frozen=True, slots=True, eq=False)
class Logit:
    """Predicts whether the reward is above 0. coefficients: the first is the intercept."""

    coefficients: Vector

    def predict(self, x: Vector) -> float:
        """The predicted probability for one row of inputs, 0 to 1."""
        return float(_sigmoid(np.atleast_1d(x @ self.coefficients))[0])


def fit_ridge(x: Vector, y: Vector, weights: Vector, penalty: float = PENALTY) -> Ridge:
    """The minimum of sum of w·(y - x·b)² + penalty·|b|², the intercept (column 0 of x, all 1) not penalized.

    Raises ValueError without rows.
    """
    _require_rows(x)
    shrink = np.full(x.shape[1], penalty)
    shrink[0] = 0.0
    weighted = x * weights[:, None]
    return Ridge(np.asarray(np.linalg.solve(weighted.T @ x + np.diag(shrink), weighted.T @ y), dtype=np.float64))


def fit_logit(x: Vector, good: Vector, weights: Vector, penalty: float = PENALTY) -> Logit:
    """The minimum of the weighted log-loss + penalty/2·|b|², by Newton's method with halved steps where needed.

    good: 1.0 or 0.0 a row. The intercept (column 0 of x) has a small penalty of its own. Raises ValueError without
    rows.
    """
    _require_rows(x)
    shrink = np.full(x.shape[1], penalty)
    shrink[0] = INTERCEPT_PENALTY
    b = np.zeros(x.shape[1])
    loss = _loss(b, x, good, weights, shrink)
    for _ in range(MOST_STEPS):
        p = _sigmoid(x @ b)
        gradient = x.T @ (weights * (p - good)) + shrink * b
        hessian = (x * (weights * p * (1.0 - p))[:, None]).T @ x + np.diag(shrink)
        step = np.linalg.solve(hessian, gradient)
        while (smaller := _loss(b - step, x, good, weights, shrink)) > loss and np.abs(step).max() > ENOUGH:
            step = step / 2.0
        if np.abs(step).max() <= ENOUGH:
            break
        b, loss = b - step, smaller
    return Logit(np.asarray(b, dtype=np.float64))


def to_json(predictor: Ridge | Logit) -> dict[str, Any]:
    """The predictor as a JSON value."""
    return {"coefficients": predictor.coefficients.tolist()}


def coefficients_from_json(value: Mapping[str, Any], name: str) -> Vector:
    """The coefficients from a predictor's JSON value. Raises CorruptStateError with the reason."""
    try:
        coefficients = np.array(value["coefficients"], dtype=np.float64)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise CorruptStateError(f"{name}: {type(error).__name__}: {error}") from error
    if coefficients.shape != (INPUTS,):
        raise CorruptStateError(f"{name}: made for other inputs ({coefficients.shape}, expected {(INPUTS,)})")
    if not np.isfinite(coefficients).all():
        raise CorruptStateError(f"{name}: a coefficient is not finite")
    return coefficients


def _loss(b: Vector, x: Vector, good: Vector, weights: Vector, shrink: Vector) -> float:
    z = x @ b
    return float(weights @ (np.logaddexp(0.0, z) - good * z) + 0.5 * shrink @ b**2)


def _sigmoid(z: Vector) -> Vector:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * z)), dtype=np.float64)


def _require_rows(x: Vector) -> None:
    if not len(x):
        raise ValueError("nothing to fit: no rows")
