"""What a command of the operator is, and how it answers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from actors.face.context import AppContext


@dataclass(frozen=True, slots=True)
class CommandAnswer:
    """An answer. text: for people. data: for programs."""

    text: str
    data: Any


@dataclass(frozen=True, slots=True)
class CommandError:
    """Why there is none, and what to do."""

    text: str


@dataclass(frozen=True, slots=True)
class UsageError:
    """The words are not understood. accepted: what is."""

    accepted: str
    why: str = ""


Reply = CommandAnswer | CommandError | UsageError


@dataclass(frozen=True, slots=True)
class Command:
    """One command. run(view, arguments, who). changes: whether these arguments change anything.

    secret: its arguments are in no log.
    """

    usage: str
    about: str
    run: Callable[[AppContext, list[str], str], Reply]
    changes: Callable[[list[str]], bool] = lambda arguments: False
    secret: bool = False

    def usage_error(self, arguments: list[str]) -> UsageError | None:
        """What no command takes: a word where its usage has none, or an option."""
        takes_words = " " in self.usage
        if (arguments and not takes_words) or any(word.startswith("--") for word in arguments):
            return UsageError(f"{self.usage} [--json]")
        return None


def always(arguments: list[str]) -> bool:
    """A command that changes something whatever is said with it."""
    return True


def with_arguments(arguments: list[str]) -> bool:
    """A command that only looks when it is said alone."""
    return bool(arguments)
