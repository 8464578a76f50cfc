"""Sending one post over a page that promises nothing: once at most, and knowing afterwards what is known.

The page's own request for the new post is held at the browser's edge (the send boundary) until `arm` has returned.
Whatever fails before is definitely not sent. Whatever happens after needs evidence: the create response's id, the
toast's link, a match on the own profile, a duplicate rejection with such a match. An emptied composer is none.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from playwright.async_api import Error as BrowserError
from playwright.async_api import Page, Request, Route

from domain.publishing.uniqueness import normalized
from social.navigation import BLANK, LOGIN_PATHS, Timeouts, open_page, within
from social.reading import created_id, error_of, status_of
from social.site import (
    AccountLocked,
    Arm,
    Draft,
    Evidence,
    NotArmed,
    OutcomeUnknown,
    PageBroken,
    Profile,
    Published,
    RateLimited,
    Rejected,
    SessionExpired,
    SiteError,
    SiteTimeout,
)

TEXT_AREA = '[data-testid="tweetTextarea_0"]'
SEND = '[data-testid="tweetButton"]'
SEND_READY = f'{SEND}:not([aria-disabled="true"])'
TOAST_LINK = '[data-testid="toast"] a[href*="/status/"]'
CREATE_URL = "**/*CreateTweet*"

DUPLICATE = 187
LOCKED = frozenset({64, 226, 326})
LIMITED = frozenset({88, 344})
LOGGED_OUT = frozenset({32, 89, 215, 353})
# Refusals that are known to leave nothing behind: empty, too long, no such parent, replies not allowed. A code that
# nobody knows (or 29, 130, 131: the site's own trouble) is no definite negative.
REFUSED = frozenset({38, 186, 214, 385, 433})

ReadProfile = Callable[[bool], Awaitable[Profile]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A create response. body: parsed JSON, None where it could not be read; location: of a redirect."""

    status: int
    body: object
    location: str


class SendGuard:
    """Stands at the send boundary: lets one request through, after `arm`, and only if it is the draft's own."""

    def __init__(self, draft: Draft, arm: Arm, timeouts: Timeouts) -> None:
        self._draft = draft
        self._arm = arm
        self._timeouts = timeouts
        self._closed = False
        self._withdrawn = False
        self._arming: asyncio.Future[None] | None = None
        self.armed = False
        self.reached = asyncio.Event()  # a create request came to the boundary
        # The request that was let through, or why it was not.
        self.decision: asyncio.Future[Request | SiteError] = asyncio.get_running_loop().create_future()

    async def handle(self, route: Route, request: Request) -> None:
        """Called by the browser for every request to the create URL."""
        if request.method != "POST":
            await route.continue_()  # a preflight creates nothing
            return
        # A second request, such as a page's own retry, never passes: it could be a second post.
        refusal: SiteError | None = PageBroken("send: the page asked twice.") if self._closed else None
        if refusal is None:
            self._closed = True
            self.reached.set()
            refusal = self._difference(request) or await self._ask_to_arm()
            if not self.decision.done():
                self.decision.set_result(refusal or request)
        try:
            if refusal is None:
                await route.continue_()
            else:
                await route.abort("aborted")
        except BrowserError:
            # The page is gone. An abort is then moot; a request that was to go on is waited for in vain: unknown.
            return

    def withdraw(self) -> None:
        """From now on nothing passes, also no request that still waits for `arm`."""
        self._closed = self._withdrawn = True
        if self._arming is not None:
            self._arming.cancel()

    async def _ask_to_arm(self) -> SiteError | None:
        self._arming = asyncio.ensure_future(self._arm())
        done, _ = await asyncio.wait({self._arming}, timeout=self._timeouts.arm)
        if not done:
            self._arming.cancel()
            return NotArmed(f"send: `arm` took more than {self._timeouts.arm:g} s, so nothing was sent.")
        if self._arming.cancelled() or self._withdrawn:
            return NotArmed("send: withdrawn while waiting for `arm`, so nothing was sent.")
        if (error := self._arming.exception()) is not None:
            refusal = NotArmed(f"send: `arm` refused ({type(error).__name__}: {error}), so nothing was sent.")
            refusal.__cause__ = error
            return refusal
        self.armed = True
        return None

    def _difference(self, request: Request) -> SiteError | None:
        """Why this request must not go out, if it would not post the very draft."""
        try:
            variables = json.loads(request.post_data or "")["variables"]
            text, reply = variables["tweet_text"], variables.get("reply")
            parent = None if reply is None else int(reply["in_reply_to_tweet_id"])
        except (ValueError, KeyError, TypeError, AttributeError):
            return PageBroken("send: the create request has an unknown form, so it was stopped. Check the contract.")
        if text != self._draft.text:
            return PageBroken("send: the page was about to post another text than the draft, so it was stopped.")
        if parent != self._draft.in_reply_to:
            return PageBroken(f"send: the page was about to answer {parent}, not {self._draft.in_reply_to}: stopped.")
        return None


@dataclass(frozen=True, slots=True)
class Publication:
    """One draft on its way through one tab. handle: the own one; read_profile: reads the own profile in that tab."""

    tab: Page
    base_url: str
    handle: str
    draft: Draft
    timeouts: Timeouts
    read_profile: ReadProfile

    async def publish(self, arm: Arm) -> Published:
        """Composes, sends once and collects the evidence. See `Site.publish`."""
        guard = SendGuard(self.draft, arm, self.timeouts)
        async with within(self.timeouts.compose, "guard the send boundary"):
            await self.tab.route(CREATE_URL, guard.handle)
        try:
            await self.compose()
            request = await self.send(guard)
        finally:
            # The guard is never taken off the tab: a page that asks late, or again, must still meet it.
            if not guard.armed:
                guard.withdraw()
                await self.leave()
        return await self.outcome(guard, request)

    async def compose(self) -> None:
        """Types the draft and checks what the composer holds."""
        parent = self.draft.in_reply_to
        path = "/compose/post" if parent is None else f"/compose/post?in_reply_to={parent}"
        await open_page(self.tab, self.base_url, path, TEXT_AREA, self.timeouts.load)
        async with within(self.timeouts.compose, "type the post"):
            area = self.tab.locator(TEXT_AREA).first
            await area.click(timeout=self.timeouts.compose * 1000)
            await self.tab.keyboard.insert_text(self.draft.text)
            typed = await area.inner_text()
        if normalized(typed) != normalized(self.draft.text):
            raise PageBroken(
                "type the post: the composer holds another text than was typed. Try again with a new tab."
            )
        async with within(self.timeouts.compose, "wait for the send button"):
            await self.tab.locator(SEND_READY).first.wait_for(timeout=self.timeouts.compose * 1000)

    async def send(self, guard: SendGuard) -> Request:
        """Presses the button and sees the request through the boundary. Raises what stopped it; that is definite."""
        try:
            async with within(self.timeouts.compose, "press the send button"):
                await self.tab.locator(SEND_READY).first.click(timeout=self.timeouts.compose * 1000)
                await guard.reached.wait()
        except SiteError:
            # Once a request has come to the boundary, what was decided there counts, not how the click went.
            if not guard.reached.is_set():
                raise
        async with within(self.timeouts.arm + self.timeouts.compose, "wait at the send boundary"):
            decision = await guard.decision
        if isinstance(decision, SiteError):
            raise decision
        return decision

    async def outcome(self, guard: SendGuard, request: Request) -> Published:
        """What became of the request that was let through: evidence, a definite negative, or OutcomeUnknown."""
        answer = await self.answer(request)
        if answer is not None:
            made = created_id(answer.body)
            if made is not None:
                return Published(made, Evidence.CREATE_RESPONSE)
            negative = negative_of(answer)
            if negative is not None and negative.definite:
                raise negative
            if negative is not None:
                found = await self.profile_match()
                if found is None:
                    raise negative
                return Published(found, Evidence.DUPLICATE_REJECTION)
        found = await self.toast()
        if found is not None:
            return Published(found, Evidence.TOAST)
        found = await self.profile_match()
        if found is not None:
            return Published(found, Evidence.PROFILE_MATCH)
        heard = "no answer" if answer is None else f"an answer that tells nothing (status {answer.status})"
        raise OutcomeUnknown(f"send: {heard}, no toast and no match on the profile. Leave it to id recovery.")

    async def answer(self, request: Request) -> Answer | None:
        """The create response, as far as it can be had."""
        try:
            async with within(self.timeouts.response, "wait for the create response"):
                response = await request.response()
        except SiteError:
            return None
        if response is None:
            return None
        try:
            async with within(self.timeouts.response, "read the create response"):
                body: object = await response.json()
        except (SiteError, ValueError):
            body = None
        return Answer(response.status, body, response.headers.get("location", ""))

    async def toast(self) -> int | None:
        """The id that the toast links to."""
        try:
            async with within(self.timeouts.toast, "wait for the toast"):
                href = await self.tab.locator(TOAST_LINK).first.get_attribute(
                    "href", timeout=self.timeouts.toast * 1000
                )
        except SiteError:
            return None
        link = status_of(href or "")
        return (
            link[1] if link is not None and link[0].lower() == self.handle.lower() and self.is_new(link[1]) else None
        )

    async def profile_match(self) -> int | None:
        """The id of the one post on the own profile that can only be this one."""
        if self.draft.watermark is None:
            return None
        for look in range(self.timeouts.looks):
            if look:
                await asyncio.sleep(self.timeouts.look_gap)
            try:
                profile = await self.read_profile(self.draft.in_reply_to is not None)
            except SiteError:
                continue  # a page that cannot be read is no evidence either way
            same = {
                post.id
                for post in profile.posts
                if post.author.lower() == self.handle.lower()
                and self.is_new(post.id)
                and normalized(post.text) == normalized(self.draft.text)
            }
            if len(same) == 1:
                return same.pop()
        return None

    def is_new(self, post_id: int) -> bool:
        """Whether the id can be this post's at all."""
        return self.draft.watermark is None or post_id > self.draft.watermark

    async def leave(self) -> None:
        """Empties the tab, so that the page cannot send later; where that fails, the guard still stands."""
        try:
            async with within(self.timeouts.compose, "leave the composer"):
                await self.tab.goto(BLANK, timeout=self.timeouts.compose * 1000)
        except (SiteTimeout, PageBroken):
            return


def negative_of(answer: Answer) -> SiteError | None:
    """What a create response without an id refuses, or None where it tells nothing."""
    error = error_of(answer.body)
    if error is not None:
        code, said = error
        if code in LOCKED:
            return AccountLocked(
                f"send: the site refuses the account ({code}: {said}). A person must clear that.", code
            )
        if code in LOGGED_OUT:
            return SessionExpired(f"send: not signed in ({code}: {said}). Give a new session (`ctl session FILE`).")
        if code in LIMITED:
            return RateLimited(f"send: too many requests ({code}: {said}). Wait before the next post.")
        if code == DUPLICATE:
            return Rejected(f"send: refused as a duplicate ({said}). Look for the earlier one.", code, definite=False)
        if code in REFUSED:
            return Rejected(f"send: refused ({code}: {said}). Change the post.", code)
    if answer.status == 429:
        return RateLimited("send: the site answered 429. Wait before the next post.")
    if answer.status in (401, 403) or any(path in answer.location for path in LOGIN_PATHS):
        return SessionExpired(f"send: the site asks for a login ({answer.status}). Give a new session.")
    return None
