"""Sending one post over a page that promises nothing: once at most, and knowing afterwards what is known.

The page's own request for the new post is held at the browser's edge (`social.send_boundary`) until `arm` has
returned. Whatever is stopped there is definitely not sent. Whatever goes on, and a click after which nothing came
there, needs evidence: the create response's id, the toast's link, a match on the own profile, a duplicate rejection
with such a match. An emptied composer is none.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from playwright.async_api import Page, Request

from domain.publishing.answers import Consequence, consequence_of
from domain.publishing.uniqueness import is_shown_as
from social.composer import Composer
from social.navigation import BLANK, Timeouts, within
from social.proof import LOGIN_PATHS
from social.reading import created_id, error_of, reset_of, status_of
from social.send_boundary import SendGuard, boundary_of
from social.site import (
    AccountLocked,
    Arm,
    Draft,
    Evidence,
    NeedsPerson,
    OnClick,
    OutcomeUnknown,
    PageBroken,
    Profile,
    Published,
    RateLimited,
    Rejected,
    SessionExpired,
    SiteError,
    SiteTimeout,
    Wording,
)

TOAST_LINK = '[data-testid="toast"] a[href*="/status/"]'

ReadProfile = Callable[[bool], Awaitable[Profile]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A create response. body: parsed JSON, None where it could not be read; location: of a redirect.

    reset: when a rate limit ends (Unix seconds), where that was said.
    """

    status: int
    body: object
    location: str
    reset: float | None = None


@dataclass(frozen=True, slots=True)
class Publication:
    """One draft on its way through one tab. handle: the own one; read_profile: reads the own profile in that tab."""

    tab: Page
    base_url: str
    handle: str
    draft: Draft
    timeouts: Timeouts
    read_profile: ReadProfile

    async def publish(self, arm: Arm, on_click: OnClick) -> Published:
        """Composes, sends once and collects the evidence. See `Site.publish`."""
        guard = SendGuard(self.draft, arm, self.timeouts)
        async with within(self.timeouts.compose, "guard the send boundary"):
            boundary = await boundary_of(self.tab.context, self.base_url)
        # It is never taken off: a page that asks late, or again, must still meet it.
        boundary.guard = guard
        composer = Composer(self.tab, self.handle, self.timeouts)
        try:
            await composer.open(self.base_url, self.draft.in_reply_to)
            guard.typing = True
            await composer.type(self.draft.text)
            request = await self.send(composer, guard, on_click)
        except BaseException:
            if not guard.armed:
                guard.withdraw()
                await self.leave()
            raise
        if request is None:
            guard.withdraw()
        return await self.outcome(request)

    async def send(self, composer: Composer, guard: SendGuard, on_click: OnClick) -> Request | None:
        """Presses the button and sees the request through the boundary. Raises what stopped it; that is definite.

        None: the button was pressed, and nothing came to the boundary, so nobody knows what the page did.
        """
        button = await composer.aim(self.draft.text)
        on_click()
        guard.clicked = True
        try:
            async with within(self.timeouts.compose, "press the send button"):
                await button.click(timeout=self.timeouts.compose * 1000)
                await guard.reached.wait()
        except SiteError:
            # Once a request has come to the boundary, what was decided there counts, not how the click went.
            if not guard.reached.is_set():
                return None
        async with within(self.timeouts.arm + self.timeouts.compose, "wait at the send boundary"):
            decision = await guard.decision
        if isinstance(decision, SiteError):
            raise decision
        return decision

    async def outcome(self, request: Request | None) -> Published:
        """What became of the click and its request: evidence, a definite negative, or OutcomeUnknown."""
        answer = None if request is None else await self.answer(request)
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
        if request is None:
            heard = "the button was pressed and nothing was seen at the send boundary"
        else:
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
        headers = response.headers
        return Answer(response.status, body, headers.get("location", ""), reset_of(headers))

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
                # What is shown in part may be another post with the same beginning: id recovery reads it whole.
                and post.wording is Wording.WHOLE
                and is_shown_as(self.draft.text, post.text, has_card=post.has_card)
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
        negative = error_for(*error, answer.reset, "send")
        if negative is not None:
            return negative
    if answer.status == 429:
        return RateLimited("send: the site answered 429. Wait before the next post.", answer.reset)
    if answer.status in (401, 403) or any(path in answer.location for path in LOGIN_PATHS):
        return SessionExpired(f"send: the site asks for a login ({answer.status}). Give a new session.")
    return None


def error_for(code: int, said: str, reset: float | None, doing: str) -> SiteError | None:
    """What an error code means for a post, by `domain.publishing.answers`. None: nothing that could be relied on."""
    match consequence_of(code):
        case Consequence.STOP:
            return AccountLocked(
                f"{doing}: the site refuses the account ({code}: {said}). A person must clear that.", code
            )
        case Consequence.SIGN_IN:
            return SessionExpired(
                f"{doing}: not signed in ({code}: {said}). Give a new session (`ctl session FILE`)."
            )
        case Consequence.RETRY_LATER:
            return RateLimited(f"{doing}: too many requests ({code}: {said}). Wait before the next post.", reset)
        case Consequence.DUPLICATE:
            text = f"{doing}: refused as a duplicate ({said}). Look for the earlier one."
            return Rejected(text, code, definite=False)
        case Consequence.GIVE_UP:
            return Rejected(f"{doing}: refused ({code}: {said}). Change the post.", code)
        case Consequence.ASK:
            return NeedsPerson(f"{doing}: refused ({code}: {said}). A person must look at the post.", code)
    return None
