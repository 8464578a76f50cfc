"""Children that do as they are told, and a supervisor over them, in simulation."""

from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from actors.core.base import Actor, Ignore
from actors.core.lifecycle import ExitReason
from actors.core.simulation import SimulatedRuntime
from actors.core.supervision import ChildInfo, ChildSpec, CountChildren, WhichChild, WhichChildren
from actors.core.system import System
from supervisors.dynamic import DynamicSupervisor
from supervisors.specs import Flags
from supervisors.supervisor import Supervisor

FAIL, IGNORE, OK, HANG = "fail", "ignore", "ok", "hang"


@dataclass(frozen=True, slots=True)
class Crash:
    """To a child: raise."""


@dataclass(frozen=True, slots=True)
class Finish:
    """To a child: end for this reason."""

    reason: ExitReason | None = None


@dataclass(frozen=True, slots=True)
class Hang:
    """To a child: stay in the handler for so many seconds."""

    seconds: float


class Child(Actor):
    """Writes down when it starts and ends; starts as the world has planned."""

    def __init__(self, world: "World") -> None:
        super().__init__()
        self._world = world

    def on_start(self) -> Any:
        plan = self._world.plans[self.name]
        match plan.popleft() if plan else OK:
            case "fail":
                raise ValueError(f"{self.name} cannot start, as planned")
            case "ignore":
                raise Ignore
            case "hang":
                self.system.runtime.sleep(100_000)
        self._world.log.append(f"+{self.name}")
        return self._world.extras.get(self.name)

    def receive(self, message: Any) -> Any:
        match message:
            case Crash():
                raise ValueError("as told")
            case Finish(reason):
                self.end(reason)
            case Hang(seconds):
                self.system.runtime.sleep(seconds)
            case "who":
                return self.generation

    def terminate(self, reason: ExitReason) -> None:
        self.system.runtime.sleep(self._world.slow_ends.get(self.name, 0.0))
        self._world.log.append(f"-{self.name}")
        if self.name in self._world.dies_badly:
            raise ValueError("and even its clean-up fails")


class World:
    """One simulated system; `sup` is the supervisor under test."""

    def __init__(self, runtime: SimulatedRuntime) -> None:
        self.runtime = runtime
        self.system = System(runtime)
        self.log: list[str] = []  # "+id" at each start, "-id" at each clean end
        self.plans: dict[str, deque[str]] = defaultdict(deque)  # what the next starts of a child do
        self.extras: dict[str, Any] = {}
        self.dies_badly: set[str] = set()
        self.slow_ends: dict[str, float] = {}  # seconds that a clean-up takes
        self.sup: Actor | None = None

    def child(self, id: str, **fields: Any) -> ChildSpec:
        return ChildSpec(id=id, start=lambda: Child(self), **fields)

    def supervise(self, *children: ChildSpec, **flags: Any) -> Actor:
        self.sup = self.start(lambda: Supervisor(Flags(**flags), children))
        return self.sup

    def dynamic(
        self, template: Callable[..., ChildSpec] | None = None, limit: int | None = None, **flags: Any
    ) -> Actor:
        self.sup = self.start(lambda: DynamicSupervisor(Flags(**flags), limit, template))
        return self.sup

    def start(self, make: Callable[[], Actor], name: str = "sup") -> Actor:
        return self.system.start(name, make, timeout=None)

    def plan(self, id: str, *starts: str) -> None:
        self.plans[id].extend(starts)

    def ask(self, message: object, name: str = "sup") -> Any:
        return self.system.ask(name, message, timeout=1_000)

    def tell(self, name: str, message: object) -> None:
        """Tell it, and let everybody come to rest."""
        self.system.tell(name, message)
        self.runtime.settle()

    def crash(self, *names: str) -> None:
        for name in names:
            self.tell(name, Crash())

    def stop(self) -> ExitReason:
        assert self.sup is not None
        return self.system.stop_and_wait(self.sup, None)

    def ended(self) -> ExitReason | None:
        """Why the supervisor ended, or None."""
        assert self.sup is not None
        if not self.sup.ended.settled():
            return None
        reason: ExitReason = self.sup.ended.get()
        return reason

    def alive(self, name: str) -> bool:
        return self.system.directory.whereis(name) is not None

    def generation(self, name: str) -> int:
        actor = self.system.directory.whereis(name)
        assert actor is not None, f"{name} is not alive"
        return actor.generation

    def state(self, id: str) -> str | None:
        """The child's state, or None where the supervisor does not know it."""
        info = self.ask(WhichChild(id))
        return info.state if isinstance(info, ChildInfo) else None

    def ids(self) -> list[str]:
        return [info.id for info in self.ask(WhichChildren())]

    def counts(self) -> tuple[int, int, int, int]:
        """specs, active, supervisors, workers."""
        counts = self.ask(CountChildren())
        return counts.specs, counts.active, counts.supervisors, counts.workers

    def forget_log(self) -> None:
        self.log.clear()
