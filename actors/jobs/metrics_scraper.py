"""Reads from the site's pages how the own posts and replies did."""

from typing import ClassVar

from actors.account import journal
from actors.jobs.shared import own_pages
from actors.protocol.resources import LeaseEnded
from actors.publishing.reconciliation import database_is_away
from actors.scheduling.outcome import Outcome
from actors.scheduling.run_actor import Job
from actors.scheduling.run_context import RunContext
from domain.calendar import minutes
from domain.content import metrics_due
from domain.jobs.spec import Holds, JobSpec, Kind
from domain.publishing.claims import PostStream
from social.site import Counts, SiteError
from store import metrics, posts
from store.posts import Post

AT_MOST = 20
READ_SECONDS = 180.0  # real: the pages that are left then are the next run's
HOLD_SECONDS = 250.0  # those, a look at whether it is the site, and the context
JUST_SCRAPED = 20.0  # real seconds that the cache keeps a second scraper away from a post


class Scraper(Job):
    """Scrapes the counts of what is ours and due to be looked at, those without any first. what: of which kind."""

    what: ClassVar[PostStream]

    def run(self, ctx: RunContext) -> Outcome:
        due = self._due(ctx)
        if not due:
            return Outcome(note=f"none of the {self.what} is due to be looked at")
        seen = self._look(ctx, due)
        self._save(ctx, seen)
        if seen.ended is not None:
            raise seen.ended
        unread = len(seen.failed) + len(seen.left)
        return Outcome(
            done=len(seen.counted),
            of=len(due),
            note=f"{unread} pages were not read" if unread else "",
            detail={"missing": [post.id for post in seen.missing], "failed": [post.id for post in seen.failed]},
        )

    def _due(self, ctx: RunContext) -> list[Post]:
        with ctx.database() as connection:
            since = ctx.calendar() - 2 * metrics_due.OLDEST
            found = metrics.last_looks(connection, ctx.settings.account, since=since, what=self.what)
            looks = {look.post.id: look for look in found}
        due = metrics_due.due(map(_published, looks.values()), ctx.calendar(), AT_MOST)
        wanted = [looks[each.id].post for each in due]
        if not self.spec.holds.redis:
            return wanted
        with ctx.redis() as cache:
            return [post for post in wanted if cache.get(f"scraped:{post.id}") is None]

    def _look(self, ctx: RunContext, due: list[Post]) -> own_pages.Seen:
        with ctx.browser() as browser:
            seen = own_pages.look(ctx, browser, due, READ_SECONDS)
            if seen.failed and not seen.counted and not seen.missing and seen.ended is None:
                # Not one page could be read. Is it the pages, or the site?
                try:
                    browser.run(ctx.site.session, timeout=own_pages.LOOK_SECONDS)
                except (SiteError, LeaseEnded, TimeoutError) as error:
                    seen.ended, seen.failed = error, []
        return seen

    def _save(self, ctx: RunContext, seen: own_pages.Seen) -> None:
        snapshots = [_snapshot(*each) for each in seen.counted]
        try:
            with ctx.database() as connection:
                for snapshot in snapshots:
                    metrics.save(connection, snapshot)
                at = ctx.calendar()
                for post in seen.missing:  # id_recovery finds out whether it was removed
                    posts.missed(connection, post.id, who=self.spec.name, at=at, detail={"by": "its own page"})
                for post in (*seen.missing, *seen.failed):
                    metrics.look_failed(connection, post.id, at=at)
        except Exception as error:
            if not database_is_away(error):
                raise
            # Read is read: these counts will not be there to be read again. What was missed or failed will be.
            entries = tuple((f"snapshot/{each.post_id}/{each.taken_at:.3f}", each) for each in snapshots)
            if entries:
                journal.append(ctx, *entries)
        if not self.spec.holds.redis:
            return
        with ctx.redis() as cache:
            for snapshot in snapshots:
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
        browser_seconds=HOLD_SECONDS,
    )


def _published(look: metrics.Look) -> metrics_due.Published:
    assert look.post.confirmed_at is not None
    return metrics_due.Published(look.post.id, look.post.confirmed_at, look.last, look.failed)


def _snapshot(post: Post, at: float, counts: Counts) -> metrics.Snapshot:
    return metrics.Snapshot(
        post_id=post.id,
        taken_at=at,
        views=counts.views,
        likes=counts.likes,
        replies=counts.replies,
        reposts=counts.reposts,
        bookmarks=counts.bookmarks,
    )
