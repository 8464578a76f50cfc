"""How many restarts a supervisor bears: OTP's arithmetic.

Source: `add_restart/1` of OTP's `supervisor.erl`. Whole monotonic seconds; what is not older than the period counts,
inclusive; the new one is added first, and allowed while their number is at most the intensity.
"""

import math
from bisect import bisect_right
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Restarts:
    """The restarts of the last period, newest first, in whole monotonic seconds."""

    recent: tuple[int, ...] = ()

    def with_one(self, now: float, period: float) -> "Restarts":
        """One more, at `now` (monotonic seconds)."""
        second = math.floor(now)
        within = bisect_right(self.recent, period, key=lambda at: second - at)  # their ages only grow along the tuple
        return Restarts((second, *self.recent[:within]))

    def within(self, intensity: int) -> bool:
        """Whether so many are borne."""
        return len(self.recent) <= intensity
