"""What the driver refused to let a page do, counted for the metrics: by what it was, since the process began."""

import threading
from collections import Counter


class Refusals:
    """Counted on the browser's loop, read by whoever writes the metrics."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def count(self, what: str) -> None:
        """One more of these."""
        with self._lock:
            self._counts[what] += 1

    def statistics(self) -> dict[str, int]:
        """How many of each so far."""
        with self._lock:
            return dict(self._counts)


REFUSALS = Refusals()
