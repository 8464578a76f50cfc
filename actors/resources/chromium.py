"""One Chromium with its Playwright driver, on a loop thread of its own: started, watched, and ended for certain.

Closing is asked for politely and then made sure of: a stopped or hung process heeds nothing but SIGKILL, and a
browser whose driver was killed would otherwise stay. Their end is noticed by pidfd, at once, whichever of them it is.
"""

import asyncio
import concurrent.futures
import logging
import os
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from playwright.async_api import Browser, BrowserContext, Error, Playwright, Route, ViewportSize, async_playwright

from actors.core.runtime import Runtime
from actors.protocol.resources import LeaseEnded
from actors.servers.process_tree import Process, command_line, descendants, kill
from domain.settings import Settings

log = logging.getLogger("roost.resources")

LAUNCH_SECONDS = 30.0
CLOSE_SECONDS = 5.0
ON_PATH = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    # No pictures in the pages, and none of them: pages are laid out, and nobody looks at what would be painted.
    "--blink-settings=imagesEnabled=false,acceleratedCompositingEnabled=false",
    "--disable-remote-fonts",
    "--autoplay-policy=user-gesture-required",
    "--mute-audio",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    # Fewer processes and smaller caches.
    "--no-unsandboxed-zygote",
    "--in-process-gpu",
    "--disable-software-rasterizer",
    "--enable-low-end-device-mode",
    "--enable-features=NetworkServiceInProcess2",
)
MEDIA = re.compile(r"\.(mp4|m4s|m3u8|webm|mp3|aac|ogg)(\?|$)", re.IGNORECASE)
# The browser keeps a picture of each page's size, also of one that is not painted: narrow, and high for many posts.
SIZE: ViewportSize = {"width": 720, "height": 1400}
# For Playwright's driver, which takes its environment from this process: it collects its garbage before it has grown
# by 50 MB, and keeps one heap.
DRIVER_ENVIRONMENT = {"NODE_OPTIONS": "--max-semi-space-size=1 --max-old-space-size=96", "MALLOC_ARENA_MAX": "1"}
DRIVER = " run-driver"  # in the command line of Playwright's driver
CHROMIUM_CHILD = " --type="  # in those of Chromium's own helpers, which it replaces by itself


class NoBrowser(Exception):
    """There is no browser. The text says why and what to do."""


class Chromium:
    """Made on any thread; `submit` and `call` are how other threads reach its loop."""

    def __init__(self, settings: Settings, runtime: Runtime, name: str, on_gone: Callable[[str], None]) -> None:
        """name: of the loop's thread. on_gone: told once or more, with the reason, when it ends unasked."""
        self.settings = settings
        self.runtime = runtime
        self.name = name
        self.on_gone = on_gone
        self.loop = asyncio.new_event_loop()
        self.browser: Browser | None = None
        self._playwright: Playwright | None = None
        self._processes: list[Process] = []
        self._lifelines: list[int] = []
        self._before: set[int] | None = None  # who was there before the launch began; None: it has not
        self._closing = False

    def open(self) -> str:
        """Start it and show a page. Blocks. Returns its version; raises NoBrowser, TimeoutError or Playwright's."""
        self.runtime.spawn(self.name, self._run_loop)
        return str(self.call(self._launch(), LAUNCH_SECONDS))

    def version(self, timeout: float) -> str:
        """A sign of life of driver and browser both. Blocks; raises TimeoutError, Playwright's errors."""
        return str(self.call(self._ask_version(), timeout))

    def close(self) -> None:
        """End it, whatever it does. Blocks for some seconds at most; may be called twice, and while it opens."""
        first, self._closing = not self._closing, True
        if self.loop.is_running():
            with suppress(Exception):  # whatever it says, it is killed below
                self.call(self._shut_down(), CLOSE_SECONDS)
        kill(self._processes)
        if self.loop.is_running():
            with suppress(Exception):
                self.call(self._cancel_all(), 2.0)
            if first and self._before is not None:
                # A launch that was cut short leaves a driver that nobody has counted yet. Only the first close may
                # look: at a later one, a driver that is new may be our successor's.
                self._own(self._before)
                kill(self._processes)
            self.loop.call_soon_threadsafe(self.loop.stop)

    def alive(self) -> bool:
        """Whether there is a browser to speak to."""
        return not self._closing and self.browser is not None and self.browser.is_connected()

    def pids(self) -> list[int]:
        """Its own and its driver's."""
        return [process.pid for process in self._processes]

    def contexts(self) -> list[BrowserContext]:
        """Those that are open."""
        return self.browser.contexts if self.browser is not None else []

    async def new_context(self, session: Any) -> BrowserContext:
        """A context with this storage state. On the loop."""
        assert self.browser is not None
        context = await self.browser.new_context(
            storage_state=session, viewport=SIZE, service_workers="block", accept_downloads=False
        )
        await context.route(MEDIA, _block)
        return context

    def submit(self, work: Any) -> "concurrent.futures.Future[Any]":
        """Start a coroutine on the loop. Raises LeaseEnded where that has ended."""
        try:
            return asyncio.run_coroutine_threadsafe(work, self.loop)
        except RuntimeError:  # the loop is closed
            work.close()
            raise LeaseEnded("browser: it is closed") from None

    def call(self, work: Any, timeout: float) -> Any:
        """Run a coroutine on the loop and wait. Raises TimeoutError after so many seconds."""
        future = self.submit(work)
        try:
            return future.result(timeout)
        except TimeoutError:
            future.cancel()
            raise TimeoutError(f"browser: no answer in {timeout:g} s") from None

    # on the loop

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
        finally:
            for lifeline in self._lifelines:
                os.close(lifeline)
            self.loop.close()

    async def _launch(self) -> str:
        if self._closing:
            raise NoBrowser("it was closed before it was open")
        before = self._before = {process.pid for process in descendants(os.getpid())}
        for name, value in DRIVER_ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        self._playwright = await async_playwright().start()
        self._own(before)
        self.browser = await self._start_chromium(self._playwright)
        self._own(before)
        self.browser.on("disconnected", lambda _: self._gone("Chromium is gone"))
        for process in self._processes:
            self._watch(process)
        trial = await self.browser.new_context()
        page = await trial.new_page()
        await page.set_content("<title>trial</title>")
        if await page.title() != "trial":
            raise NoBrowser("Chromium shows no page")
        await trial.close()
        return self.browser.version

    async def _start_chromium(self, playwright: Playwright) -> Browser:
        options: dict[str, Any] = {
            "executable_path": _executable(self.settings),
            "args": list(FLAGS),
            "timeout": LAUNCH_SECONDS * 1000,
            **dict.fromkeys(("handle_sigint", "handle_sigterm", "handle_sighup"), False),
        }
        root = os.geteuid() == 0  # Chromium's own sandbox refuses root
        try:
            return await playwright.chromium.launch(chromium_sandbox=not root, **options)
        except Error as error:
            if "sandbox" in error.message.lower() and not root and self.settings.on_sandbox:
                log.warning(
                    "browser: this system forbids Chromium's sandbox; without it, for our own site's pages only"
                )
                return await playwright.chromium.launch(chromium_sandbox=False, **options)
            raise NoBrowser(_why(error)) from error

    def _own(self, before: set[int]) -> None:
        """Remember the driver and the browser's leader, to end them for certain and to notice their end."""
        known = {process.pid for process in self._processes}
        for process in descendants(os.getpid()):
            line = command_line(process.pid)
            if process.pid in before or process.pid in known or CHROMIUM_CHILD in line:
                continue
            # Chromium may be started by a shell script that waits for it: then both are wanted.
            if DRIVER in line if process.parent == os.getpid() else process.parent in known:
                self._processes.append(process)
                known.add(process.pid)

    def _watch(self, process: Process) -> None:
        try:
            lifeline = os.pidfd_open(process.pid)
        except OSError:
            self._gone(f"{process.name} ended at once")
            return
        self._lifelines.append(lifeline)

        def ended() -> None:
            self.loop.remove_reader(lifeline)
            self._gone(f"process {process.pid} ({process.name}) ended")

        self.loop.add_reader(lifeline, ended)

    def _gone(self, why: str) -> None:
        if not self._closing:
            self.on_gone(why)

    async def _ask_version(self) -> str:
        assert self.browser is not None
        session = await self.browser.new_browser_cdp_session()
        try:
            return str((await session.send("Browser.getVersion"))["product"]).rpartition("/")[2]
        finally:
            await session.detach()

    async def _shut_down(self) -> None:
        if self.browser is not None:
            await self.browser.close()
        if self._playwright is not None:
            await self._playwright.stop()

    async def _cancel_all(self) -> None:
        me = asyncio.current_task()
        left = [task for task in asyncio.all_tasks() if task is not me]
        if left:
            await asyncio.wait(left, timeout=0.5)  # Playwright's own end by themselves, now that its driver has
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=0.5)


async def _block(route: Route) -> None:
    await route.abort()


def _executable(settings: Settings) -> str | None:
    """The browser to start; None: Playwright's own."""
    if settings.browser_executable is not None:
        return settings.browser_executable
    return next((found for name in ON_PATH if (found := shutil.which(name)) is not None), None)


def _why(error: Error) -> str:
    line = error.message.strip().splitlines()[0]
    if "executable doesn't exist" in error.message.lower():
        return (
            f"no browser ({line}). Install chromium-headless-shell, or run "
            "`playwright install --only-shell chromium`, or name one in BROWSER_EXECUTABLE"
        )
    return f"Chromium does not start: {line}"
