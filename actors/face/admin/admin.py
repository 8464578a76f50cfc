"""The admin socket: one command a line, from whoever the kernel says may give it.

Who calls is not asked but known: the kernel tells user and group of the process at the other end (unix(7),
SO_PEERCRED), so there is no password to leak. Connections are threads of their own, since a command may have to wait
for an actor, and a handler must not.
"""

import json
import logging
import os
import shlex
import socket
import struct
import threading
from dataclasses import dataclass
from enum import Enum

from actors.core.base import Actor
from actors.core.lifecycle import ExitReason
from actors.face.admin.command import CommandAnswer, CommandError, Reply, UsageError
from actors.face.admin.commands import COMMANDS
from actors.face.context import AppContext

log = logging.getLogger("roost.admin")

MOST_CONNECTIONS = 16
IDLE_SECONDS = 300.0  # a person may think
LONGEST_LINE = 512 * 1024  # bytes: a session with all that a site stores


class Rights(Enum):
    """What a caller may do."""

    ALL = "all"
    READ = "read"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Peer:
    """The process at the other end, as the kernel names it."""

    pid: int
    uid: int
    gid: int


def rights(peer: Peer, owner: int, group: int) -> Rights:
    """The owner and root may all, members of the socket's group may read.

    owner: uid that Roost runs as. group: gid of the socket.
    """
    if peer.uid in (0, owner):
        return Rights.ALL
    return Rights.READ if peer.gid == group else Rights.NONE


def peer_of(connection: socket.socket) -> Peer:
    """Who is at the other end."""
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return Peer(*struct.unpack("3i", found))


class AdminActor(Actor):
    """Answers commands on a Unix socket that listens already."""

    def __init__(self, listener: socket.socket, view: AppContext) -> None:
        super().__init__()
        self.listener = listener
        self.view = view
        self.ending = False
        self.free = threading.BoundedSemaphore(MOST_CONNECTIONS)

    def on_start(self) -> None:
        door = self.listener.dup()
        door.settimeout(0.25)  # so that the accepting thread sees the end
        group = os.stat(self.listener.getsockname()).st_gid
        self.system.runtime.spawn("admin/accept", lambda: self._accept(door, group))

    def terminate(self, reason: ExitReason) -> None:
        self.ending = True

    def _accept(self, door: socket.socket, group: int) -> None:
        with door:
            while not (self.ending or self.fenced):
                try:
                    connection, _ = door.accept()
                except TimeoutError:
                    continue
                if not self.free.acquire(blocking=False):
                    connection.close()
                    continue
                self.system.runtime.spawn("admin/caller", lambda c=connection: self._talk(c, group))  # type: ignore[misc]

    def _talk(self, connection: socket.socket, group: int) -> None:
        try:
            with connection, connection.makefile("rb") as lines:
                connection.settimeout(IDLE_SECONDS)
                peer = peer_of(connection)
                allowed = rights(peer, os.geteuid(), group)
                while line := lines.readline(LONGEST_LINE):
                    if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                        while (rest := lines.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
                            pass
                        connection.sendall(b"error: the line is too long\n")
                        continue
                    connection.sendall(self._answer(line.decode("utf-8", "replace"), peer, allowed))
        except OSError as gone:
            log.debug("a caller went away: %s", gone)
        finally:
            self.free.release()

    def _answer(self, line: str, peer: Peer, allowed: Rights) -> bytes:
        """The answer to one line: text, or one line of JSON."""
        try:
            # Plain words need no shell's reading, which takes seconds on a line as long as a session.
            words = shlex.split(line) if any(mark in line for mark in "'\"\\") else line.split()
        except ValueError as error:
            return _as_line(CommandError(f"the line cannot be read: {error}"), as_json=False)
        as_json = "--json" in words
        words = [word for word in words if word != "--json"]
        if not words:
            return _as_line(CommandAnswer("", None), as_json)
        return _as_line(self._do(words[0], words[1:], peer, allowed), as_json)

    def _do(self, name: str, arguments: list[str], peer: Peer, allowed: Rights) -> Reply:
        command = COMMANDS.get(name)
        if command is None:
            return UsageError("`help` lists them", f"there is no command {name!r}")
        if allowed is Rights.NONE:
            return CommandError(f"user {peer.uid} may not ask; Roost's own user and its socket's group may")
        if (usage_error := command.usage_error(arguments)) is not None:
            return usage_error
        if command.changes(arguments):
            if allowed is not Rights.ALL:
                return CommandError(f"user {peer.uid} may only look; {name} is for Roost's own user and root")
            said = [name] if command.secret else [name, *arguments]
            log.info("%s, by user %d (pid %d)", " ".join(said), peer.uid, peer.pid)
        try:
            return command.run(self.view, arguments, f"user {peer.uid}")
        except Exception as error:
            log.exception("%s failed", name)
            return CommandError(f"{name} failed: {error}")


def _as_line(reply: Reply, as_json: bool) -> bytes:
    """An answer on the socket. What is none begins with its kind, in JSON the only key; `ctl` exits by it."""
    match reply:
        case CommandAnswer(text, data):
            kind = None
        case CommandError(text):
            kind = "error"
        case UsageError(accepted, why):
            kind, text = "usage", f"{why}; {accepted}" if why else accepted
    if as_json:
        return json.dumps(data if kind is None else {kind: text}, ensure_ascii=False).encode() + b"\n"
    return (f"{kind}: {text}\n" if kind else f"{text}\n" if text else "").encode()
