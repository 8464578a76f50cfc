"""The page driver: the operations of `Site` on real pages, by async Playwright.

It knows one page contract (the test ids and URL shapes of X's web pages) and a base URL, and no actor. Its tabs must
come from contexts with `service_workers="block"`: a service worker's requests would pass the send boundary unseen.
"""

from dataclasses import dataclass, field
from urllib.parse import quote

from playwright.async_api import Page

from social.navigation import EMPTY, SOMETHING_WRONG, Timeouts, explained, open_page, within
from social.publishing import Publication
from social.reading import ARTICLES_SCRIPT, compact_count, posts_of, the_post
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
    SessionExpired,
    SiteTimeout,
    nothing,
)

ARTICLE = 'article[data-testid="tweet"]'
USER_NAME = '[data-testid="UserName"]'
OWN_LINK = '[data-testid="AppTabBar_Profile_Link"]'
SWITCHER = '[data-testid="SideNav_AccountSwitcher_Button"]'
BIO = '[data-testid="UserDescription"]'
FOLLOWERS = 'a[href$="/verified_followers"], a[href$="/followers"]'


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
            return await self.profile(tab, self.handle, replies=replies)

        sending = Publication(tab, self.base_url, self.handle, draft, self.timeouts, own_profile)
        return await sending.publish(arm, on_click)

    async def profile(self, tab: Page, handle: str, *, replies: bool = False, limit: int = 50) -> Profile:
        """See `Site.profile`. Only what the page shows at once is read: it is not scrolled."""
        path = f"/{quote(handle, safe='')}{'/with_replies' if replies else ''}?count={limit}"
        await open_page(tab, self.base_url, path, USER_NAME, self.timeouts.load)
        posts, ended = await self._posts(tab, limit)
        async with within(self.timeouts.load, f"read the profile of @{handle}"):
            shown = (await tab.locator(USER_NAME).first.inner_text())[:LONGEST_NAME]
            said = await tab.locator(BIO).all_inner_texts()
            drawn = (await tab.locator(FOLLOWERS).first.inner_text(timeout=self.timeouts.load * 1000))[:LONGEST_NAME]
        if f"@{handle.lower()}" not in shown.lower().split():
            raise PageBroken(f"read the profile of @{handle}: the page is another account's. Check the handle.")
        followers = compact_count(drawn)
        if followers is None:
            raise PageBroken(f"read the profile of @{handle}: no number of followers. Check the page contract.")
        bio = said[0][:LONGEST_TEXT] if said else ""
        return Profile(handle, shown.splitlines()[0], followers, posts, ended, bio)

    async def counts(self, tab: Page, handle: str, post_id: int) -> Counts:
        """See `Site.counts`."""
        path = f"/{quote(handle, safe='')}/status/{post_id}"
        wanted = f'{ARTICLE} a[href$="/status/{post_id}" i] time'
        await open_page(tab, self.base_url, path, wanted, self.timeouts.load)
        posts, _ = await self._posts(tab, limit=100)
        post = the_post(posts, handle, post_id)
        if post is None:
            raise Missing(f"read the counts of {post_id}: no such post by @{handle} is shown. Check handle and id.")
        if post.counts is None:
            raise PageBroken(f"read the counts of {post_id}: the post has no counts. Check the page contract.")
        return post.counts

    async def search(self, tab: Page, query: str, limit: int = 50) -> tuple[Post, ...]:
        """See `Site.search`."""
        path = f"/search?q={quote(query, safe='')}&f=live&count={limit}"
        await open_page(tab, self.base_url, path, f"{ARTICLE}, {EMPTY}", self.timeouts.load)
        posts, _ = await self._posts(tab, limit)
        return posts

    async def session(self, tab: Page) -> str:
        """See `Site.session`."""
        await open_page(tab, self.base_url, "/home", f"{SWITCHER}, {OWN_LINK}", self.timeouts.load)
        async with within(self.timeouts.load, "read who is signed in"):
            href = await tab.locator(OWN_LINK).first.get_attribute("href", timeout=self.timeouts.load * 1000)
        signed_in = (href or "").strip("/")[:LONGEST_NAME]
        if signed_in.lower() != self.handle.lower():
            raise SessionExpired(f"the session is that of @{signed_in}, not of @{self.handle}. Give the right one.")
        return signed_in

    async def _posts(self, tab: Page, limit: int) -> tuple[tuple[Post, ...], bool]:
        """The posts on the page, and whether it ended before `limit`.

        A page with neither posts nor the word that there are none is a broken one, not an empty one.
        """
        try:
            return await self._shown_posts(tab, limit)
        except (PageBroken, SiteTimeout) as error:
            path = tab.url.removeprefix(self.base_url)
            raise await explained(tab, error, self.base_url, path, "read the posts") from error

    async def _shown_posts(self, tab: Page, limit: int) -> tuple[tuple[Post, ...], bool]:
        async with within(self.timeouts.load, "read the posts"):
            either = f"{ARTICLE}, {EMPTY}, {SOMETHING_WRONG}"
            await tab.locator(either).first.wait_for(state="attached", timeout=self.timeouts.load * 1000)
            raw = await tab.evaluate(ARTICLES_SCRIPT, {"limit": limit, "longest": LONGEST_TEXT})
            if not raw and not await tab.locator(EMPTY).count():
                raise PageBroken("read the posts: the page shows none, nor says that there are none. Try later.")
        return posts_of(raw), len(raw) < limit
