"""One measured number as one line of JSON, the same shape for every bench."""

import json
from statistics import median


def line(
    bench: str, metric: str, value: float, unit: str, against: str | None = None, ratio: float | None = None
) -> None:
    """Print it. against: what it was compared with, in the same run. ratio: value over that."""
    fields: dict[str, object] = {"bench": bench, "metric": metric, "value": float(f"{value:.4g}"), "unit": unit}
    if against is not None:
        fields["against"] = against
    if ratio is not None:
        fields["ratio"] = float(f"{ratio:.3g}")
    print(json.dumps(fields), flush=True)


def percentile(values: list[float], percent: float) -> float:
    """The nearest-rank percentile; 50 is the median."""
    if percent == 50:
        return median(values)
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * percent / 100))]
