"""A small world for resource actors: a system, holders that live and die by name, settings, and who looks on."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from actors.care.health import HealthActor
from actors.core.base import Actor
from actors.core.lifecycle import Ping, Shutdown
from actors.core.runtime import Runtime, ThreadedRuntime
from actors.core.supervision import ChildSpec
from actors.core.system import System
from actors.protocol.health import ComponentReport, LevelChanged, Subscribe, Unpin
from actors.protocol.resources import Check, ResourceState
from actors.resources.client import Leases
from actors.resources.specs import resource_specs
from actors.servers.redis_server import RedisServer
from actors.servers.servers import ServerActor
from domain.resources.admission import Budget
from domain.resources.levels import COMPONENTS, RESOURCES, Level
from domain.settings import Settings, parse
from tests.waiting import eventually

SETTLE_SECONDS = 0.5  # long enough to be told of the lower level, and no more is asked of it


class Holder(Actor):
    """Somebody whose death ends leases."""


class Well(Actor):
    """Stands in for a component that is not under test: it is well, and says so whenever it is asked."""

    def on_start(self) -> None:
        self.receive(Check())

    def receive(self, message: Any) -> None:
        if isinstance(message, Check):
            self.tell("health", ComponentReport(self.name, True, "not under test"))


class Witness(Actor):
    """Is told of every level, as each job is."""

    def on_start(self) -> None:
        self.levels: list[Level] = []
        self.tell("health", Subscribe(self.name))

    def receive(self, message: Any) -> None:
        assert isinstance(message, LevelChanged)
        self.levels.append(message.level.level)


class World:
    """One system with the resources under test."""

    def __init__(self, runtime: Runtime | None = None, **environment: str) -> None:
        self.system = System(runtime or ThreadedRuntime())
        self.settings: Settings = parse(environment, {})
        self.specs: dict[str, ChildSpec] = {}
        self.patch = pytest.MonkeyPatch()
        self.witness: Witness | None = None

    def start(self, spec: ChildSpec, until_up: bool = True) -> None:
        self.system.start(spec.id, spec.start)
        self.specs[spec.id] = spec
        if until_up:
            eventually(lambda: self.state(spec.id).healthy, 60.0)

    def holder(
        self, name: str, budget: Budget | None = None, priority: int = 5, category: str = "background"
    ) -> Leases:
        """A holder of that name, alive, and what it can borrow."""
        if self.system.directory.whereis(name) is None:
            self.system.start(name, Holder)
        return Leases(
            self.system, name, job=name.partition(":")[0], priority=priority, budget=budget, category=category
        )

    def start_cache(self) -> None:
        """Redis too, with a server of its own."""
        server = RedisServer(Path(self.settings.roost_home))
        self.start(ChildSpec("redis-server", lambda: ServerActor(server, ("redis",))), until_up=False)
        self.start(next(spec for spec in resource_specs(self.settings, {}) if spec.id == "redis"))

    def uses_the_cache(self) -> None:
        """Somebody keeps something in Redis, and finds it again."""
        with self.holder("neighbour:1").redis(wait=20.0) as cache:
            cache.set("theirs", b"kept", seconds=60.0)
            assert cache.get("theirs") == b"kept"

    def uses_the_database(self) -> None:
        """Somebody has a statement done."""
        with self.holder("neighbour:2").database(wait=20.0) as connection:
            assert connection.execute("select 42").fetchone() == (42,)

    def kill(self, name: str) -> None:
        self.system.stop(name, Shutdown("killed by the test"))

    def state(self, name: str) -> ResourceState:
        found = self.system.board.get(name)
        assert isinstance(found, ResourceState), f"{name} has nothing on the board"
        return found

    def settled(self, name: str, **expected: Any) -> ResourceState:
        """The state, once all that is expected of it is true; and the units add up."""

        def found() -> ResourceState | None:
            state = self.state(name)
            return state if all(getattr(state, key) == value for key, value in expected.items()) else None

        state = eventually(found, 60.0)
        assert state is not None
        assert state.in_use + state.idle + state.quarantined == state.capacity
        assert state.granted == state.ended + state.revoked + state.in_use
        return state

    # health

    def watch(self) -> None:
        """Have the real health actor look on, once all that is under test is there."""
        self.settle_soon()
        self.start(ChildSpec("health", HealthActor), until_up=False)
        for name in COMPONENTS:
            if name not in self.specs:
                self.start(ChildSpec(name, Well), until_up=False)
        self.bear_witness()

    def settle_soon(self) -> None:
        """What is well again counts as well in a moment, until the end of this world."""
        self.patch.setattr("domain.resources.levels.SETTLE_SECONDS", SETTLE_SECONDS)

    def bear_witness(self) -> None:
        """Have somebody told of every level."""
        witness = self.system.start("witness", Witness)
        assert isinstance(witness, Witness)
        self.witness = witness

    def levels(self) -> list[Level]:
        """Every level that was told since the beginning, the last of them in force."""
        assert self.witness is not None
        self.system.ask("health", Unpin(), 10.0)  # it has read what it was told before
        self.system.ask("witness", Ping(), 10.0)  # and so has the witness
        return list(self.witness.levels)

    @contextmanager
    def through(self, worst: Level, meanwhile: Callable[[], object] = lambda: None) -> Iterator[Callable[[], None]]:
        """What is done in here takes the level down to `worst` and no lower; then, without help, all is as before.

        All: the level is full, every resource is well with all its units, and each lease has ended once.
        meanwhile: somebody else's use of what is not ill. It is made again and again from before the fault until all
        is well, and must not fail. Yields what waits until the level has fallen, for a fault that lasts till then.
        """
        self.whole()
        before = len(self.levels())
        over = threading.Event()

        def fallen() -> None:
            eventually(lambda: worst in self.levels()[before:], 60.0)

        def others() -> None:
            meanwhile()
            while not over.wait(0.02):  # they leave the machine some room
                meanwhile()

        customer = InThread(others)
        try:
            yield fallen
            if worst is not Level.FULL:
                fallen()
            self.whole()
        finally:
            over.set()
            customer.over(60.0)
        if customer.error is not None:
            raise customer.error
        self.whole()
        levels = self.levels()[before:]
        assert min(levels, key=lambda level: level.value, default=Level.FULL) is worst, levels

    def whole(self) -> None:
        """Wait until the level is full and nothing is lent, and see that no unit is missing."""
        for name in RESOURCES:
            if isinstance(self.system.board.get(name), ResourceState):
                state = self.settled(name, healthy=True, in_use=0, quarantined=0)
                assert state.capacity == state.limit, state
        eventually(lambda: self.levels()[-1] is Level.FULL, 60.0)

    def stop(self) -> None:
        for name in reversed(self.specs):
            self.system.stop(name, Shutdown())
        eventually(lambda: not any(self.system.directory.whereis(name) for name in self.specs))
        self.patch.undo()


class InThread:
    """A holder's work in a thread of its own: `result` or `error` once it is over."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self.result: Any = None
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    def _run(self, work: Callable[[], Any]) -> None:
        try:
            self.result = work()
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.error = error

    def over(self, within: float = 30.0) -> "InThread":
        """Itself, once the work has ended."""
        self._thread.join(within)
        assert not self._thread.is_alive(), f"still at work after {within:g} s"
        return self
