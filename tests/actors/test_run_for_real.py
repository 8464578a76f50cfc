"""Jobs on real threads, under real supervisors, with a real Postgres and a real journal file."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from actors.account.journal import JournalActor
from actors.care.health import HealthActor
from actors.core.runtime import ThreadedRuntime
from actors.core.supervision import ChildSpec
from actors.core.system import System
from actors.jobs.health_monitor import HealthMonitor
from actors.jobs.memory_monitor import MemoryMonitor
from actors.protocol.health import HealthView, MemoryView
from actors.protocol.jobs import JobSnapshot, Running, RunNow
from actors.protocol.journal import GetWaiting
from actors.resources.specs import resource_specs
from actors.scheduling import run_starter as attempts
from actors.scheduling.job_actor import JobActor
from actors.scheduling.outcome import Outcome
from actors.scheduling.recorder import RecorderActor
from actors.scheduling.run_actor import Job
from actors.scheduling.run_context import RunContext, RunEnvironment
from actors.scheduling.ticks import Place
from domain.jobs.spec import Holds, JobSpec, Kind
from domain.settings import parse
from store import health, runs
from supervisors.dynamic import DynamicSupervisor
from supervisors.specs import Flags
from supervisors.supervisor import Supervisor
from tests.waiting import eventually


class House:
    """The part of the tree that jobs need."""

    def __init__(
        self, dsn: str, home: Path, also: str | None = None, servers: tuple[ChildSpec, ...] = (), **environment: str
    ) -> None:
        """also: a resource beside the database. servers: what it needs. environment: settings."""
        self.dsn = dsn
        self.settings = parse({"DATABASE_URL": dsn, **environment}, {})
        self.system = System(ThreadedRuntime())
        self.environment = RunEnvironment(self.settings, site=None, instance="house-1")
        lent = tuple(spec for spec in resource_specs(self.settings, {}) if spec.id in ("database", also))
        self.tops = ["journal", "servers", "resources", "care", "runs"]
        start = self.system.start
        start("journal", lambda: JournalActor(home / "journal.sqlite3", "house-1", 1.0))
        start("servers", lambda: Supervisor(Flags(intensity=10, period=60), servers))
        start("resources", lambda: Supervisor(Flags(intensity=10, period=60), lent))
        care = (ChildSpec("health", HealthActor), ChildSpec("recorder", lambda: RecorderActor("house-1")))
        start("care", lambda: Supervisor(Flags(intensity=10, period=60), care))
        start("runs", lambda: DynamicSupervisor(Flags(intensity=10, period=60)))
        for spec in lent:
            eventually(lambda spec=spec: self.system.board.get(spec.id).healthy, 60.0)

    def jobs(self, *jobs: Job) -> None:
        boot = self.system.runtime.calendar()

        def child(job: Job) -> ChildSpec:
            place = Place(boot, 10_000.0)
            return ChildSpec(f"job:{job.spec.name}", lambda: JobActor(job, place, self.environment))

        children = tuple(child(job) for job in jobs)
        self.system.start("jobs", lambda: Supervisor(Flags(intensity=10, period=60), children))
        self.tops.append("jobs")

    def run_now(self, job: str) -> Any:
        return self.system.ask(f"job:{job}", RunNow("test"), 5.0)

    def book(self, job: str) -> JobSnapshot:
        snapshot = self.system.board.get(f"job:{job}")
        assert isinstance(snapshot, JobSnapshot)
        return snapshot

    def ended(self, job: str, times: int = 1) -> JobSnapshot:
        eventually(lambda: self.book(job).succeeded + self.book(job).failed >= times)
        return self.book(job)

    def close(self) -> None:
        for name in reversed(self.tops):
            actor = self.system.directory.whereis(name)
            if actor is not None:
                self.system.stop_and_wait(actor, 10.0)


@pytest.fixture
def house(dsn: str, tmp_path: Path) -> Iterator[House]:
    made = House(dsn, tmp_path)
    yield made
    made.close()


def doing(body: Callable[[RunContext], Outcome], **spec: Any) -> Job:
    class Doing(Job):
        def run(self, ctx: RunContext) -> Outcome:
            return body(ctx)

    made = Doing()
    fields = {
        "name": "learn",
        "every": 600.0,
        "priority": 2,
        "kind": Kind.CRITICAL,
        "holds": Holds(database=1),
        **spec,
    }
    made.spec = JobSpec(**fields)  # type: ignore[misc]
    return made


def test_a_run_borrows_works_gives_back_and_leaves_its_row(house: House) -> None:
    def body(ctx: RunContext) -> Outcome:
        with ctx.database() as connection:
            (answer,) = connection.execute("select 6 * 7").fetchone()
        return Outcome(done=answer)

    house.jobs(doing(body))
    accepted = house.run_now("learn")
    house.ended("learn")
    with psycopg.connect(house.dsn) as connection:
        row = eventually(lambda: runs.history(connection, job="learn") or connection.rollback())[0]
    assert (row.run_id, row.outcome, row.instance, row.detail["done"]) == (
        accepted.run_id,
        "succeeded",
        "house-1",
        42,
    )
    eventually(lambda: house.system.board.get("database").in_use == 0)


def test_a_run_that_hangs_in_a_query_is_fenced_and_its_connection_comes_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "GRACE", 0.2)
    woken = threading.Event()

    def hung(ctx: RunContext) -> Outcome:
        try:
            with ctx.database(hold=300) as connection:
                connection.execute("select pg_sleep(600)")
        finally:
            woken.set()
        return Outcome()

    house.jobs(doing(hung, deadline=0.3, attempts=1))
    house.run_now("learn")
    book = house.ended("learn")
    assert book.last_end is not None
    assert "past its deadline" in book.last_end.reason
    assert woken.wait(10)
    state = eventually(lambda: (s := house.system.board.get("database")).in_use == 0 and s)
    assert dict(state.ended_by)["holder died"] == 1
    eventually(lambda: house.system.zombies() == [])


def test_a_crashed_job_actor_is_restarted_and_goes_on_with_its_run(house: House) -> None:
    go = threading.Event()

    def slow(ctx: RunContext) -> Outcome:
        go.wait(30)
        return Outcome(done=1)

    house.jobs(doing(slow))
    house.run_now("learn")
    eventually(lambda: isinstance(house.book("learn").state, Running))
    before = house.system.directory.whereis("job:learn")
    assert before is not None
    house.system.fence(before, "by the test")
    eventually(lambda: house.system.directory.whereis("job:learn") not in (None, before))
    go.set()
    book = house.ended("learn")
    assert (book.succeeded, book.started) == (1, 1)


def test_runs_that_end_while_postgres_is_away_are_in_the_journal(house: House) -> None:
    house.jobs(doing(lambda ctx: Outcome(), holds=Holds()))
    database = house.system.directory.whereis("database")
    assert database is not None
    house.system.stop("resources")
    eventually(lambda: house.system.directory.whereis("database") is None)
    accepted = house.run_now("learn")
    house.ended("learn")
    entries = eventually(lambda: house.system.ask("journal", GetWaiting(), 5.0))
    assert [entry.id for entry in entries] == [f"run/{accepted.run_id}"]


def test_the_health_monitor_writes_what_it_found(house: House) -> None:
    house.jobs(HealthMonitor(), doing(lambda ctx: Outcome()))
    eventually(lambda: (view := house.system.board.get("health")) and view.component("database").healthy)
    house.run_now("learn")
    house.ended("learn")
    house.run_now("health_monitor")
    book = house.ended("health_monitor")
    assert book.succeeded == 1, book.last_end
    with psycopg.connect(house.dsn) as connection:
        (record,) = health.latest(connection)
    assert record.instance == "house-1"
    assert record.payload["components"]["database"]["healthy"] is True
    assert record.healthy is False  # no browser and no Redis in this house
    assert "redis: not heard of yet" in record.payload["problems"]
    assert record.payload["pools"]["database"]["capacity"] == 10


def test_the_memory_monitor_weighs_this_very_process(house: House) -> None:
    house.jobs(MemoryMonitor())
    house.run_now("memory_monitor")
    book = house.ended("memory_monitor")
    assert book.succeeded == 1, book.last_end
    view = eventually(lambda: house.system.board.get("memory"))
    assert isinstance(view, MemoryView)
    assert dict(view.parts)["python"] > 10 << 20
    assert view.limit <= 512 << 20
    eventually(lambda: house.system.board.get("memory") is not None)
    assert isinstance(house.system.board.get("health"), HealthView)
