"""What a tab is watched for: that it stays at home, and what the site's own calls are answered.

A page that came with status 200 may be empty because a call of its own was refused: a limit, a lock, an expired
session. Its answers are listened to, and asked only when a page could not be read. A context that shows the site's
pages goes nowhere else: other sites as pages of their own, popups, downloads and dialogs are refused and counted.
"""

import re
from collections import deque
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary, WeakSet

from playwright.async_api import BrowserContext, Dialog, Download, Page, Request, Response, Route
from playwright.async_api import Error as BrowserError

from domain.publishing.answers import CODES, Consequence, consequence_of
from social.reading import error_of, reset_of
from social.refusals import REFUSALS
from social.site import AccountLocked, Missing, PageBroken, RateLimited, SessionExpired, SiteError

MOST_ANSWERS = 50  # of the calls of one page, the newest
CALLS = re.compile(r"/i/api/|/1\.1/|/graphql/")
BLANK = "about:blank"


@dataclass(eq=False)  # and no slots: Playwright keeps its wrappers of the handlers on the instance
class Answers:
    """What the calls of one tab's page were answered, since it was opened."""

    calls: deque[Response] = field(default_factory=lambda: deque(maxlen=MOST_ANSWERS))
    missing: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_ANSWERS))

    def begin(self) -> None:
        """Forgets the page before."""
        self.calls.clear()
        self.missing.clear()

    def on_response(self, response: Response) -> None:
        """Called by the browser."""
        if CALLS.search(urlsplit(response.url).path):
            self.calls.append(response)
        elif response.status >= 400 and response.request.resource_type == "script":
            self.missing.append(f"{response.url[:200]} ({response.status})")

    def on_failure(self, request: Request) -> None:
        """Called by the browser."""
        if request.resource_type == "script":
            self.missing.append(f"{request.url[:200]} ({request.failure or 'no reason given'})")

    async def explain(self, error: SiteError, doing: str) -> SiteError:
        """What stands behind a page that could not be read; `error` itself where no answer tells more."""
        for response in reversed(self.calls):
            if (heard := await _heard(response, doing)) is not None:
                return heard
        if self.missing:
            return PageBroken(f"{error} A script of the page did not load: {self.missing[0]}.")
        return error


async def _heard(response: Response, doing: str) -> SiteError | None:
    code, said = None, ""
    if response.status == 200 or response.status >= 400:
        try:
            found = error_of(await response.json())
        except (BrowserError, ValueError):
            found = None  # no JSON, or gone with its page: the status is all there is
        code, said = found or (None, "")
    if response.status == 429:
        code = 88 if code is None else code
    if code is None or (consequence := consequence_of(code)) is None:
        return None
    text = f"{doing}: a call of the page was refused ({code}: {said or CODES[code][1]})."
    match consequence:
        case Consequence.RETRY_LATER:
            return RateLimited(f"{text} Wait before the next page.", reset_of(response.headers))
        case Consequence.SIGN_IN:
            return SessionExpired(f"{text} Give a new session (`ctl session FILE`).")
        case Consequence.STOP:
            return AccountLocked(f"{text} A person must clear that.", code)
        case Consequence.GIVE_UP:
            return Missing(f"{text} Check the handle or id.")
    return PageBroken(f"{text} Try again later.")


_ANSWERS: "WeakKeyDictionary[Page, Answers]" = WeakKeyDictionary()
_AT_HOME: "WeakSet[BrowserContext]" = WeakSet()


async def watched(tab: Page, base_url: str) -> Answers:
    """The tab's answers, for a page that is about to be opened. From the first time on it is watched."""
    answers = _ANSWERS.get(tab)
    if answers is None:
        if tab.context not in _AT_HOME:
            await _keep_at_home(tab.context, base_url)
            _AT_HOME.add(tab.context)
        answers = _ANSWERS[tab] = Answers()
        tab.on("response", answers.on_response)
        tab.on("requestfailed", answers.on_failure)
        tab.on("download", _refuse_download)
    answers.begin()
    return answers


def answers_of(tab: Page) -> Answers | None:
    """The answers of a tab, if it is watched."""
    return _ANSWERS.get(tab)


async def _keep_at_home(context: BrowserContext, base_url: str) -> None:
    context.on("page", _refuse_popup)
    context.on("dialog", _refuse_dialog)
    # Only what is elsewhere comes here, so that the site's own pages cost nothing; its assets are never pages.
    elsewhere = rf"^(?!{re.escape(base_url)}(?:/|$))(?!https?://[^/]*\.twimg\.com/)\w+:"
    await context.route(re.compile(elsewhere), _refuse_elsewhere)


async def _refuse_elsewhere(route: Route, request: Request) -> None:
    if request.is_navigation_request() and request.frame.parent_frame is None:
        REFUSALS.count("page of another site")
        await route.abort("blockedbyclient")
    else:
        await route.fallback()


async def _refuse_popup(page: Page) -> None:
    if page.url == BLANK and await page.opener() is None:
        return  # the driver's own new tab
    REFUSALS.count("popup")
    await page.close()


async def _refuse_dialog(dialog: Dialog) -> None:
    REFUSALS.count("dialog")
    await dialog.dismiss()


async def _refuse_download(download: Download) -> None:
    REFUSALS.count("download")
    await download.cancel()
