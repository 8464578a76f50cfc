"""Restart intensity, as OTP counts it."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import intensity
from domain.intensity import GiveUp, GoOn, Intensity


def decisions(limit: Intensity, moments: list[float]) -> list[type]:
    history: tuple[float, ...] = ()
    seen: list[type] = []
    for moment in moments:
        decision = limit.after_restart(history, moment)
        history = decision.history
        seen.append(type(decision))
    return seen


def test_the_example_in_the_documentation_is_true():
    assert doctest.testmod(intensity) == (0, 3)


def test_as_many_restarts_as_the_intensity_are_allowed_and_one_more_is_the_end():
    assert decisions(Intensity(3, 10.0), [0.0, 1.0, 2.0, 3.0]) == [GoOn, GoOn, GoOn, GiveUp]


def test_a_restart_exactly_a_period_ago_still_counts():
    assert decisions(Intensity(1, 5.0), [0.0, 5.0]) == [GoOn, GiveUp]
    assert decisions(Intensity(1, 5.0), [0.0, 5.001]) == [GoOn, GoOn]


def test_an_intensity_of_0_makes_the_first_restart_the_end():
    assert decisions(Intensity(0, 5.0), [0.0]) == [GiveUp]


@given(st.integers(0, 5), st.floats(0.1, 10.0), st.lists(st.floats(0.0, 3.0), max_size=40))
def test_it_gives_up_exactly_when_a_window_ending_now_holds_too_many(restarts, period, gaps):
    limit = Intensity(restarts, period)
    history: tuple[float, ...] = ()
    moments: list[float] = []
    now = 0.0
    for gap in gaps:
        now += gap
        moments.append(now)
        decision = limit.after_restart(history, now)
        history = decision.history
        in_window = sum(1 for moment in moments if moment >= now - period)
        assert isinstance(decision, GiveUp) == (in_window > restarts)
        assert len(history) == in_window, "and it keeps no more than the window"


@pytest.mark.parametrize(("restarts", "period"), [(-1, 5.0), (1, 0.0), (1, -1.0)])
def test_what_otp_refuses_is_refused(restarts, period):
    with pytest.raises(ValueError, match="period above 0"):
        Intensity(restarts, period)
