"""The way to Postgres as a test can cut it: a TCP port on loopback, and behind it the server's Unix socket."""

import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit


class Wire:
    """Passes on whatever comes, until it is cut. Cut, it hangs up and lets nobody in."""

    def __init__(self, dsn: str) -> None:
        """dsn: as `tests.postgres.Server` writes it."""
        parts = urlsplit(dsn)
        self.behind = str(Path(parse_qs(parts.query)["host"][0]) / ".s.PGSQL.5432")
        self.database = parts.path.lstrip("/")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.whole = True
        self.ended = False
        self.peers: dict[socket.socket, socket.socket] = {}
        self.lock = threading.Lock()
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    @property
    def dsn(self) -> str:
        """The connection string that goes through it."""
        return f"postgresql://roost@127.0.0.1:{self.port}/{self.database}"

    def cut(self) -> None:
        """Hang up on everybody, and refuse whoever comes."""
        self.whole = False
        with self.lock:
            while self.peers:
                self._drop(next(iter(self.peers)))

    def mend(self) -> None:
        """Let them in again."""
        self.whole = True

    def close(self) -> None:
        """No wire any more."""
        self.ended = True
        self.thread.join(5.0)
        self.cut()
        self.listener.close()

    def _serve(self) -> None:
        while not self.ended:
            for key, _ in self.selector.select(0.1):
                end = key.fileobj
                assert isinstance(end, socket.socket)
                with self.lock:
                    if end is self.listener:
                        self._join()
                    elif end in self.peers:
                        self._pass_on(end)

    def _join(self) -> None:
        near, _ = self.listener.accept()
        if not self.whole:
            near.close()
            return
        far = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            far.connect(self.behind)
        except OSError:
            near.close()
            far.close()
            return
        for one, other in ((near, far), (far, near)):
            self.peers[one] = other
            self.selector.register(one, selectors.EVENT_READ)

    def _pass_on(self, end: socket.socket) -> None:
        try:
            said = end.recv(1 << 16)
            if said:
                self.peers[end].sendall(said)
                return
        except OSError:
            pass  # one of the two has hung up, and so does the other
        self._drop(end)

    def _drop(self, end: socket.socket) -> None:
        other = self.peers.pop(end, None)
        for each in (end, other):
            if each is not None:
                self.peers.pop(each, None)
                with suppress(KeyError):
                    self.selector.unregister(each)
                each.close()


@contextmanager
def wire(dsn: str) -> Iterator[Wire]:
    """One wire, gone at the end."""
    made = Wire(dsn)
    try:
        yield made
    finally:
        made.close()
