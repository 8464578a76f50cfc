"""What is outside takes its time: how long, and what comes of it where that is too long."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from actors.core.simulation import simulate
from actors.protocol.resources import LeaseEnded
from actors.resources.client import Leases
from domain.calendar import HOUR, MINUTE
from domain.content import prompts
from tests.simulated.durations import MEASURED, Durations, Took
from tests.simulated.house import House, home
from tests.simulated.verdict import rows
from tests.simulated.writer import written

A_MILLISECOND = {kind: Took(0.001, 0.0) for kind in MEASURED}


@pytest.mark.parametrize(
    ("kind", "median", "slowest_hundredth"),
    [
        ("read", 0.0004, 0.027),
        ("write", 0.0016, 0.066),
        ("write in a transaction", 0.00014, 0.0185),
        ("commit", 0.0014, 0.053),
        ("cache", 0.0006, 0.034),
        ("context", 0.014, 0.22),
        ("page", 0.27, 1.6),
    ],
)
def test_what_is_drawn_is_what_was_measured(kind: str, median: float, slowest_hundredth: float) -> None:
    took = MEASURED[kind]
    assert took.at(0.5) == pytest.approx(median)
    assert took.at(0.99) == pytest.approx(slowest_hundredth, rel=0.35)
    assert 0.0 < took.at(0.0) < took.at(0.1) < took.at(0.9) < took.at(0.999)


def test_the_same_seed_draws_the_same_and_what_is_slower_is_so_many_times() -> None:
    def drawn(slower: float) -> list[float]:
        durations = simulate(lambda runtime: Durations(runtime, MEASURED, {"browser": slower}), seed=3)
        return [durations.of("page") for _ in range(20)]

    assert drawn(1.0) == drawn(1.0)
    assert drawn(4.0) == pytest.approx([4.0 * seconds for seconds in drawn(1.0)])
    durations = simulate(lambda runtime: Durations(runtime, {}, {}), seed=3)
    assert durations.of("page") == 0.0


@contextmanager
def a_house(dsn: str) -> Iterator[tuple[House, Leases]]:
    """One with a database whose calls take a millisecond each, and somebody who borrows there."""
    with home(dsn, 1, took=A_MILLISECOND) as place:
        house = House(place)
        house.boot()
        house.runtime.sleep(10.0)
        yield house, Leases(house.system, "health", job="a test", priority=0)
        house.end()


def test_a_statement_takes_its_time_and_no_longer_than_its_lease(empty_dsn: str) -> None:
    with a_house(empty_dsn) as (house, leases):
        now = house.runtime.now
        with leases.database(hold=5.0) as connection:
            began = now()
            connection.execute("select 1")
            assert now() - began == pytest.approx(0.001)
            house.place.outside.slower["database"] = 100_000.0
            with pytest.raises(psycopg.Error):
                connection.execute("select 1")
            assert 4.9 < now() - began < 5.1
            house.place.outside.slower.clear()


def test_what_a_transaction_takes_passes_after_it_while_the_connection_is_lent(empty_dsn: str) -> None:
    """A row's lock held while others go on would stop this world for good."""
    with a_house(empty_dsn) as (house, leases):
        now = house.runtime.now
        with leases.database() as connection:
            began = now()
            with connection.transaction():
                connection.execute("select 1")
                connection.execute("create table anything (id int)")
                assert now() == began
            assert now() - began == pytest.approx(0.003)


def test_who_waits_for_a_commit_when_its_lease_ends_does_not_hear_of_it(empty_dsn: str) -> None:
    with a_house(empty_dsn) as (house, leases):

        def commit() -> None:
            with leases.database(hold=5.0) as connection:
                house.place.outside.slower["database"] = 100_000.0
                with connection.transaction():
                    connection.execute("create table anything (id int)")

        with pytest.raises((LeaseEnded, psycopg.OperationalError)) as unheard:
            commit()
        house.place.outside.slower.clear()
    assert getattr(unheard.value, "sqlstate", None) is None, "nothing says that it was not done"
    assert rows(empty_dsn, "select count(*)::int from anything") == [(0,)], "and it is done all the same"


def test_the_simulated_model_answers_what_it_is_asked() -> None:
    requests = [prompts.Request("sleep", "tip", "plain"), prompts.Request("stress", "fact", "warm")]
    prompt = prompts.posts_prompt(requests, [], [], nonce="12345678")
    drafts = prompts.parsed(written(prompt.user, random.Random(1)), requests)
    assert isinstance(drafts, tuple)
    assert [draft.request for draft in drafts] == requests
    reply = prompts.reply_prompt("I sleep badly", "ann", nonce="12345678")
    assert isinstance(prompts.parsed(written(reply.user, random.Random(1)), requests[:1]), tuple)


def test_a_budget_that_is_spent_leaves_the_writing_to_templates(empty_dsn: str) -> None:
    with home(empty_dsn, 1, 10.0, took=MEASURED, OPENAI_API_KEY="simulated", DAILY_BUDGET_USD="0.002") as place:
        house = House(place, switching="where blocked")
        house.boot()
        house.runtime.sleep(HOUR / 10.0 + MINUTE)
        asked = house.system.board.get("model").granted
        house.end()
    assert asked > 0, "somebody has borrowed the model, and was refused a call"
    assert {source for (source,) in rows(empty_dsn, "select distinct source from posts")} == {"template"}
