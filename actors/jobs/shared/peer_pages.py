"""Reading other people's pages: what the two scrapers of peers share.

A page that is broken, slow or gone costs that page alone; only when none could be read is the run a failure. What
asks for patience or a login ends the run at once.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from actors.resources.client import LentBrowser
from actors.scheduling.run_context import RunContext
from domain.analysis.peers import PeerPost, Standing, standing
from domain.content.topics import read
from social.site import Counts, Missing, PageBroken, Post, Profile, SiteTimeout

PAGE_SECONDS = 30.0
KEPT_CHARS = 500  # of a peer's text

T = TypeVar("T")
Seen = tuple[PeerPost, str]


class Pages:
    """The pages of one run, counted."""

    def __init__(self, ctx: RunContext, browser: LentBrowser) -> None:
        self.ctx = ctx
        self.browser = browser
        self.good = 0
        self.asked = 0
        self._last: PageBroken | SiteTimeout | Missing | None = None

    def profile(self, handle: str, limit: int) -> Profile | None:
        """An account's page; None where it cannot be read."""
        return self._read(self.ctx.site.profile, handle, limit=limit)

    def search(self, query: str, limit: int) -> tuple[Post, ...]:
        """The newest posts for a query; none where the page cannot be read."""
        return self._read(self.ctx.site.search, query, limit) or ()

    def finished(self) -> None:
        """Raises the last page's error if not one page could be read."""
        if self._last is not None and not self.good:
            raise self._last

    def _read(self, page: Callable[..., Awaitable[T]], *args: Any, **more: Any) -> T | None:
        self.ctx.check_cancelled()
        self.asked += 1
        try:
            found: T = self.browser.run(page, *args, timeout=PAGE_SECONDS, **more)
        except (Missing, PageBroken, SiteTimeout) as error:
            self.ctx.log.warning("a page of peers is left out: %s", error)
            self._last = error
            return None
        self.good += 1
        return found


def seen(posts: Iterable[Post], own_handle: str, now: float) -> dict[int, Seen]:
    """Peers' own posts among these, by id, with their texts. now: calendar seconds.

    Left out: ours, reposts, answers to somebody, and what came without one of its counts.
    """
    found = {}
    for post in posts:
        if post.is_repost or post.reply_to or post.author.lower() == own_handle.lower():
            continue
        match post.counts:
            case Counts(int(replies), int(reposts), int(likes), int(bookmarks), int(views)):
                pass
            case _:
                continue
        reading = read(post.text)
        kept = PeerPost(
            id=post.id,
            author=post.author,
            at=post.at,
            seen_at=now,
            topic=reading.topic,
            format=reading.format,
            tone=reading.tone,
            views=views,
            likes=likes,
            replies=replies,
            reposts=reposts,
            bookmarks=bookmarks,
        )
        found[post.id] = (kept, post.text[:KEPT_CHARS])
    return found


def how_it_does(profile: Profile, now: float) -> Standing:
    """How the account behind a page does, by the posts of its own that it shows. now: calendar seconds."""
    own = (post for post in profile.posts if post.author.lower() == profile.handle.lower() and not post.is_pinned)
    return standing([post for post, _ in seen(own, "", now).values()])
