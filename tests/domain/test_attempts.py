"""What becomes of a post that was tried and is not known to be out."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.publishing.attempts import (
    LET_OTHERS_GO,
    MOST_CLAIMS,
    TRIES,
    TRY_AGAIN_IN,
    Again,
    Attempt,
    Cause,
    Intent,
    OutOfSight,
    Over,
    StaysClaimed,
    ends_run,
    fate,
)

NOW = 1.8e9
BROKEN = Attempt(Cause.PAGE, True, "no composer", Intent.NONE, tries=0, claims=1, failures=1, now=NOW)
attempts = st.builds(
    Attempt,
    st.sampled_from(Cause),
    st.booleans(),
    st.just("why"),
    st.sampled_from(Intent),
    tries=st.integers(0, TRIES - 1),
    claims=st.integers(1, 2 * MOST_CLAIMS),
    failures=st.integers(0, 5),
    now=st.just(NOW),
)


@given(attempts)
def test_only_what_is_definitely_not_out_may_ever_be_sent_again(attempt: Attempt):
    assert isinstance(fate(attempt), OutOfSight) == (not attempt.definite)


@given(attempts)
def test_what_was_armed_or_may_have_been_does_not_stay_claimed(attempt: Attempt):
    if attempt.intent in (Intent.ARMED, Intent.ASKED):
        assert not isinstance(fate(attempt), StaysClaimed)


@given(attempts)
def test_what_was_perhaps_not_armed_is_failed_only_where_it_was(attempt: Attempt):
    match fate(attempt):
        case Again(if_armed=if_armed):
            assert if_armed == (attempt.intent is Intent.ASKED)


def test_what_the_site_will_not_have_is_over_and_the_next_is_tried():
    refused = replace(BROKEN, cause=Cause.POST, intent=Intent.ARMED, why="code 186")
    assert fate(refused) == Over("code 186")
    assert not ends_run(refused)


@pytest.mark.parametrize("cause", [Cause.ACCOUNT, Cause.PATIENCE])
def test_a_site_that_refuses_the_account_or_asks_for_patience_ends_the_run_and_costs_no_post(cause: Cause):
    assert ends_run(replace(BROKEN, cause=cause))
    assert fate(replace(BROKEN, cause=cause)) == StaysClaimed(0)
    assert fate(replace(BROKEN, cause=cause, intent=Intent.ARMED)) == Again("no composer", NOW + TRY_AGAIN_IN)


def test_a_page_that_fails_twice_in_a_row_ends_the_run():
    assert not ends_run(BROKEN)
    assert ends_run(replace(BROKEN, failures=2))


def test_a_post_that_cannot_be_typed_stays_claimed_then_lets_others_go_and_is_over_in_the_end():
    assert fate(BROKEN) == StaysClaimed(1)
    assert fate(replace(BROKEN, tries=1)) == StaysClaimed(2)
    assert fate(replace(BROKEN, tries=2)) == Again("no composer", NOW + LET_OTHERS_GO)
    tired = replace(BROKEN, tries=2, claims=MOST_CLAIMS)
    assert fate(tired) == Over("claimed 20 times and never sent: no composer")


def test_what_we_held_back_ourselves_counts_as_no_try():
    assert fate(replace(BROKEN, cause=Cause.HELD, tries=2)) == StaysClaimed(2)


def test_shadow_mode_ends_a_post_as_if_it_had_been_sent():
    assert fate(replace(BROKEN, cause=Cause.HELD, intent=Intent.SHADOW)) == Over(
        "shadow mode: everything was done but the sending"
    )
