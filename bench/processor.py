"""One processor for a simulation: of its threads one runs at a time, and is woken cheapest where the last one ran.

Across processors a hand-over of the baton wakes the other one from its sleep, which is most of what it costs.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_processor(number: int = 0) -> Iterator[None]:
    """Keep this thread, and those it starts, on one of the machine's, counted round; where the system can do that."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(allowed)[number % len(allowed)]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)
