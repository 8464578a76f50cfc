"""Who may tell and ask: an actor, a run, or the whole system from outside.

What an actor can be told and asked are functions beside its messages; they take whoever sends, and return a typed
answer. An actor only tells: it never waits in a handler, and has `Actor.request` for what it wants to know.
"""

from typing import Any, Protocol


class Teller(Protocol):
    """Sends and forgets."""

    def tell(self, name: str, message: Any) -> bool:
        """False: nobody got it."""


class Asker(Protocol):
    """Sends, and waits for the answer. All functions that take one raise AskError where there is none in time."""

    def ask(self, name: str, message: Any, timeout: float) -> Any:
        """timeout: seconds."""
