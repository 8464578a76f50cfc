"""Counters and histograms as plain numbers, so that the core needs no metrics library to be measured.

One writer each, any reader; a metrics page turns them into its own format.
"""

from bisect import bisect_left

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

QUICKEST = SECONDS[0]


class Histogram:
    """How often a duration fell under each of `SECONDS` (cumulated only when read), and their sum."""

    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        self.counts = [0] * (len(SECONDS) + 1)
        self.sum = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(SECONDS, seconds)] += 1
        self.sum += seconds

    def take_in(self, other: "Histogram") -> None:
        """Count what the other has counted too, such as an incarnation's that has ended."""
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)]
        self.sum += other.sum

    def cumulated(self) -> list[tuple[float, int]]:
        """(upper bound in seconds, how many were at most that long), ending with infinity."""
        total, pairs = 0, []
        for bound, number in zip((*SECONDS, float("inf")), self.counts, strict=True):
            total += number
            pairs.append((bound, total))
        return pairs
