"""The sandbox site as a server of its own, so that the "site" outlives Roost's crashes as a real one does."""

import http.client
import signal
import socket
import sys
from pathlib import Path

from actors.core.runtime import Runtime
from actors.servers.paths import log_file, private
from actors.servers.processes import Command
from actors.servers.servers import Steps

PROJECT = Path(__file__).parents[2]


class SandboxServer:
    """See `Server`. State in HOME/sandbox. It keeps its port over restarts, as long as nobody else takes it."""

    name = "sandbox"
    marker = "social.sandbox"
    stop_steps: Steps = ((signal.SIGTERM, 3.0),)

    def __init__(self, home: Path, handle: str, clock: Path) -> None:
        """clock: the calendar's anchor file, which Roost writes before its actors start."""
        self.home = home
        self.data = home / "sandbox"
        self.handle = handle
        self.clock = clock

    def prepare(self, runtime: Runtime) -> Command:
        private(self.data)
        port = self._port()
        (self.data / "port").unlink(missing_ok=True)
        argv = (
            *(sys.executable, "-m", "social.sandbox", "--home", str(self.data), "--port", str(port)),
            *("--handle", self.handle, *(("--clock", str(self.clock)) if self.clock.exists() else ())),
        )
        return Command(argv, self.data, log_file(self.home, self.name), environment={"PYTHONPATH": str(PROJECT)})

    def probe(self, timeout: float) -> str:
        port = int((self.data / "port").read_text())
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        try:
            connection.request("GET", "/__sandbox/health")
            answer = connection.getresponse()
        except http.client.HTTPException as error:
            raise ConnectionError(f"sandbox: no HTTP answer ({error!r})") from error
        finally:
            connection.close()
        if answer.status != 200:
            raise ConnectionError(f"sandbox: answers {answer.status}")
        return f"http://127.0.0.1:{port}"

    def _port(self) -> int:
        """The port it had before, if that is free; else 0, for any."""
        try:
            port = int((self.data / "port").read_text())
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                trial.bind(("127.0.0.1", port))
        except (OSError, ValueError):
            return 0
        return port
