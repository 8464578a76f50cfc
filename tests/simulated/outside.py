"""What the simulated house takes from outside: a real Postgres, the sandbox's logic, a cache, and their failings.

These outlive the Roost that uses them, as they do in the world: a new life finds the same database and the same site.
Each stands behind the resource actor of production, whose leases, breaker and healing are what is to be shown; only
the backend differs. Postgres is spoken to directly, without psycopg's pool, whose threads no scheduler has seeded: a
statement is done while its thread holds the baton, so no other thread stands in a transaction meanwhile. What a
statement takes passes before it is done; what a transaction takes, once it is committed and while the connection is
still lent: a row's lock that is held while others go on would never be released.

In `tests`, not in the product: it needs the tests' Postgres, and the benches may import from here.
"""

import os
import random
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import psycopg

from actors.core.runtime import Runtime
from actors.core.system import System
from actors.resources.browser import CLOSE_SECONDS, CONTEXT_SECONDS, BrowserActor
from actors.resources.database import DatabaseActor, DatabaseDown
from actors.resources.lease import Backend, BackendGone, Lease
from actors.resources.model import ModelActor
from actors.resources.redis import CALL_SECONDS, RedisActor, RedisDown
from actors.resources.session import SessionStore
from actors.resources.specs import Make
from domain.resources import leases as books
from social.inprocess import stepped
from tests.simulated.durations import Durations, Took
from tests.simulated.writer import Writer

R = TypeVar("R")

LOCK_SECONDS = 2  # real: nobody holds a lock over a step, so whoever waits for one waits for ever
DATABASE, REDIS, BROWSER, MODEL = "database", "redis", "browser", "model"


class BrowserGone(Exception):
    """The browser closed under its holder."""


@dataclass
class Weather:
    """What fails, and until when (monotonic seconds). chance: of the failures that happen at a call."""

    chance: random.Random
    away: dict[str, float] = field(default_factory=dict)
    lost_statements: float = (
        0.0  # the probability that a connection breaks at a statement, before or after it is done
    )
    lost_commits: float = 0.0  # that it breaks when the commit is done and not yet answered
    hanging_pages: float = 0.0  # that a page never answers

    def is_away(self, what: str, now: float) -> bool:
        """Whether it cannot be reached."""
        return now < self.away.get(what, 0.0)

    def strikes(self, probability: float) -> bool:
        """Whether it happens now."""
        return probability > 0.0 and self.chance.random() < probability

    def clear(self) -> None:
        """No more failures."""
        self.away.clear()
        self.lost_statements = self.lost_commits = self.hanging_pages = 0.0


def let_pass(lease: Lease, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
    """Wait so long in the holder's thread, at most until the lease ends. until: or until this holds."""
    runtime = lease.runtime
    over = runtime.now() + seconds
    if seconds > 0:
        with lease.lock:
            while lease.ended is None and not until() and (left := over - runtime.now()) > 0:
                lease.lock.wait(left)


# Postgres


READS = ("select", "with", "show")


class Statement(psycopg.Cursor[Any]):
    """Has a statement done, unless the connection breaks before or after it."""

    def execute(self, query: Any, *args: Any, **named: Any) -> Any:
        line = self.connection
        assert isinstance(line, Line)
        line.take_time(query)
        if line.weather is not None and line.weather.strikes(line.weather.lost_statements):
            if line.weather.strikes(0.5):
                super().execute(query, *args, **named)
            line.cut()
        return super().execute(query, *args, **named)


class Line(psycopg.Connection[Any]):
    """A connection that can break where connections break: at a statement, and between a commit and its answer.

    durations, passes: how long its calls take, and how its user lets that pass; None where no time does.
    """

    weather: Weather | None = None
    durations: Durations | None = None
    passes: Callable[[float], None] | None = None
    _owed = 0.0  # what the statements of the transaction took, which passes after it

    def take_time(self, query: Any) -> None:
        """Let pass what the statement takes, now or, in a transaction, after it."""
        if self.durations is None or self.passes is None:
            return
        text = (query.decode() if isinstance(query, bytes) else str(query)).split(None, 1)[0].lower()
        kind = "read" if text in READS else "write"
        if self.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
            self.passes(self.durations.of(kind))
        else:
            self._owed += self.durations.of(f"{kind} in a transaction")

    @contextmanager
    def transaction(self, *args: Any, **named: Any) -> Iterator[psycopg.Transaction]:
        """As psycopg's."""
        self._owed = 0.0 if self.info.transaction_status == psycopg.pq.TransactionStatus.IDLE else self._owed
        with super().transaction(*args, **named) as made:
            yield made
        over = self.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        if over and self.durations is not None and self.passes is not None:
            self._await_commit(self.passes, self._owed + self.durations.of("commit"))

    def _await_commit(self, passes: Callable[[float], None], seconds: float) -> None:
        """It is done; whoever does not wait long enough for the answer does not know it."""
        try:
            passes(seconds)
        except psycopg.errors.QueryCanceled:
            self.cut()
            raise psycopg.OperationalError("the connection broke before the commit was answered") from None

    def _exec_command(self, command: Any, *args: Any, **named: Any) -> Any:
        answer = yield from super()._exec_command(command, *args, **named)
        weather = self.weather
        if command == b"COMMIT" and weather is not None and weather.strikes(weather.lost_commits):
            self.cut()
            raise psycopg.OperationalError("the connection broke before the commit was answered")
        return answer

    def cut(self) -> None:
        """As if the server or the network had gone."""
        with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(self.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)


class LineLease(Lease):
    """One connection."""

    backend: "Lines"

    def __init__(self, terms: books.Lease, backend: "Lines") -> None:
        super().__init__(terms, backend, backend.runtime)
        self.connection: Line | None = None

    def open(self) -> Line:
        self.check()
        self.connection = self.backend.take(self.let_pass)
        return self.connection

    def let_pass(self, seconds: float) -> None:
        """What the server takes, at most what the lease allows a statement, and not past the lease's end."""
        bound = self.terms.hold_until - self.terms.granted_at
        let_pass(self, min(seconds, bound))
        if self.ended is not None:
            raise psycopg.OperationalError("the connection was closed meanwhile")
        if seconds > bound:
            raise psycopg.errors.QueryCanceled("canceling statement due to statement timeout")

    def interrupt(self) -> None:
        with self.lock:
            self.lock.notify_all()

    def give_back(self) -> bool:
        connection, self.connection = self.connection, None
        if connection is not None:
            self.backend.put(connection)
        return True

    def is_fault(self, error: BaseException) -> bool:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) and error.sqlstate is None

    def close(self) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.close()


class Lines:
    """See `Backend`. Connections to the one database, kept for the next who asks."""

    def __init__(self, dsn: str, weather: Weather, runtime: Runtime, durations: Durations) -> None:
        self.dsn = dsn
        self.weather = weather
        self.runtime = runtime
        self.durations = durations
        self.leases: dict[int, LineLease] = {}
        self.idle: list[Line] = []

    def open(self) -> str:
        return self.check()

    def check(self) -> str:
        try:
            connection = self.take(self.runtime.sleep)
            connection.execute("select 1")
        except psycopg.Error as error:
            raise DatabaseDown(str(error)) from None
        self.put(connection)
        return "Postgres"

    def close(self) -> None:
        for lease in list(self.leases.values()):
            lease.end("database: its connections are closed")
            lease.close()
        while self.idle:
            self.idle.pop().close()

    def lend(self, terms: books.Lease) -> Lease:
        lease = self.leases[terms.token] = LineLease(terms, self)
        return lease

    def taken(self) -> int:
        return len(self.leases)

    def take(self, passes: Callable[[float], None]) -> Line:
        """An idle connection, or a new one. passes: how its user lets time pass.

        Raises psycopg.OperationalError while the database is away.
        """
        if self.weather.is_away(DATABASE, self.runtime.now()):
            raise psycopg.OperationalError("connection refused")
        connection = self.idle.pop() if self.idle else self._connect(passes)
        connection.passes = passes
        return connection

    def _connect(self, passes: Callable[[float], None]) -> Line:
        passes(self.durations.of("connect"))
        options = f"-c lock_timeout={LOCK_SECONDS}s"
        connection = Line.connect(
            self.dsn, autocommit=True, application_name="roost simulated", options=options, cursor_factory=Statement
        )
        connection.weather, connection.durations = self.weather, self.durations
        return connection

    def put(self, connection: Line) -> None:
        """Keep it, if it is any good."""
        connection.passes = None
        idle = psycopg.pq.TransactionStatus.IDLE
        if not connection.closed and connection.info.transaction_status == idle:
            self.idle.append(connection)
        else:
            connection.close()

    def abandon(self) -> None:
        """The process is gone, and its sockets with it."""
        for connection in [*self.idle, *(lease.connection for lease in self.leases.values())]:
            if connection is not None:
                connection.close()

    def cut(self) -> None:
        """Break all connections."""
        for connection in [*self.idle, *(lease.connection for lease in self.leases.values())]:
            if connection is not None:
                connection.cut()
        self.idle.clear()


# Redis


class Stored:
    """What the cache holds: value and end (monotonic seconds) by key."""

    def __init__(self) -> None:
        self.values: dict[str, tuple[bytes, float]] = {}


class CacheLease(Lease):
    """The cache, as long as it is there."""

    backend: "Caches"

    def __init__(self, terms: books.Lease, backend: "Caches") -> None:
        super().__init__(terms, backend, backend.runtime)

    def get(self, key: str) -> bytes | None:
        if not self._works():
            return None
        value, until = self.backend.stored.values.get(key, (b"", 0.0))
        return value if until > self.runtime.now() else None

    def set(self, key: str, value: bytes | str, seconds: float) -> None:
        if self._works():
            as_bytes = value.encode() if isinstance(value, str) else value
            self.backend.stored.values[key] = (as_bytes, self.runtime.now() + seconds)

    def delete(self, key: str) -> None:
        if self._works():
            self.backend.stored.values.pop(key, None)

    def _works(self) -> bool:
        seconds = self.backend.durations.of("cache")
        let_pass(self, min(seconds, CALL_SECONDS))
        if self.fault is None and seconds >= CALL_SECONDS:
            self.fault = "TimeoutError"
        if self.fault is None and self.backend.weather.is_away(REDIS, self.runtime.now()):
            self.fault = "ConnectionError"
        return self.fault is None and self.ended is None

    def open(self) -> "CacheLease":
        return self

    def interrupt(self) -> None:
        with self.lock:
            self.lock.notify_all()

    def give_back(self) -> bool:
        return True

    def is_fault(self, error: BaseException) -> bool:
        return False

    def close(self) -> None:
        pass


class Caches:
    """See `Backend`."""

    def __init__(self, stored: Stored, weather: Weather, runtime: Runtime, durations: Durations) -> None:
        self.stored = stored
        self.weather = weather
        self.runtime = runtime
        self.durations = durations
        self.leases: dict[int, CacheLease] = {}

    def open(self) -> str:
        return self.check()

    def check(self) -> str:
        self.runtime.sleep(self.durations.of("cache"))
        if self.weather.is_away(REDIS, self.runtime.now()):
            raise RedisDown("ConnectionError: connection refused")
        return "Redis, simulated"

    def close(self) -> None:
        for lease in list(self.leases.values()):
            lease.end("redis: it is closed")
        self.leases.clear()

    def lend(self, terms: books.Lease) -> Lease:
        lease = self.leases[terms.token] = CacheLease(terms, self)
        return lease

    def taken(self) -> int:
        return len(self.leases)


# the browser


class TabLease(Lease):
    """A browser context of which nothing is left but the time that its pages take."""

    backend: "Tabs"

    def __init__(self, terms: books.Lease, backend: "Tabs") -> None:
        super().__init__(terms, backend, backend.system.runtime)
        self.gone = False

    def run(self, work: Callable[..., Awaitable[R]], *args: Any, timeout: float = 60.0, **named: Any) -> R:
        """See `actors.resources.browser.BrowserLease.run`. The coroutine is stepped in the holder's own thread."""
        self.check()
        deadline = self.runtime.now() + timeout

        def tab(seconds: float) -> None:
            weather = self.backend.weather
            if weather.strikes(weather.hanging_pages):
                seconds = timeout
            self._let_pass(seconds, deadline)

        found: R = stepped(work(tab, *args, **named))  # type: ignore[arg-type]
        self._look(deadline)
        return found

    def _let_pass(self, seconds: float, deadline: float) -> None:
        let_pass(self, min(seconds, deadline - self.runtime.now()), until=lambda: self.gone)
        self._look(deadline)

    def _look(self, deadline: float) -> None:
        self.check()
        if self.gone:
            raise BrowserGone("Target page, context or browser has been closed")
        if self.runtime.now() >= deadline:
            raise TimeoutError("browser: its work took too long and was given up")

    def leave(self) -> None:
        """The browser is gone."""
        with self.lock:
            self.gone = True
            self.lock.notify_all()

    def interrupt(self) -> None:
        with self.lock:
            self.lock.notify_all()

    def open(self) -> "TabLease":
        self._let_pass(self.backend.durations.of("context"), self.runtime.now() + CONTEXT_SECONDS)
        return self

    def give_back(self) -> bool:
        let_pass(self, min(self.backend.durations.of("closing"), CLOSE_SECONDS), until=lambda: self.gone)
        return True

    def is_fault(self, error: BaseException) -> bool:
        return isinstance(error, BrowserGone)

    def close(self) -> None:
        pass


class Tabs:
    """See `Backend`. What the browser is to the actors: it opens, lends, and may be gone."""

    def __init__(self, system: System, weather: Weather, build: int, durations: Durations) -> None:
        self.system = system
        self.weather = weather
        self.build = build
        self.durations = durations
        self.leases: dict[int, TabLease] = {}

    def open(self) -> str:
        self.system.runtime.sleep(0.4)
        return self.check()

    def check(self) -> str:
        if self.weather.is_away(BROWSER, self.system.runtime.now()):
            raise RuntimeError("Chromium does not start")
        return "Chromium, simulated"

    def close(self) -> None:
        for lease in list(self.leases.values()):
            lease.end("browser: it is closed")
        self.leases.clear()

    def lend(self, terms: books.Lease) -> Lease:
        lease = self.leases[terms.token] = TabLease(terms, self)
        return lease

    def taken(self) -> int:
        return len(self.leases)

    def die(self) -> None:
        """As if it had been killed."""
        for lease in list(self.leases.values()):
            lease.leave()
        self.system.tell("browser", BackendGone(self.build, "Chromium is gone"))


# the actors of production on these


@dataclass
class Outside:
    """All of it. took: how long calls take, by kind; nothing takes no time. slower: by how much, by resource.

    lines, tabs: the backends at work, for whoever breaks them.
    """

    dsn: str
    weather: Weather
    took: Mapping[str, Took] = field(default_factory=dict)
    slower: dict[str, float] = field(default_factory=dict)
    stored: Stored = field(default_factory=Stored)
    lines: Lines | None = None
    tabs: Tabs | None = None

    def durations(self, runtime: Runtime) -> Durations:
        """How long calls take in this world."""
        return Durations(runtime, self.took, self.slower)

    def actors(self, durations: Durations) -> Mapping[str, Make]:
        """How to make each resource's actor. durations: of the world that they are to live in."""
        outside = self

        class Database(DatabaseActor):
            def make_backend(self, build: int) -> Backend:
                outside.lines = Lines(outside.dsn, outside.weather, self.system.runtime, durations)
                return outside.lines

        class Redis(RedisActor):
            def make_backend(self, build: int) -> Backend:
                return Caches(outside.stored, outside.weather, self.system.runtime, durations)

        class Browser(BrowserActor):
            def make_backend(self, build: int) -> Backend:
                outside.tabs = Tabs(self.system, outside.weather, build, durations)
                return outside.tabs

        class Model(ModelActor):
            def make_backend(self, build: int) -> Backend:
                return Writer(self.system, self.settings, self.usage, durations)

        return {
            MODEL: Model,
            DATABASE: Database,
            REDIS: Redis,
            BROWSER: lambda settings, caps, slot: Browser(settings, caps, slot, SessionStore()),
        }
