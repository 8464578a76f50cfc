"""A system with a face on it, and nothing else: what the tests of the face look at."""

import http.client
import io
import json
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from actors.core.lifecycle import Shutdown
from actors.core.runtime import ThreadedRuntime
from actors.core.system import System
from actors.face.context import AppContext
from actors.face.log_book import LogBook
from domain.settings import parse


@dataclass
class FaceWorld:
    """`left` collects the reasons for which somebody asked the process to end."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        runtime = ThreadedRuntime()
        settings = parse(self.environment, {})
        self.log = io.StringIO()
        self.system = System(runtime)
        book = LogBook(self.log, settings.secret_values())
        self.view = AppContext(self.system, settings, book, self.home, "test", runtime.now(), self.left.append)

    def stop(self) -> None:
        """End whatever runs."""
        for actor in self.system.directory.actors():
            self.system.stop_and_wait(actor, 5.0, Shutdown("end of the test"))


@dataclass
class Caller:
    """A caller of a web server on loopback."""

    port: int

    def get(self, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], str]:
        """Status, headers, body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode()
        finally:
            connection.close()

    def json(self, path: str) -> Any:
        """The body, as JSON."""
        return json.loads(self.get(path)[2])


def said(path: Path, *lines: str) -> str:
    """All that the admin socket answers to these lines."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(5)
        connection.connect(str(path))
        connection.sendall("".join(line + "\n" for line in lines).encode())
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode()
