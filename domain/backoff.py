"""Backoff: how long to wait before trying again, so that those who failed together do not come back together.

>>> backoff = Backoff(least=0.0, base=1.0, most=30.0)
>>> [backoff.ceiling(attempt) for attempt in (1, 2, 3, 6)]
[1.0, 2.0, 4.0, 30.0]
>>> backoff.seconds(3, random.Random(1)) < 4.0
True
"""

import math
import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential with full jitter: a wait drawn evenly between `least` and the ceiling of the attempt.

    Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ (there `least` is 0).
    base: the first ceiling. most: the last. factor: from one to the next. All but the factor in seconds.
    Raises ValueError unless 0 <= least <= base <= most, base > 0 and factor >= 1.
    """

    base: float
    most: float
    least: float = 0.0
    factor: float = 2.0

    def __post_init__(self) -> None:
        if not (0.0 <= self.least <= self.base <= self.most and self.base > 0.0 and self.factor >= 1.0):
            raise ValueError(f"{self}: needs 0 <= least <= base <= most, base above 0 and factor at least 1")

    def ceiling(self, attempt: int) -> float:
        """The longest wait (seconds) after attempt number `attempt`, from 1."""
        if self.factor > 1.0 and attempt - 1 >= math.log(self.most / self.base, self.factor):
            return self.most  # and no overflow, however many attempts there have been
        return min(self.most, self.base * self.factor ** (attempt - 1))

    def seconds(self, attempt: int, chance: random.Random) -> float:
        """The wait (seconds) after attempt number `attempt`, from 1."""
        return chance.uniform(self.least, self.ceiling(attempt))
