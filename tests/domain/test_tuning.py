"""The optimizer's knobs: within bounds, in small steps, never to and fro."""

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analysis.knobs import FLOOR, KNOBS, POSTS_A_DAY, Knob, Setting, hour_weight, hour_weights, in_force, moved
from domain.analysis.optimizer import LEAST, Sample, targets
from domain.calendar import DAY, HOUR
from domain.learning.arms import ALL_ARMS, Arms, choose

NOW = 1.8e9
any_knob = st.sampled_from(sorted(KNOBS)).map(KNOBS.__getitem__)
any_target = st.floats(allow_nan=False, min_value=-10, max_value=200)


def walk(knob: Knob, wanted: list[float]) -> list[Setting]:
    """The settings as the knob follows the targets, one after each rest."""
    setting, now, path = Setting(knob.default), NOW, []
    for target in wanted:
        now += knob.rest
        value = moved(knob, setting, target, now)
        if value is not None:
            setting = Setting(value, now, 1 if value > setting.value else -1)
        path.append(setting)
    return path


@given(any_knob, st.lists(any_target, max_size=40))
def test_no_knob_ever_leaves_its_bounds(knob, wanted):
    for setting in walk(knob, wanted):
        assert knob.low <= setting.value <= knob.high
        assert not knob.whole or setting.value == int(setting.value)


@given(any_knob, any_target)
def test_a_constant_target_is_approached_from_one_side_and_then_left_alone(knob, target):
    values = [knob.default, *(setting.value for setting in walk(knob, [target] * 60))]
    assert values in (sorted(values), sorted(values, reverse=True))
    assert values[-1] == values[-2]
    aim = min(knob.high, max(knob.low, target))
    way = math.log(aim / values[-1]) if knob.by_ratio else aim - values[-1]
    assert abs(way) <= knob.dead + 1e-9


@given(any_knob, any_target, st.lists(st.floats(-0.99, 0.99), max_size=60))
def test_noise_below_the_dead_band_never_turns_a_knob_back(knob, target, noise):
    aim = min(knob.high, max(knob.low, target))
    scattered = [
        aim * math.exp(each * knob.dead / 2) if knob.by_ratio else aim + each * knob.dead / 2 for each in noise
    ]
    path = walk(knob, scattered)
    directions = {setting.direction for setting in path} - {0}
    assert len(directions) <= 1


def test_a_knob_rests_between_two_moves_and_turns_back_only_for_more():
    knob = KNOBS[FLOOR]
    setting = Setting(0.07, moved_at=NOW, direction=1)
    assert moved(knob, setting, 0.2, NOW + knob.rest - 1) is None
    assert moved(knob, setting, 0.2, NOW + knob.rest) == pytest.approx(0.09)
    assert moved(knob, setting, 0.045, NOW + knob.rest) is None
    assert moved(knob, setting, 0.035, NOW + knob.rest) == pytest.approx(0.05)


def test_a_target_that_is_no_number_is_a_mistake():
    with pytest.raises(ValueError, match="not a number"):
        moved(KNOBS[FLOOR], Setting(0.05), math.nan, NOW)


def test_what_is_stored_out_of_bounds_is_not_in_force():
    values = in_force({FLOOR: 0.9, POSTS_A_DAY: -3.0, hour_weight(2): math.inf, "unknown": 1.0})
    assert (values[FLOOR], values[POSTS_A_DAY], values[hour_weight(2)]) == (0.20, 3.0, 1.0)
    assert values.keys() == KNOBS.keys()
    assert hour_weights(values) == dict.fromkeys(range(6), 1.0)


def samples(count: int, chance: random.Random, **more: object) -> list[Sample]:
    made = []
    for number in range(count):
        at = NOW - NOW % DAY + number % 6 * 4 * HOUR
        fields = {"at": at, "velocity": 100.0, "reward": chance.gauss(0, 0.4), "predicted": 0.0, "before": 3}
        made.append(Sample(**{**fields, **{name: make(number, at) for name, make in more.items()}}))
    return made


def by_name(given_samples: list[Sample]) -> dict[str, float]:
    return {target.knob: target.value for target in targets(given_samples)}


def test_too_few_posts_move_nothing():
    assert targets(samples(LEAST - 1, random.Random(1))) == ()


def test_an_hour_that_brings_more_views_weighs_more():
    made = samples(36, random.Random(1), velocity=lambda number, at: 300.0 if number % 6 == 2 else 100.0)
    wanted = by_name(made)
    assert wanted[hour_weight(2)] > 1.4
    assert all(wanted[hour_weight(bucket)] < 1.0 for bucket in (0, 1, 3, 4, 5))


def test_good_predictions_lower_the_floor_and_bad_ones_raise_it():
    chance = random.Random(3)
    rewards = [chance.gauss(0, 0.5) for _ in range(40)]
    good = samples(40, chance, reward=lambda n, at: rewards[n], predicted=lambda n, at: rewards[n] * 0.9)
    bad = samples(40, chance, reward=lambda n, at: rewards[n], predicted=lambda n, at: -rewards[n])
    assert by_name(good)[FLOOR] == pytest.approx(0.02)
    assert by_name(bad)[FLOOR] == pytest.approx(0.20)


def test_posts_that_cost_each_other_views_call_for_fewer():
    chance = random.Random(4)
    crowded = samples(
        60,
        chance,
        before=lambda n, at: n % 7,
        velocity=lambda n, at: math.expm1(5 - 0.3 * (n % 7) + chance.gauss(0, 0.1)),
    )
    free = samples(60, chance, before=lambda n, at: n % 7, velocity=lambda n, at: 100.0 + n % 5)
    assert by_name(crowded)[POSTS_A_DAY] == pytest.approx(1 / 0.3, rel=0.15)
    assert by_name(free)[POSTS_A_DAY] > 6


@given(st.lists(st.builds(
    Sample,
    at=st.floats(0, 2e9),
    velocity=st.floats(0, 1e6),
    reward=st.floats(-5, 5),
    predicted=st.none() | st.floats(-5, 5),
    before=st.integers(0, 20),
), max_size=40))  # fmt: skip
def test_every_target_is_a_number_with_its_evidence(given_samples):
    for target in targets(given_samples):
        assert math.isfinite(target.value)
        assert target.knob in KNOBS
        assert target.evidence["posts"] >= 1


def test_a_heavier_hour_is_chosen_more_often_and_the_propensity_says_so():
    arms = [arm for arm in ALL_ARMS if arm.topic == "sleep" and arm.format == "tip" and arm.tone == "plain"]
    untaught = Arms.untaught(NOW)
    chance = np.random.default_rng(5)
    plain = [choose(untaught, arms, chance, NOW) for _ in range(200)]
    heavy = [choose(untaught, arms, chance, NOW, hour_weights={2: 2.0}) for _ in range(200)]

    def share(choices):
        return sum(choice.arm.hour == 2 for choice in choices) / len(choices)

    assert share(heavy) > 1.5 * share(plain)
    told = [choice.propensity for choice in heavy if choice.arm.hour == 2]
    assert sum(told) / len(told) == pytest.approx(share(heavy), abs=0.1)
