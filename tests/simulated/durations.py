"""How long the calls to the outside take in a simulated house: as long as the real ones took, drawn by the seed.

A lognormal for each kind of call, which fits what was measured from the median to the slowest in a thousand
(`python -m bench durations`; the figures are in docs/simulation.md). Of the slowest there is no end: now and then a
page takes longer than its time-out and a statement longer than its lease, as they do in the world.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

from actors.core.runtime import Runtime

SMALLEST = 2.0**-54  # below every draw but 0.0, whose quantile would be minus infinity
_normal = NormalDist()


@dataclass(frozen=True, slots=True)
class Took:
    """A lognormal. median: seconds. sigma: of the logarithm; half as long again is usual at 0.4, tenfold at 2.3."""

    median: float
    sigma: float

    def at(self, share: float) -> float:
        """Seconds that this share of the calls (0 to 1) takes at most."""
        return self.median * math.exp(self.sigma * _normal.inv_cdf(max(share, SMALLEST)))


MEASURED: Mapping[str, Took] = {
    "connect": Took(0.003, 1.0),
    "read": Took(0.0004, 1.8),
    "write": Took(0.0016, 1.6),
    "read in a transaction": Took(0.00024, 1.5),
    "write in a transaction": Took(0.00014, 2.1),
    "commit": Took(0.0014, 1.5),
    "cache": Took(0.0006, 1.6),
    "context": Took(0.014, 1.15),
    "closing": Took(0.015, 1.15),
    "page": Took(0.27, 0.75),
    "answer": Took(6.0, 0.7),  # assumed: no model is here to be measured
}
AWAY = 8.0  # assumed: how much slower than the sandbox's, on this machine, a page of a site on the internet is
RESOURCE_OF: Mapping[str, str] = {"cache": "redis", "context": "browser", "closing": "browser", "page": "browser"}


class Durations:
    """Draws from one world's streams, one a kind of call."""

    def __init__(self, runtime: Runtime, took: Mapping[str, Took], slower: Mapping[str, float]) -> None:
        """took: by kind of call; what is not there takes no time. slower: so many times, by resource."""
        self._drawn = {kind: (each, runtime.random(f"duration of {kind}")) for kind, each in took.items()}
        self._slower = slower

    def of(self, kind: str) -> float:
        """Seconds for the next call."""
        drawn = self._drawn.get(kind)
        if drawn is None:
            return 0.0
        took, rng = drawn
        return took.at(rng.random()) * self._slower.get(RESOURCE_OF.get(kind, "database"), 1.0)
