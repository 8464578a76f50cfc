"""A resource's actor and its backends, in virtual time: never two of them, and a breaker that outlives restarts."""

from collections.abc import Callable
from typing import Any

import pytest

from actors.care.health import HealthActor
from actors.care.pool_pressure import Crowds
from actors.core.base import Actor
from actors.core.lifecycle import Shutdown
from actors.core.runtime import ThreadedRuntime
from actors.core.supervision import ChildSpec, Restart
from actors.protocol.health import HealthView
from actors.protocol.resources import LeaseRefused, Rebuild, Resize, ResourceState, SetBreaker
from actors.protocol.servers import ServerUp
from actors.resources.backend_lifecycle import UP
from actors.resources.backend_slot import BackendSlot
from actors.resources.client import Leases
from actors.resources.database import DatabaseBackend, DatabaseDown
from actors.resources.lease import Backend, Lease, Release
from actors.resources.resource_actor import ResourceActor
from domain.resources import breaker
from domain.resources import leases as books
from domain.resources.reserves import redis_policy
from supervisors.specs import Flags
from supervisors.supervisor import Supervisor
from tests.actors.jobworld import JobWorld, close_worlds

__all__ = ["close_worlds"]


class Failed(Exception):
    """The thing's own doing."""


class Unit(Lease):
    """One use of the thing."""

    backend: "Thing"

    def __init__(self, terms: books.Lease, thing: "Thing") -> None:
        super().__init__(terms, thing, thing.house.hands)

    def open(self) -> "Unit":
        return self

    def give_back(self) -> bool:
        return True

    def is_fault(self, error: BaseException) -> bool:
        return isinstance(error, Failed)

    def close(self) -> None:
        if self.backend.house.sticky:
            raise OSError("it does not close")


class Thing:
    """See `Backend`. One whose close does nothing lasting while it opens, as a pool's does."""

    def __init__(self, house: "House") -> None:
        self.house = house
        self.leases: dict[int, Unit] = {}

    def open(self) -> str:
        self.house.hands.sleep(self.house.opens_for)
        if self.house.down:
            raise OSError("refused")
        self.house.open.append(self)
        self.house.most_open = max(self.house.most_open, len(self.house.open))
        return "a thing"

    def check(self) -> str:
        if self.house.down:
            raise OSError("no answer")
        return "a thing"

    def close(self) -> None:
        if self in self.house.open:
            self.house.open.remove(self)

    def lend(self, terms: books.Lease) -> Lease:
        unit = self.leases[terms.token] = Unit(terms, self)
        return unit

    def taken(self) -> int:
        return len(self.leases)


class House(JobWorld):
    """One resource, "redis", with a thing behind it; health, and a supervisor who restarts what it is told to."""

    def __init__(
        self,
        policy: breaker.Policy | None = None,
        check_is_probe: bool = True,
        started: bool = True,
        speed: float = 1.0,
    ) -> None:
        super().__init__(speed)
        for name in ("browser", "database", "redis", "model"):
            self.system.board.take_down(name)
        self.open: list[Thing] = []
        self.most_open = 0
        self.opens_for = 0.0
        self.down = self.sticky = False
        self.slot = BackendSlot()
        self.starts = 0
        house, guard = self, policy or breaker.Policy(jitter=0.0)

        class Resource(ResourceActor):
            def __init__(self) -> None:
                super().__init__(redis_policy(2), {}, guard, house.slot)
                house.starts += 1

            def make_backend(self, build: int) -> Backend:
                return Thing(house)

        Resource.check_is_probe = check_is_probe
        self.make: Callable[[], ResourceActor] = Resource
        self.system.start("health", HealthActor)
        self.system.start("run:1", Actor)
        if started:
            self.start()

    def start(self, name: str = "redis") -> None:
        self.system.start(name, self.make)
        self.hands.settle()

    def tell(self, message: Any) -> None:
        self.system.tell("redis", message)
        self.hands.settle()

    def use(self, fails: bool = False, hold: float = 10.0, stays: float = 0.0) -> None:
        """One lease. stays: seconds that its holder is at it."""
        leases = Leases(self.system, "run:1", "learn", priority=0)
        lease = leases.acquire("redis", "", wait=1.0, hold=hold)
        self.hands.sleep(stays)
        self.hands.settle()
        if lease.is_over():
            return
        lease.give_back()
        leases.release("redis", Release(lease.token, fault="Failed" if fails else None))
        self.hands.settle()

    @property
    def shown(self) -> ResourceState:
        self.advance(0.1)  # what changes often is shown a moment later
        found = self.system.board.get("redis")
        assert isinstance(found, ResourceState)
        return found

    @property
    def health(self) -> HealthView:
        self.hands.settle()
        found = self.system.board.get("health")
        assert isinstance(found, HealthView)
        return found


@pytest.fixture
def house() -> House:
    return House()


# never two


@pytest.mark.parametrize("second", [Rebuild("startup"), Rebuild("startup", rest_seconds=3.0)])
def test_a_rebuild_that_rests_is_overtaken_by_another_and_opens_nothing(house: House, second: Rebuild) -> None:
    house.tell(Rebuild("healing", rest_seconds=10.0))
    house.advance(2)
    house.tell(second)
    house.advance(60)
    assert (len(house.open), house.most_open) == (1, 1)
    assert (house.shown.state, house.shown.builds) == (UP, 2)


def test_a_server_that_comes_up_while_a_rebuild_opens_leaves_one_backend(house: House) -> None:
    house.down = True
    house.tell(Rebuild("it is gone"))
    house.down, house.opens_for = False, 5.0
    house.advance(2)
    house.tell(ServerUp("redis", "redis://here"))
    house.advance(60)
    assert len(house.open) == 1
    assert house.shown.healthy


def test_what_opens_while_it_is_closed_is_closed_again(house: House) -> None:
    house.opens_for = 5.0
    house.tell(Rebuild("one"))
    house.advance(2)
    house.tell(Rebuild("two"))
    house.advance(60)
    assert len(house.open) == 1


@pytest.mark.parametrize("rest", [0.0, 10.0])
def test_a_dead_incarnation_opens_nothing_beside_the_next(house: House, rest: float) -> None:
    house.opens_for = 5.0
    house.tell(Rebuild("healing", rest_seconds=rest))
    house.advance(2)
    actor = house.system.directory.whereis("redis")
    assert actor is not None
    house.system.fence(actor, "hung")
    house.start()
    house.advance(60)
    assert len(house.open) == 1
    assert house.shown.healthy


def test_an_actor_that_ends_while_it_opens_leaves_nothing(house: House) -> None:
    house.opens_for = 5.0
    house.tell(Rebuild("healing", rest_seconds=10.0))
    house.system.stop("redis", Shutdown())
    house.advance(60)
    assert house.open == []


def test_a_pool_that_is_closed_while_it_migrates_is_never_open(
    empty_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = DatabaseBackend(empty_dsn, 2, ThreadedRuntime(), build=1)
    monkeypatch.setattr("actors.resources.database.migrate", lambda *_, **__: backend.close())
    with pytest.raises(DatabaseDown, match="closed before it was open"):
        backend.open()
    assert backend.pool.closed


# the breaker, over a restart


def restart(house: House) -> None:
    house.system.stop("redis", Shutdown())
    house.advance(1)
    house.start()
    house.advance(1)


@pytest.mark.parametrize("order", ["open", "closed"])
def test_the_operators_order_outlives_a_restart_of_the_actor_and_its_end_too(house: House, order: str) -> None:
    house.tell(SetBreaker(order, "maintenance"))
    restart(house)
    assert house.shown.breaker == f"forced_{order}"
    house.tell(SetBreaker("auto"))
    restart(house)
    assert house.shown.breaker == "closed"
    house.use()


def test_an_order_outlives_an_incarnation_that_was_abandoned(house: House) -> None:
    house.tell(SetBreaker("open", "maintenance"))
    actor = house.system.directory.whereis("redis")
    assert actor is not None
    house.system.fence(actor, "hung")
    house.start()
    with pytest.raises(LeaseRefused, match="maintenance"):
        house.use()


def test_what_the_operator_holds_open_is_not_treated_and_counts_as_away(house: House) -> None:
    house.tell(SetBreaker("open", "maintenance"))
    house.advance(600)
    assert (house.starts, house.shown.builds, house.shown.breaker) == (1, 1, "forced_open")
    component = house.health.component("redis")
    assert component is not None
    assert not component.healthy
    assert house.health.healing == ()
    house.tell(SetBreaker("auto"))
    assert house.health.component("redis").healthy  # type: ignore[union-attr]


def test_a_restart_keeps_how_often_the_breaker_opened_and_frees_the_place_of_its_trial() -> None:
    house = House(check_is_probe=False)
    fail(house, 5)
    house.advance(16)
    leases = Leases(house.system, "run:1", "learn", priority=0)
    leases.acquire("redis", "", wait=1.0, hold=25.0)  # the trial, under way
    restart(house)
    assert house.shown.breaker_opened_times == 1
    fail(house, 1)
    assert (house.shown.breaker, house.shown.breaker_opened_times) == ("open", 2)


def fail(house: House, times: int) -> None:
    for _ in range(times):
        house.use(fails=True)


def test_what_answers_and_has_only_its_breaker_open_is_not_restarted_and_not_called_well() -> None:
    house = House(check_is_probe=False, started=False)
    told: list[Any] = []

    class Group(Supervisor):
        def receive(self, message: Any) -> Any:
            if isinstance(message, Restart):
                told.append(message)
            return super().receive(message)

    house.system.start("resources", lambda: Group(Flags(), (ChildSpec("redis", house.make),)))
    house.advance(5)
    for _ in range(60):
        try:
            house.use(fails=True)
        except LeaseRefused:
            house.advance(10)
    assert told == []
    assert house.shown.breaker_opened_times > 3
    assert house.shown.builds == 2, "once a new backend is tried"
    (course,) = house.health.healing
    assert (course.component, course.ended) == ("redis", False)


# slow calls


def test_leases_that_end_at_their_deadline_open_the_breaker_though_checks_go_well(house: House) -> None:
    for _ in range(9):
        house.use(hold=2.0, stays=3.0)
    assert house.shown.breaker == "closed"
    house.use(hold=2.0, stays=3.0)
    assert house.shown.breaker_opened_times == 1


def test_where_nothing_is_slow_a_deadline_tells_nothing() -> None:
    house = House(breaker.Policy(slow_seconds=float("inf")))
    for _ in range(30):
        house.use(hold=2.0, stays=3.0)
    assert house.shown.breaker == "closed"


# the trial's place


def test_a_request_that_makes_no_sense_takes_no_trial() -> None:
    house = House(check_is_probe=False)
    fail(house, 5)
    house.advance(16)
    with pytest.raises(ValueError, match="is no hold"):
        house.use(hold=0.0)
    house.use()
    assert house.shown.breaker == "closed"


# quarantine


def stick(house: House, units: int) -> None:
    """So many units are taken from their holders, and do not close."""
    house.sticky = True
    leases = Leases(house.system, "run:1", "learn", priority=0)
    for _ in range(units):
        leases.acquire("redis", "", wait=1.0, hold=1.0)
    house.advance(2)


def test_a_pool_in_quarantine_is_a_crowded_one(house: House) -> None:
    stick(house, 1)
    assert house.shown.quarantined == 1
    crowds = Crowds(frozenset(), 0.0)
    assert crowds.look(house.system.board, 1000.0)["redis"].mean == pytest.approx(0.5)


def test_a_pool_that_shrinks_to_what_is_in_quarantine_is_rebuilt(house: House) -> None:
    stick(house, 1)
    assert house.shown.builds == 1
    house.tell(Resize(1))
    house.advance(1)
    assert (house.shown.builds, house.shown.quarantined, house.shown.idle) == (2, 0, 1)


def test_who_still_uses_a_unit_is_waited_for_before_that(house: House) -> None:
    stick(house, 1)
    leases = Leases(house.system, "run:1", "learn", priority=0)
    lease = leases.acquire("redis", "", wait=1.0, hold=50.0)
    house.tell(Resize(1))
    house.advance(12)
    assert house.shown.builds == 1
    lease.give_back()
    leases.release("redis", Release(lease.token))
    house.advance(12)
    assert house.shown.builds == 2
