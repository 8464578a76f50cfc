"""Healing: in stages, backed off, without end, and remembered."""

import doctest
import random

import pytest

from domain.resources import healing
from domain.resources.healing import (
    PLANS,
    REMEMBERED,
    Attempt,
    ComponentFault,
    Escalation,
    Recovered,
    Step,
    after_failure,
    after_success,
    begin,
    diagnosed,
    next_step,
    remember,
)

ORDER = list(Step)


def after_failures(fault: ComponentFault, count: int) -> tuple[Escalation, list[Step]]:
    escalation, taken, chance = begin(fault, 100.0), [], random.Random(1)
    for _ in range(count):
        taken.append(next_step(escalation))
        escalation = after_failure(escalation, "no answer", escalation.due, chance)
    return escalation, taken


def test_the_example_in_the_documentation_is_true():
    assert doctest.testmod(healing) == (0, 5)


def test_the_first_step_is_due_at_once():
    assert begin(ComponentFault.DATABASE, 100.0).due == 100.0


@pytest.mark.parametrize("fault", ComponentFault)
def test_each_step_is_at_least_as_drastic_as_the_one_before_until_the_plan_is_through(fault):
    _, taken = after_failures(fault, len(PLANS[fault].steps))
    assert taken == sorted(taken, key=ORDER.index)
    assert taken[0] is Step.RETRY


@pytest.mark.parametrize("fault", ComponentFault)
def test_treatment_never_ends_and_never_takes_the_neighbours_down_twice(fault):
    escalation, taken = after_failures(fault, 200)
    assert taken.count(Step.RESTART_GROUP) <= 1
    assert next_step(escalation) in (Step.RETRY, Step.REBUILD)
    assert escalation.exhausted


def test_the_group_is_restarted_for_what_everything_stands_on_only():
    with_group = {fault for fault in ComponentFault if Step.RESTART_GROUP in PLANS[fault].steps}
    assert with_group == {ComponentFault.DATABASE, ComponentFault.REDIS, ComponentFault.BROWSER}


def test_what_answers_is_never_restarted_for_its_breaker():
    _, taken = after_failures(ComponentFault.BREAKER, 200)
    assert set(taken) == {Step.RETRY, Step.REBUILD}
    assert taken.count(Step.REBUILD) == 1


def test_another_ailment_has_its_own_plan_from_its_beginning_and_the_same_goes_on():
    escalation, _ = after_failures(ComponentFault.REDIS, 4)
    assert diagnosed(escalation, ComponentFault.REDIS) == escalation
    other = diagnosed(escalation, ComponentFault.BREAKER)
    assert next_step(other) is Step.RETRY
    assert (other.began, other.due, other.recent) == (escalation.began, escalation.due, escalation.recent)


def test_postgres_rests_5_seconds_and_the_browser_10_in_a_rebuild():
    assert PLANS[ComponentFault.DATABASE].rest_seconds == 5.0
    assert PLANS[ComponentFault.BROWSER].rest_seconds == 10.0


def test_steps_are_backed_off_but_never_by_more_than_half_a_minute():
    escalation, chance = begin(ComponentFault.DATABASE, 0.0), random.Random(1)
    longest = []
    for _ in range(300):
        now = escalation.due
        escalation = after_failure(escalation, "no answer", now, chance)
        longest.append(escalation.due - now)
    assert max(longest[:1]) <= 1.0
    assert max(longest[:3]) <= 4.0
    assert 25.0 < max(longest) <= 30.0
    assert min(longest) >= 0.5


def test_a_course_remembers_its_last_steps_and_counts_all():
    escalation, taken = after_failures(ComponentFault.REDIS, 50)
    assert escalation.attempts == 50
    assert len(escalation.recent) == REMEMBERED
    assert [attempt.step for attempt in escalation.recent] == taken[-REMEMBERED:]
    assert isinstance(escalation.recent[-1], Attempt)
    assert escalation.recent[-1].outcome == "no answer"


def test_what_healed_it_is_on_record_and_what_healed_by_itself_too():
    escalation, _ = after_failures(ComponentFault.BROWSER, 1)
    assert after_success(escalation, next_step(escalation), 130.0) == Recovered(
        ComponentFault.BROWSER, 100.0, 130.0, 2, Step.REBUILD
    )
    assert after_success(escalation, None, 130.0) == Recovered(ComponentFault.BROWSER, 100.0, 130.0, 1, None)


def test_the_history_is_bounded_and_keeps_the_newest():
    history: tuple[Recovered, ...] = ()
    for number in range(50):
        history = remember(history, Recovered(ComponentFault.REDIS, float(number), number + 1.0, 1, Step.RETRY))
    assert [healed.began for healed in history] == [float(number) for number in range(30, 50)]
