"""What works, learned: rewards, predictors, the bandit, the model."""

import itertools
import json
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.calendar import DAY, HOUR
from domain.learning import model as models
from domain.learning.arms import (
    ALL_ARMS,
    HALF_LIFE,
    SIZE,
    Arm,
    Arms,
    CorruptStateError,
    Lesson,
    all_features,
    choose,
    features,
)
from domain.learning.predictors import INPUTS, fit_logit, fit_ridge, inputs
from domain.learning.rewards import USUAL_RATE, Counts, Gate, certainty, engagement, past, rate, reward

NOW = 1.8e9


def counts(views: int = 100, likes: int = 5, age: float = HOUR, followers: float = 0.0) -> Counts:
    return Counts(views, likes, replies=0, reposts=0, bookmarks=0, followers_gained=followers, age=age)


any_counts = st.builds(
    Counts,
    views=st.integers(0, 10**6),
    likes=st.integers(0, 10**4),
    replies=st.integers(0, 10**3),
    reposts=st.integers(0, 10**3),
    bookmarks=st.integers(0, 10**3),
    followers_gained=st.floats(-10, 100),
    age=st.floats(0, 30 * DAY),
)


def test_a_usual_post_is_worth_nothing_and_one_twice_as_good_the_logarithm_of_two():
    assert reward(counts(views=1000, likes=50)) == pytest.approx(0.0)
    assert reward(counts(views=10**9, likes=10**8)) == pytest.approx(math.log(2), abs=1e-6)


@given(any_counts)
def test_the_reward_is_finite_and_grows_with_what_people_do(each: Counts):
    liked = Counts(each.views, each.likes + 1, each.replies, each.reposts, each.bookmarks, each.followers_gained, 0.0)
    assert math.isfinite(reward(each))
    assert reward(liked) > reward(each)
    assert 0.0 <= certainty(each) < 1.0


@given(any_counts)
def test_shrinkage_keeps_the_rate_between_the_usual_and_the_observed(each: Counts):
    done = engagement(each)
    observed = done / each.views if each.views else (math.inf if done else USUAL_RATE)
    low, high = sorted((USUAL_RATE, observed))
    assert low - 1e-12 <= rate(each) <= high + 1e-12


def test_losing_followers_is_not_charged_to_a_post():
    assert engagement(counts(followers=-5.0)) == engagement(counts(followers=0.0))


def test_only_posts_old_and_seen_enough_teach():
    gate = Gate(min_age=HOUR, min_views=10)
    assert past(gate, counts(views=10, age=HOUR))
    assert not past(gate, counts(views=9, age=HOUR))
    assert not past(gate, counts(views=10, age=HOUR - 1))


def design(seed: int, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.random.Generator]:
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(rows), rng.normal(size=(rows, columns - 1))])
    return x, rng.normal(size=columns), rng.uniform(0.2, 1.0, size=rows), rng


def descended(gradient: Callable[[np.ndarray], np.ndarray], size: int, rate_: float) -> np.ndarray:
    """An oracle that shares nothing with the closed forms: plain gradient descent."""
    b = np.zeros(size)
    for _ in range(20_000):
        b = b - rate_ * gradient(b)
    return b


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_ridge_finds_what_gradient_descent_finds(seed: int):
    x, truth, w, rng = design(seed, 60, 5)
    y = x @ truth + rng.normal(size=60)
    shrink = np.array([0.0, 2.0, 2.0, 2.0, 2.0])
    slow = descended(lambda b: x.T @ (w * (x @ b - y)) + shrink * b, 5, 0.005)
    np.testing.assert_allclose(fit_ridge(x, y, w, penalty=2.0).coefficients, slow, atol=1e-8)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_logit_finds_what_gradient_descent_finds(seed: int):
    x, truth, w, rng = design(seed, 80, 4)
    good = (rng.random(80) < 1 / (1 + np.exp(-x @ truth))).astype(float)
    shrink = np.array([0.01, 1.0, 1.0, 1.0])
    slow = descended(lambda b: x.T @ (w * (1 / (1 + np.exp(-x @ b)) - good)) + shrink * b, 4, 0.05)
    np.testing.assert_allclose(fit_logit(x, good, w, penalty=1.0).coefficients, slow, atol=1e-7)


@settings(max_examples=40)
@given(st.integers(1, 30), st.integers(0, 10**6), st.sampled_from([0.0, 1.0, None]), st.floats(1e-3, 1e4))
def test_predictors_stay_finite_on_few_separable_or_large_data(
    rows: int, seed: int, all_: float | None, scale: float
):
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(rows), scale * rng.normal(size=(rows, 6))])
    good = (x[:, 1] > 0).astype(float) if all_ is None else np.full(rows, all_)
    logit = fit_logit(x, good, np.ones(rows))
    assert np.isfinite(logit.coefficients).all()
    assert all(0.0 <= logit.predict(row) <= 1.0 for row in x)
    assert np.isfinite(fit_ridge(x, good, np.ones(rows)).coefficients).all()


def test_nothing_is_fitted_to_nothing():
    for fit in (fit_ridge, fit_logit):
        with pytest.raises(ValueError, match="no rows"):
            fit(np.zeros((0, 3)), np.zeros(0), np.zeros(0))


arms_ = st.sampled_from(ALL_ARMS)
lessons_ = st.lists(
    st.builds(Lesson, arms_, st.floats(-3, 3), st.floats(NOW - 60 * DAY, NOW), st.floats(0.01, 1.0)), max_size=12
)


@given(arms_)
def test_an_arm_has_an_intercept_and_one_place_for_each_factor(arm: Arm):
    x = features(arm)
    assert x.sum() == 5.0
    assert x[0] == 1.0


def test_no_two_arms_look_the_same():
    assert len({tuple(features(arm)) for arm in ALL_ARMS}) == len(ALL_ARMS) == 6 * 5 * 4 * 6


def same(one: Arms, two: Arms) -> None:
    np.testing.assert_allclose(one.gram, two.gram, atol=1e-9)
    np.testing.assert_allclose(one.moment, two.moment, atol=1e-9)
    assert (one.square, one.count) == (pytest.approx(two.square, abs=1e-9), pytest.approx(two.count, abs=1e-9))


@settings(max_examples=40)
@given(lessons_, st.integers(0, 12), st.floats(0, 30 * DAY))
def test_learning_in_two_parts_at_two_times_is_learning_at_once(lessons: list[Lesson], cut: int, earlier: float):
    start = Arms.untaught(NOW - 90 * DAY)
    at_once = start.taught(lessons, NOW)
    first = [lesson for lesson in lessons[:cut] if lesson.at <= NOW - earlier]
    rest = [lesson for number, lesson in enumerate(lessons) if number >= cut or lesson.at > NOW - earlier]
    same(start.taught(first, NOW - earlier).taught(rest, NOW), at_once)


def test_a_lesson_counts_half_after_each_half_life():
    arms = Arms.untaught(NOW, half_life=DAY).taught([Lesson(ALL_ARMS[0], 1.0, NOW)], NOW)
    assert arms.at_time(NOW + 3 * DAY).count == pytest.approx(1 / 8)
    assert arms.at_time(NOW - DAY).count == 1.0


@settings(max_examples=25)
@given(lessons_, st.integers(0, 10**6))
def test_a_state_survives_json_and_chooses_the_same(lessons: list[Lesson], seed: int):
    arms = Arms.untaught(NOW).taught(lessons, NOW)
    again = Arms.from_json(json.loads(json.dumps(arms.to_json())))
    one, two = (choose(each, ALL_ARMS[::7], np.random.default_rng(seed), NOW) for each in (arms, again))
    assert one == two


def test_the_posterior_of_one_repeated_arm_is_the_textbook_one():
    arm = ALL_ARMS[0]
    arms = Arms.untaught(NOW).taught([Lesson(arm, 2.0, NOW)] * 400, NOW)
    assert arms.posterior().expected(arm) == pytest.approx(2.0, abs=0.01)
    other = Arm("habits", "fact", "curious", 5)
    assert arms.posterior().deviation(other) > 3 * arms.posterior().deviation(arm)


def test_the_propensity_is_how_often_the_arm_is_chosen():
    arms = Arms.untaught(NOW).taught([Lesson(ALL_ARMS[0], 1.0, NOW), Lesson(ALL_ARMS[-1], -1.0, NOW)] * 5, NOW)
    allowed = (ALL_ARMS[0], ALL_ARMS[300], ALL_ARMS[-1])
    rng = np.random.default_rng(5)
    choices = [choose(arms, allowed, rng, NOW) for _ in range(1500)]
    for arm in allowed:
        logged = [choice.propensity for choice in choices if choice.arm == arm]
        assert len(logged) / len(choices) == pytest.approx(np.mean(logged), abs=0.04)
        assert min(logged) >= 0.05 / 3


def test_choosing_from_nothing_is_refused():
    with pytest.raises(ValueError, match="nothing to choose"):
        choose(Arms.untaught(NOW), (), np.random.default_rng(1), NOW)


class World:
    """Hidden tastes, one number for each value of each factor; what a post gets is their sum and noise."""

    def __init__(self, seed: int, drift_at: float = math.inf) -> None:
        self.rng = np.random.default_rng(seed)
        self.tastes = [self.rng.normal(0.0, 0.4, SIZE - 1) for _ in range(2)]
        self.drift_at = drift_at

    def mean(self, arm: Arm, day: float) -> float:
        return float(features(arm)[1:] @ self.tastes[day >= self.drift_at])

    def best(self, day: float) -> float:
        return float(np.max(self.all_means(day)))

    def uniform(self, day: float) -> float:
        return float(np.mean(self.all_means(day)))

    def all_means(self, day: float) -> np.ndarray:
        return np.asarray(all_features(ALL_ARMS)[:, 1:] @ self.tastes[day >= self.drift_at])

    def lived(self, days: int, half_life: float) -> list[float]:
        """The mean reward of each day's 6 posts, which teach on the next day."""
        arms, by_day, lessons = Arms.untaught(0.0, half_life), [], []
        for day in range(days):
            now = day * DAY
            arms, lessons = arms.taught(lessons, now), []
            picked = [choose(arms, ALL_ARMS, self.rng, now, draws=1).arm for _ in range(6)]
            lessons = [Lesson(arm, self.mean(arm, day) + self.rng.normal(0.0, 0.5), now) for arm in picked]
            by_day.append(float(np.mean([self.mean(arm, day) for arm in picked])))
        return by_day


@pytest.mark.parametrize("seed", range(4))
def test_in_a_world_that_stays_the_chosen_arms_come_near_the_best_within_weeks(seed: int):
    world = World(seed)
    lived = world.lived(days=40, half_life=HALF_LIFE)
    regret = [(world.best(0) - reached) / (world.best(0) - world.uniform(0)) for reached in lived]
    assert np.mean(regret) < 0.6  # evenly chosen arms have 1
    assert np.mean(regret[20:]) < 0.35


def test_after_the_tastes_have_changed_forgetting_recovers_and_remembering_does_not():
    forgetting, remembering = [], []
    for seed in range(4):
        for half_life, reached in ((HALF_LIFE, forgetting), (1e6 * DAY, remembering)):
            world = World(seed, drift_at=60)
            after = np.mean(world.lived(days=100, half_life=half_life)[80:])
            reached.append((world.best(80) - after) / (world.best(80) - world.uniform(80)))
    assert np.mean(forgetting) < 0.5
    assert np.mean(forgetting) < 0.6 * np.mean(remembering)


def outcome(arm: Arm, likes: int, days_ago: float = 2.0, views: int = 200, length: int = 140) -> models.Outcome:
    return models.Outcome(arm, NOW - days_ago * DAY, length, counts(views, likes, age=days_ago * DAY))


def outcomes(seed: int, size: int = 120) -> list[models.Outcome]:
    rng = np.random.default_rng(seed)
    picked = rng.integers(len(ALL_ARMS), size=size)
    return [
        outcome(
            ALL_ARMS[at],
            likes=int(rng.poisson(20 if ALL_ARMS[at].topic == "sleep" else 6)),
            days_ago=rng.uniform(1, 60),
        )
        for at in picked
    ]


def test_each_learning_makes_the_next_version_and_learns_from_what_is_past_the_gate_and_in_the_window():
    start = models.unlearned(NOW)
    young = outcome(ALL_ARMS[0], 5, days_ago=0.001)
    unseen = outcome(ALL_ARMS[0], 5, views=3)
    old = outcome(ALL_ARMS[0], 5, days_ago=121)
    learned = models.learn(start, [young, unseen, old, outcome(ALL_ARMS[1], 5)], NOW)
    assert (start.version, learned.version, learned.count) == (0, 1, 1)
    assert models.predicted(start, ALL_ARMS[0], 100) is None


def test_learning_twice_from_the_same_outcomes_changes_only_the_version():
    once = models.learn(models.unlearned(NOW), outcomes(1), NOW)
    twice = models.learn(once, outcomes(1), NOW)
    first, second = models.as_json(once), models.as_json(twice)
    assert second.pop("version") == first.pop("version") + 1
    assert first == second


def test_what_did_well_is_predicted_to_do_well_and_chosen_more_often():
    model = models.learn(models.unlearned(NOW), outcomes(2, size=400), NOW)
    arms = [Arm(topic, "tip", "plain", 2) for topic in ("sleep", "focus")]
    sleep, focus = (models.predicted(model, arm, 140) for arm in arms)
    assert sleep is not None
    assert focus is not None
    assert sleep.reward > focus.reward + 0.3
    assert sleep.good > 0.5 > focus.good
    rng = np.random.default_rng(1)
    chosen = [choose(model.arms, ALL_ARMS, rng, NOW).arm.topic for _ in range(60)]
    assert chosen.count("sleep") > 40


def test_a_model_survives_json():
    for model in (models.unlearned(NOW), models.learn(models.unlearned(NOW), outcomes(3), NOW)):
        value = models.as_json(model)
        assert models.as_json(models.from_json(json.loads(json.dumps(value)))) == value


def broken(change: Callable[[dict], object]) -> object:
    value = json.loads(json.dumps(models.as_json(models.learn(models.unlearned(NOW), outcomes(4), NOW))))
    replaced = change(value)
    return value if replaced is None else replaced


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda value: [], "expected an object"),
        (lambda value: value.update(schema=99), "schema 99, this program reads 1"),
        (lambda value: value.pop("arms") and None, "KeyError: 'arms'"),
        (lambda value: value.update(version="x"), "ValueError"),
        (lambda value: value.update(version=-1), "out of its range"),
        (lambda value: value.update(ridge=None), "one predictor without the other"),
        (lambda value: value["arms"].update(gram=[[1.0]]), "made for other factors"),
        (lambda value: value["arms"].update(gram=[[1.0], [1.0, 2.0]]), "arms: ValueError"),
        (lambda value: value["arms"]["gram"][0].__setitem__(1, 1e6), "gram matrix is not one"),
        (lambda value: value["arms"]["moment"].__setitem__(0, float("nan")), "not finite"),
        (lambda value: value["arms"].update(half_life=0.0), "out of its range"),
        (lambda value: value["ridge"].update(coefficients=[1.0]), "ridge: made for other inputs"),
        (lambda value: value["logit"]["coefficients"].__setitem__(0, None), "logit: "),
        (lambda value: value["logit"].update(coefficients="text"), "logit: ValueError"),
    ],
)
def test_a_corrupt_model_is_refused_with_its_reason(change: Callable[[dict], object], reason: str):
    with pytest.raises(CorruptStateError, match=reason):
        models.from_json(broken(change))


def test_inputs_are_the_arm_and_the_length():
    one, two = (inputs(ALL_ARMS[0], length) for length in (100, 200))
    assert len(one) == INPUTS
    assert [at for at, (a, b) in enumerate(itertools.zip_longest(one, two)) if a != b] == [INPUTS - 1]
