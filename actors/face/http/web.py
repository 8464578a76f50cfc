"""The web server: the standard library's, a thread a connection, owned by one actor.

`/health` must answer within 250 ms of exec. Measured from exec to the first answer: this one 95 ms, Starlette on
uvicorn 210 ms, and 17 MiB more. What it serves is small and needs no more.

The listening socket is `main`'s (see `listeners`): a restart of this actor refuses nobody.
"""

import contextlib
import logging
import socket
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from actors.core.base import Actor
from actors.core.lifecycle import ExitReason
from domain.setting_types import is_loopback

log = logging.getLogger("roost.web")

MOST_CONNECTIONS = 64  # threads; more callers are told to come back
IDLE_SECONDS = 15.0  # for a request to arrive; a slow caller holds one thread no longer
POLL_SECONDS = 0.25
LONGEST_QUERY = 2_000

TEXT = "text/plain; charset=utf-8"
JSON = "application/json"
HTML = "text/html; charset=utf-8"

_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back. headers: more than the usual ones, or other values for them."""

    body: bytes
    kind: str = TEXT
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Query = Mapping[str, str]
Routes = Mapping[str, Callable[[Query], Answer]]


class Requests:
    """How many were answered, by path and status. Outlives the server, as a count must."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, int]] = Counter()

    def add(self, path: str, status: int) -> None:
        """Count one."""
        with self._lock:
            self._counts[path, status] += 1

    def counts(self) -> dict[tuple[str, int], int]:
        """All so far."""
        with self._lock:
            return dict(self._counts)


class WebActor(Actor):
    """Serves `routes` on a socket that listens already."""

    def __init__(self, listener: socket.socket, routes: Routes, requests: Requests, loopback_only: bool) -> None:
        """loopback_only: take no request that names another host, see `host_is_ours`."""
        super().__init__()
        self.listener = listener
        self.routes = routes
        self.requests = requests
        self.loopback_only = loopback_only
        self.server: Server | None = None

    def on_start(self) -> None:
        self.server = server = Server(self.listener, self.routes, self.requests, self.loopback_only)
        self.system.runtime.spawn("web/server", lambda: server.serve_forever(POLL_SECONDS))

    def terminate(self, reason: ExitReason) -> None:
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()


class Server(ThreadingHTTPServer):
    """The standard server on a socket that is not its own, with a bound on its threads."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, listener: socket.socket, routes: Routes, requests: Requests, loopback_only: bool) -> None:
        super().__init__(("", 0), Handler, bind_and_activate=False)
        self.socket.close()  # the one that the constructor made
        self.socket = listener.dup()
        self.server_address = self.socket.getsockname()
        self.routes = routes
        self.requests = requests
        self.loopback_only = loopback_only
        self.free = threading.BoundedSemaphore(MOST_CONNECTIONS)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Called for each connection, by the accepting thread."""
        if not self.free.acquire(blocking=False):
            with contextlib.suppress(OSError):
                request.sendall(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n")
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """The whole life of a connection, in its own thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection broke; that is its caller's affair."""
        log.debug("a connection from %s broke", client_address, exc_info=True)


class Handler(BaseHTTPRequestHandler):
    """One connection. Reads requests, answers from the server's routes."""

    server: Server
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    wbufsize = -1  # head and body in one packet: two meet Nagle and the delayed ACK, 40 ms
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._send(self._answer())

    do_HEAD = do_GET  # `_send` leaves the body out

    def _answer(self) -> Answer:
        if self.server.loopback_only and not host_is_ours(self.headers.get("Host", "")):
            return Answer(b"this server is for this machine: ask for localhost or 127.0.0.1\n", status=421)
        parts = urlsplit(self.path)
        route = self.server.routes.get(parts.path)
        if route is None:
            known = " ".join(self.server.routes)
            return self._counted("other", Answer(f"no such page. There are: {known}\n".encode(), status=404))
        query = dict(parse_qsl(parts.query[:LONGEST_QUERY], max_num_fields=20))
        try:
            return self._counted(parts.path, route(query))
        except Exception:
            log.exception("%s failed; the other pages go on", parts.path)
            return self._counted(parts.path, Answer(b"this page failed; the log says why\n", status=500))

    def _counted(self, path: str, answer: Answer) -> Answer:
        self.server.requests.add(path, answer.status)
        return answer

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        headers = {
            **_HEADERS,
            "Content-Type": answer.kind,
            "Content-Length": str(len(answer.body)),
            **answer.headers,
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Called by the standard server for what it cannot read or does not do (a POST)."""
        self.close_connection = True
        self._send(Answer(b"only GET and HEAD, in HTTP\n", status=405 if code == 501 else code))

    def version_string(self) -> str:
        return "Roost"

    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)


def host_is_ours(host: str) -> bool:
    """Whether a Host header names this machine.

    A page of another site can make a browser ask a name of that site's which resolves to 127.0.0.1 (DNS rebinding),
    and so read what is served here; its requests carry that name.
    """
    name = host.strip()
    name = name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0]
    return is_loopback(name)
