"""How much may be published, as rules."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calendar import DAY, HOUR, MINUTE
from domain.publishing import caps
from domain.publishing.caps import (
    Allowed,
    Approval,
    End,
    GiveBack,
    History,
    Hold,
    Policy,
    Post,
    Refused,
    Reply,
    Switches,
)

ON = Switches(permitted=True)
POLICY = Policy()
NOW = 1.8e9


def codes(decision: Allowed | Refused) -> set[str]:
    return {reason.code for reason in decision.reasons} if isinstance(decision, Refused) else set()


def post_after(*ago: float) -> set[str]:
    return codes(caps.check(Post(NOW), History(posts=tuple(NOW - each for each in ago)), ON, POLICY))


def reply(at: float = NOW, **changes: object) -> Reply:
    values: dict[str, object] = {
        "approval": "not_needed",
        "opted_out": False,
        "last_to_author": None,
        "answered_in_thread": False,
        **changes,
    }
    return Reply(at, **values)  # type: ignore[arg-type]


def test_the_first_post_is_allowed():
    assert caps.check(Post(NOW), History(), ON, POLICY) == Allowed()


def test_posts_keep_twenty_minutes_between_them():
    assert post_after(20 * MINUTE - 1) == {"spacing"}
    assert post_after(20 * MINUTE) == set()


def test_two_posts_an_hour_and_six_a_day_are_the_most():
    assert post_after(25 * MINUTE, 50 * MINUTE) == {"posts_hour"}
    assert post_after(25 * MINUTE, HOUR) == set()
    assert post_after(*(hours * HOUR for hours in (1, 2, 3, 4, 5, 6))) == {"posts_day"}
    assert post_after(*(hours * HOUR for hours in (1, 2, 3, 4, 5, 24))) == set()


def test_replies_have_caps_of_their_own():
    four = History(posts=(NOW - 1,), replies=tuple(NOW - each * MINUTE for each in (1, 2, 3, 4)))
    assert codes(caps.check(reply(), four, ON, POLICY)) == {"replies_hour"}
    twenty = History(replies=tuple(NOW - HOUR - each * MINUTE for each in range(20)))
    assert codes(caps.check(reply(), twenty, ON, POLICY)) == {"replies_day"}
    assert caps.check(Post(NOW), twenty, ON, POLICY) == Allowed()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"approval": "waiting"}, "not_approved"),
        ({"opted_out": True}, "opted_out"),
        ({"answered_in_thread": True}, "thread"),
        ({"last_to_author": NOW - 7 * DAY + 1}, "author"),
    ],
)
def test_a_reply_goes_only_where_it_is_welcome(changes: dict[str, object], code: str):
    assert codes(caps.check(reply(**changes), History(), ON, POLICY)) == {code}


def test_a_reply_to_the_same_author_is_allowed_after_seven_days():
    assert caps.check(reply(last_to_author=NOW - 7 * DAY), History(), ON, POLICY) == Allowed()


def test_switches_refuse_and_every_reason_is_given():
    off = Switches(permitted=False, posting=False, replies=False)
    refused = codes(caps.check(reply(approval="waiting"), History(), off, POLICY))
    assert refused == {"not_permitted", "disabled", "replies_off", "not_approved"}


@pytest.mark.parametrize(
    ("approval", "asked", "approved"),
    [
        ("not_needed", False, True),
        ("not_needed", True, False),
        ("approved", True, True),
        ("waiting", False, False),
        ("rejected", False, False),
    ],
)
def test_what_was_queued_without_approval_needs_it_once_it_is_asked_for(
    approval: Approval, asked: bool, approved: bool
) -> None:
    switches = Switches(permitted=True, approval=asked)
    assert codes(caps.check(reply(approval=approval), History(), switches, POLICY)) == (
        set() if approved else {"not_approved"}
    )


OFF = Switches(permitted=False, posting=False, replies=False)
FULL = History(replies=(NOW,) * 20)


@pytest.mark.parametrize(
    ("changes", "fate"),
    [
        ({}, Hold()),
        ({"approval": "waiting"}, GiveBack("a person has not approved this text yet")),
        ({"opted_out": True}, End("its author asked not to be answered")),
    ],
)
@pytest.mark.parametrize(("switches", "history"), [(OFF, History()), (ON, FULL), (OFF, FULL)])
def test_a_claim_is_lost_by_what_forbids_it_alone_and_not_by_what_forbids_all(
    changes: dict[str, object], fate: object, switches: Switches, history: History
) -> None:
    refused = caps.check(reply(**changes), history, switches, POLICY)
    assert isinstance(refused, Refused)
    assert caps.claim_after(refused) == fate


def test_who_opted_out_is_left_alone_for_good_though_a_person_has_not_approved_it_either() -> None:
    refused = caps.check(reply(opted_out=True, approval="waiting"), History(), ON, POLICY)
    assert isinstance(refused, Refused)
    assert isinstance(caps.claim_after(refused), End)


def test_a_thread_loses_its_claim_once_there_shall_be_none() -> None:
    refused = caps.check(Post(NOW, thread=True), History(), Switches(permitted=True, threads=False), POLICY)
    assert isinstance(refused, Refused)
    assert caps.claim_after(refused) == GiveBack("threads are switched off (THREADS)")


policies = st.builds(
    Policy,
    posts_a_day=st.integers(1, 8),
    posts_an_hour=st.integers(1, 4),
    between_posts=st.sampled_from([0.0, 5 * MINUTE, 20 * MINUTE, 90 * MINUTE]),
)
histories = st.lists(st.floats(-DAY, DAY), max_size=8).map(lambda all_: History(tuple(NOW + each for each in all_)))


@given(histories, policies)
def test_the_earliest_time_is_allowed_and_nothing_before_it_is(history: History, policy: Policy):
    at = caps.earliest_post(history, policy, NOW)
    assert at >= NOW
    assert caps.check(Post(at), history, ON, policy) == Allowed()
    for share in (0.0, 0.3, 0.9):
        before = NOW + share * (at - NOW)
        if at - before > 2.0:
            assert isinstance(caps.check(Post(before), history, ON, policy), Refused)


@given(policies)
def test_posts_at_every_allowed_time_never_exceed_a_cap(policy: Policy):
    times = caps.post_times(History(), policy, NOW, 2 * DAY)
    assert all(later - earlier >= policy.between_posts for earlier, later in pairwise(times))
    for start in times:
        assert sum(start <= each < start + DAY for each in times) <= policy.posts_a_day
        assert sum(start <= each < start + HOUR for each in times) <= policy.posts_an_hour
    assert len(times) >= policy.posts_a_day


def test_a_policy_that_allows_no_post_says_what_to_raise():
    with pytest.raises(ValueError, match="raise posts_a_day"):
        caps.earliest_post(History(), Policy(posts_a_day=0), NOW)


def test_without_threads_none_is_begun_and_single_posts_go_on() -> None:
    off = Switches(permitted=True, threads=False)
    refused = caps.check(Post(0.0, thread=True), History(), off, Policy())
    assert isinstance(refused, Refused)
    assert [reason.code for reason in refused.reasons] == ["threads_off"]
    assert caps.check(Post(0.0), History(), off, Policy()) == Allowed()
