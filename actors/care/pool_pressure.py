"""Which pools are nearly used up: units of each resource, lent or in quarantine, and what the model may be used a
minute and a day.

It belongs to the alerts actor, and reads what the resources hang on the board.
"""

from collections.abc import Iterator

from actors.core.board import Board
from actors.protocol.resources import resources
from domain.resources.crowding import Usage, after


class Crowds:
    """The smoothed usage of every pool. Its name is that of a resource, or as `model tokens per minute`."""

    def __init__(self, crowded: frozenset[str], now: float) -> None:
        """crowded: which were before. now: monotonic seconds."""
        self._usages = {name: Usage(1.0, crowded=True) for name in crowded}
        self._looked_at = now

    def look(self, board: Board, now: float) -> dict[str, Usage]:
        """How it is by now."""
        seconds = now - self._looked_at
        self._looked_at = now
        for name, share in _shares(board):
            self._usages[name] = after(self._usages.get(name, Usage()), share, seconds)
        return self._usages


def _shares(board: Board) -> Iterator[tuple[str, float]]:
    for name, state in resources(board).items():
        # What would not close is as far away as what is lent.
        away = state.in_use + state.quarantined
        yield name, min(1.0, away / state.capacity) if state.capacity else 0.0
        for what, share in state.budgets:
            yield f"{name} {what}", share
