"""The whole tree in virtual time: hours of it by the numbers, twice the same, and through a few storms.

All that is outside takes as long there as it took where it was measured. The full day and the many seeds are
`python -m bench chaos`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from actors.core.scheduler import Switching
from actors.core.simulation import seeds
from domain.calendar import HOUR
from domain.jobs.spec import Kind
from tests.postgres import Server
from tests.simulated.chaos import lived_through, replay
from tests.simulated.durations import AWAY, MEASURED
from tests.simulated.house import House, home
from tests.simulated.verdict import Pressure, Scores, pressure, scores

HOURS = 2.0  # calendar
TWICE = 0.75  # of which the first part is lived twice
SPEED = 10.0
STORM_HOURS = 1.0


@dataclass
class Day:
    """What some hours left behind. morning: the trace of their first part. silent: jobs that never succeeded."""

    morning: str
    level: str
    scores: Scores
    bad: list[str]
    published: int
    pressed: dict[str, Pressure]
    silent: list[str]


@contextmanager
def a_house(dsn: str, seed: int, slower: float = AWAY, switching: Switching = "at every point") -> Iterator[House]:
    """One that has just booted, where what is outside takes its time. slower: the browser's calls, so many times."""
    with home(dsn, seed, SPEED, took=MEASURED, OPENAI_API_KEY="simulated") as place:
        place.outside.slower["browser"] = slower
        house = House(place, switching=switching)
        house.boot()
        yield house


def a_morning(dsn: str, seed: int) -> str:
    """The trace of the first part."""
    with a_house(dsn, seed) as house:
        house.runtime.sleep(TWICE * HOUR / SPEED)
        trace = house.runtime.trace()
        house.end()
        return trace


def a_day(dsn: str, seed: int) -> Day:
    with a_house(dsn, seed) as house:
        house.runtime.sleep(TWICE * HOUR / SPEED)
        morning = house.runtime.trace()
        house.runtime.sleep((HOURS - TWICE) * HOUR / SPEED)
        board = house.system.board
        pressed = pressure(board, HOURS * HOUR / SPEED)
        silent = [
            job.spec.name
            for job in house.jobs
            if job.spec.every <= 2 * HOUR and board.get(f"job:{job.spec.name}").last_success is None
        ]
        level = board.get("health").level
        house.finish_publishing()
        house.end()
        found = house.place.findings()
        scraping = {job.spec.name for job in house.jobs if job.spec.kind is Kind.SCRAPING}
        published = found.states["confirmed"] + found.states["reconciled"]
        return Day(morning, level, scores(dsn, scraping), found.bad(), published, pressed, silent)


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
    assert max(pool.busy for pool in day.pressed.values()) < 0.80, day.pressed
    assert all(pool.busy > 0.0 for pool in day.pressed.values()), "each takes time, or the bound could not be broken"
    assert day.pressed["browser"].waited > 0.0, "three contexts are few enough for somebody to wait"


def test_pages_that_are_slow_enough_break_the_bound_and_the_success_rates(empty_dsn: str) -> None:
    with a_house(empty_dsn, seed=1, slower=90.0, switching="where blocked") as house:
        house.runtime.sleep(HOURS * HOUR / SPEED)
        pressed = pressure(house.system.board, HOURS * HOUR / SPEED)
        house.end()
        scraping = {job.spec.name for job in house.jobs if job.spec.kind is Kind.SCRAPING}
        done = scores(empty_dsn, scraping)
    assert pressed["browser"].busy > 0.80
    assert pressed["browser"].refused > 0, "who waits too long is told so"
    assert pressed["browser"].waited > 300.0
    assert done.jobs < 0.95, "two hours hold too few runs of scraping alone to judge them apart"
    assert pressed["database"].busy < 0.01, "nothing is slow but the pages"


@pytest.mark.parametrize("seed", seeds(4))
def test_nothing_is_lost_or_published_twice_in_a_storm(empty_dsn: str, seed: int) -> None:
    lived = lived_through(empty_dsn, seed, STORM_HOURS)
    assert lived.findings.bad() == [], f"{replay(seed, STORM_HOURS)}\n{lived}"
    assert lived.findings.posts > 0, replay(seed, STORM_HOURS)
    assert lived.back <= 120.0, f"{lived.back:.0f} s until the level was full\n{replay(seed, STORM_HOURS)}"
