"""How a component says how it is: to health, and on the board, where a health that starts after it finds it."""

from actors.base import Actor
from actors.board import Board
from actors.protocol import ComponentReport

PREFIX = "report:"


def report(by: Actor, component: str, healthy: bool, detail: str) -> None:
    """Say it. detail: one line for people."""
    said = ComponentReport(component, healthy, detail)
    by.system.board.put(PREFIX + component, said)
    by.tell("health", said)


def reports(board: Board) -> tuple[ComponentReport, ...]:
    """What each last said."""
    return tuple(said for said in board.under(PREFIX).values() if isinstance(said, ComponentReport))
