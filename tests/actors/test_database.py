"""The database resource, on a real Postgres: leases end, connections come back, and it heals by itself."""

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from actors.core.supervision import ChildSpec
from actors.protocol.resources import LeaseEnded, LeaseOrder, LeaseRefused, Rebuild, SetBreaker
from actors.protocol.servers import ServerState
from actors.resources.client import Leases
from actors.resources.lease import Broken
from actors.resources.specs import resource_specs
from actors.servers.postgres_server import PostgresServer
from actors.servers.servers import ServerActor
from domain.backoff import Backoff
from domain.resources.admission import Budget
from domain.resources.levels import Level
from tests.postgres import running_server
from tests.resources import InThread, World
from tests.waiting import eventually


def database(world: World, **budgets: Budget) -> ChildSpec:
    return next(spec for spec in resource_specs(world.settings, budgets) if spec.id == "database")


@pytest.fixture
def world(empty_dsn: str) -> Iterator[World]:
    made = World(DATABASE_URL=empty_dsn, DATABASE_POOL_SIZE="4")
    made.start(database(made))
    made.watch()
    yield made
    made.stop()


def query(leases: Leases, statement: str = "select 1", hold: float = 30.0) -> Callable[[], object]:
    def work() -> object:
        with leases.database(hold=hold) as connection:
            return connection.execute(statement).fetchone()  # type: ignore[call-overload]

    return work


def running(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        found = connection.execute(
            "select count(*) from pg_stat_activity where query = 'select pg_sleep(60)' and state = 'active'"
        )
        return int(found.fetchone()[0])  # type: ignore[index]


def test_it_migrates_before_it_is_healthy_and_lends_connections(world: World) -> None:
    with world.holder("plan:1").database() as connection:
        assert connection.autocommit
        assert connection.execute("select count(*) from _yoyo_migration").fetchone() != (0,)
        assert connection.execute("show statement_timeout").fetchone() == ("30s",)
    world.settled("database", in_use=0, granted=1, ended=1, healthy=True)


def test_a_lease_ends_when_its_holder_dies_and_the_server_stops_its_query(world: World, empty_dsn: str) -> None:
    work = InThread(query(world.holder("learn:1"), "select pg_sleep(60)"))
    eventually(lambda: running(empty_dsn) == 1)
    world.kill("learn:1")
    assert isinstance(work.over().error, LeaseEnded)
    eventually(lambda: running(empty_dsn) == 0)
    state = world.settled("database", in_use=0, quarantined=0, revoked=1)
    assert state.ended_by == (("holder died", 1),)


def test_a_holder_is_watched_over_while_it_holds_something_and_when_it_comes_again(
    world: World, empty_dsn: str
) -> None:
    leases = world.holder("learn:1")
    with leases.database():
        pass
    world.settled("database", in_use=0, ended=1)

    def hold() -> None:
        with leases.database() as connection:
            connection.execute("select pg_sleep(60)")

    work = InThread(hold)
    eventually(lambda: running(empty_dsn) == 1)
    world.kill("learn:1")
    assert isinstance(work.over().error, LeaseEnded)
    world.settled("database", in_use=0, granted=2, revoked=1)


def test_a_lease_ends_at_its_deadline(world: World, empty_dsn: str) -> None:
    def overstay() -> None:
        with world.holder("slow:1").database(hold=0.3) as connection:
            connection.execute("set statement_timeout = 0")
            connection.execute("select pg_sleep(60)")

    work = InThread(overstay)
    assert isinstance(work.over().error, LeaseEnded)
    assert "held a connection for over 0.3 s" in str(work.error)
    eventually(lambda: running(empty_dsn) == 0)
    assert world.settled("database", in_use=0, quarantined=0).ended_by == (("hold deadline", 1),)


def test_who_finds_no_unit_is_refused_with_the_reason(world: World) -> None:
    holders = [world.holder(f"learn:{number}") for number in range(2)]
    with holders[0].database(), holders[1].database():  # the other two are kept for priority 0
        with (
            pytest.raises(LeaseRefused, match=r"no connection in .* in use: 2 learn"),
            world.holder("late:1").database(wait=0.05),
        ):
            pass
        with world.holder("posting:1", priority=0).database(wait=0.05) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
    assert world.settled("database", in_use=0).refused_by == (("wait deadline", 1),)


def test_budgets_are_kept_and_a_browser_is_refused_while_a_connection_is_held(world: World) -> None:
    leases = world.holder("plan:1", Budget(database=1, browser=1))
    with leases.database():
        with pytest.raises(LeaseRefused, match="may hold 1"), leases.database():
            pass
        with pytest.raises(LeaseOrder, match="Give the connection back first"), leases.browser():
            pass


def test_an_error_of_the_holder_gives_the_connection_back_clean(world: World) -> None:
    leases = world.holder("plan:1")

    def fail() -> None:
        with leases.database() as connection:
            connection.execute("begin")
            connection.execute("create table half (done integer)")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    world.settled("database", in_use=0, ended=1)
    with leases.database() as connection:
        assert connection.execute("select to_regclass('half')").fetchone() == (None,)


def test_a_connection_goes_straight_to_who_waits_for_it_and_its_time_out_with_it(world: World) -> None:
    def pid(leases: Leases, hold: float) -> object:
        with leases.database(hold=hold) as connection:
            timeout = connection.execute("show statement_timeout").fetchone()
            return connection.info.backend_pid, timeout

    holders = [world.holder(f"learn:{number}") for number in range(3)]
    with holders[0].database():
        with holders[1].database() as connection:  # the other two are kept for priority 0
            first = connection.info.backend_pid
            waits = InThread(partial(pid, holders[2], 7.0))
            world.settled("database", waiting=1)
        assert waits.over().result == (first, ("7s",))
    world.settled("database", in_use=0, granted=3, ended=3)


def test_who_waits_is_not_handed_what_was_taken_from_its_holder(world: World, empty_dsn: str) -> None:
    working = [InThread(query(world.holder(f"learn:{number}"), "select pg_sleep(60)")) for number in range(2)]
    eventually(lambda: running(empty_dsn) == 2)
    waits = InThread(query(world.holder("late:1"), "select 2"))
    world.settled("database", waiting=1)
    world.kill("learn:0")
    assert waits.over().result == (2,)
    assert isinstance(working[0].over().error, LeaseEnded)
    world.kill("learn:1")
    assert isinstance(working[1].over().error, LeaseEnded)
    world.settled("database", in_use=0, quarantined=0, granted=3, ended=1, revoked=2)


def terminate(dsn: str, which: str) -> None:
    """End those of Roost's connections from the server's side."""
    with psycopg.connect(dsn, autocommit=True) as other:
        other.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity "  # type: ignore[call-overload]
            f"where application_name = 'roost' and {which}"
        )


def test_terminated_idle_backends_cost_nobody_anything(world: World, empty_dsn: str) -> None:
    leases = world.holder("plan:1")
    query(leases)()
    terminate(empty_dsn, "true")
    assert query(leases)() == (1,)  # dead idle connections are noticed before they are lent
    world.whole()


def test_a_terminated_backend_costs_who_uses_it_a_statement_and_nobody_else_anything(
    world: World, empty_dsn: str
) -> None:
    before = world.state("database")
    with world.through(Level.FULL, meanwhile=world.uses_the_database):
        work = InThread(query(world.holder("learn:1"), "select pg_sleep(60)"))
        eventually(lambda: running(empty_dsn) == 1)
        terminate(empty_dsn, "query = 'select pg_sleep(60)'")
        assert isinstance(work.over().error, psycopg.errors.AdminShutdown)
        assert query(world.holder("learn:2"))() == (1,)
    reported = (("reported by a holder", 1),)
    world.settled("database", revoked=0, builds=before.builds, breaker="closed", faults=reported)


def test_one_connection_that_ends_under_the_check_says_nothing_of_the_others(
    world: World, empty_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor: Any = world.system.directory.whereis("database")
    backend, take, deaths = actor.backend, actor.backend.take, [1, 2, 3]

    def that_ends(timeout: float) -> Any:
        connection = take(timeout)
        if deaths:
            deaths.pop()
            terminate(empty_dsn, f"pid = {connection.info.backend_pid}")
        return connection

    monkeypatch.setattr(backend, "take", that_ends)
    with pytest.raises(Broken, match="a connection broke"):
        backend.check()  # so did the next one
    assert backend.check().startswith("Postgres")


def test_the_operator_can_hold_the_breaker_open_and_let_it_go(world: World) -> None:
    world.system.tell("database", SetBreaker("open", "maintenance"))
    world.settled("database", healthy=False, breaker="forced_open")
    with pytest.raises(LeaseRefused, match="maintenance"):
        query(world.holder("plan:1"))()
    world.system.tell("database", SetBreaker("auto"))
    world.settled("database", healthy=True, breaker="closed")


def test_a_rebuild_takes_all_leases_and_lends_again(world: World, empty_dsn: str) -> None:
    with world.through(Level.EMERGENCY):
        work = InThread(query(world.holder("learn:1"), "select pg_sleep(60)"))
        eventually(lambda: running(empty_dsn) == 1)
        world.system.tell("database", Rebuild("the operator says so"))
        assert isinstance(work.over().error, LeaseEnded)
    assert world.state("database").builds == 2
    assert query(world.holder("learn:2"))() == (1,)


def test_an_incarnation_that_was_fenced_leaves_nothing_lent(world: World, empty_dsn: str) -> None:
    work = InThread(query(world.holder("learn:1"), "select pg_sleep(60)"))
    eventually(lambda: running(empty_dsn) == 1)
    actor = world.system.directory.whereis("database")
    assert actor is not None
    before = actor.ledger.leases()[0].token  # type: ignore[attr-defined]
    world.system.fence(actor, "hung")
    world.start(world.specs["database"])
    assert isinstance(work.over().error, LeaseEnded)
    eventually(lambda: running(empty_dsn) == 0)
    query(world.holder("learn:2"))()
    counted = world.settled("database", in_use=0, granted=2, ended=1, revoked=1)
    assert dict(counted.ended_by) == {"released": 1, "actor ended": 1}
    assert world.system.directory.whereis("database").ledger._next_token > before  # type: ignore[union-attr, attr-defined]


def test_a_wrong_url_is_no_crash_and_shows_no_password() -> None:
    world = World(DATABASE_URL="postgresql://roost:hunter22@127.0.0.1:1/roost")
    world.start(database(world), until_up=False)
    try:
        state = world.settled("database", state="down")
        assert "hunter22" not in repr(state)
        with pytest.raises(LeaseRefused, match="lends nothing now") as refused:
            query(world.holder("plan:1"))()
        assert "hunter22" not in str(refused.value)
    finally:
        world.stop()


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr("actors.servers.servers.PROBE_EVERY", 0.2)
    monkeypatch.setattr("actors.servers.servers.PROBE_TIMEOUT", 0.5)
    monkeypatch.setattr("actors.resources.backend_lifecycle.CHECK_EVERY", 0.5)
    monkeypatch.setattr("actors.resources.database.CHECK_SECONDS", 1.0)
    with tempfile.TemporaryDirectory(prefix="roost-") as home:
        made = World(ROOST_HOME=home, DATABASE_POOL_SIZE="4")
        server = PostgresServer(Path(home))
        made.start(ChildSpec("postgres-server", lambda: ServerActor(server, ("database",))), until_up=False)
        made.start(database(made))
        made.start_cache()
        made.watch()
        yield made
        made.stop()


def server(world: World) -> ServerState:
    found = world.system.board.get("server:postgres")
    assert isinstance(found, ServerState)
    return found


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_it_heals_by_itself_when_postgres_is_killed_and_when_it_is_stopped(
    embedded: World, how: signal.Signals
) -> None:
    with embedded.through(Level.EMERGENCY, meanwhile=embedded.uses_the_cache):
        work = InThread(query(embedded.holder("learn:1"), "select pg_sleep(60)"))
        embedded.settled("database", in_use=1)
        before = server(embedded)
        os.kill(before.pid, how)
        eventually(lambda: server(embedded).up and server(embedded).pid != before.pid, 60.0)
        assert work.over().error is not None
        eventually(lambda: query(embedded.holder("learn:2"))() == (1,), 60.0)


def test_a_postgres_that_is_frozen_and_that_nobody_can_restart_lends_nothing_until_it_thaws(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("actors.resources.backend_lifecycle.CHECK_EVERY", 0.5)
    monkeypatch.setattr("actors.resources.backend_lifecycle.RETRY", Backoff(base=0.1, most=0.5))
    for limit in ("CHECK_SECONDS", "CONNECT_SECONDS", "CANCEL_SECONDS", "HOLDER_SECONDS"):
        monkeypatch.setattr(f"actors.resources.database.{limit}", 1.0)
    with running_server() as postgres:
        made = World(DATABASE_URL=postgres.fresh(), DATABASE_POOL_SIZE="4")
        made.start(database(made))
        made.watch()
        with made.through(Level.EMERGENCY):
            work = InThread(query(made.holder("learn:1"), "select pg_sleep(600)", hold=600.0))
            made.settled("database", in_use=1)
            first = psutil.Process(postgres.pid)
            frozen = [first, *first.children(recursive=True)]
            try:
                for process in frozen:
                    process.suspend()
                made.settled("database", state="down", healthy=False, in_use=0)
                assert isinstance(work.over().error, LeaseEnded)
                with pytest.raises(LeaseRefused, match="lends nothing now"):
                    query(made.holder("posting:1", priority=0))()
            finally:
                for process in frozen:
                    process.resume()
        assert query(made.holder("learn:2"))() == (1,)
        made.stop()
