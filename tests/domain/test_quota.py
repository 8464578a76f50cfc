"""The quota of the model: no minute and no day takes more than its limits, whatever the calls turn out to be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.resources.quota import MINUTE, Exhausted, Limits, Quota, Reserved

LIMITS = Limits(requests_per_minute=3, tokens_per_minute=1000, dollars_per_day=1.0)
CALLS = st.lists(
    st.tuples(st.floats(0, 40), st.integers(1, 900), st.floats(0.001, 0.5), st.integers(0, 1), st.floats(0, 1)),
    max_size=40,
)


@given(CALLS)
def test_no_minute_and_no_day_takes_more_than_its_limits(calls: list[tuple[float, int, float, int, float]]) -> None:
    quota, now, day = Quota(LIMITS), 0.0, 0
    made: list[tuple[float, int]] = []
    for number, (wait, tokens, dollars, days, used) in enumerate(calls):
        now, day = now + wait, day + days
        answer = quota.reserve(str(number), tokens, dollars, now, day)
        minute = [size for at, size in made if at > now - MINUTE]
        if isinstance(answer, Reserved):
            assert len(minute) < LIMITS.requests_per_minute
            assert sum(minute) + tokens <= LIMITS.tokens_per_minute
            quota.settle(str(number), int(tokens * used), dollars * used)
            made.append((now, int(tokens * used)))
        elif answer.retry_at is not None:
            assert now < answer.retry_at <= now + MINUTE
        assert quota.spent() <= LIMITS.dollars_per_day + 1e-9


@given(st.integers(1, 900), st.integers(1, 900))
def test_who_comes_when_it_was_told_to_is_let_in(first: int, second: int) -> None:
    quota = Quota(LIMITS)
    quota.reserve("a", first, 0.1, now=0.0, day=1)
    answer = quota.reserve("b", second, 0.1, now=1.0, day=1)
    if isinstance(answer, Exhausted):
        assert answer.retry_at is not None
        assert isinstance(quota.reserve("b", second, 0.1, now=answer.retry_at, day=1), Reserved)


def test_a_call_that_never_settles_keeps_what_it_reserved() -> None:
    quota = Quota(LIMITS)
    quota.reserve("lost", 10, 0.9, now=0.0, day=1)
    assert isinstance(quota.reserve("next", 10, 0.2, now=3600.0, day=1), Exhausted)


@given(st.floats(0, 2), st.floats(0.001, 0.5), st.booleans())
def test_what_was_spent_before_counts_on_top_of_what_was_spent_since(
    before: float, since: float, settled: bool
) -> None:
    quota = Quota(LIMITS)
    quota.reserve("a", 10, since, now=0.0, day=20)
    if settled:
        quota.settle("a", 10, since)
    quota.spent_before(20, before)
    spent = quota.spent()
    assert spent == pytest.approx(before + since)
    answer = quota.reserve("b", 10, 0.1, now=1.0, day=20)
    assert isinstance(answer, Exhausted) is (spent + 0.1 > LIMITS.dollars_per_day)


def test_what_was_spent_on_a_day_that_is_over_does_not_count() -> None:
    quota = Quota(LIMITS)
    quota.reserve("a", 10, 0.3, now=0.0, day=21)
    quota.spent_before(20, 0.9)
    assert quota.spent() == pytest.approx(0.3)


def test_what_is_used_of_each_limit_is_told_as_a_share() -> None:
    quota = Quota(Limits(requests_per_minute=4, tokens_per_minute=1000, dollars_per_day=2.0))
    assert set(dict(quota.shares(0.0, 20)).values()) == {0.0}
    quota.reserve("a", tokens=500, dollars=1.0, now=0.0, day=20)
    assert quota.shares(0.0, 20) == (
        ("requests per minute", 0.25),
        ("tokens per minute", 0.5),
        ("dollars per day", 0.5),
    )
    quota.settle("a", tokens=100, dollars=1.5)
    assert dict(quota.shares(59.0, 20)) == {
        "requests per minute": 0.25,
        "tokens per minute": 0.1,
        "dollars per day": 0.75,
    }
    assert dict(quota.shares(61.0, 20)) == {
        "requests per minute": 0.0,
        "tokens per minute": 0.0,
        "dollars per day": 0.75,
    }
    assert dict(quota.shares(61.0, 21))["dollars per day"] == 0.0, "money has an end each day"
