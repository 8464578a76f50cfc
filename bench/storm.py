"""One storm of `python -m bench chaos` in a process of its own, told as one JSON object: `DSN SEED HOURS`."""

import json
import logging
import resource
import sys
from typing import Any

from tests.simulated.chaos import lived_through

BACK_WITHIN = 120.0  # real seconds after the last failure in which every level is to be back


def storm(dsn: str, seed: int, hours: float) -> dict[str, Any]:
    """What came of it. bad: what must not be, one line each; an error that ended it is among them."""
    try:
        lived = lived_through(dsn, seed, hours)
    except Exception as error:  # noqa: BLE001 - one seed's end is not the others'
        return {"bad": [f"it failed: {error!r}", *getattr(error, "__notes__", ())]}
    found, bad = lived.findings, lived.findings.bad()
    if lived.back > BACK_WITHIN:
        bad.append(f"the level was full {lived.back:.0f} s after the last failure, {BACK_WITHIN:.0f} s may pass")
    return {
        "bad": bad,
        "posts": found.posts,
        "lost": len(found.lost),
        "doubled": len(found.doubled),
        "unresolved": len(found.unresolved),
        "denied": len(found.denied),
        "stalled": len(found.stalled),
        "manners": len(found.manners),
        "needs_human": found.needs_human,
        "lives": lived.lives,
        "failures": sum(lived.failures.values()),
        "struck": lived.failures,
        "back": lived.back,
        "trace": lived.trace,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    print(json.dumps(storm(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))))
