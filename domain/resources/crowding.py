"""Crowding: whether a pool is nearly used up, for so long that a person should know.

A pool that is full for a moment does its work. So what counts is the usage smoothed over about a minute (an
exponential mean): a blink does not reach the threshold, and a pool that is always full does so in about two minutes.

>>> usage = Usage()
>>> usage = after(usage, 1.0, seconds=5.0)          # a blink
>>> round(usage.mean, 2), usage.crowded
(0.08, False)
>>> usage = after(usage, 1.0, seconds=140.0)        # it stays full
>>> round(usage.mean, 2), usage.crowded
(0.91, True)
>>> after(usage, 0.5, seconds=10.0).crowded         # and is over only once it is clearly below
True
>>> after(usage, 0.5, seconds=60.0).crowded
False
"""

import math
from dataclasses import dataclass

SMOOTHED_OVER = 60.0  # seconds, the mean's time constant
CROWDED_AT = 0.9  # share of the pool
OVER_BELOW = 0.8


@dataclass(frozen=True, slots=True)
class Usage:
    """mean: the smoothed share in use, 0 to 1. crowded: it was at `CROWDED_AT`, and not yet below `OVER_BELOW`."""

    mean: float = 0.0
    crowded: bool = False


def after(usage: Usage, share: float, seconds: float) -> Usage:
    """With this share in use for so many seconds."""
    old = math.exp(-seconds / SMOOTHED_OVER)
    mean = old * usage.mean + (1.0 - old) * share
    return Usage(mean, mean >= (OVER_BELOW if usage.crowded else CROWDED_AT))
