"""Getting to a page, and knowing that one is there: the part that every operation of the driver begins with.

Playwright's errors end here and become the site's. An address on the login flow is the authority on an expired
session, and a page counts as the account's only with the proof that it is (`social.proof`).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from playwright.async_api import Error as BrowserError
from playwright.async_api import Page
from playwright.async_api import TimeoutError as BrowserTimeout

from social.limits import LIMITS
from social.page_watch import answers_of, watched
from social.proof import CAPTCHA, WALL, check_address, prove
from social.reading import reset_of
from social.site import Missing, PageBroken, RateLimited, SiteError, SiteTimeout, Unproven

EMPTY = '[data-testid="emptyState"]'
NOT_THERE = '[data-testid="error-detail"]'
# Among the spans only: to look at the text of every element takes seconds on a page of 1,500 posts.
SOMETHING_WRONG = 'span:text-is("Something went wrong. Try reloading.")'
BLANK = "about:blank"
EXPLAIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait, in real seconds.

    load: for a page and what is wanted on it; compose: for each step of the composer; arm: for the caller's `arm`;
    response: for the create response; toast: for the toast, where the response told nothing; looks: how often the own
    profile is read for a match, look_gap apart. proof: how much later than what is wanted the proof of who is signed
    in may come; gather: for scrolling through a list; quiet: after which nothing more of it comes; settle: for which
    its end stands.
    """

    load: float = 20.0
    compose: float = 10.0
    arm: float = 10.0
    response: float = 20.0
    toast: float = 4.0
    looks: int = 2
    look_gap: float = 1.0
    proof: float = 3.0
    gather: float = 25.0
    quiet: float = 2.5
    settle: float = 0.3


@asynccontextmanager
async def within(limit: float, doing: str) -> AsyncIterator[None]:
    """A step that may take `limit` seconds and whose browser errors become the site's. `doing`: for their texts."""
    try:
        # Not every call of Playwright's has a time-out of its own (`evaluate` has none, and a frozen page keeps it).
        async with asyncio.timeout(limit):
            yield
    except (TimeoutError, BrowserTimeout) as error:
        raise SiteTimeout(f"{doing}: not done in {limit:g} s. Try again later, or allow more time.") from error
    except BrowserError as error:
        first_line = error.message.splitlines()[0] if error.message else "no reason given"
        raise PageBroken(f"{doing}: the browser says {first_line[:200]!r}. Try again with a new tab.") from error


async def open_page(tab: Page, base_url: str, path: str, wanted: str, handle: str, timeouts: Timeouts) -> None:
    """Goes to `path` and waits for the selector `wanted` there, and for the proof that the session is @handle's.

    Raises SessionExpired, Restricted, WrongLanguage, Unproven, RateLimited, Missing, PageBroken, or SiteTimeout after
    `timeouts.load` seconds.
    """
    doing, limit = f"open {path.split('?')[0]}", timeouts.load
    has_come = False
    try:
        async with within(limit, doing):
            if not path.startswith("/") or path.startswith("//"):
                raise PageBroken(f"{doing}: that is no page of the site. Check the handle.")
            if (until := LIMITS.limited_until(base_url, path)) is not None:
                when = f"{datetime.fromtimestamp(until, UTC):%H:%M:%S} UTC"
                raise RateLimited(f"{doing}: the site asked for patience until {when}. Wait until then.", until)
            if tab.url != BLANK:
                await _clear(tab)
            await watched(tab, base_url)
            response = await tab.goto(base_url + path, wait_until="domcontentloaded", timeout=limit * 1000)
            has_come = True
            check_address(tab.url, base_url, doing)
            status = 200 if response is None else response.status
            if status == 429:
                text = f"{doing}: the site answered 429. Wait before the next page."
                raise RateLimited(text, None if response is None else reset_of(response.headers))
            if status >= 500:
                raise PageBroken(f"{doing}: the site answered {status}. Try again later.")
            either = f"{wanted}, {EMPTY}, {NOT_THERE}, {SOMETHING_WRONG}, {WALL}, {CAPTCHA}"
            await tab.locator(either).first.wait_for(state="attached", timeout=limit * 1000)
            check_address(tab.url, base_url, doing)
        async with within(timeouts.proof + limit, doing):
            await prove(tab, handle, doing, timeouts.proof)
            if await tab.locator(wanted).count():
                return
            if await tab.locator(f"{NOT_THERE}, {EMPTY}").count():
                raise Missing(f"{doing}: the site says that it does not exist. Check the handle or id.")
            raise PageBroken(f"{doing}: the page came without {wanted}. Try again later, or check the page contract.")
    except RateLimited as error:
        _keep_limit(error, base_url, path)
        raise
    except SiteTimeout as error:
        check_address(tab.url, base_url, doing)
        raise await _unread(tab, error, base_url, path, handle, timeouts if has_come else None) from error
    except PageBroken as error:
        raise await _unread(tab, error, base_url, path, handle, None) from error


async def _unread(
    tab: Page, error: SiteError, base_url: str, path: str, handle: str, timeouts: Timeouts | None
) -> SiteError:
    """What stands behind a page that could not be read. timeouts: it came, and was not asked yet whose it is."""
    doing = f"open {path.split('?')[0]}"
    if timeouts is not None:
        try:
            async with within(timeouts.proof + timeouts.settle, doing):
                await prove(tab, handle, doing, 0.0)
        except SiteTimeout:
            pass  # nor can it be asked
        except SiteError as answer:
            error = answer
    found = await explained(tab, error, base_url, path, doing)
    if isinstance(error, Unproven) and type(found) is PageBroken:
        return Unproven(str(found))  # a script that is missing, say: that proves nothing either
    return found


def _keep_limit(error: SiteError, base_url: str, path: str) -> None:
    if isinstance(error, RateLimited) and error.until is not None:
        LIMITS.limit(base_url, path, error.until)


async def explained(tab: Page, error: SiteError, base_url: str, path: str, doing: str) -> SiteError:
    """What the answers to the page's own calls make of a page that could not be read."""
    answers = answers_of(tab)
    if answers is None:
        return error
    try:
        async with within(EXPLAIN_SECONDS, doing):
            found = await answers.explain(error, doing)
    except SiteError:
        return error  # the answers cannot be had either
    _keep_limit(found, base_url, path)
    return found


async def _clear(tab: Page) -> None:
    """Gives back what the page before has taken.

    Chromium collects it late: seven megabytes for each page of 50 posts that a tab has shown, and two pages of 1,500
    at a time would be over a hundred more. An empty page leaves the collection little to look through.
    """
    await tab.goto(BLANK)
    await tab.request_gc()
