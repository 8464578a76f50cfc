"""What the model may spend: counted over restarts and outages, and at the worst where nobody says what it was."""

import socket
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from actors.protocol.model import ModelError
from actors.resources.specs import resource_specs
from store import spend
from store.migrate import migrate
from store.spend import Spend
from tests.actors.test_model import SCHEMA, Api, answer, api, ask, failure
from tests.resources import World
from tests.waiting import eventually

__all__ = ["api"]

HIGH: dict[str, Any] = {"OPENAI_API_KEY": "sk-hunter22hunter22", "DAILY_BUDGET_USD": "10"}


@pytest.fixture
def world(api: Api, empty_dsn: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """With the model up, and a database to be started."""
    monkeypatch.setattr("actors.resources.model.RETRY_SECONDS", 0.01)
    monkeypatch.setattr("actors.resources.backend_lifecycle.CHECK_EVERY", 0.2)
    made = World(DATABASE_URL=empty_dsn, OPENAI_BASE_URL=f"http://127.0.0.1:{api.server_port}/v1", **HIGH)
    start(made, "model")
    yield made
    made.stop()


def start(world: World, name: str) -> None:
    world.start(next(spec for spec in resource_specs(world.settings, {}) if spec.id == name))


def share(world: World, what: str = "dollars per day") -> float:
    return dict(world.state("model").budgets)[what]


def test_a_database_that_comes_after_the_first_call_adds_what_was_spent_before(
    world: World, api: Api, empty_dsn: str
) -> None:
    api.script = [answer("{}", tokens=(0, 500_000))]  # a dollar
    own = ask(world).usd
    began = world.system.directory.whereis("model").usage.began  # type: ignore[union-attr]
    migrate(empty_dsn)
    with psycopg.connect(empty_dsn, autocommit=True) as connection:
        for at, dollars in (
            (began - 0.1, 4.0),
            (began + 0.1, own),
        ):  # an earlier process's, and our own once it is kept
            spend.record(connection, Spend(f"call {at}", at, dollars, 0, 0, "m", "plan"))
    start(world, "database")
    eventually(lambda: abs(share(world) - (4.0 + own) / 10) < 1e-6)


def test_a_restart_of_the_actor_forgets_no_dollar_and_no_minute(world: World, api: Api) -> None:
    api.script = [answer("{}", tokens=(0, 500_000))]
    ask(world)
    world.settled("model", in_use=0)
    before = eventually(lambda: share(world) > 0 and world.state("model").budgets)
    world.kill("model")
    eventually(lambda: world.system.directory.whereis("model") is None)
    world.start(world.specs["model"])
    assert eventually(lambda: world.state("model").budgets) == before


def test_a_call_whose_answer_never_came_counts_at_its_worst_and_a_refused_one_as_nothing(
    world: World, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.resources.model.ATTEMPTS", 1)
    api.script = [failure(503, "busy")]
    with pytest.raises(ModelError, match="503"):
        ask(world)
    world.settled("model", in_use=0, ended=1)
    assert share(world) == 0.0
    monkeypatch.setattr("actors.resources.model.CALL_SECONDS", 0.2)
    api.script = []  # its handler fails, and hangs up without a word
    with pytest.raises(ModelError):
        ask(world)
    eventually(lambda: share(world) > 4000 * 1.9e-6 / 10)


def test_a_call_that_was_never_sent_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.resources.model.ATTEMPTS", 1)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        world = World(OPENAI_BASE_URL=f"http://127.0.0.1:{nobody.getsockname()[1]}/v1", **HIGH)
        start(world, "model")
        try:
            with pytest.raises(ModelError, match="no connection"), world.holder("plan:1").model() as model:
                model.complete("You write.", "Write.", SCHEMA)
            world.settled("model", in_use=0, ended=1)
            assert share(world) == 0.0
        finally:
            world.stop()
