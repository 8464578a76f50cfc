"""The sandbox's own logic behind the page driver's interface, without pages: for simulation, and for tests of jobs.

It keeps the one promise that matters, the send boundary: nothing is created before `arm` has returned.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from domain.publishing.uniqueness import normalized
from social.sandbox import network as sandbox
from social.sandbox.network import Network, Shown
from social.site import (
    Arm,
    Counts,
    Draft,
    Evidence,
    Missing,
    NotArmed,
    Post,
    Profile,
    Published,
    Rejected,
    SiteError,
)


@dataclass(frozen=True, slots=True)
class InProcessSite:
    """A `social.site.Site` over a network. calendar: the calendar time, Unix seconds. A tab is not looked at."""

    network: Network
    calendar: Callable[[], float]

    @property
    def own_handle(self) -> str:
        """The account's handle, without @."""
        return self.network.handle

    async def publish(self, tab: Any, draft: Draft, arm: Arm) -> Published:
        """See `Site.publish`."""
        if draft.in_reply_to is not None and self.network.find(draft.in_reply_to, self.calendar()) is None:
            raise Missing(f"open the composer: there is no post {draft.in_reply_to} to answer")
        try:
            await arm()
        except SiteError:
            raise
        except Exception as error:
            raise NotArmed(f"send: `arm` refused ({error}), so nothing was sent.") from error
        match self.network.publish(draft.text, self.calendar(), draft.in_reply_to):
            case sandbox.Created(post):
                return Published(post.id, Evidence.CREATE_RESPONSE)
            case sandbox.Refused(sandbox.DUPLICATE, said):
                found = self._match(draft)
                if found is None:
                    raise Rejected(f"send: refused as a duplicate ({said})", sandbox.DUPLICATE, definite=False)
                return Published(found, Evidence.DUPLICATE_REJECTION)
            case sandbox.Refused(code, said):
                raise Rejected(f"send: refused ({code}: {said}). Change the post.", code)

    async def profile(self, tab: Any, handle: str, *, replies: bool = False, limit: int = 50) -> Profile:
        """See `Site.profile`."""
        now = self.calendar()
        person = self.network.person(handle, now)
        if person is None:
            raise Missing(f"open /{handle}: the site says that it does not exist. Check the handle.")
        shown = self.network.profile(handle, now, limit, replies)
        posts = tuple(map(_post, shown))
        return Profile(person.handle, person.name, person.followers, posts, len(shown) < limit, bio=person.bio)

    async def counts(self, tab: Any, handle: str, post_id: int) -> Counts:
        """See `Site.counts`."""
        found = self.network.find(post_id, self.calendar())
        if found is None or found.handle.casefold() != handle.casefold():
            raise Missing(f"read the counts of {post_id}: no such post by @{handle} is shown. Check handle and id.")
        return _counts(found)

    async def search(self, tab: Any, query: str, limit: int = 50) -> tuple[Post, ...]:
        """See `Site.search`."""
        return tuple(map(_post, self.network.search(query, self.calendar(), limit, live=True)))

    async def session(self, tab: Any) -> str:
        """See `Site.session`. Nobody has to sign in here."""
        return self.own_handle

    def _match(self, draft: Draft) -> int | None:
        """The one own post above the watermark with the draft's text."""
        if draft.watermark is None:
            return None
        shown = self.network.profile(self.own_handle, self.calendar(), replies=draft.in_reply_to is not None)
        same = [
            each.id for each in shown if each.id > draft.watermark and normalized(each.text) == normalized(draft.text)
        ]
        return same[0] if len(same) == 1 else None


def _post(shown: Shown) -> Post:
    return Post(shown.id, shown.handle, shown.text, shown.at, _counts(shown), reply_to=shown.replying_to)


def _counts(shown: Shown) -> Counts:
    tally = shown.tally
    return Counts(tally.replies, tally.reposts, tally.likes, tally.bookmarks, tally.views)
