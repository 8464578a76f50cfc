"""The sockets that `main` has opened, for the actors that answer at them.

A restart of such an actor loses no caller: they wait in the kernel's queue.
"""

import socket
from dataclasses import dataclass

from actors.face.http.early_health import EarlyHealthServer


@dataclass(frozen=True, slots=True)
class Listeners:
    """The open ones. port, admin: sockets that listen. early_health: answers at the port until the web actor does."""

    port: socket.socket
    early_health: EarlyHealthServer
    admin: socket.socket
