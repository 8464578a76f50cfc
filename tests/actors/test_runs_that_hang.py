"""A run that never returns, with a lease of each kind: it is fenced at its deadline, and the unit comes back.

It hangs where nothing can wake it. What wakes those that hang in their unit's own use is tested with each resource.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from actors.core.supervision import ChildSpec
from actors.protocol.jobs import DeadlineOver, Running
from actors.protocol.resources import ResourceState
from actors.resources.client import NullCache
from actors.scheduling import run_starter as attempts
from actors.scheduling.outcome import Outcome
from actors.scheduling.run_context import RunContext
from actors.servers.redis_server import RedisServer
from actors.servers.sandbox_server import SandboxServer
from actors.servers.servers import ServerActor
from domain.jobs.spec import Holds
from store import runs
from tests.actors.test_model import SCHEMA, Api, answer
from tests.actors.test_run_for_real import House, doing
from tests.waiting import eventually


@contextmanager
def model_api() -> Iterator[Api]:
    api = Api()
    api.script = [answer("{}")]
    try:
        yield api
    finally:
        api.shutdown()
        api.server_close()


@contextmanager
def house_with(resource: str, dsn: str, home: Path) -> Iterator[House]:
    """Postgres, and what this resource needs."""
    environment: dict[str, str] = {"ROOST_HOME": str(home)}
    servers: tuple[ChildSpec, ...] = ()
    with model_api() as api:
        match resource:
            case "redis":
                servers = (ChildSpec("redis-server", lambda: ServerActor(RedisServer(home), ("redis",))),)
            case "browser":
                site = SandboxServer(home, "roost", home / "clock.json")
                servers = (ChildSpec("sandbox-server", lambda: ServerActor(site, ("browser",))),)
            case "model":
                environment["OPENAI_API_KEY"] = "sk-hunter22hunter22"
                environment["OPENAI_BASE_URL"] = f"http://127.0.0.1:{api.server_port}/v1"
        house = House(dsn, home, resource, servers, **environment)
        try:
            yield house
        finally:
            house.close()


async def add(page: Any) -> Any:
    return await page.evaluate("20 + 22")


def use(resource: str, unit: Any) -> bool:
    """Whether the unit does what it is for."""
    match resource:
        case "database":
            return bool(unit.execute("select 42").fetchone() == (42,))
        case "redis":
            unit.set("key", b"value", seconds=60.0)
            return not isinstance(unit, NullCache) and unit.get("key") == b"value"
        case "browser":
            return bool(unit.run(add) == 42)
        case _:
            return bool(unit.complete("You write.", "Write.", SCHEMA).text == "{}")


def lease(ctx: RunContext, resource: str) -> AbstractContextManager[Any]:
    borrow: Callable[..., AbstractContextManager[Any]] = getattr(ctx, resource)
    return borrow(wait=30.0)


@pytest.mark.parametrize("resource", ["database", "redis", "browser", "model"])
def test_a_run_that_never_returns_loses_its_lease_and_others_are_served(
    resource: str, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "GRACE", 0.2)
    holds, for_ever = threading.Event(), threading.Event()

    def hung(ctx: RunContext) -> Outcome:
        with lease(ctx, resource):
            holds.set()
            for_ever.wait()
        return Outcome()

    def works(ctx: RunContext) -> Outcome:
        with lease(ctx, resource) as unit:
            assert use(resource, unit)
        return Outcome()

    budget = {"holds": Holds(**{resource: 1}), "attempts": 1, "category": "background"}
    with house_with(resource, dsn, tmp_path) as house:

        def pool(**expected: int) -> ResourceState:
            def found() -> ResourceState | None:
                state: ResourceState = house.system.board.get(resource)
                return state if all(getattr(state, name) == value for name, value in expected.items()) else None

            state = eventually(found)
            assert state is not None
            return state

        whole = pool().capacity
        house.jobs(doing(hung, **budget), doing(works, name="plan", **{**budget, "category": "posting"}))
        accepted = house.run_now("learn")
        assert holds.wait(60)
        running = house.book("learn").state
        assert isinstance(running, Running)

        house.run_now("plan")
        assert house.ended("plan").succeeded == 1, "another job is served meanwhile"
        pool(in_use=1)

        house.system.tell("job:learn", DeadlineOver(running.actor))
        end = house.ended("learn").last_end
        assert end is not None
        assert (end.outcome, "past its deadline" in end.reason) == ("failed", True)
        state = pool(in_use=0, quarantined=0, idle=whole)
        assert dict(state.ended_by)["holder died"] == 1
        assert state.granted == state.ended + state.revoked
        assert len(house.system.zombies()) == 1, "its thread hangs on, and counts"

        with psycopg.connect(dsn) as connection:
            row = eventually(lambda: runs.history(connection, job="learn") or connection.rollback())[0]
        assert (row.run_id, row.outcome) == (accepted.run_id, "failed")

        for_ever.set()
        eventually(lambda: house.system.zombies() == [])
        state = pool(in_use=0, quarantined=0, idle=whole)
        assert state.granted == state.ended + state.revoked, "what it gives back now is nothing any more"
