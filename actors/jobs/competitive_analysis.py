"""Holds peers' roll-ups against ours: what works for them, and which of it has not been tried."""

from actors.jobs.shared.insights import SOON, concluded
from actors.scheduling.outcome import Outcome
from actors.scheduling.run_actor import Job
from actors.scheduling.run_context import RunContext
from domain.analysis import insights
from domain.analysis.peers import untried
from domain.calendar import hours, minutes
from domain.jobs.spec import Holds, JobSpec, Kind
from store.analysis import peers, rollups


class CompetitiveAnalysis(Job):
    """Has the model compare; by rule where there is none."""

    spec = JobSpec(
        "competitive_analysis",
        every=hours(12),
        priority=7,
        kind=Kind.BACKGROUND,
        holds=Holds(database=1, model=1),
        requires=("low_priority_scraper~",),
        offset=minutes(100),
        deadline=180.0,
    )

    def run(self, ctx: RunContext) -> Outcome:
        account = ctx.settings.account
        with ctx.database() as connection:
            theirs = rollups.every(connection, account, "peers")
            viral = rollups.every(connection, account, "viral")
            ours = rollups.every(connection, account, "own")
            news = peers.trends(connection, account)
        if not theirs:
            return Outcome(note="no peer has been looked at yet", again_in=SOON)
        gaps = untried(theirs, ours)
        prompt = insights.peers_prompt(theirs, viral, ours, gaps, news, nonce=ctx.new_id())
        return concluded(ctx, prompt, theirs, insights.from_peers(theirs, viral, gaps, news))
