"""Levels: how the health of components becomes one level, at once downwards and settled upwards."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.resources import levels
from domain.resources.levels import (
    BROWSER,
    COMPONENTS,
    DATABASE,
    REDIS,
    Event,
    Level,
    MemoryHigh,
    Pinned,
    Report,
    State,
    Unpinned,
    after,
    by_components,
    failed,
    level,
    next_change,
)


def with_events(*events: Event, state: State | None = None, now: float = 0.0) -> State:
    """A system that has been well since 0, and what then happened at `now`."""
    if state is None:
        state = with_events(*(Report(component, True) for component in COMPONENTS), state=State())
    for event in events:
        state = after(state, event, now)
    return state


def without(*components: str) -> State:
    return with_events(*(Report(component, False) for component in components))


def test_the_example_in_the_documentation_is_true():
    assert doctest.testmod(levels) == (0, 7)


@pytest.mark.parametrize(
    ("down", "expected"),
    [
        ((), Level.FULL),
        ((REDIS,), Level.REDUCED),
        ((BROWSER,), Level.REDUCED),
        ((REDIS, BROWSER), Level.MINIMAL),
        ((DATABASE,), Level.EMERGENCY),
        ((DATABASE, REDIS, BROWSER), Level.EMERGENCY),
    ],
)
def test_what_is_down_decides_the_level(down, expected):
    assert level(without(*down), 0.0) is expected


def test_levels_stand_for_the_health_of_the_system():
    assert [each.value for each in Level] == [1.0, 0.7, 0.3, 0.1]


def test_a_component_that_fails_lowers_the_level_at_once_and_raises_it_only_settled():
    state = with_events(Report(DATABASE, False), now=100.0)
    assert level(state, 100.0) is Level.EMERGENCY
    state = with_events(Report(DATABASE, True), state=state, now=110.0)
    assert level(state, 129.9) is Level.EMERGENCY
    assert next_change(state, 129.9) == 130.0
    assert level(state, 130.0) is Level.FULL
    assert next_change(state, 130.0) is None


def test_further_good_reports_do_not_begin_the_settling_again():
    state = without(REDIS)
    for moment in (10.0, 20.0, 29.0):
        state = with_events(Report(REDIS, True), state=state, now=moment)
    assert level(state, 30.0) is Level.FULL


def test_a_component_that_comes_and_goes_does_not_move_the_level_up():
    state = without(REDIS)
    for moment in range(0, 200, 10):
        state = with_events(Report(REDIS, moment % 20 == 0), state=state, now=float(moment))
        assert level(state, float(moment)) is Level.REDUCED


def test_each_component_settles_for_itself():
    state = with_events(Report(BROWSER, True), state=without(DATABASE, BROWSER), now=5.0)
    state = with_events(Report(DATABASE, True), state=state, now=10.0)
    assert failed(state, 24.9) == {DATABASE, BROWSER}
    assert failed(state, 25.0) == {DATABASE}
    assert level(state, 30.0) is Level.FULL


def test_at_boot_nothing_counts_as_up_before_its_first_good_report_which_counts_at_once():
    assert level(State(), 0.0) is Level.EMERGENCY
    state = with_events(Report(DATABASE, True), state=State(), now=1.0)
    assert level(state, 1.0) is Level.MINIMAL
    state = with_events(Report(REDIS, False), Report(BROWSER, True), state=state, now=2.0)
    assert level(state, 2.0) is Level.REDUCED
    state = with_events(Report(REDIS, True), state=state, now=3.0)
    assert level(state, 22.9) is Level.REDUCED, "it had failed once, so it must settle"


@pytest.mark.parametrize(
    ("down", "expected"),
    [
        ((), Level.REDUCED),
        ((REDIS,), Level.MINIMAL),
        ((REDIS, BROWSER), Level.EMERGENCY),
        ((DATABASE,), Level.EMERGENCY),
    ],
)
def test_short_memory_counts_one_level_down_until_it_has_settled(down, expected):
    state = with_events(MemoryHigh(True), state=without(*down), now=1.0)
    assert level(state, 1.0) is expected
    state = with_events(MemoryHigh(False), state=state, now=10.0)
    assert level(state, 29.9) is expected
    assert level(state, 30.0) is by_components(frozenset(down))


def test_the_operators_pin_rules_until_it_is_taken_off():
    state = with_events(Pinned(Level.MINIMAL, "maintenance"))
    assert level(state, 0.0) is Level.MINIMAL
    state = with_events(Report(DATABASE, False), MemoryHigh(True), state=state, now=1.0)
    assert level(state, 1.0) is Level.MINIMAL
    assert level(with_events(Unpinned(), state=state, now=2.0), 2.0) is Level.EMERGENCY


def test_the_model_moves_no_level():
    assert level(with_events(Report("model", False)), 0.0) is Level.FULL


EVENTS = st.one_of(
    st.builds(Report, st.sampled_from([*COMPONENTS, "model"]), st.booleans()), st.builds(MemoryHigh, st.booleans())
)


@given(st.lists(st.tuples(EVENTS, st.floats(0.0, 30.0)), max_size=60))
def test_the_level_rises_only_over_what_was_well_for_the_settle_time(history):
    """Against a plain re-reading of the whole history."""
    state, now = State(), 0.0
    told: list[tuple[float, Event]] = []
    for event, pause in history:
        now += pause
        state = after(state, event, now)
        told.append((now, event))
        bad = {component for component in COMPONENTS if not was_well(told, component, now)}
        assert failed(state, now) == bad
        rising = next_change(state, now)
        if rising is not None:
            assert rising > now


def was_well(told: list[tuple[float, Event]], component: str, now: float) -> bool:
    reports = [
        (at, event.healthy) for at, event in told if isinstance(event, Report) and event.component == component
    ]
    if not reports or not reports[-1][1]:
        return False
    last_bad = max((number for number, (_, healthy) in enumerate(reports) if not healthy), default=-1)
    return last_bad < 0 or now >= reports[last_bad + 1][0] + 20.0
