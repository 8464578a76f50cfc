"""Healing: in stages, backed off, without end, and remembered."""

import doctest
import random

import pytest

from domain.resources import healing
from domain.resources.healing import (
    PLANS,
    REMEMBERED,
    Ailment,
    Attempt,
    Course,
    Healed,
    Step,
    after_failure,
    after_success,
    begin,
    diagnosed,
    next_step,
    remember,
)

ORDER = list(Step)


def after_failures(ailment: Ailment, count: int) -> tuple[Course, list[Step]]:
    course, taken, chance = begin(ailment, 100.0), [], random.Random(1)
    for _ in range(count):
        taken.append(next_step(course))
        course = after_failure(course, "no answer", course.due, chance)
    return course, taken


def test_the_example_in_the_documentation_is_true():
    assert doctest.testmod(healing) == (0, 5)


def test_the_first_step_is_due_at_once():
    assert begin(Ailment.DATABASE, 100.0).due == 100.0


@pytest.mark.parametrize("ailment", Ailment)
def test_each_step_is_at_least_as_drastic_as_the_one_before_until_the_plan_is_through(ailment):
    _, taken = after_failures(ailment, len(PLANS[ailment].steps))
    assert taken == sorted(taken, key=ORDER.index)
    assert taken[0] is Step.RETRY


@pytest.mark.parametrize("ailment", Ailment)
def test_treatment_never_ends_and_never_takes_the_neighbours_down_twice(ailment):
    course, taken = after_failures(ailment, 200)
    assert taken.count(Step.RESTART_GROUP) <= 1
    assert next_step(course) in (Step.RETRY, Step.REBUILD)
    assert course.exhausted


def test_the_group_is_restarted_for_what_everything_stands_on_only():
    with_group = {ailment for ailment in Ailment if Step.RESTART_GROUP in PLANS[ailment].steps}
    assert with_group == {Ailment.DATABASE, Ailment.REDIS, Ailment.BROWSER}


def test_what_answers_is_never_restarted_for_its_breaker():
    _, taken = after_failures(Ailment.BREAKER, 200)
    assert set(taken) == {Step.RETRY, Step.REBUILD}
    assert taken.count(Step.REBUILD) == 1


def test_another_ailment_has_its_own_plan_from_its_beginning_and_the_same_goes_on():
    course, _ = after_failures(Ailment.REDIS, 4)
    assert diagnosed(course, Ailment.REDIS) == course
    other = diagnosed(course, Ailment.BREAKER)
    assert next_step(other) is Step.RETRY
    assert (other.began, other.due, other.recent) == (course.began, course.due, course.recent)


def test_postgres_rests_5_seconds_and_the_browser_10_in_a_rebuild():
    assert PLANS[Ailment.DATABASE].rest_seconds == 5.0
    assert PLANS[Ailment.BROWSER].rest_seconds == 10.0


def test_steps_are_backed_off_but_never_by_more_than_half_a_minute():
    course, chance = begin(Ailment.DATABASE, 0.0), random.Random(1)
    longest = []
    for _ in range(300):
        now = course.due
        course = after_failure(course, "no answer", now, chance)
        longest.append(course.due - now)
    assert max(longest[:1]) <= 1.0
    assert max(longest[:3]) <= 4.0
    assert 25.0 < max(longest) <= 30.0
    assert min(longest) >= 0.5


def test_a_course_remembers_its_last_steps_and_counts_all():
    course, taken = after_failures(Ailment.REDIS, 50)
    assert course.attempts == 50
    assert len(course.recent) == REMEMBERED
    assert [attempt.step for attempt in course.recent] == taken[-REMEMBERED:]
    assert isinstance(course.recent[-1], Attempt)
    assert course.recent[-1].outcome == "no answer"


def test_what_healed_it_is_on_record_and_what_healed_by_itself_too():
    course, _ = after_failures(Ailment.BROWSER, 1)
    assert after_success(course, next_step(course), 130.0) == Healed(Ailment.BROWSER, 100.0, 130.0, 2, Step.REBUILD)
    assert after_success(course, None, 130.0) == Healed(Ailment.BROWSER, 100.0, 130.0, 1, None)


def test_the_history_is_bounded_and_keeps_the_newest():
    history: tuple[Healed, ...] = ()
    for number in range(50):
        history = remember(history, Healed(Ailment.REDIS, float(number), number + 1.0, 1, Step.RETRY))
    assert [healed.began for healed in history] == [float(number) for number in range(30, 50)]
