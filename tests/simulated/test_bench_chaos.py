"""What `python -m bench chaos` counts as a failure."""

from dataclasses import replace

import pytest

from bench.chaos import Day, Storms
from tests.simulated.verdict import Pressure, Scores

GOOD = Day(60.0, Scores(0.99, 0.95, 0.99), [], "full", {"browser": Pressure(0.5, 0.0, 0)}, "trace")


def test_a_day_by_the_numbers_misses_nothing() -> None:
    assert GOOD.missed() == []


@pytest.mark.parametrize(
    "day",
    [
        replace(GOOD, score=Scores(0.95, 0.95, 0.99)),
        replace(GOOD, score=Scores(0.99, 0.90, 0.99)),
        replace(GOOD, score=Scores(0.99, 0.95, 0.95)),
        replace(GOOD, pressed={"browser": Pressure(0.5, 0.0, 0), "redis": Pressure(0.8, 60.0, 2)}),
        replace(GOOD, level="reduced"),
        replace(GOOD, took=121.0),
        replace(GOOD, bad=["lost: post 1"]),
    ],
    ids=["posting", "scraping", "jobs", "pools", "level", "time", "findings"],
)
def test_a_day_that_misses_one_number_says_so(day: Day) -> None:
    assert len(day.missed()) == 1


def test_a_storm_that_goes_another_way_the_second_time_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    traces = iter(("one", "two", "another"))
    storms = Storms(1.0)
    monkeypatch.setattr(Storms, "_in_a_process", lambda *_: {"bad": [], "trace": next(traces)})
    storms.live([None], range(2))  # type: ignore[list-item]
    assert storms.failed == {0: ["it went another way the second time: the traces differ"]}
    assert storms.seeds == 2
