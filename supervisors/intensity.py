"""How many restarts a supervisor bears, and how long one waits: OTP's arithmetic, and beyond it a backoff.

Source: `add_restart/1` of OTP's `supervisor.erl`. Whole monotonic seconds; what is not older than the period counts,
inclusive; the new one is added first, and allowed while their number is at most the intensity.
"""

import math
import random
from dataclasses import dataclass

from actors.protocol import Backoff


@dataclass(frozen=True, slots=True)
class Restarts:
    """The restarts of the last period, newest first, in whole monotonic seconds."""

    recent: tuple[int, ...] = ()

    def with_one(self, now: float, period: float) -> "Restarts":
        """One more, at `now` (monotonic seconds)."""
        second = math.floor(now)
        return Restarts((second, *(at for at in self.recent if second - at <= period)))

    def within(self, intensity: int) -> bool:
        """Whether so many are borne."""
        return len(self.recent) <= intensity


def backoff_seconds(backoff: Backoff | None, failures: int, chance: random.Random) -> float:
    """How long the restart after `failures` failures in a row (1 or more) waits: full jitter above the minimum.

    Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ (full jitter).
    """
    if backoff is None:
        return 0.0
    ceiling = min(backoff.max_seconds, backoff.min_seconds * backoff.factor ** min(failures - 1, 64))
    return chance.uniform(backoff.min_seconds, max(backoff.min_seconds, ceiling))


def failures_after(backoff: Backoff | None, failures: int, lived: float) -> int:
    """How many failures in a row there are after one more, of an incarnation that lived so many seconds."""
    return 1 if backoff is None or lived >= backoff.reset_after else failures + 1
