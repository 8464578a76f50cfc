"""The sandbox site without a browser: `Site` straight over its logic, for simulations and tests in virtual time.

What the page driver makes of a page is made here of the value that the page would show, with the sandbox's own
faults in force and the same errors at the end. The send boundary is honoured: `arm` returns before the site hears of
the post. Nothing here needs an event loop: `stepped` runs a coroutine in the thread at hand. A tab is a function that
lets so many real seconds pass; like any step on a real page it may raise instead, when a lease has ended. No tab
(None) takes no time.
"""

import random
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, TypeVar

from domain.publishing.recovery import A_CONVERSATION
from domain.publishing.uniqueness import normalized
from social.navigation import Timeouts
from social.publishing import Answer, negative_of
from social.sandbox.audience import Tally
from social.sandbox.faults import Fault, FaultBoard
from social.sandbox.network import Created, Network, Refused, Shown
from social.site import (
    LONGEST_TEXT,
    Arm,
    Counts,
    Draft,
    Evidence,
    Missing,
    NotArmed,
    OnClick,
    OutcomeUnknown,
    PageBroken,
    Post,
    Profile,
    Published,
    RateLimited,
    SessionExpired,
    SiteError,
    SiteTimeout,
    nothing,
)

R = TypeVar("R")
Tab = Callable[[float], None] | None

LATENCY = 0.3  # real seconds that a page takes


def stepped(work: Coroutine[Any, Any, R]) -> R:
    """The result of a coroutine that never waits for an event loop, run in this thread."""
    try:
        work.send(None)
    except StopIteration as end:
        found: R = end.value
        return found
    work.close()
    raise RuntimeError("stepped: it awaits an event loop, and there is none here")


class InProcessSite:
    """See `social.site.Site`. Used by one thread at a time."""

    def __init__(
        self,
        network: Network,
        calendar: Callable[[], float],
        real: Callable[[], float] | None = None,
        chance: random.Random | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        """calendar, real: Unix seconds; without `real` the calendar is. chance: decides faults of a probability.

        latency, of the instance: the real seconds that the next page takes.
        """
        self.network = network
        self._calendar = calendar
        self._real = real or calendar
        self._chance = chance or random.Random(network.seed)
        self.latency: Callable[[], float] = lambda: LATENCY
        self._timeouts = timeouts or Timeouts()
        self.faults = FaultBoard(self._chance)
        self.renew_session()

    # the side door

    def inject(self, **wish: object) -> Fault:
        """Have it misbehave; the fields as in `social.sandbox.faults`."""
        fault = self.faults.inject(wish, self._real())
        if fault.kind == "session_expired":
            self.network.storage.end_sessions()
        return fault

    def renew_session(self) -> None:
        """See to it that there is a session that is good."""
        if self.network.storage.newest_session() is None:
            token, ct0 = f"{self._chance.getrandbits(160):040x}", f"{self._chance.getrandbits(128):032x}"
            self.network.storage.add_session(token, ct0, self._calendar())
            self.faults.clear("session_expired")

    # Site

    @property
    def own_handle(self) -> str:
        """The account's handle, without @."""
        return self.network.handle

    async def publish(self, tab: Tab, draft: Draft, arm: Arm, on_click: OnClick = nothing) -> Published:
        """See `Site.publish`."""
        self._open(tab, "open /compose/post")
        if draft.in_reply_to is not None and self.network.find(draft.in_reply_to, self._calendar()) is None:
            raise Missing("open /compose/post: the site says that it does not exist. Check the handle or id.")
        on_click()
        try:
            await arm()
        except Exception as error:
            why = f"`arm` refused ({type(error).__name__}: {error})"
            raise NotArmed(f"send: {why}, so nothing was sent.") from error
        answer, made_id, toast = self._create(tab, draft)
        if made_id is not None:
            return Published(made_id, Evidence.CREATE_RESPONSE)
        negative = None if answer is None else negative_of(answer)
        if negative is not None:
            found = None if negative.definite else self._profile_match(tab, draft)
            if found is None:
                raise negative
            return Published(found, Evidence.DUPLICATE_REJECTION)
        if toast is not None and _is_new(draft, toast):
            return Published(toast, Evidence.TOAST)
        _pass(tab, self._timeouts.toast)
        found = self._profile_match(tab, draft)
        if found is None:
            raise OutcomeUnknown(
                "send: no telling answer, no toast, no match on the profile. Leave it to id recovery."
            )
        return Published(found, Evidence.PROFILE_MATCH)

    async def profile(
        self, tab: Tab, handle: str, *, replies: bool = False, limit: int = 50, down_to: int | None = None
    ) -> Profile:
        """See `Site.profile`."""
        return self._profile(tab, handle, replies, limit, down_to)

    async def post(self, tab: Tab, handle: str, post_id: int) -> Post:
        """See `Site.post`."""
        self._open(tab, "open the post")
        post = self.network.find(post_id, self._calendar())
        if post is None or post.handle.lower() != handle.lower():
            raise Missing(f"read the post {post_id}: no such post by @{handle} is shown. Check handle and id.")
        return _post(post)

    async def counts(self, tab: Tab, handle: str, post_id: int) -> Counts:
        """See `Site.counts`."""
        counts = (await self.post(tab, handle, post_id)).counts
        assert counts is not None
        return counts

    async def search(self, tab: Tab, query: str, limit: int = 50) -> tuple[Post, ...]:
        """See `Site.search`."""
        self._open(tab, "open /search")
        return tuple(map(_post, self.network.search(query, self._calendar(), limit, live=True)))

    async def session(self, tab: Tab) -> str:
        """See `Site.session`."""
        self._open(tab, "open /home")
        return self.network.handle

    # pages

    def _open(self, tab: Tab, doing: str, breaks: bool = True) -> None:
        """What every page begins with. breaks: whether a broken page shows nothing at all."""
        slow = self._strike("slow", "pages")
        takes = self.latency() + (slow.delay if slow is not None else 0.0)
        _pass(tab, min(takes, self._timeouts.load))
        if takes >= self._timeouts.load:
            raise SiteTimeout(f"{doing}: not done in {self._timeouts.load:g} s. Try again later, or allow more time.")
        if self._strike("rate_limited", "pages"):
            raise RateLimited(f"{doing}: the site answered 429. Wait before the next page.")
        if self._strike("login_wall", "pages") or not self._signed_in():
            raise SessionExpired(f"{doing}: the site asks for a login. Give a new session (`ctl session FILE`).")
        if breaks and self._strike("broken_page", "pages"):
            raise PageBroken(f"{doing}: the page came without what was wanted. Try again later.")

    def _profile(self, tab: Tab, handle: str, replies: bool, limit: int, down_to: int | None = None) -> Profile:
        self._open(tab, f"open /{handle}", breaks=False)
        now = self._calendar()
        person = self.network.person(handle, now)
        if person is None:
            raise Missing(f"open /{handle}: the site says that it does not exist. Check the handle or id.")
        if self._strike("broken_page", "pages"):
            raise PageBroken("read the posts: the page shows none, nor says that there are none. Try later.")
        lag = self._strike("profile_lag", "pages") if person.is_own else None
        most = limit
        if down_to is not None and person.is_own:  # no more is looked at than the page driver would scroll to
            newer = sum(post.id > down_to for post in self.network.storage.posts())
            most = min(limit, newer + A_CONVERSATION)
        shown = self.network.profile(handle, now, most, replies, lag.lag if lag is not None else 0.0)
        ended = len(shown) < most
        if person.is_own and self._strike("pinned_decoy", "pages"):
            mine = self.network.profile(handle, now, limit=1_500)
            pinned = [replace(post, context="Pinned") for post in mine[-1:]]
            shown = [*pinned, self.network.viral_decoy(now), *shown]
        posts = tuple(map(_post, shown[:limit]))
        ended = ended and len(shown) <= limit
        return Profile(handle, person.name, person.followers, posts, ended, bio=person.bio)

    def _profile_match(self, tab: Tab, draft: Draft) -> int | None:
        """The id of the one post on the own profile that can only be this one."""
        if draft.watermark is None:
            return None
        for look in range(self._timeouts.looks):
            if look:
                _pass(tab, self._timeouts.look_gap)
            try:
                profile = self._profile(tab, self.own_handle, draft.in_reply_to is not None, 50)
            except SiteError:
                continue  # a page that cannot be read is no evidence either way
            same = {
                post.id
                for post in profile.posts
                if post.author == self.own_handle
                and _is_new(draft, post.id)
                and normalized(post.text) == normalized(draft.text)
            }
            if len(same) == 1:
                return same.pop()
        return None

    # the create call

    def _create(self, tab: Tab, draft: Draft) -> tuple[Answer | None, int | None, int | None]:
        """What the page hears: the answer, the id that is in it, and the id that the toast links to."""
        if self._strike("rate_limited", "create"):
            return _errors(88, "Rate limit exceeded.", 429), None, None
        if self._strike("login_wall", "create") or not self._signed_in():
            return _errors(32, "Could not authenticate you.", 401), None, None
        if (fault := self._strike("errors_200", "create")) is not None:
            return _errors(fault.code, "Something went wrong."), None, None
        made = self.network.publish(draft.text, self._calendar(), draft.in_reply_to)
        slow = self._strike("slow", "create")
        takes = self.latency() + (slow.delay if slow is not None else 0.0)
        _pass(tab, min(takes, self._timeouts.response))
        unheard = takes >= self._timeouts.response
        match made:
            case Refused(code, message):
                return (None if unheard else _errors(code, message)), None, None
            case Created(post):
                if self._strike("commit_then_drop", "create") or unheard:
                    return None, None, None
                toast = None if self._strike("no_toast", "create") else post.id
                made_id = None if self._strike("odd_response", "create") else post.id
                return Answer(200, None, ""), made_id, toast

    def _signed_in(self) -> bool:
        return self.network.storage.newest_session() is not None

    def _strike(self, kind: str, on: str) -> Fault | None:
        return self.faults.strike(kind, on, self._real())


def _pass(tab: Tab, seconds: float) -> None:
    if tab is not None:
        tab(seconds)


def _errors(code: int, message: str, status: int = 200) -> Answer:
    return Answer(status, {"errors": [{"code": code, "message": message}], "data": {}}, "")


def _is_new(draft: Draft, post_id: int) -> bool:
    return draft.watermark is None or post_id > draft.watermark


def _counts(tally: Tally) -> Counts:
    return Counts(tally.replies, tally.reposts, tally.likes, tally.bookmarks, tally.views)


def _post(shown: Shown) -> Post:
    """As the driver reads it off the page."""
    context = shown.context or ""
    return Post(
        id=shown.id,
        author=shown.handle,
        text=shown.text[:LONGEST_TEXT],
        at=round(shown.at, 3),
        counts=_counts(shown.tally),
        is_pinned=context.startswith("Pinned"),
        is_repost="reposted" in context,
        reply_to=shown.replying_to,
    )
