"""What is lent until the next use of its reserve: to whom, for how long, and that nobody who belongs there waits."""

import heapq
import random
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.resources.division import CLOSE_SECONDS
from domain.resources.leases import Ended, Granted, Lease, NextUse, Request, Revoke
from domain.resources.ledger import Decisions, Ledger
from domain.resources.reserves import Policy, Reserve, browser_policy, database_policy

STRICT = Policy(
    "strict",
    "unit",
    (Reserve("posting", 1, frozenset({"posting"}), backfill=60.0), Reserve("rest", 1, frozenset({"background"}))),
    starvation_seconds=300.0,
    longest_hold=600.0,
    remedy="Wait.",
)
TWO_LENDERS = Policy(
    "two lenders",
    "unit",
    (
        Reserve("posting", 1, frozenset({"posting"}), backfill=60.0),
        Reserve("scraping", 1, frozenset({"metrics"}), backfill=60.0),
        Reserve("rest", 1, frozenset({"background"})),
    ),
    starvation_seconds=300.0,
    longest_hold=600.0,
    remedy="Wait.",
)


def wish(name: str, priority: int = 5, category: str = "background", hold: float = 30.0) -> Request:
    return Request(name, name, name.partition("-")[0], priority, category, 1e9, hold)


def posting(at: float, job: str = "posting") -> NextUse:
    return NextUse(job, 0, "posting", at)


def granted(decisions: Decisions) -> list[str]:
    return [decision.lease.request.request_id for decision in decisions if isinstance(decision, Granted)]


def token(ledger: Ledger, name: str) -> int:
    return next(lease.token for lease in ledger.leases() if lease.request.request_id == name)


def full(policy: Policy = STRICT) -> Ledger:
    """A ledger whose background is in use, so that more of it waits, or is backfilled."""
    ledger = Ledger(policy, {})
    assert granted(ledger.request(wish("first", hold=600.0), 0.0)) == ["first"]
    return ledger


def test_an_idle_reserve_is_lent_to_whoever_ends_before_its_next_use():
    ledger = full()
    assert ledger.expect(posting(30.0 + CLOSE_SECONDS), 0.0) == ()
    assert granted(ledger.request(wish("second", hold=30.0), 0.0)) == ["second"]


def test_also_to_whoever_asks_now_or_never():
    ledger = full()
    ledger.expect(posting(100.0), 0.0)
    assert granted(ledger.request(replace(wish("second"), wait_until=0.0), 0.0)) == ["second"]


@pytest.mark.parametrize(
    ("next_use", "hold"),
    [
        pytest.param(30.0 + CLOSE_SECONDS - 0.1, 30.0, id="ends too late"),
        pytest.param(1e6, 60.1, id="longer than the reserve is lent"),
        pytest.param(0.0, 1.0, id="at any moment"),
        pytest.param(None, 1.0, id="nobody has said when"),
    ],
)
def test_it_is_kept_where_the_lease_might_be_in_the_way(next_use: float | None, hold: float):
    ledger = full()
    if next_use is not None:
        ledger.expect(posting(next_use), 0.0)
    assert ledger.request(wish("second", hold=hold), 0.0) == ()


def test_the_earliest_of_those_who_belong_to_a_reserve_counts():
    ledger = full()
    ledger.expect(posting(500.0, "reply_posting"), 0.0)
    ledger.expect(posting(20.0), 0.0)
    assert ledger.request(wish("second"), 0.0) == ()
    assert granted(ledger.expect(posting(300.0), 1.0)) == ["second"], "and who waits is served when it moves"


def test_what_others_say_of_their_next_use_does_not_matter():
    ledger = full()
    ledger.expect(NextUse("metrics_scraper", 1, "background", 1e6), 0.0)
    assert ledger.request(wish("second"), 0.0) == ()


def test_a_reserve_that_lends_to_nobody_is_not_backfilled():
    ledger = Ledger(database_policy(3), {})
    ledger.expect(NextUse("posting", 0, "", 1e6), 0.0)
    assert granted(ledger.request(wish("a", category=""), 0.0)) == ["a"]
    assert ledger.request(wish("b", category=""), 0.0) == ()


def test_who_belongs_to_the_reserve_and_waits_goes_first():
    ledger = Ledger(STRICT, {})
    for name, category in (("posting-1", "posting"), ("first", "background")):
        ledger.request(wish(name, 0, category), 0.0)
    ledger.request(wish("second", hold=1.0), 1.0)
    ledger.request(wish("posting-2", 0, "posting"), 2.0)
    ledger.expect(posting(1e6), 3.0)
    assert granted(ledger.release(token(ledger, "posting-1"), 4.0)) == ["posting-2"]


def test_a_loan_ends_for_the_lender_as_soon_as_the_borrowers_own_reserve_has_room():
    ledger = full()
    ledger.expect(posting(100.0), 0.0)
    assert granted(ledger.request(wish("second"), 0.0)) == ["second"]
    ledger.release(token(ledger, "first"), 1.0)
    assert granted(ledger.request(wish("posting", 0, "posting"), 2.0)) == ["posting"], "before the second is over"


def test_of_two_loans_the_one_that_is_over_frees_the_reserve_that_is_needed_first():
    ledger = full(TWO_LENDERS)
    ledger.expect(posting(100.0), 0.0)
    ledger.expect(NextUse("scraper", 1, "metrics", 40.0), 0.0)
    assert granted(ledger.request(wish("short", hold=20.0), 0.0)) == ["short"]
    assert granted(ledger.request(wish("long", hold=60.0), 0.0)) == ["long"]
    ledger.release(token(ledger, "short"), 20.0)
    assert granted(ledger.request(wish("metrics", 1, "metrics", hold=200.0), 40.0)) == ["metrics"]
    ledger.release(token(ledger, "long"), 60.0)
    assert granted(ledger.request(wish("posting", 0, "posting"), 100.0)) == ["posting"]


def test_what_is_lent_for_a_time_is_lent_once():
    ledger = full(TWO_LENDERS)
    ledger.expect(posting(100.0), 0.0)
    assert granted(ledger.request(wish("second"), 0.0)) == ["second"]
    assert ledger.request(wish("third"), 0.0) == (), "the reserve for scraping is kept: nobody has said until when"


def test_a_pool_of_another_size_still_knows_what_may_be_lent_for_a_time():
    ledger = full()
    ledger.expect(posting(100.0), 0.0)
    ledger.request(wish("second"), 0.0)
    ledger.resize(1, 1.0)
    ledger.resize(2, 2.0)
    ledger.release(token(ledger, "second"), 30.0)
    assert granted(ledger.request(wish("third"), 30.0)) == ["third"]
    ledger.release(token(ledger, "third"), 60.0)
    assert granted(ledger.request(wish("posting", 0, "posting"), 100.0)) == ["posting"]


def test_the_browser_lends_postings_context_to_a_short_look_and_to_no_long_one():
    ledger = Ledger(browser_policy(), {})
    ledger.expect(posting(246.0), 0.0)
    for name, category in (("metrics", "metrics"), ("low", "background")):
        ledger.request(wish(name, 7 if name == "low" else 1, category, hold=240.0), 0.0)
    assert ledger.request(wish("discovery", 1, "metrics", hold=240.0), 0.0) == ()
    assert granted(ledger.request(wish("session_monitor", 1, hold=50.0), 0.0)) == ["session_monitor"]


# Whole lives

REST = st.tuples(  # of the others: after how long, what they ask for, and for how much longer than asked they stay
    st.floats(0.0, 40.0),
    st.integers(0, 10),
    st.sampled_from(["metrics", "harvesting", "background"]),
    st.floats(0.5, 200.0),
    st.sampled_from([0.2, 0.9, 2.0]),
)
CYCLES = st.tuples(st.floats(0.0, 200.0), st.floats(0.0, 10.0), st.floats(1.0, 60.0))  # of posting: pause, late, work
POLICIES = [
    browser_policy(),
    TWO_LENDERS,
    replace(browser_policy(), reserves=(replace(browser_policy().reserves[0], units=2), Reserve("rest", 2))),
]


class Life:
    """Posting, which says when it comes and then comes so many seconds sooner, among others who come as they like."""

    def __init__(self, policy: Policy, sooner: float) -> None:
        self.ledger = Ledger(policy, {})
        self.sooner = sooner
        self.order = count()
        self.events: list[tuple[float, int, str, tuple[object, ...]]] = []
        self.waited: list[float] = []
        self.uses: dict[str, float] = {}  # seconds that a lease is used, by its request
        self.said = 0.0  # when posting will come

    def at(self, when: float, what: str, *about: object) -> None:
        heapq.heappush(self.events, (when, next(self.order), what, about))

    def run(self, cycles: list[tuple[float, float, float]], rest: list[tuple[float, int, str, float, float]]) -> None:
        self.cycles = iter(cycles)
        when = 0.0
        for pause, priority, category, hold, share in rest:
            when += pause
            self.at(when, "ask", priority, category, hold, hold * share)
        self.look_ahead(0.0)
        now = 0.0
        while self.events:
            due = self.ledger.next_event()
            if due is not None and due <= self.events[0][0]:
                now = max(now, due)
                self.absorb(self.ledger.tick(now), now)
                continue
            now, number, what, about = heapq.heappop(self.events)
            match what, about:
                case "ask", (priority, category, hold, use):
                    self.ask(f"other-{number}", priority, category, hold, use, now)
                case "post", (work,):
                    self.said = now
                    self.absorb(self.ledger.expect(posting(now), now), now)
                    self.ask(f"posting-{number}", 0, "posting", work + 1.0, work, now)
                case "give back", (lease_token,):
                    if self.ledger.holds(lease_token):
                        self.absorb(self.ledger.release(lease_token, now), now)
                case "closed", (lease_token,):
                    self.absorb(self.ledger.closed(lease_token, now), now)

    def granted(self, lease: Lease, now: float) -> None:
        """Somebody has a unit now."""

    def look_ahead(self, now: float) -> None:
        cycle = next(self.cycles, None)
        if cycle is not None:
            pause, late, work = cycle
            self.said = now + pause
            self.absorb(self.ledger.expect(posting(self.said), now), now)
            self.at(max(now, now + pause + late - self.sooner), "post", work)

    def ask(self, name: str, priority: int, category: str, hold: float, use: float, now: float) -> None:
        self.uses[name] = use
        self.absorb(self.ledger.request(wish(name, priority, category, hold), now), now)

    def absorb(self, decisions: Decisions, now: float) -> None:
        for decision in decisions:
            match decision:
                case Granted(lease, waited):
                    self.granted(lease, now)
                    if lease.request.category == "posting":
                        self.waited.append(waited)
                    self.at(now + self.uses[lease.request.request_id], "give back", lease.token)
                case Ended(lease) if lease.request.category == "posting":
                    self.look_ahead(now)
                case Revoke(lease):
                    assert lease.request.category != "posting"
                    self.at(now + 0.9 * CLOSE_SECONDS, "closed", lease.token)
                case _:
                    pass


class Disjoint(Life):
    """One where nobody may borrow but until a next use: so it is known whose leases are lent so."""

    lent = 0

    def granted(self, lease: Lease, now: float) -> None:
        category = lease.request.category
        in_use = (*self.ledger.leases(), *self.ledger.quarantined())
        if category != "posting" and sum(1 for each in in_use if each.request.category == category) > 1:
            self.lent += 1
            assert lease.hold_until + CLOSE_SECONDS <= self.said + 1e-6
            assert lease.request.hold_seconds <= TWO_LENDERS.reserves[0].backfill


@given(st.lists(CYCLES, min_size=1, max_size=8), st.lists(REST, max_size=60))
def test_nothing_is_lent_past_the_time_that_was_said(cycles, rest):
    Disjoint(TWO_LENDERS, sooner=0.0).run(cycles, [each for each in rest if each[2] != "harvesting"])


def test_in_such_lives_something_is_lent():
    rng = random.Random(1)
    rest = [
        (rng.uniform(0, 20), 5, rng.choice(["metrics", "background"]), rng.uniform(1, 90), 0.9) for _ in range(60)
    ]
    life = Disjoint(TWO_LENDERS, sooner=0.0)
    life.run([(150.0, 0.0, 10.0)] * 6, rest)
    assert life.lent > 5


@given(st.sampled_from(POLICIES), st.lists(CYCLES, min_size=1, max_size=8), st.lists(REST, max_size=60))
def test_who_comes_at_the_time_that_was_said_or_later_never_waits(policy, cycles, rest):
    life = Life(policy, sooner=0.0)
    life.run(cycles, rest)
    assert life.waited == [0.0] * len(cycles)


@given(
    st.sampled_from(POLICIES),
    st.lists(CYCLES, min_size=1, max_size=8),
    st.lists(REST, max_size=60),
    st.floats(0.0, 200.0),
)
def test_who_comes_sooner_waits_no_longer_than_the_reserve_is_lent(policy, cycles, rest, sooner):
    life = Life(policy, sooner)
    life.run(cycles, rest)
    assert len(life.waited) == len(cycles)
    assert max(life.waited) <= policy.reserves[0].backfill + CLOSE_SECONDS
    assert max(life.waited) <= sooner, "nor than until it was to come"
