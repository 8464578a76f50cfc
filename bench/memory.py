"""What the whole process tree weighs, as PSS: with three contexts on pages of 50 posts, and on pages of 1,500.

Roost runs as in a container: in a process of its own with all its jobs at work, its servers and the site outside it.
Where this machine lets us make one, it runs in a memory cgroup of 512 MB, and too much is a kill, not a number; then
a whole Roost lives in such a group at 60 times the speed, with its own jobs alone. ROOST_BENCH_SECONDS is how long
each of the two goes on.

Who else runs the same browser shares its code, and takes from the numbers: alone they are some 70 MB more.
"""

import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote

from playwright.async_api import Error, Page
from psycopg.conninfo import conninfo_to_dict

from actors.care.memory_usage import container_limit, weigh
from actors.core.lifecycle import Shutdown
from actors.core.runtime import ThreadedRuntime
from actors.core.supervision import SUPERVISOR, ChildSpec
from actors.core.system import System
from actors.protocol.health import MIB
from actors.protocol.resources import LeaseError, is_well, resource
from actors.protocol.servers import server_state
from actors.resources.client import Leases
from actors.servers.postgres_server import PostgresServer
from actors.servers.redis_server import RedisServer
from actors.servers.sandbox_server import SandboxServer
from actors.servers.servers import ServerActor
from bench.line import line
from social.navigation import Timeouts, open_page
from social.site import SiteError
from tests.whole.roost import Roost

BENCH = "memory"
LIMIT_MB = 512
GOAL_MB = 430
CONTEXTS = (("posting", 0), ("metrics", 1), ("background", 7))
SECONDS = float(os.environ.get("ROOST_BENCH_SECONDS", "40"))
LIFE_SPEED = "60"
SPEED = "10"  # the memory monitor looks every minute of the calendar: every 6 s
UP_SECONDS = 120.0
KEPT = ("PATH", "HOME", "BROWSER_EXECUTABLE", "PLAYWRIGHT_NODEJS_PATH", "ROOST_BENCH_SECONDS")
INSIDE = "inside"
V1, V2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")


def run() -> None:
    """Print the numbers."""
    logging.getLogger("roost").setLevel(logging.ERROR)  # the servers' actors are alone here, and say so
    _weighed()
    _lived()


def _weighed() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="roost-bench-", dir="/tmp") as home,
        _servers(home) as urls,
        _cgroup() as group,
    ):
        keep = {name: os.environ[name] for name in KEPT if name in os.environ}
        settings = {"ROOST_HOME": f"{home}/var", "PORT": "0", "SPEED": SPEED, "MEMORY_LIMIT_MB": str(LIMIT_MB)}
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.memory", INSIDE],
            cwd=Path(__file__).parents[1],
            env=keep | settings | urls,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            preexec_fn=group.enter if group else None,
        )
        said, _ = process.communicate()
        found = json.loads(said.splitlines()[-1]) if said else {}
        if not found:
            raise SystemExit(
                f"memory: Roost ended with {process.returncode} and said nothing; -9 is the kernel's kill"
            )
    where = f"in a cgroup of {LIMIT_MB} MB" if group else "not in a cgroup: none can be made here"
    for part, weight in found["parts"].items():
        line(BENCH, f"tree_pss_{part}", weight, "MB")
    line(BENCH, "tree_pss", found["whole"], "MB", f"the goal of {GOAL_MB} MB, {where}", found["whole"] / GOAL_MB)
    heavy = f"{LIMIT_MB} MB, {SECONDS:.0f} s of pages of 1,500 posts, {where}"
    line(BENCH, "tree_pss_heavy_most", found["most"], "MB", heavy, found["most"] / LIMIT_MB)
    line(BENCH, "contexts_lent_least", found["contexts"], "contexts", f"{len(CONTEXTS)} with enough memory")
    line(BENCH, "heavy_pages", found["pages"], "pages", f"{found['refused']} refused or taken away")


def _lived() -> None:
    """A whole Roost in a group, with the default limit."""
    with (
        tempfile.TemporaryDirectory(prefix="roost-bench-", dir="/tmp") as home,
        _servers(home) as urls,
        _cgroup() as group,
    ):
        if group is None:
            return
        life = Roost(Path(home) / "var", SPEED=LIFE_SPEED, **urls)
        try:
            group.take(life.pid)
            life.until(lambda status: status["level"]["name"] == "full")
            most, posts, until = 0.0, 0, time.monotonic() + SECONDS
            while time.monotonic() < until and life.process.poll() is None:
                with suppress(OSError):  # too busy to answer
                    status = life.status()
                    posts = status["posts"]["confirmed"]
                    most = max(most, (status["memory"] or {}).get("used", 0) / MIB)
                time.sleep(1)
            given_up = life.status()["pools"]["browser"]["faults"]
        finally:
            with suppress(subprocess.TimeoutExpired):
                life.stop()
            life.kill()
        kills, refused = group.kills(), group.refused()
    where = f"{SECONDS:.0f} s at {LIFE_SPEED} times the speed in a cgroup of {LIMIT_MB} MB"
    line(BENCH, "cgroup_kills", kills, "kills", where)
    line(BENCH, "cgroup_reclaims", refused, "times", f"{where}: the kernel had to look for pages to drop")
    line(BENCH, "cgroup_posts", posts, "posts", f"{where}; {given_up}")
    line(BENCH, "cgroup_tree_pss_most", most, "MB", f"{where}, as the memory monitor found it", most / LIMIT_MB)


class _Group:
    """A memory cgroup of our own."""

    def __init__(self) -> None:
        v1 = self._v1 = (V1 / "memory.limit_in_bytes").exists()
        self.place = (V1 if v1 else V2) / f"roost-bench-{os.getpid()}"
        self.place.mkdir()
        (self.place / ("memory.limit_in_bytes" if v1 else "memory.max")).write_text(str(LIMIT_MB * MIB))

    def enter(self) -> None:
        """Put the calling process in."""
        self.take(os.getpid())

    def take(self, pid: int) -> None:
        """Put this process in, with all that it starts from now on."""
        (self.place / "cgroup.procs").write_text(str(pid))

    def kills(self) -> int:
        """How many processes the kernel has killed in it."""
        return self._count("memory.oom_control" if self._v1 else "memory.events", "oom_kill")

    def refused(self) -> int:
        """How often it was full, and the kernel had to drop pages first."""
        if self._v1:
            return int((self.place / "memory.failcnt").read_text())
        return self._count("memory.events", "max")

    def _count(self, file: str, name: str) -> int:
        pairs = (row.split() for row in (self.place / file).read_text().splitlines())
        return next(int(value) for key, value in pairs if key == name)


@contextmanager
def _cgroup() -> Iterator[_Group | None]:
    try:
        group = _Group()
    except OSError as error:
        print(f"memory: no cgroup ({error})", file=sys.stderr)
        yield None
        return
    try:
        yield group
    finally:
        for _ in range(50):  # whoever was in it may still be ending
            try:
                group.place.rmdir()
                break
            except OSError:
                time.sleep(0.1)


@contextmanager
def _servers(home: str) -> Iterator[dict[str, str]]:
    """Postgres, Redis and the site beside Roost, as settings for it."""
    system, place = System(ThreadedRuntime()), Path(home)
    servers = (PostgresServer(place), RedisServer(place), SandboxServer(place, "roost", place / "var" / "clock.json"))
    specs = [ChildSpec(f"{one.name}-server", lambda one=one: ServerActor(one, ())) for one in servers]  # type: ignore[misc]
    try:
        for spec in specs:
            system.start(spec.id, spec.start)
        _until(lambda: all(server_state(system.board, one.name).up for one in servers), "the servers are not up")
        postgres, redis, site = (server_state(system.board, one.name).url for one in servers)
        where = conninfo_to_dict(postgres)
        database = f"postgresql://{where['user']}@/{where['dbname']}?host={quote(str(where['host']))}"
        yield {"DATABASE_URL": database, "REDIS_URL": redis, "SITE_URL": site}
    finally:
        for spec in reversed(specs):
            actor = system.directory.whereis(spec.id)
            if actor is not None:
                system.stop_and_wait(actor, 20.0, Shutdown())


def _until(what: Any, otherwise: str) -> None:
    until = time.monotonic() + UP_SECONDS
    while not what():
        if time.monotonic() > until:
            raise SystemExit(f"memory: {otherwise} in {UP_SECONDS:.0f} s")
        time.sleep(0.1)


# In the process that is weighed.


def inside() -> None:
    """Run Roost as `main.py` does, and measure from within."""
    import main
    from supervisors import tree

    make = tree.root

    def root(view: Any, listeners: Any) -> Any:
        threading.Thread(target=_measure, args=(view,), daemon=True).start()
        return make(view, listeners)

    tree.root = root
    with open(os.devnull, "w") as nowhere:
        sys.stdout = nowhere  # the log; the numbers go to the real one
        main.main([])


def _measure(view: Any) -> None:
    try:
        found = _measured(view.system, view.settings.site_url)
        print(json.dumps(found), file=sys.__stdout__, flush=True)
    finally:
        view.leave("measured")


def _measured(system: System, site: str) -> dict[str, Any]:
    _until(lambda: is_well(system.board, "browser"), "no browser")
    _until(lambda: system.board[SUPERVISOR("jobs")] is not None, "no jobs")
    parts, whole = _three_pages(system, site)
    pages, refused, most, least = [0], [0], whole, len(CONTEXTS)
    until = time.monotonic() + SECONDS
    threads = [
        threading.Thread(target=_read_heavy, args=(_holder(system, *kind), site, until, pages, refused), daemon=True)
        for kind in CONTEXTS
    ]
    for thread in threads:
        thread.start()
    while time.monotonic() < until:
        most = max(most, weigh(()).own / MIB)
        state = system.board[resource("browser")]
        if state is not None and state.state == "up":
            least = min(least, state.capacity)
        time.sleep(0.25)
    return {
        "parts": parts, "whole": whole, "most": most, "contexts": least, "pages": pages[0], "refused": refused[0],
        "limit": container_limit(),
    }  # fmt: skip


def _holder(system: System, category: str, priority: int) -> Leases:
    return Leases(system, "admin", job=f"bench-{category}", priority=priority, category=category)


async def _show(page: Page, site: str, posts: int) -> int:
    await open_page(page, site, f"/home?count={posts}", "article", "roost", Timeouts(load=30.0))
    return await page.locator("article").count()


def _three_pages(system: System, site: str) -> tuple[dict[str, float], float]:
    """Parts and the whole, in MB, while three contexts show 50 posts each: the median of ten looks."""
    shown, over = threading.Barrier(len(CONTEXTS) + 1), threading.Event()

    def hold(leases: Leases) -> None:
        with leases.browser(wait=60.0, hold=120.0) as browser:
            posts = browser.run(_show, site, 50)
            if posts != 50:
                raise SystemExit(f"memory: the page shows {posts} posts, and not 50")
            shown.wait(60)
            over.wait(60)

    for kind in CONTEXTS:
        threading.Thread(target=hold, args=(_holder(system, *kind),), daemon=True).start()
    shown.wait(60)
    looks = []
    for _ in range(10):
        looks.append(weigh(()))
        time.sleep(0.5)
    over.set()
    names = sorted({name for look in looks for name in look.parts})
    parts = {name: median(look.parts.get(name, 0) / MIB for look in looks) for name in names}
    return parts, median(look.own / MIB for look in looks)


def _read_heavy(leases: Leases, site: str, until: float, pages: list[int], refused: list[int]) -> None:
    """Pages of 1,500 posts, one after the other."""
    while time.monotonic() < until:
        try:
            with leases.browser(wait=10.0, hold=60.0) as browser:
                for _ in range(5):
                    browser.run(_show, site, 1500)
                    pages[0] += 1
        except (LeaseError, TimeoutError, SiteError, Error):  # the page was closed under it
            refused[0] += 1
            time.sleep(0.2)  # refused at once where the browser is being replaced


if __name__ == "__main__" and sys.argv[1:] == [INSIDE]:
    inside()
