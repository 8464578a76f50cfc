"""Rolls up what the posts did, and writes the report that the page shows."""

from actors.scheduling.outcome import Outcome
from actors.scheduling.run_actor import Job
from actors.scheduling.run_context import RunContext
from domain.analysis import report
from domain.analysis.rollups import rolled
from domain.calendar import DAY, hours, minutes
from domain.jobs.spec import Holds, JobSpec, Kind
from store.analysis import followers, outcomes, rollups

DAYS = 28
SOON = minutes(30)


class Analytics(Job):
    """Rolls up the last four weeks by day, kind, topic, format, tone and hour, and reports on them."""

    spec = JobSpec(
        "analytics",
        every=hours(6),
        priority=4,
        kind=Kind.NORMAL,
        holds=Holds(database=1),
        requires=("outcomes~",),
        offset=minutes(75),
    )

    def run(self, ctx: RunContext) -> Outcome:
        now, account = ctx.calendar(), ctx.settings.account
        since = now - DAYS * DAY
        with ctx.database() as connection:
            judged = outcomes.judged(connection, account, since=since)
            made = rolled(judged)
            rollups.replace(connection, account, "own", made, now=now)
            written = report.reported(
                made,
                followers.growth(connection, account, now=now),
                outcomes.verdicts(connection, account, since=since),
                DAYS,
            )
            rollups.save_report(connection, account, report.as_json(written), now=now)
        return Outcome(done=len(made), of=len(made), note=report.lines(written)[0], again_in=None if judged else SOON)
