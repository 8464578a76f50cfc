"""Posts a minute on the sandbox through three leased contexts, against three other ways to the same pages.

A fresh driver and browser for each post, one post after another: a script that is started for each. A fresh browser
for each post, three at a time, with one driver kept: the best that can be made of that. And Crawlee's browser pool,
which is installed into an environment of its own where it is not there: it is no part of Roost.
"""

import asyncio
import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from playwright.async_api import Page, Playwright, async_playwright

from actors.core.lifecycle import Shutdown
from actors.core.runtime import ThreadedRuntime
from actors.core.supervision import ChildSpec
from actors.core.system import System
from actors.protocol.resources import is_well, resource
from actors.protocol.servers import server_state
from actors.resources.chromium import FLAGS, SIZE
from actors.resources.client import Leases
from actors.resources.specs import resource_specs
from actors.servers.sandbox_server import SandboxServer
from actors.servers.servers import ServerActor
from bench import pages
from bench.line import line
from bench.pages import AT_ONCE, POSTS, each, executable, post
from domain.settings import parse

BENCH = "browser"
TURNS = 2
SCRIPTS = 6  # posts a turn, where each takes a second and more
CATEGORIES = ("posting", "metrics", "background")
UP_SECONDS = 60.0
INSTALL_SECONDS = 180.0
CRAWLEE = "crawlee"
ROOT = Path(__file__).parents[1]


def run() -> None:
    """Print the numbers."""
    logging.getLogger("roost").setLevel(logging.ERROR)  # the actors are alone here, and say so
    with _site() as (system, url, session), _crawlee() as python:
        spent: dict[str, list[float]] = {"leases": [], "script": [], "fresh": [], "crawlee": []}
        for _ in range(TURNS):
            spent["leases"].append(_leased(system, url))
            spent["script"].append(asyncio.run(_script(url, session)) * POSTS / SCRIPTS)
            spent["fresh"].append(asyncio.run(_fresh(url, session)))
            if python is not None:
                spent["crawlee"].append(_pooled(python, url, session))
    rates = {way: 60 * POSTS / min(seconds) for way, seconds in spent.items() if seconds}
    ours = rates.pop("leases")
    names = {
        "script": "a fresh driver and browser for each post, one after another",
        "fresh": "a fresh browser for each post, three at a time, one driver kept",
        "crawlee": "Crawlee's browser pool, three at a time",
    }
    for way, rate in rates.items():
        line(BENCH, "posts_rate", ours, "posts/min", f"{names[way]}: {rate:.4g}", ours / rate)


@contextmanager
def _site() -> Iterator[tuple[System, str, Any]]:
    """The sandbox and the browser resource."""
    with tempfile.TemporaryDirectory(prefix="roost-bench-", dir="/tmp") as home:
        environment = {"ROOST_HOME": home} | {
            name: os.environ[name] for name in ("BROWSER_EXECUTABLE",) if name in os.environ
        }
        settings, system = parse(environment, {}), System(ThreadedRuntime())
        server = SandboxServer(Path(home), "roost", Path(home) / "clock.json")
        browser = next(spec for spec in resource_specs(settings, {}) if spec.id == "browser")
        specs = (ChildSpec("sandbox-server", lambda: ServerActor(server, ("browser",))), browser)
        try:
            for spec in specs:
                system.start(spec.id, spec.start)
            until = time.monotonic() + UP_SECONDS
            while not is_well(system.board, "browser"):
                if time.monotonic() > until:
                    raise SystemExit(
                        f"browser: it is not up in {UP_SECONDS:.0f} s ({system.board[resource('browser')]})"
                    )
                time.sleep(0.05)
            actor: Any = system.directory.whereis("browser")
            yield system, server_state(system.board, "sandbox").url, actor.session_store.state()
        finally:
            for spec in reversed(specs):
                running = system.directory.whereis(spec.id)
                if running is not None:
                    system.stop_and_wait(running, 20.0, Shutdown())


def _leased(system: System, url: str) -> float:
    """Seconds for POSTS posts."""

    def work(category: str) -> None:
        leases = Leases(system, "sandbox-server", job=f"bench-{category}", priority=0, category=category)
        for _ in range(POSTS // AT_ONCE):
            with leases.browser() as browser:
                browser.run(post, url)

    threads = [threading.Thread(target=work, args=(category,)) for category in CATEGORIES]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.monotonic() - began


@asynccontextmanager
async def _new_browser(playwright: Playwright, session: Any) -> AsyncIterator[Page]:
    browser = await playwright.chromium.launch(executable_path=executable(), args=FLAGS)
    try:
        context = await browser.new_context(storage_state=session, viewport=SIZE)
        yield await context.new_page()
    finally:
        await browser.close()


async def _script(url: str, session: Any) -> float:
    """Seconds for SCRIPTS posts."""
    began = time.monotonic()
    for _ in range(SCRIPTS):
        async with async_playwright() as playwright, _new_browser(playwright, session) as page:
            await post(page, url)
    return time.monotonic() - began


async def _fresh(url: str, session: Any) -> float:
    async with async_playwright() as playwright:
        return await each(lambda: _new_browser(playwright, session), url)


@contextmanager
def _crawlee() -> Iterator[str | None]:
    """A Python that has Crawlee, None where it cannot be had."""
    if find_spec(CRAWLEE) is not None:
        yield sys.executable
        return
    with tempfile.TemporaryDirectory(prefix="roost-bench-", dir="/tmp") as home:
        uv = Path(sys.executable).parent / "uv"
        made = subprocess.run([uv, "venv", "-q", "-p", sys.executable, f"{home}/venv"], check=False)
        python = f"{home}/venv/bin/python"
        install: list[str | Path] = [uv, "pip", "install", "-q", "-p", python, f"{CRAWLEE}[playwright]", "psutil"]
        try:
            done = subprocess.run(install, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
            why = done.stderr.strip().splitlines()[-1:] if done.returncode or made.returncode else []
        except subprocess.TimeoutExpired:
            why = [f"not in {INSTALL_SECONDS:.0f} s"]
        if why:
            print(f"browser: Crawlee could not be installed ({why[0]}), so nothing is measured against it")
        yield None if why else python


def _pooled(python: str, url: str, session: Any) -> float:
    """Seconds for POSTS posts through Crawlee's pool, in a process of its own."""
    given = json.dumps({"url": url, "session": session, "first": next(pages.numbers) + 1_000_000})
    done = subprocess.run(
        [python, "-m", "bench.crawlee_pool", given],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if done.returncode:
        raise SystemExit(f"browser: Crawlee failed: {done.stderr.strip().splitlines()[-1:]}")
    return float(done.stdout.splitlines()[-1])
