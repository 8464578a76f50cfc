"""Getting to a page, and knowing that one is there: the part that every operation of the driver begins with.

Playwright's errors end here and become the site's. An address on the login flow is the authority on an expired
session; everything else that looks like a login is a hint to look at the address.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from playwright.async_api import Error as BrowserError
from playwright.async_api import Page
from playwright.async_api import TimeoutError as BrowserTimeout

from social.limits import LIMITS
from social.page_watch import answers_of, watched
from social.reading import reset_of
from social.site import Missing, PageBroken, RateLimited, SessionExpired, SiteError, SiteTimeout

EMPTY = '[data-testid="emptyState"]'
NOT_THERE = '[data-testid="error-detail"]'
# Among the spans only: to look at the text of every element takes seconds on a page of 1,500 posts.
SOMETHING_WRONG = 'span:text-is("Something went wrong. Try reloading.")'
LOGIN_FORM = 'input[autocomplete="username"]'
BLANK = "about:blank"
EXPLAIN_SECONDS = 5.0
LOGIN_PATHS = ("/i/flow/login", "/login")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait, in real seconds.

    load: for a page and what is wanted on it; compose: for each step of the composer; arm: for the caller's `arm`;
    response: for the create response; toast: for the toast, where the response told nothing; looks: how often the own
    profile is read for a match, look_gap apart.
    """

    load: float = 20.0
    compose: float = 10.0
    arm: float = 10.0
    response: float = 20.0
    toast: float = 4.0
    looks: int = 2
    look_gap: float = 1.0


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


async def open_page(tab: Page, base_url: str, path: str, wanted: str, limit: float) -> None:
    """Goes to `path` and waits until the selector `wanted` is on the page.

    Raises SessionExpired, RateLimited, Missing, PageBroken, or SiteTimeout after `limit` seconds.
    """
    doing = f"open {path.split('?')[0]}"
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
            check_address(tab.url, base_url, doing)
            status = 200 if response is None else response.status
            if status == 429:
                text = f"{doing}: the site answered 429. Wait before the next page."
                raise RateLimited(text, None if response is None else reset_of(response.headers))
            if status >= 500:
                raise PageBroken(f"{doing}: the site answered {status}. Try again later.")
            either = f"{wanted}, {EMPTY}, {NOT_THERE}, {SOMETHING_WRONG}, {LOGIN_FORM}"
            await tab.locator(either).first.wait_for(state="attached", timeout=limit * 1000)
            check_address(tab.url, base_url, doing)
            if await tab.locator(wanted).count():
                return
            if await tab.locator(f"{NOT_THERE}, {EMPTY}").count():
                raise Missing(f"{doing}: the site says that it does not exist. Check the handle or id.")
            raise PageBroken(f"{doing}: the page came without {wanted}. Try again later, or check the page contract.")
    except RateLimited as error:
        _keep_limit(error, base_url, path)
        raise
    except (SiteTimeout, PageBroken) as error:
        if isinstance(error, SiteTimeout):
            check_address(tab.url, base_url, doing)
        raise await explained(tab, error, base_url, path, doing) from error


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


def check_address(url: str, base_url: str, doing: str) -> None:
    """Raises SessionExpired where `url` is the login flow, PageBroken where it is another site."""
    at, base = urlsplit(url), urlsplit(base_url)
    if at.path.startswith(LOGIN_PATHS):
        raise SessionExpired(f"{doing}: the site asks for a login. Give a new session (`ctl session FILE`).")
    if at.scheme in ("http", "https") and at.netloc != base.netloc:
        raise PageBroken(f"{doing}: the site sent the browser to {at.netloc[:100]}. Check SITE_URL.")
