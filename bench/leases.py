"""What a lease costs, against psycopg_pool used directly: on one real Postgres, in turns, in one run.

lease_rate: leases a second, 33 threads on 10 connections with `select 1`. grant_p99: how long such a thread waits for
its connection. lease_uncontended: what a lease costs beyond the pool's own, alone, against a bare pykka ask.
priority_wait_p99: how long priority 0 waits while 33 background jobs keep every connection they may have.
contention_*: see `bench.contention`.
"""

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import psycopg
import pykka
from psycopg_pool import ConnectionPool

from actors.core.base import Actor
from actors.core.lifecycle import Shutdown
from actors.core.runtime import ThreadedRuntime
from actors.core.supervision import ChildSpec
from actors.core.system import System
from actors.protocol.resources import is_well, resource
from actors.protocol.servers import server_state
from actors.resources.client import Leases
from actors.resources.specs import resource_specs
from actors.servers.postgres_server import PostgresServer
from actors.servers.servers import ServerActor
from bench import contention
from bench.line import line, percentile
from domain.settings import parse

BENCH = "leases"
THREADS = 33
CONNECTIONS = 10
SECONDS = 2.0  # of each turn
TURNS = 8
ALONE = 3000
HOLD = 0.02
UP_SECONDS = 60.0

Borrow = Callable[[], AbstractContextManager["psycopg.Connection[Any]"]]


class Holder(Actor):
    """Somebody who can hold leases."""


class BareEcho(pykka.ThreadingActor):
    """An actor of pykka's own, which answers with what it was asked."""

    def on_receive(self, message: Any) -> Any:
        return message


class House:
    """A Postgres, and the database resource on it."""

    def __init__(self, home: str) -> None:
        self.system = System(ThreadedRuntime())
        self.system.in_transit = True  # who hears of faults is not here, and that is no news
        settings = parse({"ROOST_HOME": home, "DATABASE_POOL_SIZE": str(CONNECTIONS)}, {})
        server = PostgresServer(Path(home))
        database = next(spec for spec in resource_specs(settings, {}) if spec.id == "database")
        self.specs = [ChildSpec("postgres-server", lambda: ServerActor(server, ("database",))), database]
        for spec in self.specs:
            self.system.start(spec.id, spec.start)

    def holder(self, name: str, priority: int) -> Leases:
        """A holder of that name, alive, and what it can borrow."""
        self.system.start(name, Holder)
        return Leases(self.system, name, job=name.partition(":")[0], priority=priority)

    def dsn(self) -> str:
        """Where the database is, once it is up."""
        until = time.monotonic() + UP_SECONDS
        while not is_well(self.system.board, "database"):
            if time.monotonic() > until:
                state = self.system.board[resource("database")]
                raise SystemExit(f"leases: the database is not up in {UP_SECONDS:.0f} s ({state})")
            time.sleep(0.05)
        return server_state(self.system.board, "postgres").url

    def stop(self) -> None:
        """End it all."""
        for spec in reversed(self.specs):
            actor = self.system.directory.whereis(spec.id)
            if actor is not None:
                self.system.stop_and_wait(actor, 20.0, Shutdown())


@contextmanager
def _house() -> Iterator[tuple[House, "ConnectionPool[Any]"]]:
    with tempfile.TemporaryDirectory(prefix="roost-bench-", dir="/tmp") as home:
        house = House(home)
        try:
            with ConnectionPool(
                house.dsn(), kwargs={"autocommit": True}, min_size=CONNECTIONS, max_size=CONNECTIONS
            ) as pool:
                pool.wait()
                yield house, pool
        finally:
            house.stop()


def run() -> None:
    """Print the numbers."""
    with _house() as (house, pool):
        holders = [house.holder(f"job{number}:1", priority=0) for number in range(THREADS)]
        ours: list[Borrow] = [holder.database for holder in holders]
        theirs: list[Borrow] = [pool.connection] * THREADS
        _rates(ours, theirs)
        _alone(ours[0], theirs[0])
        _priorities(house)
    contention.run()


def _rates(ours: list[Borrow], theirs: list[Borrow]) -> None:
    both = (ours, theirs)
    for who in both:
        _crowd(who, 0.5)  # to warm it
    rates: tuple[list[float], list[float]] = ([], [])
    waits: tuple[list[float], list[float]] = ([], [])
    for turn in range(TURNS):
        for number in (0, 1) if turn % 2 else (1, 0):  # neither always comes after the other
            waited = _crowd(both[number], SECONDS)
            rates[number].append(len(waited) / SECONDS)
            waits[number].append(percentile(waited, 99))
    against = "psycopg_pool used directly"
    line(BENCH, "lease_rate", median(rates[0]), "1/s", against, _ratio(*rates))
    line(BENCH, "grant_p99", 1e3 * median(waits[0]), "ms", against, _ratio(*waits))


def _ratio(mine: list[float], theirs: list[float]) -> float:
    """The median of the turns' ratios: each turn had both under nearly the same load."""
    return median(one / other for one, other in zip(mine, theirs, strict=True))


def _crowd(who: list[Borrow], seconds: float) -> list[float]:
    """All at once, for so long. Returns how long each grant took."""
    waited: list[list[float]] = [[] for _ in who]
    begin = threading.Barrier(len(who))

    def work(borrow: Borrow, mine: list[float]) -> None:
        begin.wait()
        now = time.monotonic
        until = now() + seconds
        while (asked := now()) < until:
            with borrow() as connection:
                mine.append(now() - asked)
                connection.execute("select 1").fetchone()

    threads = [threading.Thread(target=work, args=pair) for pair in zip(who, waited, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [wait for mine in waited for wait in mine]


def _alone(ours: Borrow, theirs: Borrow) -> None:
    took: tuple[list[float], list[float], list[float]] = ([], [], [])
    bare = BareEcho.start()

    def use(borrow: Borrow) -> None:
        with borrow():
            pass

    turns: tuple[Callable[[], object], ...] = (lambda: use(ours), lambda: use(theirs), lambda: bare.ask("?"))
    try:
        for _ in range(ALONE):
            for turn, times in zip(turns, took, strict=True):
                began = time.perf_counter()
                turn()
                times.append(time.perf_counter() - began)
    finally:
        bare.stop()
    mine, pools, ask = (median(times) for times in took)
    over = mine - pools
    against = f"a bare pykka ask: {1e6 * ask:.3g} us; psycopg_pool used directly: {1e6 * pools:.3g} us"
    line(BENCH, "lease_uncontended", 1e6 * over, "us over the pool's own", against, over / ask)


def _priorities(house: House) -> None:
    """Background jobs that hold for HOLD each, and one of priority 0 that asks now and then."""
    over = threading.Event()

    def hammer(leases: Leases) -> None:
        while not over.is_set():
            with leases.database():
                time.sleep(HOLD)

    threads = [
        threading.Thread(target=hammer, args=(house.holder(f"background{number}:1", priority=8),))
        for number in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    first = house.holder("posting:1", priority=0)
    waited = []
    try:
        for _ in range(300):
            asked = time.monotonic()
            with first.database():
                waited.append(time.monotonic() - asked)
            time.sleep(HOLD / 4)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    wait = percentile(waited, 99)
    line(BENCH, "priority_wait_p99", 1e3 * wait, "ms", f"a hold of {1e3 * HOLD:.0f} ms", wait / HOLD)
