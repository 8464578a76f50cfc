"""The supervisors of `work`, `jobs` and `resources` killed, in the real tree (all but its face) on real backends."""

import io
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page

from actors.core.base import Actor
from actors.core.lifecycle import Ping
from actors.core.runtime import ThreadedRuntime
from actors.core.supervision import ChildSpec
from actors.face.context import AppContext
from actors.face.log_book import LogBook
from actors.protocol.jobs import RunNow
from actors.scheduling.outcome import Outcome
from actors.scheduling.run_actor import Job
from actors.scheduling.run_context import RunContext
from app.home_files import load_or_create_clock
from domain.calendar import MINUTE
from domain.jobs.spec import Holds, JobSpec, Kind
from domain.resources.levels import Level
from supervisors import tree
from supervisors.supervisor import Supervisor
from tests.postgres import Server
from tests.resources import World
from tests.waiting import eventually

SPEED = 120.0


class Works(Job):
    """Comes every half second, and uses what there is."""

    spec = JobSpec("plan", every=MINUTE, priority=1, kind=Kind.CRITICAL, holds=Holds(database=1, redis=1))

    def __init__(self) -> None:
        self.done = 0

    def run(self, ctx: RunContext) -> Outcome:
        with ctx.database() as connection, ctx.redis() as cache:
            connection.execute("select 1")
            cache.set("done", str(self.done), seconds=60.0)
        self.done += 1
        return Outcome(done=1)


class Keeps(Job):
    """Runs when told to, and keeps a context and a connection until told to let go, or until they are taken."""

    spec = JobSpec(
        "learn",
        every=1e6 * MINUTE,
        priority=2,
        kind=Kind.CRITICAL,
        holds=Holds(browser=1, database=1),
        offset=1e6 * MINUTE,
        attempts=1,
    )

    def __init__(self) -> None:
        self.keeps, self.release_forbidden = threading.Event(), threading.Event()

    def run(self, ctx: RunContext) -> Outcome:
        with ctx.browser() as browser, ctx.database(hold=300.0) as connection:
            browser.run(blank)
            self.keeps.set()
            while not self.release_forbidden.wait(0.02):
                connection.execute("select 1")
        return Outcome()


async def blank(page: Page) -> None:
    await page.goto("about:blank")


class Tree(World):
    """The tree as `main` starts it, but for the face, with two jobs."""

    def __init__(self, home: Path, dsn: str) -> None:
        clock = ThreadedRuntime()
        runtime = ThreadedRuntime(load_or_create_clock(home, SPEED, clock.wall()))
        super().__init__(runtime, ROOST_HOME=str(home), DATABASE_URL=dsn, SPEED=str(SPEED))
        book = LogBook(io.StringIO(), ())
        self.view = AppContext(self.system, self.settings, book, home, "real", runtime.now(), lambda why: None)
        self.works, self.keeps = Works(), Keeps()
        self.settle_soon()
        self.system.start("root", self._root, timeout=None)
        self.bear_witness()

    def _root(self) -> Supervisor:
        view, jobs, boot = self.view, (self.works, self.keeps), self.system.runtime.calendar()
        branches = (
            ("ground", lambda: tree.ground(view)),
            ("resources", lambda: tree.resources(view, jobs)),
            ("account", lambda: tree.account(view)),
            ("care", lambda: tree.care(view, jobs, boot)),
            ("work", lambda: tree.work(view, jobs, boot)),
        )
        specs = tuple(ChildSpec(name, start, type="supervisor", shutdown=None) for name, start in branches)
        return Supervisor(tree.ROOT, specs)

    def bearer(self, name: str) -> Actor:
        """Who bears the name now."""
        found = self.system.directory.whereis(name)
        assert found is not None, f"nobody is {name}"
        return found

    def goes_on(self) -> None:
        """Wait until the job that comes by itself has done its work twice more, so once from beginning to end."""
        done = self.works.done
        eventually(lambda: self.works.done >= done + 2, 60.0)

    def asks_the_journal(self) -> None:
        """Somebody who needs no resource."""
        self.system.ask("journal", Ping(), 10.0)

    def stop(self) -> None:
        self.system.stop_and_wait(self.bearer("root"), 60.0)
        super().stop()


@pytest.fixture(scope="module")
def living(postgres: Server) -> Iterator[Tree]:
    with tempfile.TemporaryDirectory(prefix="roost-") as home:
        made = Tree(Path(home), postgres.fresh())
        yield made
        made.stop()


@pytest.mark.parametrize(
    ("whom", "worst"), [("work", Level.FULL), ("jobs", Level.FULL), ("resources", Level.EMERGENCY)]
)
def test_a_killed_supervisor_loses_no_unit_and_work_goes_on_without_help(
    living: Tree, whom: str, worst: Level
) -> None:
    keeps = living.keeps
    keeps.keeps.clear()
    keeps.release_forbidden.clear()
    with living.through(
        worst, meanwhile=living.asks_the_journal if whom == "resources" else living.uses_the_database
    ):
        living.goes_on()
        living.system.ask("job:learn", RunNow("test"), 10.0)
        assert keeps.keeps.wait(60.0)
        before = living.bearer(whom)
        living.system.fence(before, "killed by the test")
        eventually(lambda: living.bearer(whom).generation > before.generation)
        keeps.release_forbidden.set()  # where nobody has taken what it keeps
        living.goes_on()
    eventually(lambda: not living.system.zombies())
