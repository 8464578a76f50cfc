"""Reading a list of posts that shows a few at a time: scrolled, and gathered until nobody needs more of it.

A list on the site is virtual: some ten posts stand in the page, more come by scrolling, and those above are taken
out. So what is not seen says nothing, unless the list was read without a gap and its end was seen.
"""

import asyncio

from playwright.async_api import Page

from domain.publishing.recovery import reached
from social.navigation import EMPTY, SOMETHING_WRONG, Timeouts, within
from social.reading import ARTICLES_SCRIPT, SCROLL_SCRIPT, posts_of
from social.site import LONGEST_TEXT, PageBroken, Post

ARTICLE = 'article[data-testid="tweet"]'
AT_ONCE = 200  # articles that are taken out of the page in one call
STILL = 2  # scrolls in a row without anything new, until a list that says it is busy is believed no more


class Gathering:
    """One list in one tab. limit: posts that count; author: those of this account in their order do, else all.

    down_to: no further than to this id.
    """

    def __init__(
        self, tab: Page, timeouts: Timeouts, limit: int, down_to: int | None = None, author: str | None = None
    ) -> None:
        self._tab = tab
        self._timeouts = timeouts
        self._limit = limit
        self._down_to = down_to
        self._author = None if author is None else author.casefold()
        self._known: list[str] = []
        self._posts: list[Post] = []
        self._counted: list[int] = []
        self._misled = False

    async def posts(self) -> tuple[tuple[Post, ...], bool]:
        """The posts in the page's order, and whether the list ended below them.

        A page with neither posts nor the word that there are none is a broken one, not an empty one.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + self._timeouts.gather
        seen = await self._first()
        still = 0
        while True:
            if seen["ended"] is True and not seen["busy"] and len(self._counted) <= self._limit:
                return tuple(self._posts), True
            if self._is_enough() or loop.time() >= until:
                return self._up_to_limit(), False
            async with within(self._timeouts.load, "scroll through the posts"):
                came = await self._tab.evaluate(SCROLL_SCRIPT, self._waits(seen["empty"] is True))
            before = seen["busy"]
            seen = await self._look()
            self._misled = came == "unread" and not seen["found"]
            if seen["overlaps"] is not True:
                return tuple(self._posts), False  # a gap: what stands below it was not gathered
            if self._misled:
                continue
            still = 0 if came or seen["found"] else still + 1
            if still and seen["ended"] is not True and (not before or still >= STILL):
                return tuple(self._posts), False  # nothing more comes, and nothing says that there is no more

    async def at_once(self) -> tuple[tuple[Post, ...], bool]:
        """The posts that stand in the page now. They are never known to be all."""
        await self._first()
        return tuple(self._posts), False

    async def _first(self) -> dict[str, object]:
        async with within(self._timeouts.load, "read the posts"):
            either = f"{ARTICLE}, {EMPTY}, {SOMETHING_WRONG}"
            await self._tab.locator(either).first.wait_for(state="attached", timeout=self._timeouts.load * 1000)
        seen = await self._look()
        if not seen["found"]:
            async with within(self._timeouts.load, "read the posts"):
                if not await self._tab.locator(EMPTY).count():
                    raise PageBroken("read the posts: the page shows none, nor says that there are none. Try later.")
            seen["ended"] = True
        return seen

    async def _look(self) -> dict[str, object]:
        """Takes what is new, unless there is a gap before it."""
        async with within(self._timeouts.load, "read the posts"):
            asked = {"limit": AT_ONCE, "longest": LONGEST_TEXT, "known": self._known}
            seen: dict[str, object] = await self._tab.evaluate(ARTICLES_SCRIPT, asked)
        found = seen["found"]
        if not isinstance(found, list) or seen["overlaps"] is not True:
            return seen
        self._known += [raw["key"] for raw in found if raw["key"] is not None]
        posts = posts_of(found)
        self._posts += posts
        self._counted += [post.id for post in posts if self._counts(post)]
        return seen

    def _counts(self, post: Post) -> bool:
        return self._author is None or (post.is_in_order and post.author.casefold() == self._author)

    def _is_enough(self) -> bool:
        if len(self._counted) >= self._limit:
            return True
        down = reached(self._counted)
        return self._down_to is not None and down is not None and down <= self._down_to

    def _up_to_limit(self) -> tuple[Post, ...]:
        """What was gathered, without what stands below the last that counts."""
        counted, kept = 0, []
        for post in self._posts:
            counted += self._counts(post)
            if counted > self._limit:
                break
            kept.append(post)
        return tuple(kept)

    def _waits(self, empty: bool) -> dict[str, object]:
        return {
            "quiet": self._timeouts.quiet * 1000,
            "settle": self._timeouts.settle * 1000,
            "empty": empty,
            # Nothing where what was called unread was none: it is scrolled then, or this would never end.
            "known": [] if self._misled else [key.rsplit(" ", 1)[-1] for key in self._known],
        }
