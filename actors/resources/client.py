"""Leases from the holder's side: what a run uses to work with a browser, a database, a cache or a model.

    leases = Leases(system, holder=self.name, job="learn", priority=2, budget=spec.holds)
    with leases.database(hold=30.0) as connection:
        ...

Every wait has an end, every refusal a reason (`LeaseRefused`), and a lease that is taken away raises `LeaseEnded` in
whoever works with it. Only for threads that may block: runs, and tasks.
"""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, Protocol, TypeVar

from actors.core.future import AskError
from actors.core.system import System
from actors.protocol.model import Completion
from actors.protocol.resources import LeaseOrder, LeaseRefused, is_well
from actors.resources.lease import Lease, Release
from domain.resources.admission import Budget
from domain.resources.leases import Request
from store.sql import Connection

log = logging.getLogger("roost.resources")

R = TypeVar("R")

ASK_AGAIN = 0.05
ANSWER_SECONDS = 5.0  # beyond the wait deadline, for the refusal itself to arrive


class Cache(Protocol):
    """What a run sees of Redis. It never raises for Redis' sake: a cache that is away is an empty one."""

    def get(self, key: str) -> bytes | None:
        """What was stored, or None."""

    def set(self, key: str, value: bytes | str, seconds: float) -> None:
        """Keep it so long (real seconds), if possible."""

    def delete(self, key: str) -> None:
        """Forget it."""


class LentBrowser(Protocol):
    """What a run sees of a browser context."""

    def run(self, work: Callable[..., Awaitable[R]], *args: Any, timeout: float = ..., **named: Any) -> R:
        """Run `work(page, *args, **named)` where the browser lives, and wait for it. timeout: seconds for all of it.

        Raises: LeaseEnded within milliseconds of the lease's end; TimeoutError; what the work raises.
        """


class LentModel(Protocol):
    """What a run sees of the language model."""

    def complete(self, system: str, user: str, schema: Mapping[str, Any], most_tokens: int = ...) -> Completion:
        """Ask once, and once more where that can help. schema: JSON Schema of the answer. most_tokens: of output.

        Raises: LeaseRefused when the minute or the day is used up; LeaseEnded; ModelError.
        """


class NullCache:
    """No cache: finds nothing, keeps nothing."""

    def get(self, key: str) -> bytes | None:
        return None

    def set(self, key: str, value: bytes | str, seconds: float) -> None:
        pass

    def delete(self, key: str) -> None:
        pass


class Leases:
    """What one holder may borrow. Used by one thread alone."""

    def __init__(
        self,
        system: System,
        holder: str,
        job: str,
        priority: int,
        budget: Budget | None = None,
        category: str = "background",
    ) -> None:
        """holder: the name of the actor whose death ends the leases. budget: most units held at once; None: no limit
        of its own. category: whose browser reserve is meant unless a lease says otherwise."""
        self._system = system
        self._holder = holder
        self._job = job
        self._priority = priority
        self._budget = budget
        self._category = category
        self._held: Counter[str] = Counter()

    def database(self, wait: float = 10.0, hold: float = 30.0) -> AbstractContextManager[Connection]:
        """A connection in autocommit, each of its statements bounded by `hold`. wait, hold: seconds.

        Raises: LeaseRefused; LeaseEnded if it is taken meanwhile; what psycopg raises.
        """
        return _Borrowed(self, "database", "", wait, hold)

    @contextmanager
    def redis(self, wait: float = 0.5, hold: float = 10.0) -> Iterator[Cache]:
        """A cache; an empty one, at once, where Redis is away, or after `wait` seconds where it is busy."""
        with ExitStack() as stack:
            cache: Cache = NullCache()
            if is_well(self._system.board, "redis"):
                try:
                    cache = stack.enter_context(_Borrowed(self, "redis", "", wait, hold))
                except LeaseRefused as refused:
                    log.debug("no cache: %s", refused)
            yield cache

    @contextmanager
    def browser(self, category: str | None = None, wait: float = 60.0, hold: float = 120.0) -> Iterator[LentBrowser]:
        """A browser context with the site's session; see `LentBrowser.run`. wait, hold: seconds.

        Raises: LeaseOrder while a database lease is held; LeaseRefused; LeaseEnded; what Playwright raises.
        """
        if self._held["database"]:
            raise LeaseOrder(
                f"{self._job}: asked for a browser while it holds a database connection, which can deadlock. "
                "Give the connection back first."
            )
        with _Borrowed(self, "browser", category or self._category, wait, hold) as browser:
            yield browser

    def model(self, wait: float = 10.0, hold: float = 120.0) -> AbstractContextManager[LentModel]:
        """The language model; see `LentModel`. wait, hold: seconds.

        Raises: LeaseRefused, also where no model is configured or its budget is spent; LeaseEnded.
        """
        return _Borrowed(self, "model", "", wait, hold)

    def acquire(self, resource: str, category: str, wait: float, hold: float) -> Lease:
        """One lease, not opened, to be given back by `release`. What the methods above do for a `with`."""
        limit = None if self._budget is None else int(getattr(self._budget, resource))
        if limit is not None and self._held[resource] >= limit:
            raise LeaseRefused(
                f"{resource}: {self._holder} holds {self._held[resource]}, and job {self._job!r} may hold {limit}. "
                "Release one first, or raise what the job holds in its spec.",
                "budget",
            )
        runtime = self._system.runtime
        wait_until = runtime.now() + wait
        request = Request(runtime.new_id(), self._holder, self._job, self._priority, category, wait_until, hold)
        while True:
            asker = self._system.current()
            if asker is not None and asker.fenced:
                raise LeaseRefused(f"{resource}: not lent, since {self._holder} was abandoned", "fenced")
            try:
                left = max(0.0, wait_until - runtime.now())
                answer = self._system.ask(resource, request, left + ANSWER_SECONDS)
            except AskError as error:
                if runtime.now() >= wait_until:
                    raise LeaseRefused(f"{resource}: {error}", "no answer") from error
                runtime.sleep(ASK_AGAIN)  # its actor restarts: a moment, and the wish is still good
                continue
            if isinstance(answer, LeaseRefused):
                raise answer
            self._held[resource] += 1
            lease: Lease = answer
            return lease

    def release(self, resource: str, release: Release) -> None:
        """Tell the resource that one is done with. Its unit is back, or `release` says that it is not."""
        self._held[resource] -= 1
        self._system.tell(resource, release)

    def forget(self, resource: str) -> None:
        """One was taken, and whoever took it sees to its unit."""
        self._held[resource] -= 1


class _Borrowed:
    """One lease, from its grant to its end."""

    __slots__ = ("_category", "_hold", "_lease", "_leases", "_resource", "_wait")

    def __init__(self, leases: Leases, resource: str, category: str, wait: float, hold: float) -> None:
        self._leases = leases
        self._resource = resource
        self._category = category
        self._wait = wait
        self._hold = hold

    def __enter__(self) -> Any:
        self._lease = self._leases.acquire(self._resource, self._category, self._wait, self._hold)
        try:
            return self._lease.open()
        except BaseException as error:
            self._end(error, used=False)
            raise

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        lease = self._lease
        if error is None and lease.fault is None and lease.pass_on():  # as nearly always
            self._leases.release(self._resource, Release(lease.token))
        else:
            self._end(error, used=True)

    def _end(self, error: BaseException | None, used: bool) -> None:
        lease = self._lease
        fault, over = lease.fault, lease.ended
        if isinstance(error, Exception) and over is None and lease.is_fault(error):
            fault = type(error).__name__
        closed = lease.give_back()
        if lease.ended is None:
            self._leases.release(self._resource, Release(lease.token, fault, used, closed))
        else:
            self._leases.forget(self._resource)
        if over is not None and isinstance(error, Exception) and error is not over:
            raise over from error
