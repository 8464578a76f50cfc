"""Counts the own followers, again and again: what attribution shares out are the rises of this series."""

from actors.scheduling.outcome import Outcome
from actors.scheduling.run_actor import Job
from actors.scheduling.run_context import RunContext
from domain.analysis.attribution import Sample
from domain.calendar import minutes
from domain.jobs.spec import Holds, JobSpec, Kind
from store.analysis import followers

PAGE_SECONDS = 30.0


class FollowerTracker(Job):
    """Reads the number off the own profile, and keeps it."""

    spec = JobSpec(
        "follower_tracker",
        every=minutes(30),
        priority=3,
        kind=Kind.NORMAL,
        holds=Holds(browser=1, database=1),
        offset=minutes(3),
        browser_seconds=PAGE_SECONDS + 20.0,  # and the context, where the machine is slow
    )

    def run(self, ctx: RunContext) -> Outcome:
        with ctx.browser() as browser:
            profile = browser.run(ctx.site.profile, ctx.site.own_handle, limit=1, timeout=PAGE_SECONDS)
        with ctx.database() as connection:
            followers.save(connection, ctx.settings.account, Sample(ctx.calendar(), profile.followers))
        return Outcome(done=1, of=1, note=f"{profile.followers} followers")
