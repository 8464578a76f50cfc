"""A Roost that writes down how long each of its calls to the outside took: `bench.durations` runs it.

It is `main.py` with a watch around the calls that a simulated day gives a time of their own: Postgres' statements and
commits, Redis' calls, the browser's contexts and pages, the model's answers. One JSON list a call, in the file that
ROOST_DURATIONS names: what was called, and the seconds that it took.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
import redis

import main
from actors.resources.browser import BrowserLease
from actors.resources.model import ModelBackend

READS = ("select", "with", "show")


class Watch:
    """Writes down what it is told, from any thread."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "a", buffering=1)  # noqa: SIM115 - as long as the process lives
        self._lock = threading.Lock()

    def around(self, owner: Any, method: str, name: Callable[..., str]) -> None:
        """Time every call of a method. name: given its arguments, under what it is written down."""
        inner = getattr(owner, method)

        def timed(*args: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return inner(*args, **named)
            finally:
                self.note(name(*args, **named), time.perf_counter() - began)

        setattr(owner, method, timed)

    def around_class(self, owner: Any, method: str, name: str) -> None:
        """The same for a method of the class."""
        inner = getattr(owner, method).__func__

        def timed(cls: type, *args: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return inner(cls, *args, **named)
            finally:
                self.note(name, time.perf_counter() - began)

        setattr(owner, method, classmethod(timed))

    def note(self, name: str, seconds: float) -> None:
        """One call."""
        with self._lock:
            self._file.write(json.dumps([name, seconds]) + "\n")


def statement(cursor: psycopg.Cursor[Any], query: object, *args: Any, **named: Any) -> str:
    """A kind of statement. In a transaction it waits for no disk: its commit does."""
    text = query.decode() if isinstance(query, bytes) else str(query)
    idle = psycopg.pq.TransactionStatus.IDLE
    reads = text.split(None, 1)[0].lower() in READS and " update " not in text.lower()
    alone = cursor.connection.info.transaction_status == idle
    return ("database read" if reads else "database write") + ("" if alone else " in a transaction")


def watch(path: str) -> None:
    """Put the watch around all of them."""
    seen = Watch(path)
    seen.around(psycopg.Cursor, "execute", statement)
    seen.around(psycopg.Transaction, "__exit__", lambda *_: "database commit")
    seen.around_class(psycopg.Connection, "connect", "database connect")
    seen.around(redis.Redis, "execute_command", lambda _, command, *__, **___: f"redis {command.lower()}")
    seen.around(BrowserLease, "open", lambda *_: "browser context")
    seen.around(BrowserLease, "give_back", lambda *_: "browser close")
    seen.around(BrowserLease, "run", lambda _, work, *__, **___: f"browser {work.__name__}")
    seen.around(ModelBackend, "_post", lambda *_: "model call")


if __name__ == "__main__":
    watch(os.environ["ROOST_DURATIONS"])
    code = main.main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)
