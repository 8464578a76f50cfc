"""Memory: what is given up at which share of the limit, and that it does not flap."""

import doctest
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.resources import memory
from domain.resources.leases import Lease, Request
from domain.resources.memory import Glance, MemoryAdvice, Stage, State, after, given_up


def advice_at(*percents: float, every: float = 10.0) -> list[MemoryAdvice]:
    """The advice at each of these readings, so many seconds apart."""
    state, advices = State(), []
    for number, percent in enumerate(percents):
        state, advice = after(state, round(percent * 100), 10_000, 3, number * every)
        advices.append(advice)
    return advices


def test_the_example_in_the_documentation_is_true():
    assert doctest.testmod(memory) == (0, 3)


@pytest.mark.parametrize(
    ("percent", "expected"),
    [
        (84.9, MemoryAdvice(Stage.ENOUGH, 3, recycle=False, level_pressure=False, stop_background=False)),
        (85.0, MemoryAdvice(Stage.TIGHT, 2, recycle=False, level_pressure=False, stop_background=False)),
        (91.9, MemoryAdvice(Stage.TIGHT, 2, recycle=False, level_pressure=False, stop_background=False)),
        (92.0, MemoryAdvice(Stage.SHORT, 1, recycle=True, level_pressure=True, stop_background=False)),
        (95.9, MemoryAdvice(Stage.SHORT, 1, recycle=True, level_pressure=True, stop_background=False)),
        (96.0, MemoryAdvice(Stage.CRITICAL, 1, recycle=True, level_pressure=True, stop_background=True)),
        (130.0, MemoryAdvice(Stage.CRITICAL, 1, recycle=True, level_pressure=True, stop_background=True)),
    ],
)
def test_each_threshold_gives_up_more(percent, expected):
    assert advice_at(percent) == [expected]


def test_a_threshold_that_was_crossed_counts_until_3_points_below_it():
    stages = [advice.stage for advice in advice_at(86.0, 83.0, 82.0, 81.9, 84.0)]
    assert stages == [Stage.TIGHT, Stage.TIGHT, Stage.TIGHT, Stage.ENOUGH, Stage.ENOUGH]
    stages = [advice.stage for advice in advice_at(97.0, 93.5, 92.9, 90.0, 88.9, 81.0)]
    assert stages == [Stage.CRITICAL, Stage.CRITICAL, Stage.SHORT, Stage.SHORT, Stage.TIGHT, Stage.ENOUGH]


def test_the_browser_is_recycled_when_memory_gets_short_and_then_every_2_minutes_while_it_stays():
    recycled = [advice.recycle for advice in advice_at(93.0, 93.0, 97.0, 93.0, 93.0, every=60.0)]
    assert recycled == [True, False, True, False, True]


def test_the_browser_is_recycled_again_when_memory_was_enough_in_between():
    assert [advice.recycle for advice in advice_at(93.0, 80.0, 93.0)] == [True, False, True]


@pytest.mark.parametrize("contexts", [0, 1, 2, 3, 5])
def test_one_context_stays_however_short_memory_is_unless_there_is_none(contexts):
    assert after(State(), 99, 100, contexts, 0.0)[1].contexts == min(contexts, max(1, contexts - 2))


def test_advice_without_a_limit_is_refused():
    with pytest.raises(ValueError, match="MEMORY_LIMIT_MB"):
        after(State(), 1, 0, 3, 0.0)


@given(st.lists(st.floats(0.0, 120.0), max_size=50))
def test_while_readings_differ_by_less_than_the_hysteresis_the_stage_moves_at_most_once(percents):
    wobble = [90.0 + percent / 120.0 * 2.9 for percent in percents]  # across the 92 % threshold
    stages = [advice.stage for advice in advice_at(*wobble)]
    assert sum(1 for one, other in itertools.pairwise(stages) if one != other) <= 1


@given(st.lists(st.floats(0.0, 120.0), min_size=1, max_size=50))
def test_the_stage_is_never_below_what_the_reading_asks_for(percents):
    for percent, advice in zip(percents, advice_at(*percents), strict=True):
        assert advice.stage >= advice_at(percent)[0].stage
        assert advice.stop_background <= advice.level_pressure


def lease(token: int, priority: int, category: str) -> Lease:
    request = Request(f"r{token}", f"run:{token}", "job", priority, category, wait_until=0.0, hold_seconds=60.0)
    return Lease(token, token, request, granted_at=0.0, hold_until=60.0)


POSTING, METRICS, OLD, NEW = (
    lease(1, 0, "posting"), lease(2, 1, "metrics"), lease(3, 7, "background"), lease(4, 7, "background"),
)  # fmt: skip
ALL = (METRICS, NEW, POSTING, OLD)


def glance(used: int, at: float) -> Glance:
    """All but 100 of it private."""
    return Glance(used, used - 100, at)


@pytest.mark.parametrize(
    ("percent", "expected"),
    [(91.9, ()), (92.0, (NEW,)), (95.9, (NEW,)), (96.0, (NEW, OLD)), (100.0, (NEW, OLD, METRICS, POSTING))],
)
def test_as_memory_goes_so_do_leases_the_least_important_first(percent, expected):
    assert given_up(None, glance(round(percent * 10), 0.0), 1000, ALL) == expected


def test_postings_lease_is_taken_only_where_the_limit_is_reached():
    assert given_up(glance(900, 0.0), glance(990, 0.25), 1000, (POSTING,)) == ()
    assert given_up(None, glance(1001, 0.0), 1000, (POSTING,)) == (POSTING,)


def test_what_grows_fast_is_met_before_it_is_there():
    assert given_up(glance(800, 10.0), glance(850, 10.25), 1000, ALL) == (NEW, OLD, METRICS)  # 200 a second
    assert given_up(glance(870, 10.0), glance(900, 11.0), 1000, ALL) == (NEW,)
    assert given_up(glance(990, 10.0), glance(900, 10.25), 1000, ALL) == ()  # it shrinks


@given(used=st.integers(0, 2000), more=st.integers(0, 500), growth=st.integers(-500, 500))
def test_more_memory_never_gives_up_less(used, more, growth):
    def number(now: int) -> int:
        return len(given_up(glance(now - growth, 0.0), glance(now, 0.25), 1000, ALL))

    assert number(used) <= number(used + more)


def test_a_step_between_two_glances_that_come_together_is_no_pace() -> None:
    before, now = glance(300, 10.0), glance(310, 10.001)
    assert given_up(before, now, limit=512, lent=ALL) == ()


def test_the_pace_is_what_was_seen_and_not_what_a_new_weighing_adds() -> None:
    before, now = Glance(used=300, private=200, at=10.0), Glance(used=360, private=201, at=10.25)
    assert given_up(before, now, limit=512, lent=ALL) == ()
