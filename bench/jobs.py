"""What a run costs: the gate, a lease of a connection, the run in an actor of its own, and its row in Postgres.

`run_cost` is CPU seconds of the Python process for one run of a job that does nothing, against APScheduler 3.11
(in memory, no lease, no record) and Procrastinate (the queue is in Postgres, no lease), in turns, in one run.
`run_cost_with_postgres` counts the server's too. The two are no part of Roost: where they cannot be imported, they
are installed into a virtual environment that is deleted afterwards.
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import psutil

from actors.account.journal import JournalActor
from actors.core.lifecycle import Shutdown
from actors.core.runtime import ThreadedRuntime
from actors.core.supervision import ChildSpec
from actors.core.system import System
from actors.protocol.jobs import RunNow
from actors.protocol.resources import is_well
from actors.protocol.servers import server_state
from actors.resources.specs import resource_specs
from actors.scheduling.job_actor import JobActor
from actors.scheduling.outcome import Outcome
from actors.scheduling.recorder import RECORDER, RecorderActor
from actors.scheduling.run_actor import Job
from actors.scheduling.run_context import RunContext, RunEnvironment
from actors.scheduling.ticks import Place
from actors.servers.postgres_server import PostgresServer
from actors.servers.servers import ServerActor
from bench.line import line
from domain.calendar import HOUR
from domain.jobs.spec import Holds, JobSpec, Kind
from domain.settings import parse
from supervisors.dynamic import DynamicSupervisor

BENCH = "jobs"
RUNS = 1000  # of each turn
TURNS = 3
UP_SECONDS = 60.0
INSTALL = 300.0  # seconds, each step
RIVALS = Path(__file__).with_name("rivals.py")
PACKAGES = ("apscheduler==3.11.*", "procrastinate", "psycopg[binary]")


class Nothing(Job):
    """Borrows a connection, does nothing with it, and wants to run again at once, so many times."""

    spec = JobSpec("nothing", every=HOUR, priority=5, kind=Kind.NORMAL, holds=Holds(database=1))

    def __init__(self) -> None:
        self.left = 0
        self.over = threading.Event()

    def run(self, ctx: RunContext) -> Outcome:
        with ctx.database():
            pass
        self.left -= 1
        if self.left <= 0:
            self.over.set()
            return Outcome(done=1, of=1)
        return Outcome(done=1, of=1, again_in=0.0)


class House:
    """As much of Roost as a job needs, on a Postgres of its own."""

    def __init__(self, home: str) -> None:
        self.system = System(ThreadedRuntime())
        settings = parse({"ROOST_HOME": home}, {})
        server = PostgresServer(Path(home))
        database = next(spec for spec in resource_specs(settings, {}) if spec.id == "database")
        self.job = Nothing()
        environment = RunEnvironment(settings, site=None)
        boot = self.system.runtime.calendar()
        self.specs = (
            ChildSpec("journal", lambda: JournalActor(Path(home) / "journal.sqlite3", "bench", 1.0)),
            ChildSpec("postgres-server", lambda: ServerActor(server, ("database",))),
            database,
            ChildSpec("recorder", lambda: RecorderActor("bench")),
            ChildSpec("runs", DynamicSupervisor),
            ChildSpec("job:nothing", lambda: JobActor(self.job, Place(boot, HOUR), environment)),
        )
        self.system.in_transit = True
        for spec in self.specs[:3]:
            self.system.start(spec.id, spec.start)
        self._await(lambda: is_well(self.system.board, "database"), "the database is not up")
        for spec in self.specs[3:]:
            self.system.start(spec.id, spec.start)

    def dsn(self) -> str:
        """Where the database is."""
        return server_state(self.system.board, "postgres").url

    def turn(self) -> float:
        """CPU seconds of this process for RUNS runs, until the last of their rows is written."""
        self.job.left = RUNS
        self.job.over.clear()
        before = self._written()
        began = time.process_time()
        self.system.tell("job:nothing", RunNow("bench"))
        if not self.job.over.wait(UP_SECONDS):
            raise SystemExit(f"jobs: {self.job.left} of {RUNS} runs are missing after {UP_SECONDS:.0f} s")
        self._await(lambda: self._written() >= before + RUNS, "not every run is recorded")
        return time.process_time() - began

    def server_cpu(self) -> float:
        """CPU seconds of Postgres so far."""
        server = psutil.Process(server_state(self.system.board, "postgres").pid)
        times = [process.cpu_times() for process in (server, *server.children(recursive=True))]
        ended = times[0].children_user + times[0].children_system
        return float(sum(each.user + each.system for each in times) + ended)

    def stop(self) -> None:
        """End it all."""
        for spec in reversed(self.specs):
            actor = self.system.directory.whereis(spec.id)
            if actor is not None:
                self.system.stop_and_wait(actor, 20.0, Shutdown())

    def _written(self) -> int:
        state = self.system.board[RECORDER]
        return 0 if state is None else state.written

    def _await(self, there: Callable[[], bool], why: str) -> None:
        until = time.monotonic() + UP_SECONDS
        while not there():
            if time.monotonic() > until:
                raise SystemExit(f"jobs: {why} in {UP_SECONDS:.0f} s")
            time.sleep(0.05)


def run() -> None:
    """Print the numbers."""
    with tempfile.TemporaryDirectory(prefix="roost-bench-", dir="/tmp") as home:
        python = _python_with_rivals(Path(home) / "rivals")
        house = House(f"{home}/var")
        try:
            _compare(house, python)
        finally:
            house.stop()


def _compare(house: House, python: str | None) -> None:
    ours: list[tuple[float, float]] = []
    theirs: dict[str, list[tuple[float, float]]] = {"apscheduler": [], "procrastinate": []}
    house.turn()  # warm
    for _ in range(TURNS):
        before = house.server_cpu()
        cpu = house.turn()
        ours.append((cpu / RUNS, (cpu + house.server_cpu() - before) / RUNS))
        if python is None:
            continue
        for name, costs in theirs.items():
            before = house.server_cpu()
            cpu = _rival(python, name, house.dsn())
            costs.append((cpu / RUNS, (cpu + house.server_cpu() - before) / RUNS))
    own, whole = (median(cost[part] for cost in ours) for part in (0, 1))
    if python is None:
        line(BENCH, "run_cost", 1e6 * own, "us of CPU")
        line(BENCH, "run_cost_with_postgres", 1e6 * whole, "us of CPU")
        return
    for name, said, part, cost in (
        ("apscheduler", "APScheduler, in memory", 0, own),
        ("procrastinate", "Procrastinate, on Postgres", 0, own),
        ("procrastinate", "Procrastinate, on Postgres", 1, whole),
    ):
        against = median(each[part] for each in theirs[name])
        line(BENCH, ("run_cost", "run_cost_with_postgres")[part], 1e6 * cost, "us of CPU", said, cost / against)


def _rival(python: str, name: str, dsn: str) -> float:
    said = subprocess.run(
        [python, str(RIVALS), name, str(RUNS), dsn], capture_output=True, text=True, check=True, timeout=600
    ).stdout
    return float(json.loads(said)["cpu"])


def _python_with_rivals(place: Path) -> str | None:
    """A Python that has both; None, and a line that says so, where they cannot be had."""
    if find_spec("apscheduler") and find_spec("procrastinate"):
        return sys.executable
    python = str(place / "bin" / "python")
    try:
        subprocess.run([sys.executable, "-m", "venv", place], check=True, capture_output=True, timeout=INSTALL)
        subprocess.run(
            [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *PACKAGES],
            check=True,
            capture_output=True,
            text=True,
            timeout=INSTALL,
        )
    except (subprocess.SubprocessError, OSError) as error:
        why = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1:]
        said = f"APScheduler and Procrastinate cannot be installed, so nothing is compared: {' '.join(why)}"
        print(json.dumps({"bench": BENCH, "note": said}), flush=True)
        return None
    return python
