"""Leases from the holder's side: what a run uses to work with a browser, a database, a cache or a model.

    leases = Leases(system, holder=self.name, job="learn", priority=2, budget=spec.holds)
    with leases.database(hold=30.0) as connection:
        ...

Every wait has an end, every refusal a reason (`LeaseRefused`), and a lease that is taken away raises `LeaseEnded` in
whoever works with it. Only for threads that may block: runs, and tasks.
"""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from actors.core.future import ActorDead, AskError
from actors.core.system import System
from actors.protocol.resources import LeaseOrder, LeaseRefused, ResourceState
from actors.resources.lease import Loan, Release
from actors.resources.lease_broker import Desk
from domain.resources.admission import Budget
from store.sql import Connection

if TYPE_CHECKING:
    from actors.resources.browser import BrowserLoan
    from actors.resources.model import ModelLoan

log = logging.getLogger("roost.resources")

ASK_AGAIN = 0.05


class Cache(Protocol):
    """What a run sees of Redis. It never raises for Redis' sake: a cache that is away is an empty one."""

    def get(self, key: str) -> bytes | None:
        """What was stored, or None."""

    def set(self, key: str, value: bytes | str, seconds: float) -> None:
        """Keep it so long (real seconds), if possible."""

    def delete(self, key: str) -> None:
        """Forget it."""


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
        self._desks: dict[str, Desk] = {}  # that watch the holder

    def leave(self) -> None:
        """The holder ends: nobody need watch over what it holds, unless that is something."""
        for resource, desk in self._desks.items():
            if not self._held[resource]:
                desk.forget(self._holder)

    def database(self, wait: float = 10.0, hold: float = 30.0) -> AbstractContextManager[Connection]:
        """A connection in autocommit, each of its statements bounded by `hold`. wait, hold: seconds.

        Raises: LeaseRefused; LeaseEnded if it is taken meanwhile; what psycopg raises.
        """
        return _Borrowed(self, "database", "", wait, hold)

    @contextmanager
    def redis(self, wait: float = 0.5, hold: float = 10.0) -> Iterator[Cache]:
        """A cache; an empty one, at once, where Redis is away, or after `wait` seconds where it is busy."""
        state = self._system.board.get("redis")
        with ExitStack() as stack:
            cache: Cache = NullCache()
            if isinstance(state, ResourceState) and state.healthy:
                try:
                    cache = stack.enter_context(_Borrowed(self, "redis", "", wait, hold))
                except LeaseRefused as refused:
                    log.debug("no cache: %s", refused)
            yield cache

    @contextmanager
    def browser(
        self, category: str | None = None, wait: float = 60.0, hold: float = 120.0
    ) -> "Iterator[BrowserLoan]":
        """A browser context with the site's session; see `BrowserLoan.run`. wait, hold: seconds.

        Raises: LeaseOrder while a database lease is held; LeaseRefused; LeaseEnded; what Playwright raises.
        """
        if self._held["database"]:
            raise LeaseOrder(
                f"{self._job}: asked for a browser while it holds a database connection, which can deadlock. "
                "Give the connection back first."
            )
        with _Borrowed(self, "browser", category or self._category, wait, hold) as browser:
            yield browser

    def model(self, wait: float = 10.0, hold: float = 120.0) -> "AbstractContextManager[ModelLoan]":
        """The language model; see `ModelLoan`. wait, hold: seconds.

        Raises: LeaseRefused, also where no model is configured or its budget is spent; LeaseEnded.
        """
        return _Borrowed(self, "model", "", wait, hold)

    def _acquire(self, resource: str, category: str, wait: float, hold: float) -> tuple[Desk, Loan]:
        limit = None if self._budget is None else int(getattr(self._budget, resource))
        if limit is not None and self._held[resource] >= limit:
            raise LeaseRefused(
                f"{resource}: {self._holder} holds {self._held[resource]}, and job {self._job!r} may hold {limit}. "
                "Release one first, or raise what the job holds in its spec.",
                "budget",
            )
        now = self._system.runtime.now
        wait_until = now() + wait
        while True:
            try:
                desk = self._desk(resource)
                self._desks[resource] = desk
                return desk, desk.borrow(self._holder, self._job, self._priority, category, wait_until, hold)
            except AskError as error:
                if now() >= wait_until:
                    raise LeaseRefused(f"{resource}: {error}", "no answer") from error
                self._system.runtime.sleep(ASK_AGAIN)  # its actor restarts: a moment, and the wish is still good

    def _desk(self, resource: str) -> Desk:
        asker = self._system.current()
        if asker is not None and asker.fenced:
            raise LeaseRefused(f"{resource}: not lent, since {self._holder} was abandoned", "fenced")
        desk: Desk | None = getattr(self._system.directory.whereis(resource), "desk", None)
        if desk is None:
            raise ActorDead(f"{resource}: no such resource now")
        return desk


class _Borrowed:
    """One lease, from its grant to its end."""

    __slots__ = ("_category", "_desk", "_hold", "_leases", "_loan", "_resource", "_wait")

    def __init__(self, leases: Leases, resource: str, category: str, wait: float, hold: float) -> None:
        self._leases = leases
        self._resource = resource
        self._category = category
        self._wait = wait
        self._hold = hold

    def __enter__(self) -> Any:
        leases, resource = self._leases, self._resource
        self._desk, self._loan = leases._acquire(resource, self._category, self._wait, self._hold)
        leases._held[resource] += 1
        try:
            return self._loan.open()
        except BaseException as error:
            self._end(error, used=False)
            raise

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is None and self._loan.passes_on():  # as nearly always
            self._leases._held[self._resource] -= 1
            self._desk.give_back(self._loan, used=True)
        else:
            self._end(error, used=True)

    def _end(self, error: BaseException | None, used: bool) -> None:
        loan = self._loan
        fault, over = loan.fault, loan.ended
        if isinstance(error, Exception) and over is None and loan.is_fault(error):
            fault = type(error).__name__
        self._leases._held[self._resource] -= 1
        closed = loan.give_back()
        if loan.ended is None:
            if fault is None and closed:
                self._desk.give_back(loan, used)
            else:
                release = Release(loan.token, fault, used, closed)
                self._leases._system.tell(self._resource, release)
        if over is not None and isinstance(error, Exception) and error is not over:
            raise over from error
