"""Whether a resource is well, as the board has it: for those who would only ask it in vain."""

from actors.board import Board
from actors.resources.loans import ResourceState


def is_well(board: Board, resource: str) -> bool:
    """Up and answering, a moment ago. False before its first word."""
    state = board.get(resource)
    return isinstance(state, ResourceState) and state.healthy
