"""Reads from the site's pages how the own posts and replies did."""

from typing import ClassVar

from actors.ground.journal import Append
from actors.resources.browser import BrowserLoan
from actors.work.context import RunContext
from actors.work.outcome import Outcome
from actors.work.run import Job
from actors.work.settling import database_is_away
from domain.calendar import minutes
from domain.content import metrics_due
from domain.jobs.spec import Holds, JobSpec, Kind
from social.site import Missing
from store import metrics
from store.posts import Post
from store.posts.claim import What

AT_MOST = 20
LOOK_SECONDS = 30.0
JUST_SCRAPED = 20.0  # real seconds that the cache keeps a second scraper away from a post


class Scraper(Job):
    """Scrapes the counts of what is ours and due to be looked at, those without any first. what: of which kind."""

    what: ClassVar[What]

    def run(self, ctx: RunContext) -> Outcome:
        due = self._due(ctx)
        if not due:
            return Outcome(note=f"none of the {self.what} is due to be looked at")
        with ctx.browser() as browser:
            counted = [snapshot for post in due if (snapshot := self._count(ctx, browser, post)) is not None]
        self._save(ctx, counted)
        return Outcome(done=len(counted), of=len(due))

    def _due(self, ctx: RunContext) -> list[Post]:
        with ctx.database() as connection:
            since = ctx.calendar() - 2 * metrics_due.OLDEST
            found = metrics.last_looks(connection, ctx.settings.account, since=since, what=self.what)
            looks = {look.post.id: look for look in found}
        due = metrics_due.due(map(_published, looks.values()), ctx.calendar(), AT_MOST)
        posts = [looks[each.id].post for each in due]
        if not self.spec.holds.redis:
            return posts
        with ctx.redis() as cache:
            return [post for post in posts if cache.get(f"scraped:{post.id}") is None]

    def _count(self, ctx: RunContext, browser: BrowserLoan, post: Post) -> metrics.Snapshot | None:
        ctx.check_cancelled()
        assert post.site_id is not None
        try:
            counts = browser.run(ctx.site.counts, ctx.site.own_handle, post.site_id, timeout=LOOK_SECONDS)
        except Missing as error:
            ctx.log.warning("post %d is not on the site any more: %s", post.id, error)  # id_recovery looks into it
            return None
        return metrics.Snapshot(
            post_id=post.id,
            taken_at=ctx.calendar(),
            views=counts.views,
            likes=counts.likes,
            replies=counts.replies,
            reposts=counts.reposts,
            bookmarks=counts.bookmarks,
        )

    def _save(self, ctx: RunContext, counted: list[metrics.Snapshot]) -> None:
        try:
            with ctx.database() as connection:
                for snapshot in counted:
                    metrics.save(connection, snapshot)
        except Exception as error:
            if not database_is_away(error):
                raise
            # Read is read: these counts will not be there to be read again.
            entries = tuple((f"snapshot/{each.post_id}/{each.taken_at:.3f}", each) for each in counted)
            ctx.ask("journal", Append(entries))
        if not self.spec.holds.redis:
            return
        with ctx.redis() as cache:
            for snapshot in counted:
                cache.set(f"scraped:{snapshot.post_id}", b"1", seconds=JUST_SCRAPED)


class MetricsScraper(Scraper):
    """Scrapes the counts of own posts. A short cache keeps two from scraping the same."""

    what = "posts"
    spec = JobSpec(
        "metrics_scraper",
        every=minutes(20),
        priority=1,
        kind=Kind.SCRAPING,
        holds=Holds(browser=1, database=1, redis=1),
        requires=("posting~",),
        offset=minutes(12),
        deadline=300.0,
        category="metrics",
    )


def _published(look: metrics.Look) -> metrics_due.Published:
    assert look.post.confirmed_at is not None
    return metrics_due.Published(look.post.id, look.post.confirmed_at, look.last)
