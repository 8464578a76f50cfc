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


Reply = CommandAnswer | CommandError


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


def always(arguments: list[str]) -> bool:
    """A command that changes something whatever is said with it."""
    return True


def with_arguments(arguments: list[str]) -> bool:
    """A command that only looks when it is said alone."""
    return bool(arguments)
