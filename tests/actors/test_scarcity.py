"""What somebody else uses up: slots of Postgres, clients of Redis, memory in a page. It ends when they let go."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psycopg
import pytest
import redis
from psycopg_pool import PoolTimeout

from actors.protocol.resources import LeaseError
from actors.protocol.servers import server_state
from actors.resources.client import Leases
from actors.resources.specs import resource_specs
from domain.resources.levels import Level
from tests.resources import World
from tests.waiting import eventually


@pytest.fixture(autouse=True)
def faster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.resources.backend_lifecycle.CHECK_EVERY", 0.3)
    monkeypatch.setattr("actors.resources.backend_lifecycle.CHECK_AGAIN", 0.1)
    monkeypatch.setattr("actors.resources.database.CHECK_SECONDS", 1.0)
    monkeypatch.setattr("actors.resources.database.CONNECT_SECONDS", 1.0)


@pytest.fixture
def database(empty_dsn: str) -> Iterator[World]:
    with psycopg.connect(empty_dsn, autocommit=True) as admin:
        # By role, since a superuser is never refused; and not the whole server's, which other tests use.
        name = admin.info.dbname
        admin.execute(f"create role {name}_app login connection limit 6")
        admin.execute(f"grant all on schema public to {name}_app")
        dsn = empty_dsn.replace("roost@", f"{name}_app@")
        world = World(DATABASE_URL=dsn, DATABASE_POOL_SIZE="4")
        world.start(next(spec for spec in resource_specs(world.settings, {}) if spec.id == "database"))
        world.watch()
        yield world
        world.stop()
        admin.execute(f"drop owned by {name}_app")
        admin.execute(f"drop role {name}_app")


def one(leases: Leases) -> object:
    with leases.database(wait=2.0) as connection:
        return connection.execute("select 1").fetchone()


def test_slots_of_postgres_used_up_by_someone_else_fail_who_comes_and_nobody_who_is_there(database: World) -> None:
    dsn = database.settings.database_url
    assert dsn is not None
    with database.through(Level.FULL), ExitStack() as ours, ExitStack() as others:
        with pytest.raises(psycopg.OperationalError, match="too many connections"):
            use_up(lambda: others.enter_context(psycopg.connect(dsn.reveal())))
        # There were 3 connections at most, and now there will be no fourth.
        holders = [database.holder(f"learn:{number}", priority=0) for number in range(4)]
        got = []
        with pytest.raises((LeaseError, PoolTimeout)):
            use_up(lambda: got.append(ours.enter_context(holders.pop().database(wait=2.0, hold=60.0))))
        assert {connection.execute("select 1").fetchone() for connection in got} == {(1,)}
        others.close()
        eventually(lambda: psycopg.connect(dsn.reveal()).close() is None)  # the server has noticed
    assert one(database.holder("plan:1")) == (1,)


def test_a_postgres_without_any_slot_for_us_is_an_emergency_until_there_is_one(
    database: World, empty_dsn: str
) -> None:
    with psycopg.connect(empty_dsn, autocommit=True) as admin, database.through(Level.EMERGENCY) as fallen:
        role = f"{admin.info.dbname}_app"
        admin.execute(f"alter role {role} connection limit 0")
        admin.execute("select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = %s", (role,))
        fallen()
        with pytest.raises((LeaseError, PoolTimeout)):
            one(database.holder("plan:1", priority=0))
        admin.execute(f"alter role {role} connection limit 6")
    assert one(database.holder("plan:1")) == (1,)


def test_redis_at_its_maxclients_is_no_cache_until_they_let_go(
    empty_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.servers.servers.PROBES_MISSED", 10**6)  # they are to let go, not to be ended
    with tempfile.TemporaryDirectory(prefix="roost-") as home:
        world = World(ROOST_HOME=home, DATABASE_URL=empty_dsn)
        world.start_cache()
        world.start(next(spec for spec in resource_specs(world.settings, {}) if spec.id == "database"))
        world.watch()
        try:
            url = server_state(world.system.board, "redis").url
            with world.through(Level.REDUCED, meanwhile=world.uses_the_database) as fallen, client(url) as admin:
                admin.config_set("maxclients", 1)  # which the admin is
                admin.client_kill_filter(skipme=True, _type="normal")
                with pytest.raises((redis.RedisError, OSError)), client(url) as another:
                    another.ping()  # the server says why and hangs up at once
                with world.holder("plan:1").redis() as cache:
                    cache.set("key", "value", seconds=60.0)
                    assert cache.get("key") is None
                fallen()
                admin.config_set("maxclients", 100)
            world.uses_the_cache()
        finally:
            world.stop()


def client(url: str) -> "redis.Redis":
    return redis.Redis.from_url(url, single_connection_client=True)


def use_up(take: Callable[[], object]) -> None:
    """Take until there is no more, which raises."""
    for _ in range(100):
        take()
