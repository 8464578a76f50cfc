"""The browser resource, with a real Chromium and driver on the sandbox site: contexts end, and it heals by itself."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Error, Page

from actors.core.supervision import ChildSpec
from actors.protocol.health import MemoryView
from actors.protocol.resources import LeaseEnded, LeaseRefused, Rebuild, Recycle, Renew, Resize, ResourceState
from actors.protocol.servers import server_state
from actors.resources.client import Leases
from actors.resources.session import SetSession
from actors.resources.specs import resource_specs
from actors.servers.process_tree import Process, command_line, descendants, look
from actors.servers.sandbox_server import SandboxServer
from actors.servers.servers import ServerActor
from domain.resources.levels import Level
from domain.resources.memory import MemoryAdvice, Stage, State
from tests.postgres import Server
from tests.resources import InThread, World
from tests.waiting import eventually

PROJECT = Path(__file__).parents[2]


def make(home: str, **environment: str) -> World:
    """The sandbox site and the browser, up."""
    world = World(ROOST_HOME=home, **environment)
    site = SandboxServer(Path(home), "roost", Path(home) / "clock.json")
    world.start(ChildSpec("sandbox-server", lambda: ServerActor(site, ("browser",))), until_up=False)
    world.start(next(spec for spec in resource_specs(world.settings, {}) if spec.id == "browser"))
    return world


@pytest.fixture(scope="module")
def world(postgres: Server) -> Iterator[World]:
    with tempfile.TemporaryDirectory(prefix="roost-") as home, pytest.MonkeyPatch.context() as faster:
        faster.setattr("actors.resources.backend_lifecycle.CHECK_EVERY", 0.5)
        faster.setattr("actors.resources.backend_lifecycle.CHECK_AGAIN", 0.1)
        faster.setattr("actors.resources.browser.CHECK_SECONDS", 1.0)
        faster.setattr("actors.resources.browser.CLOSE_SECONDS", 2.0)
        faster.setattr("actors.resources.chromium.CLOSE_SECONDS", 1.0)
        made = make(home, DATABASE_URL=postgres.fresh())
        made.start(next(spec for spec in resource_specs(made.settings, {}) if spec.id == "database"))
        made.watch()
        yield made
        made.stop()


def chromium() -> Process:
    """The browser's own process, and not the script that may have started it."""
    return [one for one in descendants(os.getpid()) if is_chromium(one)][-1]


def is_chromium(process: Process) -> bool:
    line = command_line(process.pid)
    return "--remote-debugging-pipe" in line and "--type=" not in line


def driver() -> Process:
    return next(one for one in descendants(os.getpid()) if command_line(one.pid).endswith(" run-driver "))


async def visit(page: Page, url: str) -> str:
    await page.goto(url)
    return page.url


async def add(page: Page, one: int, two: int) -> Any:
    return await page.evaluate(f"{one} + {two}")


async def wait_for_ever(page: Page) -> None:
    await page.evaluate("new Promise(() => {})")


async def loop_for_ever(page: Page) -> None:
    await page.evaluate("for (;;) {}")


def stuck(leases: Leases, work: Any = wait_for_ever, hold: float = 60.0) -> InThread:
    def run() -> None:
        with leases.browser(hold=hold) as browser:
            browser.run(work)

    return InThread(run)


def answers(world: World, name: str = "probe:1") -> bool:
    with world.holder(name).browser(wait=20.0) as browser:
        return bool(browser.run(add, 20, 22) == 42)


def test_a_lease_brings_a_page_with_the_sites_session(world: World) -> None:
    site = server_state(world.system.board, "sandbox").url
    with world.holder("posting:1", category="posting").browser() as browser:
        assert browser.run(visit, f"{site}/home") == f"{site}/home"  # else it is sent to the login page
        assert browser.run(add, 1, 2) == 3
    world.settled("browser", in_use=0, quarantined=0)


def test_a_new_session_is_used_from_the_next_lease_on(world: World) -> None:
    site = server_state(world.system.board, "sandbox").url
    session_store = world.system.directory.whereis("browser").session_store  # type: ignore[union-attr, attr-defined]
    good = session_store.state()
    world.system.tell("browser", SetSession({"cookies": [], "origins": []}))
    eventually(lambda: session_store.state() != good)
    with world.holder("posting:1", category="posting").browser() as browser:
        assert "/login" in browser.run(visit, f"{site}/home")
    world.system.tell("browser", SetSession(good))
    eventually(lambda: session_store.state() == good)


def test_a_lease_ends_when_its_holder_dies(world: World) -> None:
    revoked = world.state("browser").revoked
    work = stuck(world.holder("learn:1"))
    world.settled("browser", in_use=1)
    world.kill("learn:1")
    assert isinstance(work.over().error, LeaseEnded)
    world.settled("browser", in_use=0, quarantined=0, revoked=revoked + 1)


def test_a_page_in_an_endless_loop_ends_at_its_deadline_and_others_are_served(world: World) -> None:
    with world.through(Level.FULL, meanwhile=partial(answers_in_another_category, world)):
        work = stuck(world.holder("slow:1"), loop_for_ever, hold=1.5)
        assert isinstance(work.over().error, LeaseEnded)
        assert "held a context for over 1.5 s" in str(work.error)


def answers_in_another_category(world: World) -> None:
    with world.holder("posting:1", category="posting").browser() as browser:
        assert browser.run(add, 20, 22) == 42


def test_what_takes_too_long_is_given_up_and_the_page_goes_on(world: World) -> None:
    with world.holder("slow:1").browser() as browser:
        with pytest.raises(TimeoutError, match=r"wait_for_ever took over 0\.2 s"):
            browser.run(wait_for_ever, timeout=0.2)
        assert browser.run(add, 1, 1) == 2


def test_a_crashed_renderer_costs_its_page_alone(world: World) -> None:
    async def crash(page: Page) -> None:
        session = await page.context.new_cdp_session(page)
        await asyncio.gather(page.evaluate("new Promise(() => {})"), session.send("Page.crash"))

    before = world.state("browser")
    with (
        world.through(Level.FULL, meanwhile=partial(answers_in_another_category, world)),
        world.holder("slow:1").browser() as browser,
    ):
        with pytest.raises(Error, match="crashed"):
            browser.run(crash)
        assert browser.run(add, 1, 1) == 2
        eventually(lambda: crashes(world.state("browser")) == crashes(before) + 1)
    assert world.state("browser").builds == before.builds


def crashes(state: ResourceState) -> int:
    return dict(state.faults).get("renderer crashed", 0)


def test_a_page_that_eats_memory_is_ended_with_its_renderer_and_others_are_served(world: World) -> None:
    async def eat(page: Page) -> None:
        await page.evaluate("const eaten = []; for (;;) eaten.push(new Array(1e6).fill(eaten.length + 0.5));")

    builds = world.state("browser").builds
    with world.through(Level.FULL, meanwhile=partial(answers_in_another_category, world)):
        work = stuck(world.holder("slow:1"), eat)
        assert isinstance(work.over(60.0).error, Error | LeaseEnded)
    assert world.state("browser").builds == builds
    assert answers(world)


def test_there_are_never_more_contexts_than_units(world: World) -> None:
    world.system.tell("browser", Resize(1))
    world.settled("browser", capacity=1)
    late = world.holder("learn:1").browser(wait=0.05)
    with (
        world.holder("posting:1", category="posting").browser(),
        pytest.raises(LeaseRefused, match="1 posting"),
        late,
    ):
        pass
    world.system.tell("browser", Resize(3))
    world.settled("browser", capacity=3, in_use=0)


@pytest.mark.parametrize("whom", ["chromium", "driver"])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_it_heals_by_itself(world: World, whom: str, how: signal.Signals) -> None:
    builds = world.state("browser").builds
    old = (chromium(), driver())
    with world.through(Level.REDUCED, meanwhile=world.uses_the_database):
        work = stuck(world.holder("learn:1"))
        world.settled("browser", in_use=1)
        os.kill(old[0].pid if whom == "chromium" else old[1].pid, how)
        assert work.over().error is not None
        assert eventually(lambda: answers(world), 60.0)
    assert world.state("browser").builds > builds
    eventually(lambda: all(gone(one) for one in old))


def gone(process: Process) -> bool:
    now = look(process.pid)
    return now is None or now.started != process.started or now.state == "Z"


def test_a_rebuild_closes_everything_first(world: World) -> None:
    old = chromium()
    with world.through(Level.REDUCED, meanwhile=world.uses_the_database):
        world.system.tell("browser", Rebuild("memory is short"))
        eventually(lambda: gone(old))
    assert answers(world)


MEMORY = MemoryAdvice(Stage.ENOUGH, 3, recycle=False, level_pressure=False, stop_background=False)


def used(world: World, percent: int) -> MemoryView:
    """So much is used of a limit of 1 GB, and was when it was weighed just now."""
    private = world.system.directory.whereis("browser").backend.private()  # type: ignore[union-attr, attr-defined]
    return MemoryView(percent * 10**7, 10**9, MEMORY, State(), (), 0.0, private)


def test_a_context_is_given_up_before_memory_is_gone_and_postings_last(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.resources.browser.HOLD_BACK_SECONDS", 0.5)
    heavy = stuck(world.holder("scraper:1"))
    with world.holder("posting:1", category="posting").browser() as browser:
        assert browser.run(add, 1, 2) == 3
        world.settled("browser", in_use=2)
        world.system.board.put("memory", used(world, 93))
        assert isinstance(heavy.over().error, LeaseEnded)
        assert "MiB" in str(heavy.error)
        assert browser.run(add, 1, 2) == 3
    world.system.board.put("memory", used(world, 50))
    assert world.settled("browser", in_use=0, capacity=1).faults

    def allowed() -> bool:
        world.system.tell("browser", Resize(3))
        return world.state("browser").capacity == 3

    eventually(allowed)
    assert answers(world)


def test_recycled_for_its_memory_it_waits_for_a_publish_alone(world: World) -> None:
    builds = world.state("browser").builds
    other = stuck(world.holder("scraper:1"))
    with world.holder("posting:1", category="posting").browser() as browser:
        assert browser.run(add, 1, 2) == 3
        world.settled("browser", in_use=2)
        world.system.tell("browser", Recycle("memory is short"))
        assert isinstance(other.over().error, LeaseEnded)
        assert browser.run(add, 1, 2) == 3
        assert world.state("browser").builds == builds
    eventually(lambda: world.state("browser").builds == builds + 1)
    world.settled("browser", capacity=3, in_use=0, quarantined=0)
    assert answers(world)


ROOST = """
    import sys, time
    from tests.actors.test_browser import chromium, driver, make
    make(sys.argv[1])
    print(chromium().pid, driver().pid, flush=True)
    time.sleep(600)
"""


def test_renewed_while_nobody_uses_it_it_counts_as_well_all_the_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.resources.browser.RENEW_CONTEXTS", 0)
    world.settled("browser", in_use=0, quarantined=0)
    before, seen = world.state("browser"), set()

    def renewed() -> bool:
        now = world.state("browser")
        seen.add(now.healthy)
        return now.builds > before.builds

    world.system.tell("browser", Renew("a test asks for it"))
    eventually(renewed)
    assert seen == {True}
    with world.holder("renewing").browser() as browser:
        world.system.tell("browser", Renew("a test asks for it"))
        assert browser.run(add, 1, 2) == 3
    assert world.state("browser").builds == before.builds + 1


def test_a_roost_that_is_killed_leaves_no_browser_behind() -> None:
    with tempfile.TemporaryDirectory(prefix="roost-") as home:
        command = [sys.executable, "-c", textwrap.dedent(ROOST), home]
        with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            left = [look(int(pid)) for pid in process.stdout.readline().split()]
            assert len(left) == 2
            process.kill()
        for one in left:
            assert one is not None
            eventually(lambda one=one: gone(one), 10.0)
