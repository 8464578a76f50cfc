"""Crowding: a blink is no news, a pool that stays full is, and what is over is over."""

import doctest

from hypothesis import given
from hypothesis import strategies as st

from domain.resources import crowding
from domain.resources.crowding import CROWDED_AT, OVER_BELOW, Usage, after

shares = st.floats(0.0, 1.0)
looks = st.lists(st.tuples(shares, st.floats(0.1, 60.0)), max_size=60)


def lived(seen: list[tuple[float, float]]) -> Usage:
    usage = Usage()
    for share, seconds in seen:
        usage = after(usage, share, seconds)
    return usage


def test_the_examples_hold() -> None:
    assert doctest.testmod(crowding).failed == 0


@given(looks)
def test_the_mean_stays_a_share(seen: list[tuple[float, float]]) -> None:
    assert 0.0 <= lived(seen).mean <= 1.0 + 1e-9


@given(looks)
def test_it_is_crowded_only_near_the_threshold(seen: list[tuple[float, float]]) -> None:
    usage = lived(seen)
    assert usage.mean >= OVER_BELOW if usage.crowded else usage.mean < CROWDED_AT


@given(looks, st.floats(0.91, 1.0))
def test_a_pool_that_stays_nearly_full_is_crowded_within_five_minutes(
    seen: list[tuple[float, float]], share: float
) -> None:
    usage = lived(seen)
    for _ in range(30):
        usage = after(usage, share, 10.0)
    assert usage.crowded


@given(looks, st.floats(0.0, 0.75))
def test_from_any_past_it_is_over_three_minutes_after_the_crowd_has_gone(
    seen: list[tuple[float, float]], share: float
) -> None:
    usage = lived(seen)
    for _ in range(18):
        usage = after(usage, share, 10.0)
    assert not usage.crowded


@given(st.floats(0.0, 0.7), st.floats(0.0, 20.0))
def test_a_blink_is_no_crowd(usual: float, seconds: float) -> None:
    assert not after(Usage(usual), 1.0, seconds).crowded


@given(shares, st.floats(0.1, 60.0), st.integers(1, 20))
def test_how_often_one_looks_makes_no_difference(share: float, seconds: float, looks: int) -> None:
    usage = Usage(0.5)
    for _ in range(looks):
        usage = after(usage, share, seconds / looks)
    assert abs(usage.mean - after(Usage(0.5), share, seconds).mean) < 1e-9
