"""Outcomes, attribution, roll-ups and the report: what the numbers say."""

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analysis.attribution import POST_PULL, REPLY_PULL, WINDOW, Published, Sample, attributed, exposure, gains
from domain.analysis.outcomes import EARLY, Look, judged, velocity
from domain.analysis.report import Growth, as_json, extreme, lines, reported
from domain.analysis.rollups import DIMENSIONS, Judged, Rollup, fair_rate, of, rolled, whole
from domain.calendar import DAY, HOUR, MINUTE
from domain.content.topics import FORMATS, TOPICS
from domain.learning.rewards import Gate

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC).timestamp()
GATE = Gate()


def look(age: float, views: int, likes: int = 0) -> Look:
    return Look(NOON + age, views, likes, 0, 0, 0)


# outcomes


def test_an_outcome_is_that_of_the_newest_look_whatever_the_order():
    outcome = judged(NOON, [look(4 * HOUR, 200, 30), look(HOUR, 100, 5)], 0.1, 0.0, GATE)
    assert outcome is not None
    assert (outcome.views, outcome.engagement, outcome.age) == (200, 30.0, 4 * HOUR)
    assert outcome.rate == pytest.approx(0.15)
    assert outcome.surprise == pytest.approx(outcome.reward - 0.1)
    assert outcome.verdict == "above"


def test_followers_count_in_the_outcome():
    without = judged(NOON, [look(HOUR, 100, 5)], None, 0.0, GATE)
    with_two = judged(NOON, [look(HOUR, 100, 5)], None, 2.0, GATE)
    assert without is not None
    assert with_two is not None
    assert with_two.engagement == without.engagement + 16
    assert with_two.reward > without.reward


def test_nobody_looked_so_there_is_no_outcome():
    assert judged(NOON, [], 0.0, 0.0, GATE) is None
    assert judged(NOON, [look(-1.0, 5)], 0.0, 0.0, GATE) is None


def test_a_post_too_young_or_unseen_says_nothing_about_its_prediction():
    for early in (look(MINUTE, 500, 400), look(DAY, 3, 3)):
        outcome = judged(NOON, [early], 0.0, 0.0, GATE)
        assert outcome is not None
        assert outcome.surprise is None
        assert outcome.verdict == "open"


def test_velocity_is_that_of_the_first_three_hours_also_between_two_looks():
    assert velocity(NOON, [look(EARLY, 300)]) == pytest.approx(100)
    assert velocity(NOON, [look(2 * HOUR, 200), look(4 * HOUR, 400), look(9 * HOUR, 450)]) == pytest.approx(100)
    assert velocity(NOON, [look(HOUR, 50)]) == pytest.approx(50)


@given(st.lists(st.tuples(st.floats(0, 9 * DAY), st.integers(0, 10**6)), min_size=1), st.floats(-3, 3))
def test_every_outcome_is_finite_and_no_velocity_negative(seen, predicted):
    ages, views = sorted(age for age, _ in seen), sorted(count for _, count in seen)
    outcome = judged(NOON, [look(*each) for each in zip(ages, views, strict=True)], predicted, 0.0, GATE)
    assert outcome is not None
    assert outcome.velocity >= 0
    assert all(math.isfinite(value) for value in (outcome.velocity, outcome.rate, outcome.reward))


# attribution

series = st.lists(st.tuples(st.floats(0, 10 * DAY), st.integers(0, 10_000)), max_size=20).map(
    lambda pairs: [Sample(NOON + at, followers) for at, followers in pairs]
)
published = st.lists(
    st.tuples(st.floats(-3 * DAY, 10 * DAY), st.sampled_from((POST_PULL, REPLY_PULL))), max_size=15
).map(lambda posts: [Published(number, NOON + at, pull) for number, (at, pull) in enumerate(posts)])


@given(series, published)
def test_what_is_shared_out_is_what_was_gained(samples, posts):
    shares = attributed(samples, posts)
    ordered = sorted(samples, key=lambda sample: sample.at)
    rise = max((sample.followers for sample in ordered), default=0) - (ordered[0].followers if ordered else 0)
    assert shares.total == rise
    assert math.fsum(shares.gained.values()) + shares.anyway == pytest.approx(rise, abs=1e-6)
    assert all(share >= 0 for share in shares.gained.values())
    assert shares.gained.keys() == {post.id for post in posts}


@given(series, published, st.randoms(use_true_random=False))
def test_the_order_of_what_is_given_changes_nothing(samples, posts, chance):
    times = [sample.at for sample in samples]
    if len(set(times)) < len(times):
        return  # of two counts at one moment, which came last is only in their order
    before = attributed(samples, posts)
    chance.shuffle(samples)
    chance.shuffle(posts)
    assert attributed(samples, posts).gained == pytest.approx(before.gained)


@given(series, published)
def test_a_post_gets_nothing_that_came_before_it_or_after_its_window(samples, posts):
    shares = attributed(samples, posts)
    for post in posts:
        if not any(start < post.at + WINDOW and end > post.at for start, end, _ in gains(samples)):
            assert shares.gained[post.id] == 0.0


def test_the_only_post_gets_nearly_all_and_a_fresh_one_more_than_an_old_one():
    hour = [Sample(NOON, 100), Sample(NOON + HOUR, 110)]
    alone = attributed(hour, [Published(1, NOON)])
    assert 9.5 < alone.gained[1] < 10
    both = attributed(hour, [Published(1, NOON), Published(2, NOON - DAY)])
    assert both.gained[1] > 5 * both.gained[2] > 0


def test_a_reply_gets_less_than_a_post_of_the_same_moment():
    both = attributed(
        [Sample(NOON, 0), Sample(NOON + HOUR, 10)], [Published(1, NOON), Published(2, NOON, REPLY_PULL)]
    )
    assert both.gained[2] == pytest.approx(both.gained[1] * REPLY_PULL)


def test_followers_lost_and_won_back_are_won_once():
    flapping = [Sample(NOON + at, count) for at, count in enumerate((100, 105, 100, 105, 103, 106))]
    assert [count for _, _, count in gains(flapping)] == [5, 1]


def test_exposure_adds_up_over_time():
    post = Published(1, NOON)
    parts = exposure(post, NOON, NOON + 5 * HOUR) + exposure(post, NOON + 5 * HOUR, NOON + DAY)
    assert parts == pytest.approx(exposure(post, NOON - DAY, NOON + DAY))
    assert exposure(post, NOON + WINDOW, NOON + 2 * WINDOW) == 0.0


# roll-ups and the report

posts = st.lists(
    st.builds(
        Judged,
        at=st.floats(0, 2e9),
        kind=st.sampled_from(("post", "thread_part", "reply")),
        topic=st.none() | st.sampled_from(TOPICS),
        format=st.none() | st.sampled_from(FORMATS),
        tone=st.none(),
        views=st.integers(0, 10_000),
        engagement=st.integers(0, 500).map(float),
        followers=st.integers(0, 5).map(float),
    ),
    max_size=30,
)


@given(posts)
def test_no_post_is_lost_or_counted_twice_in_a_dimension(given_posts):
    rollups = rolled(given_posts)
    assert len({(each.dimension, each.key) for each in rollups}) == len(rollups)
    for dimension in ("day", "kind"):
        parts = of(rollups, dimension)
        assert sum(each.posts for each in parts) == len(given_posts)
        assert sum(each.views for each in parts) == sum(each.views for each in given_posts)
        assert sum(each.engagement for each in parts) == sum(each.engagement for each in given_posts)
        assert sum(each.followers for each in parts) == sum(each.followers for each in given_posts)
    topics = of(rollups, "topic")
    assert sum(each.posts for each in topics) == sum(
        each.topic is not None for each in given_posts if each.kind != "reply"
    )
    assert {each.dimension for each in rollups} <= set(DIMENSIONS)


def test_a_rate_is_drawn_to_the_usual_one_while_few_have_seen_it():
    seen = Rollup("topic", "sleep", 5, 5_000, 500.0, 0.0)
    unseen = Rollup("topic", "focus", 1, 5, 5.0, 0.0)
    assert fair_rate(seen, 0.05) == pytest.approx(0.1, abs=0.001)
    assert fair_rate(unseen, 0.05) == pytest.approx(7.5 / 55)


def some(topic: str, count: int, likes: float, at: float = NOON) -> list[Judged]:
    return [Judged(at, "post", topic, "tip", "plain", 1_000, likes, 0.5) for _ in range(count)]


def test_the_report_names_best_and_worst_with_their_numbers():
    replies = [Judged(NOON, "reply", None, None, None, 10, 1.0, 0.25)]
    rollups = rolled([*some("sleep", 3, 100.0), *some("focus", 2, 20.0), *some("stress", 1, 900.0), *replies])
    report = reported(rollups, Growth(40, 3, None), {"above": 2, "below": 1}, days=28)
    assert (report.posts, report.replies, report.views, whole(rollups).posts) == (6, 1, 6_000, 6)
    (topic,) = report.extremes
    assert (topic.best, topic.worst) == ("sleep", "focus")
    told = "\n".join(lines(report))
    assert "6 posts and 1 replies in 28 days; 6000 views" in told
    assert "40 followers, +3 in a day" in told
    assert "topic: best sleep (10." in told
    assert "against the prediction: 2 above, 1 below" in told
    assert as_json(report)["lines"] == list(lines(report))


def test_nothing_is_best_where_there_is_nothing_to_compare():
    assert extreme(rolled(some("sleep", 5, 10.0)), "topic", 0.01) is None
    assert lines(reported((), None, {}, days=28)) == (
        "0 posts and 0 replies in 28 days; 0 views, 0.0 % engagement a view",
    )
