"""Answers `/health` from the first moment, until the web actor is there.

The platform's first check comes within milliseconds, and loading the actors takes longer than it waits. So this loads
nothing but sockets, answers one caller after the other, and leaves when the web server takes the listening socket
over; whoever calls in between waits in the kernel's queue and is not refused.
"""

import json
import select
import socket

from actors.core.runtime import Runtime

LONGEST_REQUEST = 8192
CALLER_SECONDS = 1.0


class EarlyHealthServer:
    """At the open port, until told to leave."""

    def __init__(self, listener: socket.socket, runtime: Runtime) -> None:
        self._listener = listener
        self._runtime = runtime
        self._began = runtime.now()
        self._bell, self._ear = socket.socketpair()
        runtime.spawn("early_health", self._stand)

    def leave(self) -> None:
        """Accept nobody more. Calling it again changes nothing."""
        try:
            self._bell.send(b"x")
        except OSError:
            return  # gone already
        with self._bell:
            self._bell.shutdown(socket.SHUT_WR)
            self._bell.recv(1)  # ends when the other side is closed: nobody accepts here from now on

    def _stand(self) -> None:
        with self._ear:
            while True:
                ready, _, _ = select.select([self._listener, self._ear], [], [])
                if self._ear in ready:
                    self._ear.recv(1)
                    return
                caller, _ = self._listener.accept()
                with caller:
                    self._answer(caller)

    def _answer(self, caller: socket.socket) -> None:
        try:
            caller.settimeout(CALLER_SECONDS)
            asked = b""
            while b"\r\n\r\n" not in asked and len(asked) < LONGEST_REQUEST:
                more = caller.recv(LONGEST_REQUEST)
                if not more:
                    return
                asked += more
            healthy = asked.split(b" ", 2)[1:2] == [b"/health"]
            uptime = round(self._runtime.now() - self._began, 3)
            body = json.dumps({"status": "ok" if healthy else "starting", "uptime_seconds": uptime}) + "\n"
            status = "200 OK" if healthy else "503 Service Unavailable\r\nRetry-After: 1"
            head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            caller.sendall(f"{head}Connection: close\r\n\r\n{body}".encode())
        except OSError:
            return  # whoever called has hung up
