"""The audience by value: what must hold of its counts, and that there is something to learn."""

from itertools import pairwise
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.calendar import DAY, HOUR
from domain.content import topics as convention
from social.sandbox.audience import Arm, Audience, Seen, every_arm
from social.sandbox.reading import FORMATS, TONES, TOPICS, Reading, read

NOON = 1_795_262_400.0

readings = st.builds(
    Reading,
    topic=st.sampled_from([*TOPICS, "other"]),
    format=st.sampled_from(FORMATS),
    tone=st.sampled_from(TONES),
    hashtags=st.integers(0, 6),
    length=st.integers(1, 280),
)
posts = st.builds(
    Seen,
    id=st.integers(1, 2**62),
    at=st.floats(NOON, NOON + 90 * DAY),
    reading=readings,
    followers=st.integers(0, 2_000_000),
    is_reply=st.booleans(),
)


@settings(deadline=None)
@given(seed=st.integers(0, 99), post=posts, ages=st.lists(st.floats(-HOUR, 30 * DAY), min_size=2))
def test_counts_never_go_down(seed: int, post: Seen, ages: list[float]) -> None:
    tallies = [Audience(seed).tally(post, post.at + age) for age in sorted(ages)]
    assert all(later.at_least(earlier) for earlier, later in pairwise(tallies))


@settings(deadline=None)
@given(seed=st.integers(0, 99), post=posts, age=st.floats(0, 30 * DAY))
def test_an_audience_that_was_started_again_has_done_the_same(seed: int, post: Seen, age: float) -> None:
    lived = Audience(seed)
    lived.tally(post, post.at + age / 2)
    assert lived.tally(post, post.at + age) == Audience(seed).tally(post, post.at + age)


@settings(deadline=None)
@given(post=posts, age=st.floats(0, 30 * DAY))
def test_nobody_reacts_who_has_not_seen(post: Seen, age: float) -> None:
    tally = Audience(1).tally(post, post.at + age)
    assert max(tally.likes, tally.replies, tally.reposts, tally.bookmarks, tally.follows) <= tally.views


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 20), day=st.floats(0, 200))
def test_no_arm_beats_the_best_possible(seed: int, day: float) -> None:
    audience, at = Audience(seed), NOON + day * DAY
    _, best = audience.best_possible(at, followers=100)
    assert best >= max(audience.expected_of(arm, at, 100).engagement_rate for arm in list(every_arm())[::97])


@settings(deadline=None)
@given(seed=st.integers(0, 20), reading=readings)
def test_tastes_drift_slowly(seed: int, reading: Reading) -> None:
    audience = Audience(seed)
    today = audience.log_odds(reading, NOON)
    assert abs(audience.log_odds(reading, NOON + DAY) - today) < 0.8


def test_tastes_do_drift() -> None:
    reading = Reading("sleep", "tip", "plain")
    over_time = {round(Audience(1).log_odds(reading, NOON + days * DAY), 2) for days in range(0, 60, 10)}
    assert len(over_time) > 2


def test_there_is_something_to_learn() -> None:
    for seed in range(10):
        audience = Audience(seed)
        _, best = audience.best_possible(NOON, followers=100)
        average = fmean(audience.expected_of(arm, NOON, 100).engagement_rate for arm in every_arm())
        assert best > 2 * average


def test_what_happens_is_on_average_what_is_expected() -> None:
    audience, arm = Audience(3), Arm("focus", "list", "warm", 9)
    when = NOON - NOON % DAY + 9.5 * HOUR
    expected = audience.expected_of(arm, NOON, 500)
    drawn = [
        audience.tally(Seen(id, when, Reading("focus", "list", "warm"), 500), when + 60 * DAY)
        for id in range(1, 1_500)
    ]
    assert fmean(tally.views for tally in drawn) == pytest.approx(expected.views, rel=0.05)
    assert fmean(tally.likes for tally in drawn) == pytest.approx(expected.likes, rel=0.08)


@pytest.mark.parametrize(
    ("text", "topic", "form", "tone"),
    [
        ("Go to bed at the same time.", "sleep", "tip", "plain"),
        ("Do you walk after lunch?", "movement", "question", "plain"),
        ("For calm days:\n- breathe out slowly\n- walk a little", "stress", "list", "plain"),
        ("I used to eat sugar at night. Be gentle with yourself, friend.", "nutrition", "story", "warm"),
        ("Stop! A streak of 66 days makes a habit.", "habits", "fact", "bold"),
        ("What if the phone is the distraction? I wonder…", "focus", "question", "curious"),
        ("Train delayed again.", "other", "tip", "plain"),
    ],
)
def test_the_audience_reads_a_post_from_its_text(text: str, topic: str, form: str, tone: str) -> None:
    reading = read(text)
    assert (reading.topic, reading.format, reading.tone) == (topic, form, tone)


def test_the_names_are_those_that_roost_uses() -> None:
    assert (TOPICS, FORMATS, TONES) == (convention.TOPICS, convention.FORMATS, convention.TONES)
