"""The circuit breaker: when it opens, and that it never stays so."""

import doctest
import random

from hypothesis import given
from hypothesis import strategies as st

from domain.resources import breaker
from domain.resources.breaker import (
    CLOSED,
    PUBLISHING,
    Closed,
    ForcedClosed,
    ForcedOpen,
    HalfOpen,
    NotPermitted,
    Open,
    Permitted,
    Policy,
    State,
    Trial,
    Window,
    forced_closed,
    forced_open,
    on_error,
    on_overrun,
    on_success,
    probe_succeeded,
    release_permission,
    reset,
    statistics,
    try_acquire_permission,
)

STEADY = Policy(jitter=0.0)
CALL = Permitted()


def chance() -> random.Random:
    return random.Random(1)


def after(outcomes: str, policy: Policy = STEADY, state: State = CLOSED, now: float = 0.0) -> State:
    """The state after calls that end, one a second: `+` well, `-` badly, `s` well but slowly."""
    for number, outcome in enumerate(outcomes):
        report = on_error if outcome == "-" else on_success
        state = report(state, CALL, 99.0 if outcome == "s" else 0.1, now + number, policy, chance())
    return state


def trial_at(state: State, now: float) -> tuple[State, Permitted]:
    state, call = try_acquire_permission(state, now, STEADY)
    assert isinstance(call, Permitted)
    return state, call


def refused_at(state: State, now: float) -> NotPermitted:
    after_asking, answer = try_acquire_permission(state, now, STEADY)
    assert isinstance(answer, NotPermitted)
    assert after_asking == state
    return answer


def test_the_example_in_the_documentation_is_true():
    assert doctest.testmod(breaker) == (0, 8)


def test_five_failures_in_a_row_open_it_for_15_seconds():
    assert isinstance(after("----"), Closed)
    assert after("-----") == Open(since=4.0, until=19.0, opened_times=1)
    assert isinstance(after("----+----"), Closed)


def test_half_of_the_last_20_failing_opens_it():
    assert isinstance(after("-+" * 9 + "+"), Closed)
    assert isinstance(after("-+" * 9 + "-"), Open)


def test_failures_older_than_the_last_20_calls_are_forgotten():
    assert isinstance(after("-+" * 9 + "+" * 18 + "-+" * 9), Closed)


def test_half_of_the_last_20_being_slow_opens_it_though_none_failed():
    assert isinstance(after("s" * 9), Closed)
    assert isinstance(after("s" * 10), Open)


def test_publishing_tolerates_14_failures_in_a_row():
    assert isinstance(after("-" * 14, PUBLISHING), Closed)
    assert isinstance(after("-" * 15, PUBLISHING), Open)


def test_while_open_no_call_goes_and_the_answer_says_when_one_will():
    opened = after("-----")
    assert refused_at(opened, 18.9).retry_at == 19.0
    trial_at(opened, 19.0)


def test_openings_double_up_to_a_minute_and_start_again_after_a_success():
    state: State = CLOSED
    lengths = []
    now = 0.0
    for _ in range(5):
        if isinstance(state, Closed):
            state = after("-----", now=now)
        else:
            state, trial = trial_at(state, now)
            state = on_error(state, trial, 0.1, now, STEADY, chance())
        assert isinstance(state, Open)
        lengths.append(state.until - state.since)
        now = state.until
    assert lengths == [15.0, 30.0, 60.0, 60.0, 60.0]
    state, trial = trial_at(state, now)
    state = on_success(state, trial, 0.1, now, STEADY, chance())
    assert state == CLOSED
    assert after("-----", now=now) == Open(now + 4.0, now + 19.0, 1)


@given(st.integers(1, 10_000), st.integers())
def test_an_opening_is_at_most_a_tenth_off_and_never_endless(times, seed):
    seconds = Policy().opening(times, random.Random(seed))
    nominal = min(60.0, 15.0 * 2.0 ** min(times - 1, 2))
    assert 0.9 * nominal <= seconds <= 1.1 * nominal


def test_half_open_lets_one_trial_through_at_a_time():
    state, _ = trial_at(after("-----"), 19.0)
    assert refused_at(state, 19.1).reason == "a trial call is under way"


def test_a_trial_that_never_reports_makes_room_for_another():
    state, lost = trial_at(after("-----"), 19.0)
    refused_at(state, 48.9)
    state, trial = trial_at(state, 49.0)
    assert on_success(state, lost, 0.1, 50.0, STEADY, chance()) == state, "the lost one comes too late to tell"
    assert on_success(state, trial, 0.1, 50.0, STEADY, chance()) == CLOSED


def test_a_trial_that_tells_nothing_frees_its_place():
    state, trial = trial_at(after("-----"), 19.0)
    trial_at(release_permission(state, trial), 19.0)


def test_a_slow_trial_opens_it_again():
    state, trial = trial_at(after("-----"), 19.0)
    assert isinstance(on_success(state, trial, 99.0, 20.0, STEADY, chance()), Open)


def test_a_call_given_up_at_its_deadline_is_slow_however_short_that_was_and_no_success():
    state: State = after("----")
    for _ in range(STEADY.window_slow - 1):
        state = on_overrun(state, CALL, 9.0, STEADY, chance())
    assert isinstance(state, Closed)
    assert state.in_row == 4
    assert isinstance(on_overrun(state, CALL, 9.0, STEADY, chance()), Open)


def test_a_trial_given_up_at_its_deadline_opens_it_again():
    half_open, call = trial_at(after("-----"), 100.0)
    assert on_overrun(half_open, call, 130.0, STEADY, chance()) == Open(130.0, 160.0, 2)


def test_where_nothing_is_slow_a_deadline_tells_nothing_and_frees_the_place():
    patient = Policy(jitter=0.0, slow_seconds=float("inf"))
    assert on_overrun(after("+"), CALL, 9.0, patient, chance()) == after("+")
    half_open, call = trial_at(after("-----"), 100.0)
    assert on_overrun(half_open, call, 130.0, patient, chance()) == release_permission(half_open, call)


def test_calls_that_began_before_it_opened_do_not_move_it():
    opened = after("-----")
    half, _ = trial_at(opened, 19.0)
    for state in (opened, half):
        assert on_success(state, CALL, 0.1, 20.0, STEADY, chance()) == state
        assert on_error(state, CALL, 0.1, 20.0, STEADY, chance()) == state
        assert release_permission(state, CALL) == state


def test_a_probe_that_succeeds_ends_an_opening_early_but_closes_nothing():
    state = probe_succeeded(after("-----"), 6.0)
    assert state == HalfOpen(since=6.0, opened_times=1)
    state, _ = trial_at(state, 6.0)
    assert probe_succeeded(state, 7.0) == state, "a trial under way keeps its place"
    assert probe_succeeded(CLOSED, 7.0) == CLOSED


def test_the_operator_can_hold_it_open_or_closed_until_reset():
    held_open, held_closed = forced_open("site maintenance"), forced_closed("testing")
    assert refused_at(held_open, 1e9) == NotPermitted("held open by the operator: site maintenance", None)
    assert after("-" * 100, state=held_closed) == held_closed
    assert trial_at(held_closed, 0.0) == (held_closed, CALL)
    for state in (held_open, held_closed):
        assert probe_succeeded(state, 1.0) == state
    assert reset() == CLOSED


def test_statistics_name_the_state_and_what_it_counts():
    assert statistics(after("-+s"), 3.0) == breaker.Statistics("closed", calls=3, failed=1, slow=1)
    assert statistics(after("-----"), 10.0) == breaker.Statistics("open", opened_times=1, retry_at=19.0)
    assert statistics(after("-----"), 30.0) == breaker.Statistics("half_open", opened_times=1, overdue=11.0)
    state, _ = trial_at(after("-----"), 19.0)
    assert statistics(state, 20.0) == breaker.Statistics("half_open", opened_times=1, retry_at=49.0)
    assert statistics(state, 50.0) == breaker.Statistics("half_open", opened_times=1, overdue=1.0)
    assert statistics(probe_succeeded(after("-----"), 6.0), 7.0).overdue == 1.0
    assert statistics(forced_open(""), 0.0).state == "forced_open"
    assert statistics(forced_closed(""), 0.0).state == "forced_closed"


MOMENTS = st.floats(0.0, 1e6)
STATES = st.one_of(
    st.builds(Closed, st.integers(0, 4), st.just(Window())),
    st.builds(
        lambda since, length, times: Open(since, since + length, times), MOMENTS, st.floats(0, 66), st.integers(1)
    ),
    st.builds(HalfOpen, MOMENTS, st.integers(1), st.none() | st.builds(lambda at: Trial(at, at + 30.0), MOMENTS)),
    st.builds(ForcedClosed, st.just("test")),
)


@given(STATES)
def test_from_any_state_some_time_passes_and_a_call_is_let_through(state):
    """That is what never stuck means, whoever fails to report; only the operator's forced open is exempt."""
    answer = try_acquire_permission(state, 0.0, STEADY)[1]
    if isinstance(answer, NotPermitted):
        assert answer.retry_at is not None
        trial_at(state, answer.retry_at)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ask", "well", "badly", "slowly", "overrun", "nothing", "probe"]), st.floats(0, 40)
        ),
        max_size=80,
    )
)
def test_however_it_is_used_it_lets_one_trial_through_within_96_seconds(steps):
    """Reports come late, twice, or never; asked again after its own longest wait, it lets a call through."""
    state: State = CLOSED
    now, calls, random_source = 0.0, [CALL], chance()
    policy = Policy()
    for what, seconds in steps:
        now += seconds
        call = calls[-1]
        match what:
            case "ask":
                before = state
                state, answer = try_acquire_permission(state, now, policy)
                if isinstance(answer, Permitted):
                    calls.append(answer)
                    under_way = isinstance(before, HalfOpen) and before.trial is not None and now < before.trial.until
                    assert not under_way, "two trials at once"
                    assert not (isinstance(before, Open) and now < before.until)
            case "well" | "slowly":
                state = on_success(state, call, 99.0 if what == "slowly" else 0.1, now, policy, random_source)
            case "badly":
                state = on_error(state, call, 0.1, now, policy, random_source)
            case "overrun":
                state = on_overrun(state, call, now, policy, random_source)
            case "nothing":
                state = release_permission(state, call)
            case "probe":
                state = probe_succeeded(state, now)
        assert statistics(state, now).overdue >= 0.0
    assert not isinstance(state, ForcedOpen | ForcedClosed)
    trial_at(state, now + 96.0)
