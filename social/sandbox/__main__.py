"""The sandbox site as a process: `python -m social.sandbox --home DIR --port N`.

It keeps its state in DIR/site.sqlite3 and its port in DIR/port, and prints one line when it listens. With
`--stdin-lifeline` it ends when its standard input does: the owner holds the other end of the pipe, and the kernel
closes it however the owner dies, also by SIGKILL. (A parent-death signal would follow the parent *thread*, and
an actor's thread may end while Roost lives on; a pipe follows the process.)
"""

import argparse
import asyncio
import fcntl
import json
import os
import random
import signal
import socket
import sqlite3
import sys
import time
from pathlib import Path

import uvicorn

from domain.calendar import Anchor
from social.sandbox.app import SandboxSite
from social.sandbox.network import Network
from social.sandbox.shapes import ShapeBoard
from social.sandbox.storage import Storage

PREDECESSOR_SECONDS = 2.0  # how long a site that is just ending may take to let go of its home


class FileClock:
    """The calendar by an anchor file, read again when the file changes; real time where there is none."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._read: tuple[int, int] | None = None
        self._anchor = Anchor(0.0, 0.0, 1.0)

    def real(self) -> float:
        """The machine's time, in Unix seconds."""
        return time.time()

    def calendar(self) -> float:
        """The calendar's time, in Unix seconds."""
        if self._path is not None:
            self._refresh(self._path)
        return self._anchor.at(self.real())

    def _refresh(self, path: Path) -> None:
        try:
            found = path.stat()
            if (found.st_mtime_ns, found.st_ino) != self._read:
                stored = json.loads(path.read_text())
                self._anchor = Anchor(float(stored["real"]), float(stored["calendar"]), float(stored["speed"]))
                self._read = (found.st_mtime_ns, found.st_ino)
        except (OSError, ValueError, KeyError, TypeError) as error:
            # A file that is being replaced is read at the next call; the anchor known so far still holds.
            if self._read is None:
                raise SystemExit(
                    f"sandbox: no calendar in {path} ({error!r}). Write it first, or leave out --clock."
                ) from error


class Server(uvicorn.Server):
    """uvicorn's server, which says where it listens and ends with its lifeline."""

    def __init__(self, config: uvicorn.Config, port: int, home: Path, lifeline: bool) -> None:
        super().__init__(config)
        self._port = port
        self._home = home
        self._lifeline = lifeline

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts to serve, then tells the port."""
        await super().startup(sockets)
        if self._lifeline:
            asyncio.get_running_loop().add_reader(sys.stdin.fileno(), self._hear_lifeline)
        made = self._home / f"port.{os.getpid()}"
        made.write_text(f"{self._port}\n")
        made.replace(self._home / "port")
        sys.stdout.write(f"sandbox listening on http://127.0.0.1:{self._port}\n")
        sys.stdout.flush()

    def _hear_lifeline(self) -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            self.should_exit = True


def _shapes(file: Path) -> ShapeBoard:
    try:
        return ShapeBoard(file)
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise SystemExit(f"sandbox: {file} cannot be used ({error}). Mend it, or remove it.") from error


def _bound(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        raise SystemExit(
            f"sandbox: port {port} on 127.0.0.1 cannot be had ({error.strerror}). Use --port 0."
        ) from error
    return listener


def _sole_owner(home: Path) -> int:
    """The lock on a home, as an open file: two sites on one would give out the same ids. The kernel lets it go."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        held = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SystemExit(f"sandbox: {home} cannot be written ({error.strerror}). Give another --home.") from error
    give_up = time.monotonic() + PREDECESSOR_SECONDS
    while True:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return held
        except OSError as error:
            if time.monotonic() >= give_up:
                raise SystemExit(f"sandbox: another site runs on {home}. Stop it, or give another --home.") from error
            time.sleep(0.05)


def main() -> None:
    """Reads the arguments and serves until it is told to stop."""
    parser = argparse.ArgumentParser(prog="python -m social.sandbox", description="The sandbox site, on loopback.")
    parser.add_argument("--home", type=Path, required=True, help="directory for its state")
    parser.add_argument("--port", type=int, default=0, help="0 (the default) picks one; see DIR/port")
    parser.add_argument("--clock", type=Path, help='JSON {"real", "calendar", "speed"}; without it, real time')
    parser.add_argument("--handle", default="roost", help="the own account, without @")
    parser.add_argument("--seed", type=int, default=1, help="of tastes and strangers; a home keeps its first one")
    parser.add_argument("--stdin-lifeline", action="store_true", help="end when standard input ends")
    given = parser.parse_args()

    listener = _bound(given.port)
    clock = FileClock(given.clock)
    clock.calendar()
    held = _sole_owner(given.home)
    try:
        storage = Storage(given.home)
        network = Network(storage, given.seed, given.handle)
    except sqlite3.Error as error:
        advice = f"Look at it, or move {given.home} away to begin anew"
        raise SystemExit(f"sandbox: {given.home / 'site.sqlite3'} cannot be used ({error}). {advice}.") from error
    except ValueError as error:
        raise SystemExit(str(error)) from error
    site = SandboxSite(network, clock, random.SystemRandom(), _shapes(given.home / "shapes.json"))
    config = uvicorn.Config(
        site.application(), log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=1
    )
    server = Server(config, listener.getsockname()[1], given.home, given.stdin_lifeline)
    # Ctrl-C reaches the whole terminal's process group; only the owner decides when the site ends.
    if given.stdin_lifeline:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    server.run(sockets=[listener])
    storage.close()
    os.close(held)


if __name__ == "__main__":
    main()
