"""Where a resource's backend stands: one at a time, however rebuilds and restarts overlap."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from actors.resources.lease import Backend
from actors.resources.lease_broker import LeaseBroker

T = TypeVar("T")


class Superseded(Exception):
    """A backend that nobody wants any more: a later one is being opened, or its actor has ended."""


Place = tuple[int, int]  # the actor's generation, and the number of the backend among its own: they only grow


class BackendSlot:
    """What outlives a resource's actor: the next incarnation finds the backend here, and closes it.

    A fenced incarnation cleans nothing up, and a forgotten pool or browser would live on beside the new one. So a
    place is claimed before a backend is made, and only the newest claim may leave one here: who rests between closing
    and opening, or opens slowly, finds that it has been overtaken.

    broker: the books of the incarnation that is in office, which the next one goes on with.
    """

    def __init__(self) -> None:
        self.broker: LeaseBroker | None = None
        self._lock = threading.Lock()  # for the next two alone: never held over anything that waits
        self._newest: Place = (0, 0)
        self._backend: list[Backend] = []
        self._kept: Any = None

    def once(self, make: Callable[[], T]) -> T:
        """What a resource keeps besides: made by its first incarnation, for all."""
        if self._kept is None:
            self._kept = make()
        kept: T = self._kept
        return kept

    def claim(self, place: Place) -> None:
        """Whoever has an older place is too late. To be followed by `clear`."""
        with self._lock:
            self._newest = max(self._newest, place)

    def check(self, place: Place) -> None:
        """Raises Superseded where there is a newer claim."""
        with self._lock:
            self._check(place)

    def put(self, place: Place, backend: Backend) -> None:
        """Put one there. Raises Superseded."""
        with self._lock:
            self._check(place)
            self._backend.append(backend)

    def _check(self, place: Place) -> None:
        if place < self._newest:
            raise Superseded("not opened: a later one is, or its actor has ended")

    def clear(self) -> None:
        """Close whatever stands there."""
        while True:
            try:
                backend = self._backend.pop()
            except IndexError:
                return
            backend.close()
