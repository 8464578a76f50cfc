"""Until when the site asked not to be asked, by the kind of page, so that no job asks before.

Each job has its own reasons to come again soon; the site's word counts for all of them, and is kept in one place.
"""

import threading
import time
from collections.abc import Callable

MOST_SECONDS = 3600.0  # however long the site asks for: a wrong clock must not silence Roost for a day


class Limits:
    """Written on the browser's loop. now: real Unix seconds, as the site's word is."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:  # noqa: TID251 - the site speaks of real time
        self._now = now
        self._lock = threading.Lock()
        self._until: dict[tuple[str, str], float] = {}

    def limit(self, base_url: str, path: str, until: float) -> None:
        """The site said that pages like this one are served again at `until`."""
        with self._lock:
            self._until[base_url, kind_of(path)] = min(until, self._now() + MOST_SECONDS)

    def limited_until(self, base_url: str, path: str) -> float | None:
        """When a page like this one may be asked for again, None: now."""
        with self._lock:
            until = self._until.get((base_url, kind_of(path)))
        return until if until is not None and self._now() < until else None


def kind_of(path: str) -> str:
    """What the site counts together.

    >>> [kind_of(path) for path in ("/search?q=a&f=live", "/a/status/1", "/a/with_replies?count=5", "/home")]
    ['search', 'post', 'profile', 'home']
    """
    parts = path.split("?")[0].strip("/").split("/")
    if parts[0] in ("search", "home", "compose"):
        return parts[0]
    return "post" if "status" in parts else "profile"


LIMITS = Limits()
