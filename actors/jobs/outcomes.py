"""Turns what was scraped of each post into one outcome: how well it did, how fast, and against its prediction."""

from actors.scheduling.outcome import Outcome
from actors.scheduling.run_actor import Job
from actors.scheduling.run_context import RunContext
from domain.analysis.outcomes import judged
from domain.calendar import days, minutes
from domain.jobs.spec import Holds, JobSpec, Kind
from domain.learning.rewards import Gate
from store.analysis import outcomes

WINDOW = days(16)  # counts are scraped for a week or two, then a post's outcome is final


class Outcomes(Job):
    """Judges every post and reply that was counted, or credited with followers, since it was judged last."""

    spec = JobSpec(
        "outcomes",
        every=minutes(60),
        priority=3,
        kind=Kind.NORMAL,
        holds=Holds(database=1),
        requires=("metrics_scraper!",),
        offset=minutes(40),
    )

    def run(self, ctx: RunContext) -> Outcome:
        now, gate = ctx.calendar(), Gate()
        with ctx.database() as connection:
            waiting = outcomes.unjudged(connection, ctx.settings.account, since=now - WINDOW)
            done = 0
            for each in waiting:
                outcome = judged(each.published_at, each.looks, each.predicted, each.followers, gate)
                done += outcome is not None and outcomes.save(connection, each.post_id, outcome, now=now)
        return Outcome(done=done, of=len(waiting), note="" if waiting else "no post has new counts")
