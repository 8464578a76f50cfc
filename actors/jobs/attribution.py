"""Says which posts and replies brought the followers."""

from actors.scheduling.outcome import Outcome
from actors.scheduling.run_actor import Job
from actors.scheduling.run_context import RunContext
from domain.analysis.attribution import WINDOW, attributed
from domain.calendar import days, hours, minutes
from domain.jobs.spec import Holds, JobSpec, Kind
from store.analysis import attribution, followers

SPAN = days(30)  # of the series that is shared out anew each time


class Attribution(Job):
    """Shares the gains of the follower series among the posts that were being seen; see `domain.analysis`."""

    spec = JobSpec(
        "attribution",
        every=hours(2),
        priority=3,
        kind=Kind.NORMAL,
        holds=Holds(database=1),
        requires=("follower_tracker~",),
        offset=minutes(70),
    )

    def run(self, ctx: RunContext) -> Outcome:
        now, account = ctx.calendar(), ctx.settings.account
        with ctx.database() as connection:
            samples = followers.series(connection, account, since=now - SPAN)
            # Older ones compete for the first gains of the span; their own shares were settled when it was theirs.
            candidates = attribution.candidates(connection, account, since=now - SPAN - WINDOW)
            shares = attributed(samples, [candidate.post for candidate in candidates])
            open_ones = [candidate for candidate in candidates if candidate.post.at >= now - SPAN]
            with connection.transaction():
                for candidate in open_ones:
                    attribution.save(connection, candidate, shares.gained[candidate.post.id], now=now)
        note = f"{shares.total:.0f} followers gained, {shares.anyway:.1f} of them by no post"
        return Outcome(done=len(open_ones), of=len(open_ones), note=note)
