"""Taking posts to publish: what is asked of Postgres, and what the site has to show before."""

from dataclasses import dataclass
from typing import Any

from actors.publishing.send_checks import switches
from actors.resources.client import LentBrowser
from actors.scheduling.run_context import RunContext
from domain.publishing import claims
from domain.publishing.caps import Policy
from domain.publishing.claims import PostStream
from store import flags
from store import posts as store
from store.lane import Lane
from store.sql import Connection

LOOK_SECONDS = 30.0
NEWEST = 5  # own posts that are read, for the newest of them
DATABASE_SECONDS = 10.0  # real: a database that takes longer is away, and there is the journal


@dataclass(frozen=True, slots=True)
class Claiming:
    """How one run claims posts (threads with them), or replies."""

    ctx: RunContext
    what: PostStream
    policy: Policy

    def is_worth_it(self, connection: Connection, lane: Lane) -> bool:
        """Whether a claim would take something: it costs a look at the site's page."""
        allowed = switches(self.ctx.settings)
        return store.worth_claiming(connection, lane, now=self.ctx.calendar(), switches=allowed, **self._terms())

    def watermark(self, browser: LentBrowser) -> int | None:
        """The newest own id on the profile, so that what is sent from now on is known by a newer one.

        Raises SiteError.
        """
        site = self.ctx.site
        replies = self.what == "replies"
        profile = browser.run(site.profile, site.own_handle, replies=replies, limit=NEWEST, timeout=LOOK_SECONDS)
        own = (post.id for post in profile.posts if post.author.casefold() == site.own_handle.casefold())
        # A page that says it has no more, and has none of ours: any id is newer than none.
        return max(own, default=0 if profile.ended else None)

    def claim(self, lane: Lane, watermark: int | None) -> store.Claimed | store.LaneLost | store.LaneStopped:
        """Claim what is due. Raises what the connection raises: then it may be committed all the same."""
        with self.ctx.database(hold=DATABASE_SECONDS) as connection, connection.transaction():
            # In the same transaction: what an operator has set on another instance counts from here on.
            allowed = switches(self.ctx.settings_with(flags.every(connection)))
            return store.claim(
                connection,
                lane,
                now=self.ctx.calendar(),
                real_now=self.ctx.wall(),
                switches=allowed,
                watermark=watermark,
                **self._terms(),
            )

    def _terms(self) -> dict[str, Any]:
        """What a claim takes and for how long: replies when they are due, posts some hours before."""
        margin = claims.margin_at(self.ctx.settings.speed)
        return {
            "what": self.what,
            "policy": self.policy,
            "claim_seconds": claims.length(margin),
            "margin": margin,
            "ahead": claims.ahead(margin) if self.what == "posts" else 0.0,
        }
