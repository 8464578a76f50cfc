"""How an embedded server is, for those who need it: told at each change, and on the board."""

from dataclasses import dataclass

from actors.core.board import Board, Keys


@dataclass(frozen=True, slots=True)
class ServerState:
    """What hangs on the board under `server:<name>`.

    up: it answers. url: where (a DSN for Postgres), empty until first known. pid: 0 while none runs. restarts: starts
    after the first. detail: one line for people; why it is down.
    """

    name: str
    up: bool = False
    url: str = ""
    pid: int = 0
    restarts: int = 0
    detail: str = "not started yet"


@dataclass(frozen=True, slots=True)
class ServerUp:
    """To those who need the server: it answers, here."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class ServerDown:
    """To those who need the server: it has ended, or no longer answers. why: one line."""

    name: str
    why: str


SERVER = Keys[ServerState]("server:")


def server_state(board: Board, name: str) -> ServerState:
    """What is known of an embedded server; one that is not there reads as down."""
    return board[SERVER(name)] or ServerState(name, detail="no such server in this Roost")
