"""A context that is kept for posting is lent until posting comes, as its job actor has told the browser's."""

import pytest

from actors.core.lifecycle import Shutdown
from actors.protocol.jobs import RunNow, SetInterval
from actors.protocol.resources import LeaseRefused
from actors.resources.backend_slot import BackendSlot
from actors.resources.client import Leases
from actors.resources.lease import Backend, Lease
from actors.resources.resource_actor import ResourceActor
from actors.scheduling.outcome import Outcome
from actors.scheduling.run_context import RunContext
from domain.jobs.spec import Holds, Kind
from domain.resources import breaker
from domain.resources.reserves import Policy, Reserve
from tests.actors.jobworld import close_worlds, spec
from tests.actors.test_backend_lifecycle import House, Thing

__all__ = ["close_worlds"]

TWO = Policy(
    "browser",
    "context",
    (Reserve("posting", 1, frozenset({"posting"}), backfill=60.0), Reserve("rest", 1, frozenset({"background"}))),
    starvation_seconds=300.0,
    longest_hold=10_000.0,
    remedy="Wait.",
)
POSTING = spec(
    "posting", every=300.0, priority=0, kind=Kind.CRITICAL, holds=Holds(browser=1), category="posting", attempts=1
)


class Browser(House):
    """A browser of two contexts: posting's, and one that somebody has for long. Posting comes at 100 s."""

    def __init__(self, works: float = 20.0, speed: float = 1.0) -> None:
        super().__init__(started=False, speed=speed)
        self.waited: list[float] = []
        house, slot = self, BackendSlot()

        class Resource(ResourceActor):
            def __init__(self) -> None:
                super().__init__(TWO, {}, breaker.Policy(jitter=0.0), slot)

            def make_backend(self, build: int) -> Backend:
                return Thing(house)

        def post(ctx: RunContext) -> Outcome:
            asked = ctx.now()
            with ctx.browser():
                self.waited.append(ctx.now() - asked)
                ctx.sleep(works)
            return Outcome()

        self.make = Resource
        self.start("browser")
        self.borrow(hold=10_000.0)
        self.job(POSTING, post, offset=100.0)

    def borrow(self, hold: float = 60.0) -> Lease:
        """A context for somebody else, now or never."""
        leases = Leases(self.system, "run:1", "session_monitor", priority=1)
        found = leases.acquire("browser", "background", wait=0.0, hold=hold)
        self.hands.settle()
        return found


def test_postings_context_is_lent_while_nobody_needs_it_and_posting_waits_for_nothing() -> None:
    world = Browser()
    lease = world.borrow()
    world.advance(90.0)
    assert lease.is_over(), "taken at its deadline, though its holder is still at it"
    world.advance(30.0)
    assert world.waited == [0.0]


def test_it_is_not_lent_for_longer_than_until_posting_comes() -> None:
    world = Browser()
    world.advance(42.0)  # posting comes at 100 s or in the 6 s of jitter after it
    with pytest.raises(LeaseRefused):
        world.borrow(hold=60.0)
    world.borrow(hold=50.0)


def test_nor_while_a_run_of_posting_is_under_way_or_waits_for_a_closed_gate() -> None:
    world = Browser(works=0.0)
    world.resource("database", state="down", detail="away")
    world.job(
        spec("reply_posting", every=900.0, priority=0, holds=Holds(browser=1, database=1), category="posting"),
        offset=20.0,
    )
    world.borrow(hold=5.0)
    world.advance(50.0)
    assert world.state("reply_posting") == "gated"
    with pytest.raises(LeaseRefused):
        world.borrow(hold=5.0)


def test_it_is_lent_again_once_posting_is_done() -> None:
    world = Browser()
    world.advance(110.0)
    with pytest.raises(LeaseRefused):
        world.borrow(hold=10.0)
    world.advance(30.0)
    world.borrow()


def test_the_calendar_may_run_faster_than_the_clock() -> None:
    world = Browser(speed=10.0)  # posting comes in 10 s, which are 100 of the calendar
    with pytest.raises(LeaseRefused):
        world.borrow(hold=10.0)
    world.borrow(hold=4.0)


def test_whoever_comes_sooner_than_it_was_to_waits_no_longer_than_the_lease_lasts() -> None:
    world = Browser()
    world.borrow(hold=60.0)
    world.advance(10.0)
    world.ask(RunNow("operator"), "posting")
    world.advance(60.0)
    assert world.waited == [pytest.approx(50.0, abs=0.1)]


def test_a_shorter_interval_is_told_at_once() -> None:
    world = Browser()
    world.advance(130.0)
    world.ask(SetInterval(20.0), "posting")  # three times that without a database: it comes at 160 s
    with pytest.raises(LeaseRefused):
        world.borrow()
    world.borrow(hold=20.0)


def test_the_next_incarnation_of_the_browsers_actor_knows_when_posting_comes() -> None:
    world = Browser()
    world.system.stop("browser", Shutdown())
    world.advance(1.0)
    world.start("browser")
    world.borrow(hold=10_000.0)
    world.borrow()
    with pytest.raises(LeaseRefused):
        world.borrow()
