"""The whole tree in virtual time: hours of it by the numbers, twice the same, and through a few storms.

The full day and the many seeds are `python -m bench chaos`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from actors.core.simulation import seeds
from actors.protocol.resources import ResourceState
from domain.calendar import HOUR
from domain.jobs.spec import Kind
from tests.postgres import Server
from tests.simulated.chaos import lived_through, replay
from tests.simulated.house import House, home
from tests.simulated.verdict import Scores, scores

HOURS = 2.0  # calendar
TWICE = 0.75  # of which the first part is lived twice
SPEED = 10.0
STORM_HOURS = 1.0


@dataclass
class Day:
    """What some hours left behind. morning: the trace of their first part. silent: jobs that never succeeded.

    busy: the share of its units' time that each pool was in use.
    """

    morning: str
    level: str
    scores: Scores
    bad: list[str]
    published: int
    busy: dict[str, float]
    silent: list[str]


def a_morning(dsn: str, seed: int) -> str:
    """The trace of the first part."""
    with home(dsn, seed, SPEED) as place:
        house = House(place)
        house.boot()
        house.runtime.sleep(TWICE * HOUR / SPEED)
        trace = house.runtime.trace()
        house.end()
        return trace


def a_day(dsn: str, seed: int) -> Day:
    with home(dsn, seed, SPEED) as place:
        house = House(place)
        house.boot()
        house.runtime.sleep(TWICE * HOUR / SPEED)
        morning = house.runtime.trace()
        house.runtime.sleep((HOURS - TWICE) * HOUR / SPEED)
        board, found = house.system.board, place.findings()
        scraping = {job.spec.name for job in house.jobs if job.spec.kind is Kind.SCRAPING}
        busy = {}
        for name in ("database", "redis", "browser"):
            state = board.get(name)
            assert isinstance(state, ResourceState)
            busy[name] = sum(use.held for use in state.jobs) / (state.limit * HOURS * HOUR / SPEED)
        silent = [
            job.spec.name
            for job in house.jobs
            if job.spec.every <= 2 * HOUR and board.get(f"job:{job.spec.name}").last_success is None
        ]
        level = board.get("health").level
        house.end()
        published = found.states["confirmed"] + found.states["reconciled"]
        return Day(morning, level, scores(dsn, scraping), found.bad(), published, busy, silent)


@pytest.fixture
def fresh(postgres: Server) -> Iterator[list[str]]:
    """Two empty databases."""
    made = [postgres.fresh(), postgres.fresh()]
    yield made
    for dsn in made:
        postgres.drop(dsn)


def test_hours_of_the_whole_tree_go_by_the_numbers_and_the_same_seed_goes_the_same_way(fresh: list[str]) -> None:
    day = a_day(fresh[0], seed=1)
    assert a_morning(fresh[1], seed=1) == day.morning
    assert day.bad == []
    assert day.level == "full"
    assert day.published > 0
    assert day.silent == []
    assert day.scores.posting > 0.95
    assert day.scores.scraping > 0.90
    assert day.scores.jobs > 0.95
    assert max(day.busy.values()) < 0.80, day.busy


@pytest.mark.parametrize("seed", seeds(4))
def test_nothing_is_lost_or_published_twice_in_a_storm(empty_dsn: str, seed: int) -> None:
    lived = lived_through(empty_dsn, seed, STORM_HOURS)
    assert lived.findings.bad() == [], f"{replay(seed, STORM_HOURS)}\n{lived}"
    assert lived.findings.posts > 0, replay(seed, STORM_HOURS)
    assert lived.back <= 120.0, f"{lived.back:.0f} s until the level was full\n{replay(seed, STORM_HOURS)}"
