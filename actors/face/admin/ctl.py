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
ERROR, MISUSED = "error", "usage"  # what an answer begins with where there is none; see `admin`


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back. code: for the shell, 0, 1, or 2 where the words are wrong. error: whether it is for stderr."""

    text: str
    code: int
    error: bool


def ctl(path: Path, words: list[str], as_json: bool = False) -> Heard:
    """Say the words. Of `session FILE` the file is read here, by whoever calls, and its content is sent."""
    try:
        words = with_file(words)
    except OSError as error:
        return _no_answer(f"the session's file cannot be read ({error.strerror or error}). Name one that can.")
    try:
        answer = _said(path, shlex.join([*(words or ["help"]), *(["--json"] if as_json else [])]))
    except (FileNotFoundError, ConnectionRefusedError):
        return _no_answer(f"no Roost listens at {path}. Start it, or set ROOST_HOME or ADMIN_SOCKET as it has it.")
    except PermissionError:
        return _no_answer(f"this user may not open {path}. Be Roost's own user, root, or of the socket's group.")
    except OSError as error:
        return _no_answer(f"{path}: no answer ({error}). Look at the log, or at /live.")
    code = _code(answer, as_json)
    return Heard(answer, code, code != 0 and not as_json)


def with_file(words: list[str]) -> list[str]:
    """The words, with the content of a session's file in base64 in place of its name. Raises OSError."""
    match words:
        case ["session", file]:
            return ["session", base64.b64encode(Path(file).read_bytes()).decode()]
    return words


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


def _code(answer: str, as_json: bool) -> int:
    """For the shell: what kind of answer it is stands at its head, and in JSON is the only key."""
    if as_json:
        value = json.loads(answer)
        kind = next(iter(value)) if isinstance(value, dict) and len(value) == 1 else ""
    else:
        kind = answer.partition(":")[0]
    return {ERROR: 1, MISUSED: 2}.get(kind, 0)
