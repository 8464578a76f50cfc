"""A small world for jobs: the real actors in virtual time, and stand-ins for whom they talk to."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from actors.core.base import Actor
from actors.core.simulation import SimulatedRuntime, seeds
from actors.core.supervision import StartChild, Started
from actors.core.system import System
from actors.protocol.health import HealthView, LevelChanged
from actors.protocol.jobs import JobSnapshot, RunRecord, word
from actors.protocol.resources import ResourceState
from actors.scheduling.job_actor import JobActor
from actors.scheduling.outcome import Outcome
from actors.scheduling.run_actor import Job
from actors.scheduling.run_context import RunContext, RunEnvironment
from actors.scheduling.ticks import Place
from domain.jobs.spec import Holds, JobSpec, Kind
from domain.resources.effects import InForce
from domain.resources.levels import Level
from domain.settings import parse

Body = Callable[[RunContext], Outcome]
PUBLISHERS = {"posting": "posts", "reply_posting": "replies"}


@pytest.fixture(autouse=True)
def close_worlds() -> Iterator[None]:
    """At the end of each test: no thread of a world is left."""
    yield
    while JobWorld.made:
        JobWorld.made.pop().hands.close()


class Runs(Actor):
    """Starts run actors, as the dynamic supervisor does."""

    def receive(self, message: Any) -> Any:
        match message:
            case StartChild(spec):
                actor = self.system.start(spec.id, spec.start, supervisor=self.name)
                return Started(spec.id, actor.generation)


class Recorder(Actor):
    """Keeps what it is told."""

    def __init__(self, rows: list[RunRecord], answer: Callable[[Actor, Any], None] | None = None) -> None:
        super().__init__()
        self.rows = rows
        self.answer = answer

    def receive(self, message: Any) -> None:
        if isinstance(message, RunRecord):
            self.rows.append(message)
        elif self.answer is not None:
            self.answer(self, message)


def spec(name: str = "learn", every: float = 600.0, **more: Any) -> JobSpec:
    """A job's spec; whatever is not given is plain."""
    plain = {"priority": 2, "kind": Kind.NORMAL, "holds": Holds(), "publishes": PUBLISHERS.get(name)}
    return JobSpec(name, **{"every": every, **plain, **more})


def resource_state(name: str) -> ResourceState:
    """A resource that is well and idle."""
    nothing: tuple[Any, ...] = ()
    counts: dict[str, Any] = dict.fromkeys(
        ("in_use", "waiting", "quarantined", "granted", "ended", "revoked", "refused"), 0
    )
    return ResourceState(
        name=name, state="up", healthy=True, detail="up", limit=3, capacity=3, idle=3, by_job=nothing,
        longest_wait=0.0, ended_by=nothing, refused_by=nothing, jobs=nothing, builds=1, faults=nothing,
        breaker="closed", breaker_retry_at=None, breaker_opened_times=0, breaker_overdue=0.0, **counts,
    )  # fmt: skip


class JobWorld:
    """Jobs by name, each with a body that the test writes."""

    made: ClassVar[list["JobWorld"]] = []

    def __init__(
        self, speed: float = 1.0, environment: dict[str, str] | None = None, seed: int | None = None
    ) -> None:
        self.hands = SimulatedRuntime(next(iter(seeds(1))) if seed is None else seed, speed)
        self.made.append(self)
        self.system = System(self.hands)
        self.rows: list[RunRecord] = []
        self.boot = self.hands.calendar()
        settings = parse(environment or {}, {}, jobs=("learn", "posting"))
        self.environment = RunEnvironment(settings=settings, site=SimpleNamespace())
        self.system.start("runs", Runs)
        for name in ("browser", "database", "redis", "model"):
            self.resource(name)

    def resource(self, name: str, **changes: Any) -> None:
        """What a resource shows of itself: well and idle, but for the changes."""
        self.system.board.put(name, replace(resource_state(name), **changes))

    def with_recorder(self, answer: Callable[[Actor, Any], None] | None = None) -> "JobWorld":
        self.system.start("recorder", lambda: Recorder(self.rows, answer))
        return self

    def job(self, spec: JobSpec, body: Body = lambda ctx: Outcome(), offset: float = 30.0) -> str:
        """Start its actor. Returns the actor's name."""

        class Doing(Job):
            def run(self, ctx: RunContext) -> Outcome:
                return body(ctx)

        doing = Doing()
        doing.spec = spec  # type: ignore[misc]
        place = Place(self.boot, offset)
        self.system.start(f"job:{spec.name}", lambda: JobActor(doing, place, self.environment))
        self.hands.settle()
        return f"job:{spec.name}"

    def level(self, level: Level, *failed: str) -> None:
        """As the health actor does it: on the board, then to every job."""
        force = InForce(level, frozenset(failed))
        self.system.board.put("health", HealthView(in_force=force, since=self.hands.calendar()))
        for registration in self.system.directory.registrations():
            if registration.name.startswith("job:"):
                self.system.tell(registration.name, LevelChanged(force))
        self.hands.settle()

    def book(self, name: str = "learn") -> JobSnapshot:
        """What the job shows of itself."""
        self.hands.settle()
        snapshot = self.system.board.get(f"job:{name}")
        assert isinstance(snapshot, JobSnapshot)
        return snapshot

    def state(self, name: str = "learn") -> str:
        return word(self.book(name).state)

    def ask(self, message: Any, name: str = "learn") -> Any:
        answer = self.system.ask(f"job:{name}", message, 5.0)
        self.hands.settle()
        return answer

    def advance(self, seconds: float) -> None:
        self.hands.sleep(seconds)
        self.hands.settle()
