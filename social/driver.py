"""The page driver: the operations of `Site` on real pages, by async Playwright.

It knows one page contract (the test ids and URL shapes of X's web pages) and a base URL, and no actor. Its tabs must
come from contexts with `service_workers="block"`: a service worker's requests would pass the send boundary unseen.
"""

from dataclasses import dataclass, field
from urllib.parse import quote

from playwright.async_api import Page

from social.gathering import Gathering
from social.navigation import EMPTY, Timeouts, explained, open_page, within
from social.proof import PROOF
from social.publishing import Publication
from social.reading import compact_count, the_post
from social.site import (
    LONGEST_NAME,
    LONGEST_TEXT,
    Arm,
    Counts,
    Draft,
    Missing,
    OnClick,
    PageBroken,
    Post,
    Profile,
    Published,
    SiteTimeout,
    nothing,
)

ARTICLE = 'article[data-testid="tweet"]'
USER_NAME = '[data-testid="UserName"]'
BIO = '[data-testid="UserDescription"]'
MATCHES = 50  # own posts among which a post that was just sent is looked for
AROUND = 100  # posts on a post's own page


@dataclass(frozen=True, slots=True)
class PageSite:
    """`Site` over pages. base_url: scheme and host without a path; handle: the own account's, without @."""

    base_url: str
    handle: str
    timeouts: Timeouts = field(default_factory=Timeouts)

    @property
    def own_handle(self) -> str:
        """The account's handle, without @."""
        return self.handle

    async def publish(self, tab: Page, draft: Draft, arm: Arm, on_click: OnClick = nothing) -> Published:
        """See `Site.publish`. A cancellation after `arm` has returned leaves the outcome unknown too."""

        async def own_profile(replies: bool) -> Profile:
            return await self.profile(tab, self.handle, replies=replies, limit=MATCHES, down_to=draft.watermark)

        sending = Publication(tab, self.base_url, self.handle, draft, self.timeouts, own_profile)
        return await sending.publish(arm, on_click)

    async def profile(
        self, tab: Page, handle: str, *, replies: bool = False, limit: int = 50, down_to: int | None = None
    ) -> Profile:
        """See `Site.profile`. The page is scrolled no further than is needed."""
        path = f"/{quote(handle, safe='')}{'/with_replies' if replies else ''}"
        await self._open(tab, f"{path}?count={limit}", USER_NAME)
        doing = f"read the profile of @{handle}"
        async with within(self.timeouts.load, doing):
            shown = (await tab.locator(USER_NAME).first.inner_text())[:LONGEST_NAME]
            said = await tab.locator(BIO).all_inner_texts()
            followers_link = f'a[href="/{handle}/verified_followers" i], a[href="/{handle}/followers" i]'
            drawn = (await tab.locator(followers_link).first.inner_text(timeout=self.timeouts.load * 1000))[
                :LONGEST_NAME
            ]
        if f"@{handle.lower()}" not in shown.lower().split():
            raise PageBroken(f"{doing}: the page is another account's. Check the handle.")
        followers = compact_count(drawn)
        if followers is None:
            raise PageBroken(f"{doing}: {drawn!r} is no number of followers in English. Check the page contract.")
        posts, ended = await self._gathered(tab, Gathering(tab, self.timeouts, limit, down_to, author=handle))
        bio = said[0][:LONGEST_TEXT] if said else ""
        return Profile(handle, shown.splitlines()[0], followers, posts, ended, bio)

    async def post(self, tab: Page, handle: str, post_id: int) -> Post:
        """See `Site.post`."""
        path = f"/{quote(handle, safe='')}/status/{post_id}"
        # The time of an edited post links to its history.
        links = (f'{ARTICLE} a[href{how}"/status/{post_id}{end}" i] time' for how, end in (("$=", ""), ("*=", "/")))
        await self._open(tab, path, ", ".join(links))
        posts, _ = await Gathering(tab, self.timeouts, limit=AROUND).at_once()
        post = the_post(posts, handle, post_id)
        if post is None:
            raise Missing(f"read the post {post_id}: no such post by @{handle} is shown. Check handle and id.")
        return post

    async def counts(self, tab: Page, handle: str, post_id: int) -> Counts:
        """See `Site.counts`."""
        post = await self.post(tab, handle, post_id)
        if post.counts is None:
            raise PageBroken(f"read the counts of {post_id}: the post has no counts. Check the page contract.")
        return post.counts

    async def search(self, tab: Page, query: str, limit: int = 50) -> tuple[Post, ...]:
        """See `Site.search`."""
        await self._open(tab, f"/search?q={quote(query, safe='')}&f=live&count={limit}", f"{ARTICLE}, {EMPTY}")
        posts, _ = await self._gathered(tab, Gathering(tab, self.timeouts, limit))
        return posts

    async def session(self, tab: Page) -> str:
        """See `Site.session`."""
        await self._open(tab, "/home", PROOF)
        return self.handle  # as the page has proved

    async def _open(self, tab: Page, path: str, wanted: str) -> None:
        await open_page(tab, self.base_url, path, wanted, self.handle, self.timeouts)

    async def _gathered(self, tab: Page, gathering: Gathering) -> tuple[tuple[Post, ...], bool]:
        """The posts of the page; what its own calls were answered says why, where it cannot be read."""
        try:
            return await gathering.posts()
        except (PageBroken, SiteTimeout) as error:
            path = tab.url.removeprefix(self.base_url)
            raise await explained(tab, error, self.base_url, path, "read the posts") from error
