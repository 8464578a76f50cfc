"""A lease is had by message, and its books are its actor's own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actors.core.base import NO_REPLY
from actors.core.future import ActorDead, Future
from actors.core.lifecycle import Shutdown
from actors.core.runtime import ThreadedRuntime
from actors.face.admin.commands import COMMANDS
from actors.face.context import AppContext
from actors.protocol.resources import LeaseEnded, LeaseList, LeaseRefused, ListLeases, Revoke
from actors.resources.client import Leases
from actors.resources.lease import Lease, Release
from actors.resources.lease_broker import LeaseBroker
from domain.resources import breaker
from domain.resources import leases as books
from domain.resources.ledger import Ledger
from domain.resources.reserves import redis_policy
from tests.actors.faceworld import FaceWorld
from tests.actors.jobworld import close_worlds
from tests.actors.test_backend_lifecycle import House

__all__ = ["close_worlds"]


@pytest.fixture
def house() -> House:
    return House()


def borrower(house: House, name: str = "run:1", job: str = "learn") -> Leases:
    return Leases(house.system, name, job, priority=0)


def test_the_way_of_a_lease_is_a_request_its_answer_and_a_release(house: House) -> None:
    house.hands.settle()
    began = len(house.hands.recent_events())
    leases = borrower(house)
    lease = leases.acquire("redis", "", wait=1.0, hold=10.0)
    assert lease.give_back()
    leases.release("redis", Release(lease.token))
    house.hands.settle()
    told = [event.split(": ", 1)[1] for event in house.hands.recent_events()[began:] if " tell " in event]
    assert [event for event in told if event.startswith("tell redis")] == ["tell redis Request", "tell redis Release"]
    assert (house.shown.granted, house.shown.ended, house.shown.in_use) == (1, 1, 0)


def test_what_is_lent_and_who_waits_can_be_asked_for(house: House) -> None:
    first = borrower(house).acquire("redis", "", wait=1.0, hold=10.0)
    found = house.system.ask("redis", ListLeases(), 5.0)
    assert isinstance(found, LeaseList)
    (lease,) = found.leases
    assert (lease.token, lease.holder, lease.job, lease.left) == (first.token, "run:1", "learn", 10.0)
    assert found.waiting == ()


def test_the_operator_takes_a_lease_and_its_holder_learns_it(house: House) -> None:
    lease = borrower(house).acquire("redis", "", wait=1.0, hold=50.0)
    assert house.system.ask("redis", Revoke(lease.token, "revoked by ada"), 5.0) is True
    with pytest.raises(LeaseEnded, match="revoked by ada"):
        lease.check()
    assert house.system.ask("redis", Revoke(lease.token, "again"), 5.0) is False
    house.hands.settle()
    assert dict(house.shown.ended_by) == {"revoked": 1}
    assert house.shown.idle == house.shown.capacity


def test_a_request_that_waits_when_the_actor_ends_is_answered_and_made_again(house: House) -> None:
    """Two units are out; the third request waits, its actor ends and the next incarnation serves it."""
    for _ in range(2):
        borrower(house).acquire("redis", "", wait=1.0, hold=50.0)
    request = books.Request("r", "run:1", "learn", 0, "", house.hands.now() + 30.0, 1.0)
    waiting = house.system.ask_later("redis", request)
    house.hands.settle()
    assert not waiting.settled()
    house.system.stop("redis", Shutdown("by the test"))
    house.hands.settle()
    with pytest.raises(ActorDead):
        waiting.get(0.0)


def test_a_holder_is_watched_only_while_it_has_something_or_waits(house: House) -> None:
    directory = house.system.directory
    leases = borrower(house)
    lease = leases.acquire("redis", "", wait=1.0, hold=10.0)
    assert directory.watchers_of("run:1") == ["redis"]
    leases.release("redis", Release(lease.token))
    house.hands.settle()
    assert directory.watchers_of("run:1") == []


# the broker alone


class Unit(Lease):
    def open(self) -> None: ...
    def give_back(self) -> bool:
        return True

    def is_fault(self, error: BaseException) -> bool:
        return False

    def close(self) -> None: ...


class Thing:
    """See `Backend`."""

    leases: dict[int, Any]

    def __init__(self) -> None:
        self.leases = {}


class Office:
    """See `Owner`: what a broker's actor does, written down."""

    def __init__(self) -> None:
        self.runtime = ThreadedRuntime()
        self.time = 100.0
        self.watched: list[str] = []
        self.ended: list[tuple[int, str]] = []
        self.alarms: list[float] = []
        self.shown = 0
        self.thing = Thing()
        ledger = Ledger(redis_policy(2), {})
        self.broker = LeaseBroker("redis", self.runtime, ledger, breaker.Policy(jitter=0.0), self)
        self.broker._now = lambda: self.time
        self._requests = 0

    def lend(self, terms: books.Lease) -> Lease:
        unit = self.thing.leases[terms.token] = Unit(terms, self.thing, self.runtime)  # type: ignore[arg-type]
        return unit

    def reply(self, asker: Future, value: object) -> bool:
        return asker.set(value)

    def wake_at(self, when: float) -> None:
        self.alarms.append(when)

    def show_soon(self) -> None:
        self.shown += 1

    def noted(self, decision: object) -> None: ...

    def monitor(self, name: str) -> None:
        self.watched.append(name)

    def demonitor(self, name: str) -> None:
        self.watched.remove(name)

    def taken(self, lease: Lease, reason: str) -> None:
        self.ended.append((lease.token, reason))

    def returned(self, lease: Lease) -> None:
        del self.thing.leases[lease.token]

    def asks(self, holder: str, wait: float = 10.0, hold: float = 5.0) -> Future:
        """As the actor does with a request: an answer at once, or later."""
        self._requests += 1
        asker = Future(self.runtime)
        request = books.Request(str(self._requests), holder, holder, 0, "", self.time + wait, hold)
        answer = self.broker.request(request, asker)
        if answer is not NO_REPLY:
            asker.set(answer)
        return asker


def test_a_lease_that_comes_back_after_its_deadline_was_as_slow_as_one_that_was_taken() -> None:
    office = Office()
    for _ in range(10):
        lease = office.asks("learn", hold=2.0).get(0.0)
        office.time += 2.0  # its statement ended at the moment of its deadline, before anybody looked
        office.broker.release(Release(lease.token))
    assert isinstance(office.broker.guard, breaker.Open)


def test_what_is_granted_to_somebody_who_has_given_up_goes_to_the_next() -> None:
    office = Office()
    first, _ = (office.asks("one").get(0.0) for _ in range(2))
    gave_up, next_one = office.asks("two"), office.asks("three")
    gave_up.fail(TimeoutError())
    office.broker.release(Release(first.token))
    assert next_one.get(0.0).terms.request.holder == "three"
    assert office.watched == ["one", "three"]
    assert next_one.get(0.0).token in office.thing.leases
    assert len(office.thing.leases) == 2


def test_who_waits_past_its_deadline_is_refused_and_no_longer_watched() -> None:
    office = Office()
    for _ in range(2):
        office.asks("one", hold=50.0)
    late = office.asks("two", wait=3.0)
    office.time += 4.0
    office.broker.tick()
    refused = late.get(0.0)
    assert isinstance(refused, LeaseRefused)
    assert refused.cause == "wait deadline"
    assert office.watched == ["one"]


def test_a_look_at_the_clock_that_changes_nothing_is_no_news() -> None:
    office = Office()
    for holder in ("one", "two"):  # both of them, so that there is somebody to look at the clock for
        lease = office.asks(holder, hold=5.0).get(0.0)
        office.time += 1.0
    office.broker.release(Release(lease.token))
    shown, alarms = office.shown, len(office.alarms)
    office.broker.tick()
    assert office.shown == shown
    assert len(office.alarms) == alarms + 1, "the next look is still to come"
    office.time += 60.0
    office.broker.tick()
    assert office.shown > shown, "the first one's deadline is news"


def test_the_next_incarnation_ends_what_an_abandoned_one_had_lent_and_counts_it_once() -> None:
    office = Office()
    lease = office.asks("learn").get(0.0)
    successor = Office().broker
    successor.succeed(office.broker)
    assert lease.is_over()
    assert successor.usage.totals() == (1, 0, 1, 0)
    office.broker.release(Release(lease.token))  # the zombie goes on, and its counts are nobody's any more
    assert successor.usage.totals() == (1, 0, 1, 0)


# the operator's commands


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FaceWorld]:
    made = FaceWorld(tmp_path)
    yield made
    made.stop()


def test_leases_says_who_is_silent_and_a_token_that_is_nobodys_is_told(world: FaceWorld) -> None:
    view: AppContext = world.view
    listed = COMMANDS["leases"].run(view, [], "ada")
    assert "database does not say" in listed.text
    refused = COMMANDS["lease"].run(view, ["17", "revoke"], "ada")
    assert refused.text.startswith("no lease 17 is in force")
    assert COMMANDS["lease"].changes(["17", "revoke"])
    assert not COMMANDS["leases"].changes([])
