"""The browser: lends contexts of the one Chromium, driven by the one Playwright driver, on one loop thread.

Playwright's objects belong to the loop that made them, so a lease runs coroutines there:

    with leases.browser(category="posting", hold=120) as browser:
        posted = browser.run(driver.publish, draft, timeout=60)      # publish(page, draft)

Each lease has a context of its own, with the site's session in it, closed when the lease ends: what a page has left
in memory goes with it. Taking a lease away cancels what its holder waits for, which takes a millisecond, and then
closes the context.

Memory is the memory monitor's to judge. Between two of its weighings this actor glances at what the processes have
for themselves, and gives contexts up before a heavy page has taken what is left.
"""

import asyncio
import concurrent.futures
import logging
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from playwright.async_api import BrowserContext, Error, Page

from actors.core.system import System
from actors.protocol.health import MEMORY, MIB
from actors.protocol.resources import LeaseEnded, Recycle, Renew
from actors.protocol.servers import SERVER
from actors.resources.backend_slot import BackendSlot
from actors.resources.chromium import Chromium
from actors.resources.lease import Backend, BackendFault, BackendGone, Lease
from actors.resources.resource_actor import ResourceActor
from actors.resources.session import SessionStore, SetSession, TakeBackSession
from actors.servers.process_tree import MemoryMeter, Reaper
from domain.resources import breaker, leases, memory
from domain.resources.reserves import browser_policy
from domain.settings import Settings

log = logging.getLogger("roost.resources")

R = TypeVar("R")

CONTEXT_SECONDS = 10.0
CLOSE_SECONDS = 5.0
CHECK_SECONDS = 5.0
RUN_SECONDS = 60.0
# A browser that has opened so many contexts (50 for each that can be lent), or is so old, is replaced when nobody
# uses it: what leaks, leaks a little at a time. Where somebody always does, nobody new is let in from OVERDUE on.
RETIRE_CONTEXTS = 150
OVERDUE = 1.2  # times that
RENEW_CONTEXTS = 10  # a younger one has not grown, and would be no smaller anew
RETIRE_SECONDS = 1800.0
GLANCE_SECONDS = 0.25  # some milliseconds' work each
HOLD_BACK_SECONDS = 60.0  # how long a context that was given up stays so
RECYCLE_SECONDS = 30.0  # for a publish that is under way, before the browser is closed under it
# Words of errors that mean the browser, and not the page's behaviour.
BROWSER_FAULTS = ("closed", "crashed", "disconnected")


@dataclass(frozen=True, slots=True)
class _Glance:
    pass


class BrowserLease(Lease):
    """One context, and a page in it."""

    backend: "BrowserBackend"

    def __init__(self, terms: leases.Lease, backend: "BrowserBackend") -> None:
        super().__init__(terms, backend, backend.system.runtime)
        self.context: BrowserContext | None = None
        self.opening: asyncio.Task[None] | None = None
        self.unwanted = False  # closed, perhaps before it is open
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

    def open(self) -> "BrowserLease":
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
        self.unwanted = True
        if self.backend.chromium.alive():
            self.backend.chromium.call(self._close_context(), CLOSE_SECONDS)

    # inside

    def _wait(self, work: Any, timeout: float, what: str) -> Any:
        with self.lock:
            if self.ended is not None:
                work.close()
                raise self.ended
            waiting = self._waiting = self.backend.chromium.submit(work)
        try:
            return waiting.result(timeout)
        except concurrent.futures.CancelledError:
            self.check()
            raise LeaseEnded(f"browser: it was closed while {what} went on") from None
        except TimeoutError:
            if waiting.done() and not waiting.cancelled():
                raise  # the work's own
            waiting.cancel()
            raise TimeoutError(f"browser: {what} took over {timeout:g} s and was given up") from None
        finally:
            self._waiting = None

    async def _open_context(self) -> None:
        # Shielded: a context that is cancelled while it opens is open all the same, and nobody would close it.
        self.opening = asyncio.ensure_future(self._make_context())
        await asyncio.shield(self.opening)

    async def _make_context(self) -> None:
        self.context = await self.backend.new_context()
        if self.unwanted:  # it came so late that its holder has gone
            await self.context.close()

    async def _close_context(self) -> None:
        if self.opening is None:
            return
        await asyncio.wait((self.opening,))  # which leaves it to itself where this is cut short, or where it failed
        if self.context is not None:
            await self.context.close()

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
    """See `Backend`. Lends the contexts of one Chromium."""

    def __init__(self, system: System, settings: Settings, session_store: SessionStore, build: int) -> None:
        self.system = system
        self.settings = settings
        self.session_store = session_store
        self.build = build
        self.leases: dict[int, BrowserLease] = {}
        self.contexts_opened = 0
        self.began = system.runtime.now()
        self.chromium = Chromium(settings, system.runtime, f"browser-loop-{build}", self._gone)
        self._reaper = Reaper()
        self._memory_meter = MemoryMeter()

    def open(self) -> str:
        self.session_store.fill(self.system, self.settings)
        return f"Chromium {self.chromium.open()}"

    def check(self) -> str:
        self._reaper.reap()
        return f"Chromium {self.chromium.version(CHECK_SECONDS)}"

    def close(self) -> None:
        for lease in list(self.leases.values()):
            lease.end("browser: it is closed")
        self.chromium.close()
        self.leases.clear()

    def lend(self, terms: leases.Lease) -> Lease:
        lease = self.leases[terms.token] = BrowserLease(terms, self)
        return lease

    def taken(self) -> int:
        there = self.chromium.contexts()
        return sum(lease.context is None or lease.context in there for lease in list(self.leases.values()))

    async def new_context(self) -> BrowserContext:
        """A context with the site's session. On the loop."""
        context = await self.chromium.new_context(self.session_store.state())
        self.contexts_opened += 1
        return context

    def lent(self) -> list[leases.Lease]:
        """The leases that have not ended."""
        return [lease.terms for lease in list(self.leases.values()) if not lease.is_over()]

    def private(self) -> int:
        """Bytes that this process, the driver and the browser's have each for itself. Embedded servers are beside."""
        servers = {state.pid for state in self.system.board.under(SERVER).values()}
        return self._memory_meter.private({os.getpid(), *self.chromium.pids()}, servers)

    def wear(self) -> float:
        """How much of its service is behind it: from 1 on it is to be replaced."""
        age = (self.system.runtime.now() - self.began) / RETIRE_SECONDS if self.contexts_opened else 0.0
        return max(age, self.contexts_opened / RETIRE_CONTEXTS)

    def tell_fault(self, kind: str) -> None:
        """Have it counted."""
        self.system.tell("browser", BackendFault(self.build, kind))

    def _gone(self, why: str) -> None:
        self.system.tell("browser", BackendGone(self.build, why))


class BrowserActor(ResourceActor):
    """Lends contexts. See `ResourceActor` for leases, breaker and healing."""

    def __init__(
        self, settings: Settings, caps: Mapping[str, int], slot: BackendSlot, session_store: SessionStore
    ) -> None:
        super().__init__(browser_policy(), caps, breaker.Policy(slow_seconds=float("inf")), slot)
        self.settings = settings
        self.session_store = session_store
        self.units = settings.browser_contexts
        self._glancing = False  # only while something is lent, or waits to be over
        self._glanced: memory.Glance | None = None
        self._held_back = (settings.browser_contexts, 0.0)  # contexts, and until when no more are lent
        self._recycling: tuple[str, float] | None = None  # why, and when at the latest

    def most_units(self) -> int:
        return self.settings.browser_contexts

    def lend(self, terms: leases.Lease) -> Lease:
        self._glance_soon()
        return super().lend(terms)

    def receive(self, message: Any) -> Any:
        match message:
            case _Glance():
                self._glancing = False
                if isinstance(self.backend, BrowserBackend):
                    self._glance(self.backend)
                    self._recycle_when_free(self.backend)
            case Recycle(why):
                if isinstance(self.backend, BrowserBackend) and self._recycling is None:
                    self._recycle(self.backend, why)
            case SetSession(state):
                self.session_store.replace(state)
            case TakeBackSession():
                self.session_store.take_back()
            case Renew(why):
                backend = self.backend
                if isinstance(backend, BrowserBackend) and backend.contexts_opened >= RENEW_CONTEXTS:
                    self._renew(backend, why)
            case _:
                return super().receive(message)
        return None

    def make_backend(self, build: int) -> Backend:
        return BrowserBackend(self.system, self.settings, self.session_store, build)

    def checked(self) -> None:
        backend = self.backend
        if not isinstance(backend, BrowserBackend) or backend.wear() < 1:
            return
        opened, overdue = backend.contexts_opened, backend.wear() > OVERDUE
        self._renew(backend, "it is worn out")
        if overdue and self._recycling is None and self.backend is backend:
            why = f"it is worn out, has opened {opened} contexts, and somebody uses it always"
            self._drain(why, self.policy.longest_hold)

    def lend_again(self) -> None:
        self._recycling = self._glanced = None
        super().lend_again()

    def _resize(self, units: int) -> None:
        most, until = self._held_back
        units = units if self.now() >= until else min(units, most)
        if self._recycling is None:
            super()._resize(units)
        else:
            self.units = units  # from the next browser on

    def _glance(self, backend: BrowserBackend) -> None:
        """Give up contexts at once where what is lent grows into the limit."""
        view, lent = self.system.board[MEMORY], backend.lent()
        if lent:
            self._glance_soon()
        if view is None or not lent:
            self._glanced = None
            return
        private = backend.private()
        now = memory.Glance(view.used + private - view.private, private, self.now())
        before, self._glanced = self._glanced, now
        taken = memory.given_up(before, now, view.limit, lent)
        if not taken:
            return
        self.fault("given up for memory")
        self._held_back = (max(1, len(lent) - len(taken)), self.now() + HOLD_BACK_SECONDS)
        self._resize(self.units)
        self._take(taken, f"memory: about {now.used // MIB} of {view.limit // MIB} MiB, and growing. Try again later")

    def _take(self, taken: Iterable[leases.Lease], why: str) -> None:
        self.broker.revoke(tuple(terms.token for terms in taken), why)

    def _recycle(self, backend: BrowserBackend, why: str) -> None:
        """Open a new browser; a publish that is under way is waited for, but nothing else."""
        self._drain(why, RECYCLE_SECONDS)
        self._take([terms for terms in backend.lent() if terms.request.category != memory.POSTING], why)
        self._recycle_when_free(backend)

    def _drain(self, why: str, seconds: float) -> None:
        """Let nobody new in, and open a new browser once nobody uses this one, in so many seconds at the latest."""
        self._recycling = (why, self.now() + seconds)
        self.lend_nothing()
        self._glance_soon()

    def _recycle_when_free(self, backend: BrowserBackend) -> None:
        if self._recycling is None:
            return
        why, until = self._recycling
        if not backend.lent() or self.now() >= until:
            self.rebuild(why, renewing=True)
        else:
            self._glance_soon()

    def _glance_soon(self) -> None:
        if not self._glancing:
            self._glancing = True
            self.timer("glance", GLANCE_SECONDS, _Glance())

    def _renew(self, backend: BrowserBackend, why: str) -> None:
        """Unless somebody uses it, or is about to."""
        if not backend.leases and not self.broker.waited_for():
            self.rebuild(
                f"{why}, has opened {backend.contexts_opened} contexts, and nobody uses it now", renewing=True
            )
