"""Looks at the accounts we watch, how their posts do, and at what is new on our topics."""

from actors.jobs.shared.peer_pages import Pages, Seen, how_it_does, seen
from actors.scheduling.outcome import Outcome
from actors.scheduling.run_actor import Job
from actors.scheduling.run_context import RunContext
from domain.analysis.peers import Standing, next_to_visit
from domain.calendar import hours, minutes
from domain.content.topics import TOPICS
from domain.jobs.spec import Holds, JobSpec, Kind
from social.site import Profile
from store import accounts
from store.analysis import peers

WATCHED = 24  # the accounts with the largest reach on our topics
VISITS = 4
POSTS = 20


class HighPriorityScraper(Job):
    """Visits the watched accounts in turn, and searches every topic for fresh posts."""

    spec = JobSpec(
        "high_priority_scraper",
        every=hours(2),
        priority=4,
        kind=Kind.SCRAPING,
        holds=Holds(browser=1, database=1),
        offset=minutes(25),
        deadline=300.0,
        browser_seconds=240.0,
    )

    def run(self, ctx: RunContext) -> Outcome:
        now = ctx.calendar()
        handles = self._watched(ctx)
        with ctx.browser() as browser:
            pages = Pages(ctx, browser)
            found = self._fresh(pages, now)
            profiles = [profile for handle in handles if (profile := pages.profile(handle, POSTS)) is not None]
            pages.finished()
        for profile in profiles:
            found |= seen(profile.posts, ctx.site.own_handle, now)
        new = self._save(ctx, found, [(profile, how_it_does(profile, now)) for profile in profiles], now)
        note = f"{len(profiles)} accounts, {len(found)} posts, {new} of them new"
        return Outcome(done=pages.good, of=pages.asked, note=note, again_in=None if handles else minutes(30))

    def _watched(self, ctx: RunContext) -> tuple[str, ...]:
        """Those that discovery found; before it has, the authors of what the searches found."""
        with ctx.database() as connection:
            found = [each.handle for each in accounts.on_topic(connection, ctx.settings.account, limit=WATCHED)]
            handles = found or peers.authors(connection, limit=WATCHED)
            return next_to_visit(handles, peers.visited(connection), VISITS)

    def _fresh(self, pages: Pages, now: float) -> dict[int, Seen]:
        found: dict[int, Seen] = {}
        for topic in TOPICS:
            found |= seen(pages.search(topic, POSTS), pages.ctx.site.own_handle, now)
        return found

    def _save(
        self, ctx: RunContext, found: dict[int, Seen], visits: list[tuple[Profile, Standing]], now: float
    ) -> int:
        with ctx.database() as connection:
            for profile, standing in visits:
                peers.save_visit(connection, profile.handle, profile.followers, standing, now=now)
            return peers.save(connection, found.values())
