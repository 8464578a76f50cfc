"""`python main.py ctl`: says one line to the admin socket of a running Roost and prints the answer.

Imports nothing of Roost's own work, so that it answers at once, and works while Roost is in trouble.
"""

import base64
import json
import shlex
import socket
from dataclasses import dataclass
from pathlib import Path

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back. code: for the shell, 0 or 1. error: whether it belongs on stderr."""

    text: str
    code: int
    error: bool


def ctl(path: Path, words: list[str]) -> Heard:
    """Say the words. Of `session FILE` the file is read here, by whoever calls, and its content is sent."""
    as_json = "--json" in words
    try:
        words = with_file(words)
    except OSError as error:
        return _no_answer(f"the session's file cannot be read ({error.strerror or error}). Name one that can.")
    try:
        answer = _said(path, shlex.join(words or ["help"]))
    except (FileNotFoundError, ConnectionRefusedError):
        return _no_answer(f"no Roost listens at {path}. Start it, or set ROOST_HOME or ADMIN_SOCKET as it has it.")
    except PermissionError:
        return _no_answer(f"this user may not open {path}. Be Roost's own user, root, or of the socket's group.")
    except OSError as error:
        return _no_answer(f"{path}: no answer ({error}). Look at the log, or at /live.")
    failed = _is_error(answer, as_json)
    return Heard(answer, int(failed), failed and not as_json)


def with_file(words: list[str]) -> list[str]:
    """The words, with the content of a session's file in base64 in place of its name. Raises OSError."""
    rest = [word for word in words if word != "--json"]
    if rest[:1] != ["session"] or len(rest) != 2:
        return words
    content = base64.b64encode(Path(rest[1]).read_bytes()).decode()
    return [content if word == rest[1] else word for word in words]


def _no_answer(why: str) -> Heard:
    return Heard(f"ctl: {why}\n", 1, error=True)


def _said(path: Path, line: str) -> str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(CONNECT_SECONDS)
        connection.connect(str(path))
        connection.settimeout(ANSWER_SECONDS)
        connection.sendall(line.encode() + b"\n")
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    if not answer:
        raise OSError("it hung up without a word")
    return answer.decode("utf-8", "replace")


def _is_error(answer: str, as_json: bool) -> bool:
    if not as_json:
        return answer.startswith("error: ")
    value = json.loads(answer)
    return isinstance(value, dict) and set(value) == {"error"}
