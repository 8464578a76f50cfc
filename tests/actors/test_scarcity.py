"""What somebody else uses up: slots of Postgres, clients of Redis, memory in a page. It ends when they let go."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
import redis
from psycopg_pool import PoolTimeout

from actors.ground.redis_server import RedisServer
from actors.ground.servers import ServerActor, server_state
from actors.protocol import ChildSpec
from actors.resources.client import Leases
from actors.resources.loans import LeaseError
from actors.resources.specs import resource_specs
from tests.resources import World
from tests.waiting import eventually


@pytest.fixture(autouse=True)
def faster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.resources.upkeep.CHECK_EVERY", 0.3)
    monkeypatch.setattr("actors.resources.upkeep.CHECK_AGAIN", 0.1)
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
        yield world
        world.stop()
        admin.execute(f"drop owned by {name}_app")
        admin.execute(f"drop role {name}_app")


def one(leases: Leases) -> object:
    with leases.database(wait=2.0) as connection:
        return connection.execute("select 1").fetchone()


def test_slots_of_postgres_used_up_by_someone_else_fail_who_comes_and_leave_nothing_behind(database: World) -> None:
    dsn = database.settings.database_url
    assert dsn is not None
    with ExitStack() as others, ExitStack() as ours:
        with pytest.raises(psycopg.OperationalError, match="too many connections"):
            use_up(lambda: others.enter_context(psycopg.connect(dsn.reveal())))
        # There were 2 connections at most, and now there will be no third.
        holders = [database.holder(f"learn:{number}", priority=0) for number in range(4)]
        with pytest.raises((LeaseError, PoolTimeout)):
            use_up(lambda: ours.enter_context(holders.pop().database(wait=2.0, hold=5.0)))
    assert eventually(lambda: one(database.holder("plan:1")) == (1,), 60.0)
    database.settled("database", in_use=0, quarantined=0, healthy=True, capacity=4)


def test_redis_at_its_maxclients_is_no_cache_until_they_let_go() -> None:
    with tempfile.TemporaryDirectory(prefix="roost-") as home:
        world = World(ROOST_HOME=home)
        server = RedisServer(Path(home))
        world.start(ChildSpec("redis-server", lambda: ServerActor(server, ("redis",))), until_up=False)
        world.start(next(spec for spec in resource_specs(world.settings, {}) if spec.id == "redis"))
        try:
            url = server_state(world.system.board, "redis").url
            with ExitStack() as others:
                admin = others.enter_context(client(url))
                admin.config_set("maxclients", 2)
                admin.client_kill_filter(skipme=True, _type="normal")
                with pytest.raises((redis.RedisError, OSError)):  # the server says why and hangs up at once
                    use_up(lambda: others.enter_context(client(url)).ping())
                with world.holder("plan:1").redis() as cache:
                    cache.set("key", "value", seconds=60.0)
                    assert cache.get("key") is None
                admin.config_set("maxclients", 100)
            assert eventually(lambda: kept(world), 60.0)
            world.settled("redis", in_use=0, quarantined=0, healthy=True)
        finally:
            world.stop()


def client(url: str) -> "redis.Redis":
    return redis.Redis.from_url(url, single_connection_client=True)


def use_up(take: Callable[[], object]) -> None:
    """Take until there is no more, which raises."""
    for _ in range(100):
        take()


def kept(world: World) -> bool:
    with world.holder("plan:2").redis() as cache:
        cache.set("key", "value", seconds=60.0)
        return cache.get("key") == b"value"
