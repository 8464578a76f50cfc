"""The browser: lends contexts of the one Chromium, driven by the one Playwright driver, on one loop thread.

Playwright's objects belong to the loop that made them, so a lease runs coroutines there:

    with leases.browser(category="posting", hold=120) as browser:
        posted = browser.run(driver.publish, draft, timeout=60)      # publish(page, draft)

Each lease has a context of its own, with the site's session in it, closed when the lease ends: what a page has left
in memory goes with it. Taking a lease away cancels what its holder waits for, which takes a millisecond, and then
closes the context.
"""

import asyncio
import concurrent.futures
import logging
import os
import re
import shutil
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from playwright.async_api import (
    Browser,
    BrowserContext,
    Error,
    Page,
    Playwright,
    Route,
    ViewportSize,
    async_playwright,
)

from actors.resources.loans import Backend, BackendFault, BackendGone, Loan, Shelf
from actors.resources.process_tree import Process, Reaper, command_line, descendants, kill
from actors.resources.session import Keeper, SetSession
from actors.resources.shell import ResourceActor
from actors.system import System
from domain.resources import breaker
from domain.resources.leases import Lease
from domain.resources.reserves import browser_policy
from domain.settings import Settings

log = logging.getLogger("roost.resources")

R = TypeVar("R")

LAUNCH_SECONDS = 30.0
CONTEXT_SECONDS = 10.0
CLOSE_SECONDS = 5.0
CHECK_SECONDS = 5.0
RUN_SECONDS = 60.0
RETIRE_USES = 50  # contexts, then a browser that nobody uses is replaced: what leaks, leaks a little at a time
RETIRE_SECONDS = 1800.0
ON_PATH = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--blink-settings=imagesEnabled=false",
    "--disable-remote-fonts",
    "--autoplay-policy=user-gesture-required",
    "--mute-audio",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
)
MEDIA = re.compile(r"\.(mp4|m4s|m3u8|webm|mp3|aac|ogg)(\?|$)", re.IGNORECASE)
SIZE: ViewportSize = {"width": 1024, "height": 1400}
DRIVER = " run-driver"  # in the command line of Playwright's driver
CHROMIUM_CHILD = " --type="  # in those of Chromium's own helpers, which it replaces by itself
# Words of errors that mean the browser, and not the page's behaviour.
BROWSER_FAULTS = ("closed", "crashed", "disconnected")


class NoBrowser(Exception):
    """There is no browser. The text says why and what to do."""


class BrowserLoan(Loan):
    """One context, and a page in it."""

    def __init__(self, lease: Lease, backend: "BrowserBackend") -> None:
        super().__init__(lease, backend.system.runtime)
        self.backend = backend
        self.context: BrowserContext | None = None
        self.opening: asyncio.Task[BrowserContext] | None = None
        self.page: Page | None = None
        self._waiting: concurrent.futures.Future[Any] | None = None

    def run(self, work: Callable[..., Awaitable[R]], *args: Any, timeout: float = RUN_SECONDS, **named: Any) -> R:
        """Run `work(page, *args, **named)` on the loop and wait for it. timeout: seconds for all of it.

        Raises: LeaseEnded within milliseconds of the lease's end; TimeoutError; what the work raises.
        """

        async def on_page() -> R:
            page = await self._open_page()
            try:
                return await work(page, *args, **named)
            except Error as error:
                if "crashed" in error.message and self.page is page:
                    self.page = None  # the event of it may come later than the next call
                raise

        found: R = self._wait(on_page(), timeout, getattr(work, "__name__", "its work"))
        return found

    # the holder's side

    def open(self) -> "BrowserLoan":
        self._wait(self._open_context(), CONTEXT_SECONDS, "opening a context")
        return self

    def give_back(self) -> bool:
        if self.ended is not None:
            return True  # the resource closes it
        try:
            self.close()
        except (Error, TimeoutError, concurrent.futures.CancelledError) as error:
            log.warning("browser: a context did not close (%s)", error)
            return False
        return True

    def is_fault(self, error: BaseException) -> bool:
        if isinstance(error, Error):
            return any(word in str(error).lower() for word in BROWSER_FAULTS)
        return isinstance(error, TimeoutError) and self.context is None

    # the resource's side

    def interrupt(self) -> None:
        waiting = self._waiting
        if waiting is not None:
            waiting.cancel()

    def close(self) -> None:
        if self.backend.alive():
            self.backend.call(self._close_context(), CLOSE_SECONDS)
        self.backend.loans.pop(self.token, None)

    # inside

    def _wait(self, work: Any, timeout: float, what: str) -> Any:
        with self.lock:
            if self.ended is not None:
                work.close()
                raise self.ended
            waiting = self._waiting = self.backend.submit(work)
        try:
            return waiting.result(timeout)
        except concurrent.futures.CancelledError:
            self.check()
            raise Error("the browser was closed under it") from None
        except TimeoutError:
            if waiting.done() and not waiting.cancelled():
                raise  # the work's own
            waiting.cancel()
            raise TimeoutError(f"browser: {what} took over {timeout:g} s and was given up") from None
        finally:
            self._waiting = None

    async def _open_context(self) -> None:
        # Shielded: a context that is cancelled while it opens is open all the same, and nobody would close it.
        self.opening = asyncio.ensure_future(self.backend.new_context())
        self.context = await asyncio.shield(self.opening)

    async def _close_context(self) -> None:
        if self.opening is None:
            return
        try:
            context = await self.opening
        except Error:
            return  # it never was
        await context.close()

    async def _open_page(self) -> Page:
        if self.context is None:
            raise Error("the context was closed")
        if self.page is None or self.page.is_closed():
            page = self.page = await self.context.new_page()
            page.on("crash", self._crashed)
        return self.page

    def _crashed(self, page: Page) -> None:
        self.backend.tell_fault("renderer crashed")
        if self.page is page:  # the context goes on; the next call has a new page
            self.page = None


class BrowserBackend:
    """See `Backend`. One driver, one browser, one loop thread."""

    def __init__(self, system: System, settings: Settings, keeper: Keeper, build: int) -> None:
        self.system = system
        self.settings = settings
        self.keeper = keeper
        self.build = build
        self.loans: dict[int, BrowserLoan] = {}
        self.contexts_opened = 0
        self.began = system.runtime.now()
        self.loop = asyncio.new_event_loop()
        self.browser: Browser | None = None
        self._playwright: Playwright | None = None
        self._processes: list[Process] = []
        self._lifelines: list[int] = []
        self._closing = False
        self._reaper = Reaper()

    # Backend

    def open(self) -> str:
        self.keeper.fill(self.system, self.settings)
        self.system.runtime.spawn(f"browser-loop-{self.build}", self._run_loop)
        version = self.call(self._launch(), LAUNCH_SECONDS)
        return f"Chromium {version}"

    def check(self) -> str:
        self._reaper.reap()
        return f"Chromium {self.call(self._ask_version(), CHECK_SECONDS)}"

    def close(self) -> None:
        self._closing = True
        for loan in list(self.loans.values()):
            loan.end("browser: it is closed")
        if self.loop.is_running():
            with suppress(Exception):  # whatever it says, it is killed below
                self.call(self._shut_down(), CLOSE_SECONDS)
        kill(self._processes)
        if self.loop.is_running():
            with suppress(Exception):
                self.call(self._cancel_all(), 2.0)
            self.loop.call_soon_threadsafe(self.loop.stop)
        self.loans.clear()

    def lend(self, lease: Lease) -> Loan:
        loan = self.loans[lease.token] = BrowserLoan(lease, self)
        return loan

    def taken(self) -> int:
        there = self.browser.contexts if self.browser is not None else []
        return sum(loan.context is None or loan.context in there for loan in list(self.loans.values()))

    # for loans

    def alive(self) -> bool:
        """Whether there is a browser to speak to."""
        return not self._closing and self.browser is not None and self.browser.is_connected()

    def submit(self, work: Any) -> "concurrent.futures.Future[Any]":
        """Start a coroutine on the loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def call(self, work: Any, timeout: float) -> Any:
        """Run a coroutine on the loop and wait. Raises TimeoutError after so many seconds."""
        future = self.submit(work)
        try:
            return future.result(timeout)
        except TimeoutError:
            future.cancel()
            raise TimeoutError(f"browser: no answer in {timeout:g} s") from None

    async def new_context(self) -> BrowserContext:
        """A context with the site's session."""
        assert self.browser is not None
        context = await self.browser.new_context(
            storage_state=self.keeper.state(), viewport=SIZE, service_workers="block", accept_downloads=False
        )
        self.contexts_opened += 1
        await context.route(MEDIA, _block)
        return context

    def worn_out(self) -> bool:
        """Whether it has served long enough to be replaced when nobody uses it."""
        old = self.system.runtime.now() - self.began > RETIRE_SECONDS
        return not self.loans and (self.contexts_opened > RETIRE_USES * 3 or (old and self.contexts_opened > 0))

    def tell_fault(self, kind: str) -> None:
        """Have it counted."""
        self.system.tell("browser", BackendFault(self.build, kind))

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
        before = {process.pid for process in descendants(os.getpid())}
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
            self.system.tell("browser", BackendGone(self.build, why))

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


class BrowserActor(ResourceActor):
    """Lends contexts. See `ResourceActor` for leases, breaker and healing."""

    def __init__(self, settings: Settings, caps: Mapping[str, int], shelf: Shelf, keeper: Keeper) -> None:
        super().__init__(browser_policy(), caps, breaker.Policy(slow_seconds=float("inf")), shelf)
        self.settings = settings
        self.keeper = keeper
        self.units = settings.browser_contexts

    def most_units(self) -> int:
        return self.settings.browser_contexts

    def receive(self, message: Any) -> Any:
        match message:
            case SetSession(state):
                self.keeper.replace(state)
            case _:
                return super().receive(message)
        return None

    def make_backend(self, build: int) -> Backend:
        return BrowserBackend(self.system, self.settings, self.keeper, build)

    def checked(self) -> None:
        backend = self.backend
        if isinstance(backend, BrowserBackend) and backend.worn_out() and not self.askers:
            self.rebuild(f"it has opened {backend.contexts_opened} contexts, and nobody uses it now")
