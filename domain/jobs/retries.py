"""When a failed run is tried again. Publishing is not decided here: it has its own rule (`domain.publishing`).

Backoff is exponential with full jitter (`domain.backoff`), so that jobs that failed together do not come
back together.
"""

import random
from dataclasses import dataclass
from enum import Enum

from domain.backoff import Backoff

BACKOFF = Backoff(base=1.0, most=30.0)  # real seconds


class Failure(Enum):
    """Why an attempt failed, as far as trying again goes."""

    CRASHED = "crashed"
    TIMED_OUT = "timed out"
    UNAVAILABLE = "unavailable"
    RATE_LIMITED = "rate limited"
    PAGE_BROKEN = "page broken"
    WRONG_KEY = "wrong key"
    SESSION_EXPIRED = "session expired"
    ACCOUNT_LOCKED = "account locked"
    REFUSED_CONTENT = "refused content"
    MISSING = "missing"
    OVER_BUDGET = "over budget"


# Another attempt would meet the same answer, and some of these get worse by insisting.
FINAL = frozenset(
    {
        Failure.WRONG_KEY,
        Failure.SESSION_EXPIRED,
        Failure.ACCOUNT_LOCKED,
        Failure.REFUSED_CONTENT,
        Failure.MISSING,
        Failure.OVER_BUDGET,
    }
)


@dataclass(frozen=True, slots=True)
class RetryIn:
    """Try again after `seconds` (real)."""

    seconds: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The run has failed."""

    reason: str


def after_failure(failure: Failure, attempt: int, attempts: int, rng: random.Random) -> RetryIn | GiveUp:
    """What follows the failure of attempt number `attempt` (from 1) of at most `attempts`."""
    if failure in FINAL:
        return GiveUp(f"{failure.value}: trying again cannot help")
    if attempt >= attempts:
        return GiveUp(f"{failure.value} in the last of {attempts} attempts")
    return RetryIn(BACKOFF.seconds(attempt, rng))
