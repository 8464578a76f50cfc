"""What works for others: their formats, what travelled, and what is news on our topics."""

from actors.jobs.shared.peer_pages import Pages, Seen, seen
from actors.scheduling.outcome import Outcome
from actors.scheduling.run_actor import Job
from actors.scheduling.run_context import RunContext
from domain.analysis.peers import WINDOW, as_judged, viral
from domain.analysis.rollups import rolled
from domain.analysis.trends import trends
from domain.calendar import days, hours, minutes
from domain.content.topics import TOPICS
from domain.jobs.spec import Holds, JobSpec, Kind
from store.analysis import peers, rollups

POSTS = 40
AGAIN = 3  # authors whose whole page is read, for how their posts did once they had been seen
KEPT = days(14)


class LowPriorityScraper(Job):
    """Reads far down every topic, then rolls up a week of peers' posts, marks the viral and finds the news."""

    spec = JobSpec(
        "low_priority_scraper",
        every=hours(6),
        priority=7,
        kind=Kind.BACKGROUND,
        holds=Holds(browser=1, database=1),
        offset=minutes(45),
        deadline=300.0,
        browser_seconds=240.0,
    )

    def run(self, ctx: RunContext) -> Outcome:
        now = ctx.calendar()
        with ctx.browser() as browser:
            pages = Pages(ctx, browser)
            found = self._read(pages, now)
            pages.finished()
        return Outcome(done=pages.good, of=pages.asked, note=self._conclude(ctx, found, now))

    def _read(self, pages: Pages, now: float) -> dict[int, Seen]:
        own = pages.ctx.site.own_handle
        found: dict[int, Seen] = {}
        for topic in TOPICS:
            found |= seen(pages.search(topic, POSTS), own, now)
        authors = sorted({post.author for post, _ in found.values()})
        for handle in pages.ctx.random.sample(authors, min(AGAIN, len(authors))):
            profile = pages.profile(handle, POSTS)
            found |= seen(profile.posts if profile else (), own, now)
        return found

    def _conclude(self, ctx: RunContext, found: dict[int, Seen], now: float) -> str:
        account = ctx.settings.account
        with ctx.database() as connection:
            peers.save(connection, found.values())
            peers.forget(connection, before=now - KEPT)
            week = peers.posts(connection, since=now - WINDOW)
            patterns, far = rolled(as_judged(week)), viral(week)
            news = trends(peers.said(connection, since=now - WINDOW), now)
            rollups.replace(connection, account, "peers", patterns, now=now)
            rollups.replace(connection, account, "viral", rolled(as_judged(far)), now=now)
            peers.mark_viral(connection, [post.id for post in far])
            peers.replace_trends(connection, account, news, now=now)
        return f"{len(week)} posts of the week, {len(far)} viral, {len(news)} new words"
