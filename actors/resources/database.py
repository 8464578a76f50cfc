"""The database: lends the connections of the one psycopg pool.

The pool opens, renews and replaces connections; who gets one, and for how long, is the ledger's to say, so the pool's
own queue is never used (its count of waiters goes wrong after time-outs). A holder takes its connection from the pool
in its own thread. Taking it away means, in this order: cancel the statement, close, give back; closing alone would
leave the server at work on the query, and the pool one connection short for ever.
"""

import logging
import os
import select
import socket
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from actors.core.runtime import Runtime
from actors.protocol.servers import server_state
from actors.resources.backend_slot import BackendSlot
from actors.resources.lease import Backend, Broken, Lease
from actors.resources.resource_actor import ResourceActor
from domain.resources import breaker, leases
from domain.resources.reserves import database_policy
from domain.settings import Settings
from store.errors import StoreError, without_secrets
from store.migrate import migrate

log = logging.getLogger("roost.resources")

CONNECT_SECONDS = 5.0
CHECK_SECONDS = 5.0
CANCEL_SECONDS = 2.0
HOLDER_SECONDS = 5.0  # for a holder whose connection was hung up to find that out, on a very busy machine
LOCK_SECONDS = 20.0
FRESH_SECONDS = 0.001  # a connection that came back so shortly ago is not looked at: a system call a lease
IDLE = int(psycopg.pq.TransactionStatus.IDLE)
# SQLSTATE classes that speak of the server and not of the statement: connection, operator intervention, resources.
# (57014 is a statement cancelled, for one by the lease's own deadline.)
TOO_MANY_CONNECTIONS = "53300"
SERVER_FAULTS = ("08", "53", "57P", "58", "XX")


class LentConnection(psycopg.Connection[Any]):
    """A connection that remembers its statement time-out: setting it costs a round trip, so only where it differs."""

    bounded_for = 0.0  # the hold that was asked for, seconds
    idle_since = 0.0  # monotonic seconds
    line: "select.poll | None" = None  # to see whether the server has hung up; made once

    def is_dead(self) -> bool:
        """Whether, idle, it has something to read: an end of file, or the server's last words."""
        if self.closed:
            return True
        line = self.line
        if line is None:
            line = self.line = select.poll()
            line.register(self.fileno(), select.POLLIN)
        return bool(line.poll(0))


class DatabaseDown(Exception):
    """The database cannot be used. The text has the reason, and no password."""


class OneBroke(Exception):
    """A connection ended while it was asked; the others may be well."""


class DatabaseLease(Lease):
    """One connection of the pool. connection: None until there is one, and once it is somebody else's."""

    __slots__ = ("connection",)
    backend: "DatabaseBackend"

    def __init__(self, terms: leases.Lease, backend: "DatabaseBackend", connection: LentConnection | None) -> None:
        super().__init__(terms, backend, backend.runtime, backend.lock)
        self.connection = connection

    def open(self) -> LentConnection:
        connection = self.connection
        if connection is None or (
            self.terms.granted_at - connection.idle_since > FRESH_SECONDS and connection.is_dead()
        ):
            connection = self._fetch()
        hold = self.terms.request.hold_seconds
        if connection.bounded_for != hold:
            bound = max(1, round(1000 * (self.terms.hold_until - self.terms.granted_at)))
            connection.execute(f"SET statement_timeout = {bound}")
            connection.bounded_for = hold
        return connection

    def give_back(self) -> bool:
        connection = self._detach()
        if connection is not None:
            self.backend.pool.putconn(connection)  # which sees to a transaction that is open, or a broken connection
        return True

    def pass_on(self) -> bool:
        with self.lock:
            connection = self.connection
            if connection is None or connection.pgconn.transaction_status != IDLE:
                return False
            self.connection = None
        self.backend.keep(connection, self.runtime.now())
        return True

    def is_fault(self, error: BaseException) -> bool:
        if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            return False
        return error.sqlstate is None or error.sqlstate.startswith(SERVER_FAULTS)

    def close(self) -> None:
        connection = self._detach()
        if connection is None:
            return
        try:
            connection.cancel_safe(timeout=CANCEL_SECONDS)
        except psycopg.Error as error:
            log.warning("database: a statement was not cancelled (%s); its connection is closed all the same", error)
        finally:
            _hang_up(connection)
            with _unused(connection):
                connection.close()
            self.backend.pool.putconn(connection)

    def _detach(self) -> LentConnection | None:
        with self.lock:
            connection, self.connection = self.connection, None
        return connection

    def _fetch(self) -> LentConnection:
        """A connection of the pool, in place of one that is dead."""
        with self.lock:
            dead, self.connection = self.connection, None
        if dead is not None:
            self.backend.replace(dead)
        connection = self.backend.take(self.left())
        with self.lock:
            if self.ended is None:
                self.connection = connection
        if self.connection is None:
            self.backend.pool.putconn(connection)
            self.check()
        return connection


class DatabaseBackend:
    """See `Backend`. One pool, behind one connection string."""

    def __init__(self, dsn: str, size: int, runtime: Runtime, build: int) -> None:
        self.dsn = dsn
        self.runtime = runtime
        self.lock = runtime.condition("the connections of database")
        self.leases: dict[int, DatabaseLease] = {}
        self._at_hand: deque[LentConnection] = deque()  # the pool's, idle, until the next check puts them back
        self._closed = False
        self.pool: ConnectionPool[LentConnection] = ConnectionPool(
            dsn,
            connection_class=LentConnection,
            kwargs={"autocommit": True, "connect_timeout": int(CONNECT_SECONDS), "application_name": "roost"},
            min_size=2,
            max_size=size + 1,  # one for the check, which must not wait for a lease to end
            open=False,
            timeout=CONNECT_SECONDS,
            reconnect_timeout=30.0,
            num_workers=2,
            name=f"roost-{build}",
        )

    def open(self) -> str:
        try:
            applied = migrate(self.dsn, lock_seconds=LOCK_SECONDS)
            if self._closed:  # which a pool that was never open does not remember
                raise DatabaseDown("it was closed before it was open")
            self.pool.open(wait=False)
            return self.check() + (f", {len(applied)} migrations applied" if applied else "")
        except StoreError as error:
            raise DatabaseDown(str(error)) from None

    def check(self) -> str:
        self._put_back()
        try:
            try:
                return self._ask()
            except OneBroke:  # somebody may end them one by one, and that is no reason to take every lease
                return self._ask()
        except PoolTimeout:
            return self._full()
        except OneBroke as error:
            raise Broken(str(error)) from None

    def _ask(self) -> str:
        """Have the server answer on one connection. Raises PoolTimeout; OneBroke; Broken where it only hangs."""
        connection = self.take(CHECK_SECONDS)
        late = self.runtime.now() + CHECK_SECONDS
        alarm = self.runtime.call_at(late, lambda: _hang_up(connection))
        try:
            found = connection.execute("SHOW server_version").fetchone()
        except psycopg.Error as error:
            why = f"a connection broke ({self._clean(error)})"
            raise Broken(why) if self.runtime.now() >= late else OneBroke(why) from None
        finally:
            alarm.cancel()
            self.pool.putconn(connection)
        return f"Postgres {str(found[0]).split()[0]}" if found else "Postgres"

    def close(self) -> None:
        self._closed = True
        for lease in list(self.leases.values()):
            lease.end("database: its pool is closed")
            lease.close()
        self._put_back()
        self.pool.close(timeout=1.0)

    def lend(self, terms: leases.Lease) -> Lease:
        try:
            connection = self._at_hand.pop()
        except IndexError:
            connection = None
        lease = self.leases[terms.token] = DatabaseLease(terms, self, connection)
        return lease

    def taken(self) -> int:
        return len(self.leases)

    def take(self, timeout: float) -> LentConnection:
        """A connection of the pool that the server has not hung up on. Raises PoolTimeout."""
        while (connection := self.pool.getconn(timeout=min(timeout, CONNECT_SECONDS))).is_dead():
            self.replace(connection)
        return connection

    def replace(self, dead: LentConnection) -> None:
        """Have the pool open another in its place."""
        dead.close()
        self.pool.putconn(dead)

    def keep(self, connection: LentConnection, now: float) -> None:
        """Keep it at hand for the next lease, which is less work than the pool's own giving and taking."""
        connection.idle_since = now
        self._at_hand.append(connection)
        if self._closed:  # meanwhile
            self._put_back()

    def _put_back(self) -> None:
        with suppress(IndexError):
            while True:
                self.pool.putconn(self._at_hand.pop())

    def _full(self) -> str:
        """The pool has nothing to give: is the server away, or only full?"""
        in_use = len(self.leases)  # first: what comes back meanwhile is there to go on with as well
        try:
            psycopg.connect(self.dsn, connect_timeout=int(CONNECT_SECONDS), application_name="roost check").close()
        except psycopg.Error as error:
            # A refusal is an answer, but one that helps only while there are connections to go on with.
            if error.sqlstate == TOO_MANY_CONNECTIONS and in_use:
                return f"Postgres has no more slots: {in_use} connections in use, and no other to be had"
            raise DatabaseDown(self._clean(error)) from None
        return "Postgres, every connection in use"

    def _clean(self, error: Exception) -> str:
        return " ".join(without_secrets(str(error), self.dsn).split())


def _hang_up(connection: LentConnection) -> None:
    """Free whoever waits for the server on this connection."""
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


@contextmanager
def _unused(connection: LentConnection) -> Iterator[None]:
    """Once its holder is out of it.

    Closed before, its file's number goes to the next connection, and a holder that was not quick enough would wait on
    somebody else's, for ever.
    """
    free = connection.lock.acquire(timeout=HOLDER_SECONDS)
    try:
        yield
    finally:
        if free:
            connection.lock.release()


class DatabaseActor(ResourceActor):
    """Lends connections. See `ResourceActor` for leases, breaker and healing."""

    def __init__(self, settings: Settings, caps: Mapping[str, int], slot: BackendSlot) -> None:
        super().__init__(database_policy(settings.database_pool_size), caps, breaker.Policy(), slot)
        self.settings = settings

    def make_backend(self, build: int) -> Backend:
        return DatabaseBackend(self._dsn(), self.settings.database_pool_size, self.system.runtime, build)

    def _dsn(self) -> str:
        if self.settings.database_url is not None:
            return self.settings.database_url.reveal()
        state = server_state(self.system.board, "postgres")
        if not state.up:
            raise DatabaseDown(f"the embedded Postgres is not up ({state.detail})")
        return state.url
