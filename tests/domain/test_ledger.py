"""What the ledger promises, one sentence each. Its invariants over long random lives: test_ledger_invariants."""

import doctest

import pytest

from domain.resources import ledger as ledger_module
from domain.resources import reserves
from domain.resources.leases import (
    Cause,
    Drained,
    Drift,
    Ended,
    Granted,
    Lease,
    Refused,
    Request,
    Revoke,
    Stale,
    Warned,
)
from domain.resources.ledger import Ledger
from domain.resources.reserves import Policy, Reserve, browser_policy, database_policy, redis_policy

ONE = Policy("thing", "unit", (Reserve("all", 1),), starvation_seconds=100.0, longest_hold=60.0, remedy="Wait.")


def wish(name: str, priority: int = 5, category: str = "", *, until: float = 100.0, hold: float = 10.0) -> Request:
    """A request by the run `name` of the job that the name starts with."""
    return Request(name, name, name.partition("-")[0], priority, category, until, hold)


def lease_of(decisions: tuple[object, ...]) -> Lease:
    [granted] = decisions
    assert isinstance(granted, Granted)
    return granted.lease


def names(decisions: tuple[object, ...]) -> list[str]:
    return [decision.lease.request.request_id for decision in decisions if isinstance(decision, Granted)]


@pytest.mark.parametrize("module", [ledger_module, reserves])
def test_the_examples_in_the_documentation_are_true(module):
    assert doctest.testmod(module).failed == 0
    assert doctest.testmod(module).attempted > 0


def test_an_idle_unit_is_granted_at_once():
    lease = lease_of(Ledger(ONE, {}, first_token=41).request(wish("a"), 3.0))
    assert (lease.token, lease.unit, lease.granted_at, lease.hold_until) == (41, 0, 3.0, 13.0)


def test_who_waits_is_served_when_the_unit_comes_back():
    ledger = Ledger(ONE, {})
    first = lease_of(ledger.request(wish("a"), 0.0))
    assert ledger.request(wish("b"), 1.0) == ()
    ended, granted = ledger.release(first.token, 4.0)
    assert ended == Ended(first, held=4.0)
    assert isinstance(granted, Granted)
    assert (granted.lease.request.holder, granted.waited) == ("b", 3.0)
    assert granted.lease.token > first.token


def test_priority_goes_first_and_age_decides_among_equals():
    ledger = Ledger(ONE, {})
    lease = lease_of(ledger.request(wish("holder"), 0.0))
    for name, priority in (("low", 9), ("first", 2), ("second", 2), ("urgent", 0)):
        ledger.request(wish(name, priority), 1.0)
    served = []
    for _ in range(4):
        [name] = names(ledger.release(lease.token, 2.0))
        served.append(name)
        [lease] = ledger.leases()
    assert served == ["urgent", "first", "second", "low"]


def test_background_work_goes_before_anything_that_came_the_starvation_bound_later():
    ledger = Ledger(ONE, {})
    lease = lease_of(ledger.request(wish("holder"), 0.0))
    ledger.request(wish("background", 10, until=1e9), 0.0)
    ledger.request(wish("early", 0, until=1e9), 99.0)
    ledger.request(wish("late", 0, until=1e9), 101.0)
    assert [request.request_id for request in ledger.waiting()] == ["early", "background", "late"]
    assert names(ledger.release(lease.token, 102.0)) == ["early"]


def test_no_unit_before_the_wait_deadline_is_a_refusal_that_says_who_has_them():
    ledger = Ledger(database_policy(), {})
    for number in range(6):
        ledger.request(wish(f"analytics-{number}"), 0.0)
    for number in range(2):
        ledger.request(wish(f"learn-{number}"), 0.0)
    assert ledger.request(wish("late", until=5.0), 0.0) == ()
    assert ledger.next_event() == 5.0
    [refused] = ledger.tick(5.0)
    assert isinstance(refused, Refused)
    assert refused.cause is Cause.WAIT_DEADLINE
    assert refused.reason == (
        "database: no connection in 5.0 s (8 of 10 in use: 6 analytics, 2 learn; 1 waiting). "
        "Wait, or raise DATABASE_POOL_SIZE."
    )


def test_now_or_never_is_refused_at_once_when_nothing_is_idle():
    ledger = Ledger(ONE, {})
    ledger.request(wish("a"), 0.0)
    [refused] = ledger.request(wish("b", until=1.0), 1.0)
    assert isinstance(refused, Refused)
    assert refused.cause is Cause.WAIT_DEADLINE


def test_who_is_past_its_wait_deadline_is_not_served_any_more():
    ledger = Ledger(ONE, {})
    lease = lease_of(ledger.request(wish("a"), 0.0))
    ledger.request(wish("b", until=5.0), 0.0)
    assert ledger.release(lease.token, 5.0) == (Ended(lease, 5.0),)
    [refused] = ledger.tick(5.0)
    assert isinstance(refused, Refused)


def test_a_hold_is_warned_at_four_fifths_once_and_revoked_at_its_end():
    ledger = Ledger(ONE, {})
    lease = lease_of(ledger.request(wish("a", hold=10.0), 0.0))
    assert ledger.tick(7.9) == ()
    assert ledger.tick(8.0) == (Warned(lease, left=2.0),)
    assert ledger.tick(9.0) == ()
    assert ledger.next_event() == 10.0
    [revoke] = ledger.tick(10.0)
    assert isinstance(revoke, Revoke)
    assert (revoke.lease, revoke.cause) == (lease, Cause.HOLD_DEADLINE)
    assert not ledger.holds(lease.token)


def test_a_hold_is_cut_to_the_longest_that_the_policy_allows():
    assert lease_of(Ledger(ONE, {}).request(wish("a", hold=1e6), 0.0)).hold_until == 60.0


def test_a_revoked_unit_is_lent_again_only_when_its_close_is_confirmed():
    ledger = Ledger(ONE, {})
    lease = lease_of(ledger.request(wish("a"), 0.0))
    ledger.request(wish("b"), 0.0)
    assert names(ledger.revoke(lease.token, "the operator said so", 1.0)) == []
    assert ledger.statistics(1.0).quarantined == 1
    assert names(ledger.closed(lease.token, 2.0)) == ["b"]


def test_a_release_that_has_to_close_first_keeps_the_unit_until_it_has():
    ledger = Ledger(ONE, {})
    lease = lease_of(ledger.request(wish("a"), 0.0))
    ledger.request(wish("b"), 0.0)
    assert ledger.release(lease.token, 1.0, closed=False) == (Ended(lease, 1.0),)
    assert names(ledger.closed(lease.token, 2.0)) == ["b"]


def test_reports_about_a_lease_that_is_over_change_nothing():
    ledger = Ledger(ONE, {})
    lease = lease_of(ledger.request(wish("a"), 0.0))
    ledger.release(lease.token, 1.0)
    before = ledger.statistics(1.0)
    assert ledger.release(lease.token, 1.0) == (Stale(lease.token),)
    assert ledger.closed(lease.token, 1.0) == (Stale(lease.token),)
    assert ledger.revoke(lease.token, "late", 1.0) == (Stale(lease.token),)
    assert ledger.statistics(1.0) == before


def test_a_dead_holder_loses_its_leases_and_its_place_in_the_queue():
    ledger = Ledger(database_policy(3), {})
    ledger.request(wish("a"), 0.0)
    ledger.request(wish("b"), 0.0)
    ledger.request(Request("again", "a", "a", 5, "", 100.0, 10.0), 0.0)
    refused, revoke = ledger.holder_died("a", 1.0)
    assert isinstance(refused, Refused)
    assert isinstance(revoke, Revoke)
    assert (refused.request.request_id, refused.cause) == ("again", Cause.HOLDER_DIED)
    assert (revoke.lease.request.request_id, revoke.cause) == ("a", Cause.HOLDER_DIED)
    assert ledger.holder_died("a", 1.0) == ()


def test_a_cancelled_request_leaves_the_queue_or_gives_back_what_it_was_granted_meanwhile():
    ledger = Ledger(ONE, {})
    lease = lease_of(ledger.request(wish("a"), 0.0))
    ledger.request(wish("b"), 0.0)
    [refused] = ledger.cancel("b", 1.0)
    assert isinstance(refused, Refused)
    assert refused.cause is Cause.CANCELLED
    assert ledger.cancel("a", 1.0) == (Ended(lease, 1.0),)
    assert ledger.cancel("a", 1.0) == ()


def test_a_request_that_comes_twice_gets_one_answer():
    ledger = Ledger(database_policy(3), {})
    assert len(ledger.request(wish("a"), 0.0)) == 1
    assert ledger.request(wish("a"), 1.0) == ()
    assert ledger.request(wish("b"), 1.0) == ()
    assert ledger.request(wish("b"), 2.0) == ()
    assert [request.request_id for request in ledger.waiting()] == ["b"]


def test_a_job_at_its_budget_waits_for_its_own_and_lets_others_pass():
    ledger = Ledger(database_policy(), {"learn": 1})
    lease = lease_of(ledger.request(wish("learn-1"), 0.0))
    assert ledger.request(wish("learn-2"), 0.0) == ()
    assert names(ledger.request(wish("other"), 0.0)) == ["other"]
    assert names(ledger.release(lease.token, 1.0)) == ["learn-2"]


def test_a_holder_that_has_its_whole_budget_is_told_at_once_instead_of_waiting_for_itself():
    ledger = Ledger(database_policy(), {"learn": 1, "none": 0})
    ledger.request(wish("learn-1"), 0.0)
    [refused] = ledger.request(Request("second", "learn-1", "learn", 5, "", 100.0, 10.0), 0.0)
    assert isinstance(refused, Refused)
    assert refused.cause is Cause.BUDGET
    [refused] = ledger.request(wish("none-1"), 0.0)
    assert isinstance(refused, Refused)
    assert refused.cause is Cause.BUDGET


def test_a_revoked_lease_of_a_job_at_its_budget_makes_room_for_another_of_its_runs():
    ledger = Ledger(database_policy(), {"learn": 1})
    ledger.request(wish("learn-1", hold=10.0), 0.0)
    ledger.request(wish("learn-2"), 0.0)
    assert names(ledger.tick(10.0)) == ["learn-2"]


def test_two_connections_are_kept_for_priority_0():
    ledger = Ledger(database_policy(), {})
    for number in range(20):
        ledger.request(wish(f"job-{number}", 1), 0.0)
    assert ledger.statistics(0.0).in_use == 8
    for number in range(3):
        ledger.request(wish(f"posting-{number}", 0), 0.0)
    assert ledger.statistics(0.0).in_use == 10
    ledger = Ledger(redis_policy(), {})
    for number in range(20):
        ledger.request(wish(f"job-{number}", 1), 0.0)
    assert ledger.statistics(0.0).in_use == 4


def test_a_critical_run_moves_to_the_reserve_when_that_has_room_so_that_others_get_its_place():
    ledger = Ledger(database_policy(3), {})  # 2 for priority 0, 1 open
    leases = [lease_of(ledger.request(wish(f"critical-{number}", 0), 0.0)) for number in range(3)]
    ledger.request(wish("other", 5), 0.0)
    assert names(ledger.release(leases[0].token, 1.0)) == ["other"]


def test_each_kind_of_browser_work_has_a_context_of_its_own():
    ledger = Ledger(browser_policy(), {})
    for number in range(3):
        ledger.request(wish(f"background-{number}", 7, "background"), 0.0)
    assert ledger.statistics(0.0).in_use == 1
    for number in range(3):
        ledger.request(wish(f"harvester-{number}", 1, "harvesting"), 0.0)
    assert ledger.statistics(0.0).in_use == 2
    assert names(ledger.request(wish("posting", 0, "posting"), 0.0)) == ["posting"]


def test_an_idle_reserve_is_lent_to_a_higher_priority_only():
    ledger = Ledger(browser_policy(), {})
    for number in range(2):
        assert names(ledger.request(wish(f"metrics-{number}", 2, "metrics"), 0.0)), "its own, then the background's"
    assert ledger.request(wish("metrics-2", 2, "metrics"), 0.0) == (), "never the one for posting"
    ledger = Ledger(browser_policy(), {})
    ledger.request(wish("background-0", 7, "background"), 0.0)
    assert ledger.request(wish("background-1", 7, "background"), 0.0) == ()


def test_those_who_belong_to_a_reserve_go_before_those_who_borrow_it():
    ledger = Ledger(browser_policy(), {})
    ledger.request(wish("metrics-0", 2, "metrics"), 0.0)
    borrowed = lease_of(ledger.request(wish("metrics-1", 2, "metrics"), 0.0))
    ledger.request(wish("metrics-2", 2, "metrics"), 0.0)
    ledger.request(wish("background", 7, "background"), 0.0)
    assert names(ledger.release(borrowed.token, 1.0)) == ["background"]


def test_a_loan_ends_for_the_lender_when_the_borrowers_own_reserve_has_room():
    ledger = Ledger(browser_policy(), {})
    own = lease_of(ledger.request(wish("metrics-0", 2, "metrics"), 0.0))
    ledger.request(wish("metrics-1", 2, "metrics"), 0.0)  # borrows the background's
    ledger.request(wish("background", 7, "background"), 0.0)
    assert names(ledger.release(own.token, 1.0)) == ["background"]


def test_a_category_that_no_reserve_is_kept_for_is_refused_with_the_reserves_named():
    [refused] = Ledger(browser_policy(), {}).request(wish("a", 0, "posing"), 0.0)
    assert isinstance(refused, Refused)
    assert refused.cause is Cause.CATEGORY
    assert "posting, scraping, background" in refused.reason


def test_a_pool_that_shrinks_takes_no_lease_and_lends_less():
    ledger = Ledger(database_policy(), {})
    leases = [lease_of(ledger.request(wish(f"a-{number}"), 0.0)) for number in range(8)]
    assert ledger.resize(4, 0.0) == ()
    assert ledger.statistics(0.0).in_use == 8
    ledger.request(wish("b"), 0.0)
    for lease in leases[:6]:
        assert names(ledger.release(lease.token, 1.0)) == []
    assert names(ledger.release(leases[6].token, 1.0)) == ["b"]
    assert ledger.statistics(1.0).idle == 2


def test_with_one_context_left_everybody_still_gets_it_in_turn():
    ledger = Ledger(browser_policy(), {})
    ledger.resize(1, 0.0)
    lease = lease_of(ledger.request(wish("background", 7, "background"), 0.0))
    ledger.request(wish("metrics", 2, "metrics"), 0.0)
    ledger.request(wish("posting", 0, "posting"), 0.0)
    assert names(ledger.release(lease.token, 1.0)) == ["posting"]


def test_when_a_reserve_loses_its_last_unit_all_who_belong_to_it_move_together():
    """Else the critical, who have a reserve of their own left, would only borrow where the others belong."""
    policy = Policy(
        "thing",
        "unit",
        (
            Reserve("critical", 1, lowest_priority=0),
            Reserve("own", 1, frozenset({"own"}), lent_above=2),
            Reserve("open", 1),
        ),
        starvation_seconds=100.0,
        longest_hold=60.0,
        remedy="Wait.",
    )
    ledger = Ledger(policy, {})
    ledger.resize(2, 0.0)
    first, second = (lease_of(ledger.request(wish(name, 0), 0.0)) for name in ("a", "b"))
    ledger.request(wish("lower", 1), 1.0)
    ledger.request(wish("critical", 0), 1.0)
    assert names(ledger.release(second.token, 2.0)) == ["critical"]
    assert names(ledger.release(first.token, 2.0)) == ["lower"]


def test_a_pool_that_grows_serves_those_who_wait_at_once_with_units_nobody_has():
    ledger = Ledger(ONE, {})
    first = lease_of(ledger.request(wish("a"), 0.0))
    ledger.request(wish("b"), 0.0)
    second = lease_of(ledger.resize(2, 1.0))
    assert second.unit != first.unit


def test_a_pool_with_nothing_to_lend_lets_wait_until_there_is_something():
    ledger = Ledger(browser_policy(), {})
    ledger.resize(0, 0.0)
    assert ledger.request(wish("posting", 0, "posting"), 0.0) == ()
    assert names(ledger.resize(1, 1.0)) == ["posting"]


def test_draining_refuses_the_queue_and_newcomers_and_says_when_the_last_unit_is_back():
    ledger = Ledger(ONE, {})
    lease = lease_of(ledger.request(wish("a"), 0.0))
    ledger.request(wish("b"), 0.0)
    [refused] = ledger.drain("rebuilding", 1.0)
    assert isinstance(refused, Refused)
    assert refused.cause is Cause.DRAINING
    [refused] = ledger.request(wish("c"), 1.0)
    assert isinstance(refused, Refused)
    assert refused.reason == "thing: lends nothing now (rebuilding). Try again later."
    [revoke] = ledger.revoke_all("rebuilding", 2.0)
    assert isinstance(revoke, Revoke)
    assert ledger.closed(lease.token, 3.0) == (Drained(),)
    ledger.reopen()
    assert names(ledger.request(wish("d"), 4.0)) == ["d"]


def test_draining_an_idle_pool_is_done_at_once():
    assert Ledger(ONE, {}).drain("stopping", 0.0) == (Drained(),)


def test_quarantined_units_that_the_backend_no_longer_counts_come_back():
    ledger = Ledger(database_policy(), {})
    leases = [lease_of(ledger.request(wish(f"a-{number}"), 0.0)) for number in range(3)]
    ledger.revoke(leases[0].token, "hung", 1.0)
    ledger.revoke(leases[1].token, "hung", 1.0)
    assert ledger.reconcile(2, 2.0) == ()
    assert [lease.token for lease in ledger.quarantined()] == [leases[1].token]
    assert ledger.closed(leases[0].token, 2.0) == (Stale(leases[0].token),), "it may be lent to someone else by now"


def test_units_that_were_taken_past_the_ledger_are_reported():
    ledger = Ledger(database_policy(), {})
    ledger.request(wish("a"), 0.0)
    assert ledger.reconcile(3, 1.0) == (Drift(backend=3, ledger=1),)


def test_statistics_show_the_pool_at_a_glance():
    ledger = Ledger(database_policy(), {})
    for number in range(9):
        ledger.request(wish(f"analytics-{number}"), float(number))
    seen = ledger.statistics(10.0)
    assert (seen.capacity, seen.in_use, seen.idle, seen.waiting) == (10, 8, 2, 1)
    assert (seen.by_job, seen.longest_wait) == ((("analytics", 8),), 2.0)


@pytest.mark.parametrize(("priority", "hold"), [(-1, 1.0), (11, 1.0), (0, 0.0)])
def test_a_request_that_makes_no_sense_is_not_made(priority, hold):
    with pytest.raises(ValueError, match="job 'a'"):
        wish("a", priority, hold=hold)
