"""What holds of every ledger after every step of any life: a model that believes only the decisions it is given."""

import math

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.resources.division import CLOSE_SECONDS
from domain.resources.leases import (
    Drained,
    Drift,
    Ended,
    Granted,
    Lease,
    NextUse,
    Refused,
    Request,
    Revoke,
    Stale,
    Warned,
)
from domain.resources.ledger import Ledger
from domain.resources.reserves import Policy, Reserve, browser_policy, database_policy, redis_policy

MIXED = Policy(
    "mixed",
    "unit",
    (
        Reserve("urgent", 1, lowest_priority=0),
        Reserve("posting", 2, frozenset({"posting", "metrics"}), lowest_priority=4, lent_above=2, backfill=20.0),
        Reserve("open", 2, lent_above=7),
    ),
    starvation_seconds=20.0,
    longest_hold=30.0,
    remedy="Wait.",
)
POLICIES = [browser_policy(), database_policy(4), redis_policy(), MIXED]
CATEGORIES = ["posting", "metrics", "harvesting", "background"]
JOBS = {"a": 1, "b": 2, "c": 0, "d": 3}  # and "e", which has no cap
FIRST_TOKEN = 1000
LONGEST_BACKFILL = max(reserve.backfill for policy in POLICIES for reserve in policy.reserves)
Wish = tuple[str, int, int, str, float, float]
OFTEN = st.sampled_from([True, True, True, False])
WISHES = st.tuples(
    st.sampled_from("abcdeeee"),
    st.integers(0, 2),
    st.integers(0, 10),
    st.sampled_from(CATEGORIES),
    st.floats(-1.0, 60.0),
    st.floats(0.1, 60.0),
)


class LedgerLife(RuleBasedStateMachine):
    @initialize(policy=st.sampled_from(POLICIES))
    def begin(self, policy: Policy) -> None:
        self.policy = policy
        self.ledger = Ledger(policy, JOBS, FIRST_TOKEN)
        self.now = 0.0
        self.capacity = policy.capacity
        self.requests = 0
        self.arrival: dict[str, float] = {}
        self.pending: dict[str, Request] = {}
        self.answered: set[str] = set()
        self.live: dict[int, Lease] = {}
        self.closing: dict[int, Lease] = {}
        self.last_token = FIRST_TOKEN - 1
        self.warned: set[int] = set()
        self.draining = False
        self.next_uses: dict[str, NextUse] = {}

    def absorb(self, decisions: tuple[object, ...], *, closed: bool = True) -> None:
        for decision in decisions:
            match decision:
                case Granted(lease):
                    self.granted(lease)
                case Refused(request):
                    self.answer(request)
                case Ended(lease):
                    assert self.live.pop(lease.token) == lease
                    if not closed:
                        self.closing[lease.token] = lease
                case Revoke(lease):
                    assert self.live.pop(lease.token) == lease
                    self.closing[lease.token] = lease
                case Warned(lease):
                    assert lease.token in self.live
                    assert lease.token not in self.warned, "warned twice"
                    self.warned.add(lease.token)
                case Drained():
                    assert self.draining
                    assert not self.live
                    assert not self.closing
                case _:
                    raise AssertionError(f"unexpected {decision}")

    def answer(self, request: Request) -> None:
        assert request.request_id not in self.answered, "answered twice"
        assert self.pending.pop(request.request_id) == request
        self.answered.add(request.request_id)

    def granted(self, lease: Lease) -> None:
        request = lease.request
        self.answer(request)
        assert not self.draining
        assert lease.token > self.last_token, "tokens only grow"
        self.last_token = lease.token
        taken = {other.unit for other in (*self.live.values(), *self.closing.values())}
        assert lease.unit not in taken, "a unit has two holders"
        assert len(taken) < self.capacity, "granted above capacity"
        assert self.now < request.wait_until or self.arrival[request.request_id] == self.now
        self.live[lease.token] = lease
        for other in self.pending.values():
            if self.may_be_backfilled(request) and not self.may_be_backfilled(other):
                continue  # passed over by one that will be gone when the unit is needed
            if (other.category, other.wait_until > self.now, self.is_capped(other)) == (
                request.category,
                True,
                False,
            ):
                self.assert_order(request, other)

    def assert_order(self, served: Request, passed: Request) -> None:
        """Neither a better priority nor the starvation bound is passed over, within one category."""
        waited_longer = self.arrival[served.request_id] - self.arrival[passed.request_id]
        if passed.priority <= served.priority:
            together = waited_longer == 0 and passed.priority == served.priority
            assert waited_longer < 0 or together, "one that came no later and is no less urgent was passed over"
        elif self.same_route(served, passed):
            assert waited_longer <= self.policy.starvation_seconds, "starved"

    def sizes(self) -> tuple[int, ...]:
        return self.policy.sizes(self.capacity)

    def may_be_backfilled(self, request: Request) -> bool:
        """Whether there is a reserve that lends to anyone for so long, and is not needed for so long."""
        return any(
            size
            and 0 < request.hold_seconds <= reserve.backfill
            and self.now + request.hold_seconds + CLOSE_SECONDS <= self.needed_at(number)
            for number, (reserve, size) in enumerate(zip(self.policy.reserves, self.sizes(), strict=True))
        )

    def needed_at(self, number: int) -> float:
        at = [
            use.at
            for use in self.next_uses.values()
            if self.policy.route(use.category, use.priority, self.sizes()).home >> number & 1
        ]
        return min(at, default=-math.inf)

    def same_route(self, one: Request, other: Request) -> bool:
        sizes = self.policy.sizes(self.capacity)
        route = self.policy.route
        return route(one.category, one.priority, sizes) == route(other.category, other.priority, sizes)

    def is_capped(self, request: Request) -> bool:
        held = sum(1 for lease in self.live.values() if lease.request.job == request.job)
        return held >= JOBS.get(request.job, 99)

    @rule(wishes=st.lists(WISHES, min_size=1, max_size=5))
    def ask(self, wishes: list[Wish]) -> None:
        self.come(wishes)

    def come(self, wishes: list[Wish]) -> None:
        for job, run, priority, category, wait, hold in wishes:
            self.requests += 1
            name = f"r{self.requests}"
            request = Request(name, f"{job}{run}", job, priority, category, self.now + wait, hold)
            self.arrival[name] = self.now
            self.pending[name] = request
            self.absorb(self.ledger.request(request, self.now))

    @precondition(lambda self: self.live)
    @rule(data=st.data(), closed=st.booleans(), confirmed=OFTEN, newcomers=st.lists(WISHES, max_size=4))
    def give_back(self, data: st.DataObject, closed: bool, confirmed: bool, newcomers: list[Wish]) -> None:
        self.come(newcomers)
        token = data.draw(st.sampled_from(list(self.live)))
        self.absorb(self.ledger.release(token, self.now, closed=closed), closed=closed)
        if confirmed:
            self.confirm_closes()

    @rule()
    def confirm_closes(self) -> None:
        for token in list(self.closing):
            del self.closing[token]
            self.absorb(self.ledger.closed(token, self.now))

    @rule(token=st.integers(0, FIRST_TOKEN - 1))
    def report_nonsense(self, token: int) -> None:
        assert self.ledger.release(token, self.now) == (Stale(token),)
        assert self.ledger.closed(token, self.now) == (Stale(token),)

    @precondition(lambda self: self.arrival)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(list(self.arrival)))
        self.absorb(self.ledger.cancel(name, self.now))
        assert name not in self.pending

    @rule(job=st.sampled_from("abde"), run=st.integers(0, 2), confirmed=OFTEN)
    def kill(self, job: str, run: int, confirmed: bool) -> None:
        holder = f"{job}{run}"
        self.absorb(self.ledger.holder_died(holder, self.now))
        assert all(request.holder != holder for request in self.pending.values())
        assert all(lease.request.holder != holder for lease in self.live.values())
        if confirmed:
            self.confirm_closes()

    @precondition(lambda self: self.live)
    @rule(data=st.data(), one=OFTEN, confirmed=OFTEN)
    def take(self, data: st.DataObject, one: bool, confirmed: bool) -> None:
        if one:
            self.absorb(self.ledger.revoke(data.draw(st.sampled_from(list(self.live))), "taken", self.now))
        else:
            before = len(self.live)
            self.absorb(self.ledger.revoke_all("taken", self.now))
            assert len(self.closing) >= before
        if confirmed:
            self.confirm_closes()

    @rule(capacity=st.sampled_from([3, 4, 5, 6, 2, 1, 0]))
    def resize(self, capacity: int) -> None:
        self.capacity = capacity
        self.absorb(self.ledger.resize(capacity, self.now))

    @rule(reopens=OFTEN)
    def drain(self, reopens: bool) -> None:
        self.draining = True
        self.absorb(self.ledger.drain("test", self.now))
        assert not self.pending
        if reopens:
            self.reopen()

    @precondition(lambda self: self.draining)
    @rule()
    def reopen(self) -> None:
        self.draining = False
        self.ledger.reopen()

    @rule(still_open=st.integers(0, 3))
    def reconcile(self, still_open: int) -> None:
        drifts = [Drift(len(self.live) + still_open, len(self.live) + len(self.closing))]
        for token in list(self.closing)[: max(0, len(self.closing) - still_open)]:
            del self.closing[token]
        found = self.ledger.reconcile(len(self.live) + still_open, self.now)
        assert [each for each in found if isinstance(each, Drift)] == (
            drifts if still_open > len(self.closing) else []
        )
        self.absorb(tuple(each for each in found if not isinstance(each, Drift)))

    @rule(seconds=st.floats(0.0, 40.0), newcomers=st.lists(WISHES, max_size=4))
    def time_passes(self, seconds: float, newcomers: list[Wish]) -> None:
        self.wait(seconds)
        self.come(newcomers)

    def wait(self, seconds: float) -> None:
        """Tick by tick, as the ledger asks for them."""
        end = self.now + seconds
        while (due := self.ledger.next_event()) is not None and due <= end:
            self.now = max(self.now, due)
            self.absorb(self.ledger.tick(self.now))
            assert self.ledger.next_event() is None or self.ledger.next_event() > self.now, "a timer that spins"
        self.now = end
        assert all(lease.hold_until > end for lease in self.live.values()), "held beyond its end"
        assert all(request.wait_until > end for request in self.pending.values()), "waits beyond its end"

    @invariant()
    def books_agree(self) -> None:
        seen = self.ledger.statistics(self.now)
        assert self.ledger.leases() == tuple(self.live.values())
        assert set(self.ledger.quarantined()) == set(self.closing.values())
        assert {request.request_id for request in self.ledger.waiting()} == set(self.pending)
        taken = seen.in_use + seen.quarantined
        assert seen.idle == max(0, self.capacity - taken), "units conserved"
        assert seen.granted == seen.ended + seen.revoked + seen.in_use
        assert seen.granted + seen.refused + seen.waiting == self.requests
        for job, held in seen.by_job:
            assert held <= JOBS.get(job, 99), "over its budget"

    @invariant()
    def nobody_waits_in_vain(self) -> None:
        """With a unit idle, a reserve has room; whoever waits then, uncapped, belongs to none that has."""
        if not self.pending or self.ledger.statistics(self.now).idle == 0:
            return
        for request in self.pending.values():
            if request.wait_until > self.now and not self.is_capped(request):
                assert not self.could_be_served(request), f"{request} waits beside an idle unit"

    def could_be_served(self, request: Request) -> bool:
        """Whether all in use fit into reserves other than some home of the request: then that home has room."""
        sizes = self.policy.sizes(self.capacity)
        homes = self.policy.route(request.category, request.priority, sizes).home
        lenders = tuple(number for number, reserve in enumerate(self.policy.reserves) if reserve.backfill)
        rivals = [
            self.policy.route(lease.request.category, lease.request.priority, sizes).order
            + (lenders if self.next_uses and lease.request.hold_seconds <= LONGEST_BACKFILL else ())
            for lease in (*self.live.values(), *self.closing.values())
        ]
        return any(
            homes & 1 << number and sum(1 for order in rivals if number in order) < size
            for number, size in enumerate(sizes)
        )

    def teardown(self) -> None:
        if not hasattr(self, "ledger"):
            return
        self.wait(1000.0)
        assert not self.pending, "a request without an answer"
        assert len(self.answered) == self.requests
        self.confirm_closes()
        assert self.ledger.statistics(self.now).idle == self.capacity


class BackfilledLife(LedgerLife):
    """The same, where jobs say when they will ask next."""

    @rule(
        job=st.sampled_from("abc"),
        priority=st.integers(0, 10),
        category=st.sampled_from(CATEGORIES),
        seconds=st.floats(-1.0, 100.0),
    )
    def expect(self, job: str, priority: int, category: str, seconds: float) -> None:
        use = NextUse(job, priority, category, self.now + seconds)
        self.next_uses[job] = use
        self.absorb(self.ledger.expect(use, self.now))


TestLedgerLife = LedgerLife.TestCase
TestLedgerLife.settings = settings(
    max_examples=260,
    stateful_step_count=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestBackfilledLife = BackfilledLife.TestCase
TestBackfilledLife.settings = settings(TestLedgerLife.settings, max_examples=130)
