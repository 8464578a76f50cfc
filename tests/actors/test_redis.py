"""The Redis resource, on a real redis-server: a cache that is there or not, and never a failure or a wait."""

import os
import signal
import tempfile
from collections.abc import Iterator

import pytest
import redis

from actors.protocol.servers import server_state
from actors.resources.client import NullCache
from actors.resources.specs import resource_specs
from domain.resources.levels import Level
from tests.postgres import Server
from tests.resources import World
from tests.waiting import eventually


@pytest.fixture(scope="module")
def world(postgres: Server) -> Iterator[World]:
    with tempfile.TemporaryDirectory(prefix="roost-") as home, pytest.MonkeyPatch.context() as faster:
        faster.setattr("actors.servers.servers.PROBE_EVERY", 0.2)
        faster.setattr("actors.servers.servers.PROBE_TIMEOUT", 0.5)
        faster.setattr("actors.resources.backend_lifecycle.CHECK_EVERY", 0.3)
        faster.setattr("actors.resources.backend_lifecycle.CHECK_AGAIN", 0.1)
        made = World(ROOST_HOME=home, DATABASE_URL=postgres.fresh())
        made.start_cache()
        made.start(next(spec for spec in resource_specs(made.settings, {}) if spec.id == "database"))
        made.watch()
        yield made
        made.stop()


def stores(world: World) -> bool:
    """Whether the cache keeps what it is given."""
    with world.holder("probe:1").redis() as cache:
        cache.set("key", "value", seconds=60.0)
        return cache.get("key") == b"value"


def other(world: World) -> "redis.Redis":
    return redis.Redis.from_url(server_state(world.system.board, "redis").url)


def test_a_cache_keeps_finds_and_forgets(world: World) -> None:
    with world.holder("plan:1").redis() as cache:
        cache.set("here", b"x", seconds=60.0)
        assert cache.get("here") == b"x"
        cache.delete("here")
        assert cache.get("here") is None
    world.settled("redis", in_use=0, quarantined=0)


def test_a_lease_ends_when_its_holder_dies_and_its_cache_is_empty_from_then_on(world: World) -> None:
    assert stores(world)
    with world.holder("learn:1").redis() as cache:
        assert cache.get("key") == b"value"
        world.kill("learn:1")
        eventually(lambda: cache.get("key") is None)
    world.settled("redis", in_use=0, quarantined=0)
    assert stores(world)


def test_who_finds_no_connection_goes_on_without(world: World) -> None:
    holders = [world.holder(f"learn:{number}") for number in range(2, 6)]
    with holders[0].redis(), holders[1].redis(), holders[2].redis(), holders[3].redis():
        with world.holder("late:1").redis(wait=0.02) as cache:
            assert isinstance(cache, NullCache)
        with world.holder("posting:1", priority=0).redis() as cache:
            assert not isinstance(cache, NullCache)  # one is kept for priority 0
    world.settled("redis", in_use=0)


def reported(world: World) -> int:
    """Faults that holders have reported so far."""
    return dict(world.state("redis").faults).get("reported by a holder", 0)


def test_a_redis_that_does_not_answer_costs_one_time_out_and_is_reported_once(world: World) -> None:
    with world.through(Level.REDUCED, meanwhile=world.uses_the_database), pytest.MonkeyPatch.context() as nobody:
        nobody.setattr("actors.servers.servers.PROBES_MISSED", 10**6)  # acts before the holder has seen it
        nobody.setattr("actors.resources.backend_lifecycle.CHECKS_MISSED", 10**6)
        before = reported(world)
        with other(world) as admin, world.holder("plan:1").redis() as cache:
            admin.client_pause(3_600_000)
            assert cache.get("key") is None
            assert cache.get("key") is None  # at once: this lease has given up
        eventually(lambda: reported(world) > before)
    assert reported(world) == before + 1
    assert stores(world)


def test_out_of_memory_is_a_cache_that_keeps_nothing_new_and_no_error(world: World) -> None:
    world.uses_the_cache()
    with world.through(Level.FULL, meanwhile=world.uses_the_database), other(world) as admin:
        before, limit = reported(world), admin.config_get("maxmemory")["maxmemory"]
        admin.config_set("maxmemory-policy", "noeviction")
        admin.config_set("maxmemory", 1)
        assert not stores(world)
        with world.holder("plan:1").redis() as cache:
            assert cache.get("theirs") == b"kept", "who only reads is served"
        admin.config_set("maxmemory", limit)
        admin.config_set("maxmemory-policy", "allkeys-lru")
        eventually(lambda: reported(world) > before)
    assert reported(world) == before + 1
    assert stores(world)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_it_heals_by_itself(world: World, how: signal.Signals) -> None:
    before = server_state(world.system.board, "redis").pid
    with world.through(Level.REDUCED, meanwhile=world.uses_the_database):
        with world.holder("plan:1").redis() as cache:
            os.kill(before, how)
            eventually(lambda: cache.get("key") is None)
        eventually(lambda: server_state(world.system.board, "redis").pid not in (0, before))
    assert stores(world)


def test_with_redis_gone_there_is_no_cache_at_once() -> None:
    world = World(REDIS_URL="redis://:hunter22@127.0.0.1:1/0")
    world.start(next(spec for spec in resource_specs(world.settings, {}) if spec.id == "redis"), until_up=False)
    try:
        assert "hunter22" not in repr(world.settled("redis", state="down"))
        with world.holder("plan:1").redis(wait=30.0) as cache:
            assert isinstance(cache, NullCache)
            assert cache.get("key") is None
    finally:
        world.stop()
