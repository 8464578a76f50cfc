"""What each actor last said of itself, for whoever wants to look without asking.

A page, a metric or an admission check must not wait for a busy actor's answer, so every actor puts up a frozen
snapshot at each change and readers take what hangs there (Erlang keeps such things in a protected ETS table: one
writer a key, any reader).
"""

from collections.abc import Callable, Mapping
from typing import Any


class Board:
    """Key → the newest snapshot. Keys are actors' names (`database`, `job:plan`)."""

    def __init__(self, checkpoint: Callable[..., None] = lambda *event: None) -> None:
        """checkpoint: told of each change, so that a simulation can look at it (`Runtime.checkpoint`)."""
        self._notes: dict[str, Any] = {}
        self._checkpoint = checkpoint

    def put(self, key: str, snapshot: Any) -> None:
        """Replace the snapshot. It must be frozen: others hold on to it."""
        self._notes[key] = snapshot
        self._checkpoint("board", key)

    def take_down(self, key: str) -> None:
        """Remove it; no error if there is none."""
        self._notes.pop(key, None)

    def get(self, key: str, default: Any = None) -> Any:
        """The newest snapshot, or the default."""
        return self._notes.get(key, default)

    def under(self, prefix: str) -> Mapping[str, Any]:
        """All whose key begins with `prefix`, by key."""
        notes = self._notes.copy()  # one step: writers may come and go meanwhile
        return {key: notes[key] for key in sorted(notes) if key.startswith(prefix)}
