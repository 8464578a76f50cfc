"""Redis: lends connections of the one pool, each as a cache that never raises.

A run can do without the cache, so Redis is never worth a failure or a wait: every call has a short time-out, the
first that fails ends the use of this lease's connection, and from then on it finds nothing. The breaker hears of it.
"""

import logging
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from actors.core.runtime import Runtime
from actors.protocol.servers import server_state
from actors.resources.backend_slot import BackendSlot
from actors.resources.lease import Backend, Lease
from actors.resources.resource_actor import ResourceActor
from domain.resources import breaker, leases
from domain.resources.reserves import redis_policy
from domain.settings import Settings

log = logging.getLogger("roost.resources")

CALL_SECONDS = 0.5
CONNECT_SECONDS = 0.5
CHECK_SECONDS = 2.0


class RedisDown(Exception):
    """Redis cannot be used. The text has the reason, and no password."""


class RedisLease(Lease):
    """One connection, and the cache on it (see `actors.resources.client.Cache`)."""

    backend: "RedisBackend"

    def __init__(self, terms: leases.Lease, backend: "RedisBackend") -> None:
        super().__init__(terms, backend, backend.runtime)
        self._client: redis.Redis | None = None

    # the cache

    def get(self, key: str) -> bytes | None:
        """What was stored, or None."""
        found = self._try(lambda client: client.get(key))
        return found if isinstance(found, bytes) else None

    def set(self, key: str, value: bytes | str, seconds: float) -> None:
        """Keep it so long (real seconds), if possible."""
        self._try(lambda client: client.set(key, value, px=max(1, int(seconds * 1000))))

    def delete(self, key: str) -> None:
        """Forget it."""
        self._try(lambda client: client.delete(key))

    # Lease

    def open(self) -> "RedisLease":
        try:
            client = redis.Redis(connection_pool=self.backend.pool, single_connection_client=True)
        except (redis.RedisError, OSError) as error:
            self.fault = type(error).__name__
            return self
        with self.lock:
            if self.ended is None:
                self._client = client
        if self._client is None:
            client.close()
        return self

    def give_back(self) -> bool:
        client = self._detach()
        if client is not None:
            with suppress(redis.RedisError, OSError):
                client.close()
        return True

    def is_fault(self, error: BaseException) -> bool:
        return False  # its own faults it keeps to itself, in `fault`

    def interrupt(self) -> None:
        client = self._client
        line = getattr(getattr(client, "connection", None), "_sock", None)
        if isinstance(line, socket.socket):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        client = self._detach()
        if client is not None and client.connection is not None:
            client.connection.disconnect()  # type: ignore[no-untyped-call]
            client.close()

    def _detach(self) -> redis.Redis | None:
        with self.lock:
            client, self._client = self._client, None
        return client

    def _try(self, call: Callable[[redis.Redis], Any]) -> Any:
        client = self._client
        if client is None or self.fault is not None or self.is_over():
            return None
        try:
            return call(client)
        except Exception as error:
            if self.is_over():
                return None  # the connection was closed under it, which redis-py says in many ways
            if not isinstance(error, redis.RedisError | OSError):
                raise
            self.fault = type(error).__name__
            log.info("redis: %s goes on without its cache (%s)", self.terms.request.holder, self.fault)
            return None


class RedisBackend:
    """See `Backend`. One pool, behind one URL."""

    def __init__(self, url: str, size: int, runtime: Runtime) -> None:
        self.runtime = runtime
        self.leases: dict[int, RedisLease] = {}
        options: dict[str, Any] = {
            "socket_timeout": CALL_SECONDS,
            "socket_connect_timeout": CONNECT_SECONDS,
            "retry": Retry(NoBackoff(), 0),
            "client_name": "roost",
        }
        self.pool = redis.BlockingConnectionPool.from_url(
            url, max_connections=size + 1, timeout=CONNECT_SECONDS, **options
        )  # one more than is lent, for the check
        self._checking = redis.Redis(connection_pool=self.pool, socket_timeout=CHECK_SECONDS)

    def open(self) -> str:
        return self.check()

    def check(self) -> str:
        try:
            self._checking.ping()
            found = self._checking.info("server")
        except (redis.RedisError, OSError) as error:
            raise RedisDown(f"{type(error).__name__}: {error}") from None
        return f"Redis {found['redis_version']}"

    def close(self) -> None:
        for lease in list(self.leases.values()):
            lease.end("redis: its pool is closed")
            lease.close()
        self.pool.disconnect()

    def lend(self, terms: leases.Lease) -> Lease:
        lease = self.leases[terms.token] = RedisLease(terms, self)
        return lease

    def taken(self) -> int:
        return len(self.leases)


class RedisActor(ResourceActor):
    """Lends connections. See `ResourceActor` for leases, breaker and healing."""

    def __init__(self, settings: Settings, caps: Mapping[str, int], slot: BackendSlot) -> None:
        super().__init__(redis_policy(settings.redis_pool_size), caps, breaker.Policy(), slot)
        self.settings = settings

    def make_backend(self, build: int) -> Backend:
        return RedisBackend(self._url(), self.settings.redis_pool_size, self.system.runtime)

    def _url(self) -> str:
        if self.settings.redis_url is not None:
            return self.settings.redis_url.reveal()
        state = server_state(self.system.board, "redis")
        if not state.up:
            raise RedisDown(f"the embedded Redis is not up ({state.detail})")
        return state.url
