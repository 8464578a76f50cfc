"""Backoff: the ceiling doubles to a limit, and the wait is anywhere below it."""

import doctest
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import backoff
from domain.backoff import Backoff


def test_the_examples_in_the_documentation_are_true():
    assert doctest.testmod(backoff) == (0, 3)


def test_the_ceiling_doubles_until_the_most():
    ceilings = [Backoff(base=0.5, most=30.0).ceiling(attempt) for attempt in range(1, 10)]
    assert ceilings == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


@given(
    base=st.floats(0.001, 100.0),
    over=st.floats(1.0, 1000.0),
    part=st.floats(0.0, 1.0),
    factor=st.floats(1.0, 10.0),
    attempt=st.integers(1, 10**9),
    seed=st.integers(),
)
def test_a_wait_is_never_below_the_least_nor_above_the_ceiling(base, over, part, factor, attempt, seed):
    rule = Backoff(least=base * part, base=base, most=base * over, factor=factor)
    assert rule.least <= rule.seconds(attempt, random.Random(seed)) <= rule.ceiling(attempt) <= rule.most


def test_waits_spread_over_all_of_the_range():
    chance = random.Random(1)
    waits = [Backoff(base=1.0, most=8.0).seconds(4, chance) for _ in range(2000)]
    assert min(waits) < 0.1
    assert max(waits) > 7.9
    assert statistics.mean(waits) == pytest.approx(4.0, abs=0.2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"base": 0.0, "most": 1.0},
        {"base": 2.0, "most": 1.0},
        {"base": 1.0, "most": 2.0, "least": 1.5},
        {"base": 1.0, "most": 2.0, "least": -0.5},
        {"base": 1.0, "most": 2.0, "factor": 0.5},
    ],
)
def test_a_backoff_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match="least <= base <= most"):
        Backoff(**wrong)
