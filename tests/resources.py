"""A small world for resource actors: a system, holders that live and die by name, and settings."""

import threading
from collections.abc import Callable
from typing import Any

from actors.base import Actor
from actors.protocol import ChildSpec, Shutdown
from actors.resources.client import Leases
from actors.resources.loans import ResourceState
from actors.runtime import ThreadedRuntime
from actors.system import System
from domain.resources.admission import Budget
from domain.settings import Settings, parse
from tests.waiting import eventually


class Holder(Actor):
    """Somebody whose death ends leases."""


class World:
    """One system with the resources under test."""

    def __init__(self, **environment: str) -> None:
        self.system = System(ThreadedRuntime())
        self.settings: Settings = parse(environment, {})
        self.specs: dict[str, ChildSpec] = {}

    def start(self, spec: ChildSpec, until_up: bool = True) -> None:
        self.system.start(spec.id, spec.start)
        self.specs[spec.id] = spec
        if until_up:
            eventually(lambda: self.state(spec.id).healthy, 60.0)

    def holder(
        self, name: str, budget: Budget | None = None, priority: int = 5, category: str = "background"
    ) -> Leases:
        """A holder of that name, alive, and what it can borrow."""
        if self.system.directory.find(name) is None:
            self.system.start(name, Holder)
        return Leases(
            self.system, name, job=name.partition(":")[0], priority=priority, budget=budget, category=category
        )

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

    def stop(self) -> None:
        for name in reversed(self.specs):
            self.system.stop(name, Shutdown())
        eventually(lambda: not any(self.system.directory.find(name) for name in self.specs))


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
