"""The world of the page driver's tests: a tab on the sandbox, and what is asked of it there."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count

import pytest
from playwright.async_api import Page

from social.driver import PageSite
from social.navigation import Timeouts
from social.site import Draft, Post, Profile, Published, SiteError
from tests.social.conftest import Browsing, SandboxProcess

# Generous where an answer is waited for, short where a test waits for none.
PATIENT = Timeouts(load=15, compose=15, arm=10, response=15, toast=0.3, looks=2, look_gap=0.05)
numbers = count(1)


@dataclass
class World:
    """A tab on the sandbox, the driver, and a count of what was armed."""

    browsing: Browsing
    sandbox: SandboxProcess
    tab: Page
    site: PageSite
    armed: int = 0
    text: str = field(default_factory=lambda: f"A short note on sleep, number {next(numbers)}")

    async def arm(self) -> None:
        """Counts."""
        self.armed += 1

    def publish(
        self,
        text: str | None = None,
        *,
        in_reply_to: int | None = None,
        watermark: int | None = None,
        arm: Callable[[], Awaitable[None]] | None = None,
        timeouts: Timeouts = PATIENT,
    ) -> Published:
        """Publishes `text`, or this world's own."""
        site = PageSite(self.sandbox.base, "roost", timeouts)
        draft = Draft(self.text if text is None else text, in_reply_to, watermark)
        return self.browsing.run(site.publish(self.tab, draft, arm or self.arm))

    def failure(self, **how: object) -> SiteError:
        """The error with which a publication fails."""
        with pytest.raises(SiteError) as caught:
            self.publish(**how)  # type: ignore[arg-type]
        return caught.value

    def newest_id(self) -> int:
        """The newest own id on the site."""
        return max((int(post["id"]) for post in self.sandbox.call("/__sandbox/posts")["posts"]), default=0)

    def profile(self, handle: str = "roost", replies: bool = False) -> Profile:
        """Reads a profile."""
        return self.browsing.run(self.site.profile(self.tab, handle, replies=replies))

    def strangers_post(self) -> Post:
        """A post by somebody else."""
        found = self.browsing.run(self.site.search(self.tab, "focus", limit=20))
        return next(post for post in found if post.author != "roost")

    def on_site(self) -> int:
        """How many posts with this world's text the site has."""
        return len(self.sandbox.ids(self.text))
