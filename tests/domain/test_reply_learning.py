"""What replies teach: targets and styles."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as some

from domain.calendar import DAY, HOUR
from domain.learning.rewards import Counts
from domain.replies import learning
from domain.replies.learning import FLOOR, CorruptModelError, Model, Outcome, Target, choose_style, learn, reward
from domain.replies.styles import STYLES

NOW = 1_800_000_000.0
SLEEP, STRESS = Target("sleep", "medium"), Target("stress", "large")


def counts(likes: int, views: int = 100) -> Counts:
    return Counts(views, likes, replies=0, reposts=0, bookmarks=0, followers_gained=0.0, age=DAY)


def outcomes(likes_by_style: dict[str, int], target: Target = SLEEP, each: int = 10) -> list[Outcome]:
    return [
        Outcome(target, style, NOW - number * HOUR, counts(likes))
        for style, likes in likes_by_style.items()
        for number in range(each)
    ]


some_counts = some.builds(
    Counts,
    views=some.integers(0, 10**6),
    likes=some.integers(0, 10**4),
    replies=some.integers(0, 10**3),
    reposts=some.integers(0, 10**3),
    bookmarks=some.integers(0, 10**3),
    followers_gained=some.floats(0, 100),
    age=some.floats(0, 10 * DAY),
)
some_outcomes = some.lists(
    some.builds(
        Outcome,
        some.builds(Target, some.sampled_from(["sleep", "stress", "gone"]), some.sampled_from(learning.SIZES)),
        some.sampled_from([*STYLES, "gone"]),
        some.floats(NOW - 90 * DAY, NOW),
        some_counts,
    ),
    max_size=20,
)


def test_a_style_that_does_better_is_expected_to_and_chosen_more_often() -> None:
    model = learn(Model(), outcomes({"tip": 12, "thanks": 1, "agree": 3}), NOW)
    assert model.expected(SLEEP, "tip") > model.expected(SLEEP, "agree") > model.expected(SLEEP, "thanks")
    rng = random.Random(5)
    chosen = [choose_style(model, rng).style for _ in range(60)]
    assert chosen.count("tip") > 3 * chosen.count("thanks")


def test_a_target_that_does_better_promises_more() -> None:
    model = learn(Model(), outcomes({"tip": 12}, SLEEP) + outcomes({"tip": 1}, STRESS), NOW)
    drawn = [learning.promises(model, random.Random(seed)) for seed in range(40)]
    assert sum(each[SLEEP] > each[STRESS] for each in drawn) > 30


def test_what_is_old_counts_less() -> None:
    old = [Outcome(SLEEP, "tip", NOW - 50 * DAY, counts(20)) for _ in range(10)]
    new = [Outcome(SLEEP, "agree", NOW - DAY, counts(20)) for _ in range(10)]
    model = learn(Model(), old + new, NOW)
    assert model.styles["tip"].weight < 0.2 * model.styles["agree"].weight


def test_what_is_not_past_the_gate_or_is_no_more_teaches_nothing() -> None:
    unseen = Outcome(SLEEP, "tip", NOW - DAY, counts(3, views=5))
    retired = Outcome(SLEEP, "shout", NOW - DAY, counts(3))
    assert learn(Model(version=4), [unseen, retired], NOW) == Model(version=5, trained_at=NOW)


@given(some_outcomes, some.randoms())
def test_the_order_of_the_outcomes_does_not_matter(found: list[Outcome], rng: random.Random) -> None:
    mixed = rng.sample(found, len(found))
    one, other = learn(Model(), found, NOW), learn(Model(), mixed, NOW)
    assert one.count == other.count
    assert one.usual == pytest.approx(other.usual, abs=1e-9)
    for style in STYLES:
        assert one.expected(SLEEP, style) == pytest.approx(other.expected(SLEEP, style), abs=1e-9)


@given(some_outcomes)
def test_a_model_survives_its_json(found: list[Outcome]) -> None:
    model = learn(Model(), found, NOW)
    assert learning.from_json(json.loads(json.dumps(learning.as_json(model)))) == model


@pytest.mark.parametrize(
    "change",
    [{"schema": 9}, {"version": -1}, {"usual": float("nan")}, {"targets": [{}]}, {"styles": 3}, {"count": "x"}],
)
def test_a_damaged_model_is_refused(change: dict[str, object]) -> None:
    good = learning.as_json(learn(Model(), outcomes({"tip": 3}), NOW))
    with pytest.raises(CorruptModelError):
        learning.from_json({**good, **change})


@given(some_outcomes, some.integers(0, 10**6))
def test_no_style_is_ever_out_of_reach_and_its_propensity_says_so(found: list[Outcome], seed: int) -> None:
    choice = choose_style(learn(Model(), found, NOW), random.Random(seed))
    assert choice.style in STYLES
    assert FLOOR / len(STYLES) <= choice.propensity <= 1.0


@given(some_counts, some.integers(1, 1000))
def test_more_likes_never_reward_less(found: Counts, more: int) -> None:
    liked = Counts(
        found.views,
        found.likes + more,
        found.replies,
        found.reposts,
        found.bookmarks,
        found.followers_gained,
        found.age,
    )
    assert reward(liked) > reward(found)


def test_a_usual_reply_is_rewarded_with_nothing() -> None:
    assert reward(counts(likes=5, views=100)) == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("followers", "size"), [(None, "medium"), (10, "small"), (2_000, "medium"), (10**6, "large")]
)
def test_audiences_have_three_sizes(followers: int | None, size: str) -> None:
    assert learning.size_of(followers) == size
