"""A real sandbox process and a real Chromium, one of each for all tests of this floor."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Playwright, async_playwright

from actors.resources.chromium import FLAGS

ROOT = Path(__file__).parents[2]
T = TypeVar("T")


@dataclass
class SandboxProcess:
    """The sandbox site in a process of its own, and its side door."""

    home: Path
    options: tuple[str, ...] = ()
    process: "subprocess.Popen[str]" = field(init=False)
    base: str = field(init=False)

    def start(self) -> None:
        """Starts it and waits for its one line."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "social.sandbox", "--home", str(self.home), "--stdin-lifeline", *self.options],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("sandbox listening on http://127.0.0.1:"), line
        self.base = line.split()[-1]

    def stop(self) -> int:
        """Lets go of its lifeline and waits for its end."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        code = self.process.wait(timeout=10)
        self.process.stdout.close()
        return code

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.stop()

    def call(self, path: str, body: Mapping[str, object] | None = None, method: str | None = None) -> Any:
        """JSON from the side door."""
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.base + path, data, method=method), timeout=10) as got:
            return json.load(got)

    def fault(self, kind: str, **wish: object) -> None:
        """Injects a fault, once if nothing else is said."""
        self.call("/__sandbox/faults", {"kind": kind, "times": 1, **wish})

    def shape(self, name: str, **options: object) -> None:
        """Switches a shape on."""
        self.call("/__sandbox/shapes", {"shape": name, **options})

    def texts(self) -> list[str]:
        """The texts of all own posts."""
        return [post["text"] for post in self.call("/__sandbox/posts")["posts"]]

    def ids(self, text: str) -> list[int]:
        """The ids of the own posts with this text."""
        return [int(post["id"]) for post in self.call("/__sandbox/posts")["posts"] if post["text"] == text]


@dataclass
class Browsing:
    """One Chromium, and the one loop on which all of its tabs live."""

    runner: asyncio.Runner
    playwright: Playwright
    browser: Browser

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine to its end on the browser's loop."""
        return self.runner.run(work)

    async def tab(self, sandbox: SandboxProcess) -> Page:
        """A tab of a fresh context with the sandbox's session."""
        context: BrowserContext = await self.browser.new_context(
            storage_state=sandbox.call("/__sandbox/session"), service_workers="block"
        )
        return await context.new_page()


@pytest.fixture(scope="session")
def browsing() -> Iterator[Browsing]:
    """The session's browser."""
    found = os.environ.get("BROWSER_EXECUTABLE") or next(
        filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser"))), None
    )
    flags = [*FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with asyncio.Runner() as runner:

        async def launch() -> tuple[Playwright, Browser]:
            playwright = await async_playwright().start()
            return playwright, await playwright.chromium.launch(executable_path=found, args=flags)

        playwright, browser = runner.run(launch())
        yield Browsing(runner, playwright, browser)

        async def close() -> None:
            await browser.close()
            await playwright.stop()

        runner.run(close())


@pytest.fixture(scope="session")
def shared_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """The session's sandbox; its posts stay from test to test."""
    sandbox = SandboxProcess(tmp_path_factory.mktemp("sandbox"))
    sandbox.start()
    yield sandbox
    sandbox.stop()


@pytest.fixture
def sandbox(shared_sandbox: SandboxProcess) -> Iterator[SandboxProcess]:
    """The session's sandbox, behaving well and with a good session before and after."""
    yield shared_sandbox
    shared_sandbox.call("/__sandbox/faults", method="DELETE")
    shared_sandbox.call("/__sandbox/shapes", method="DELETE")
    shared_sandbox.call("/__sandbox/session")
