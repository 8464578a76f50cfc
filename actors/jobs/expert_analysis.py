"""Reads the own roll-ups as an expert would, and writes down what planning should know."""

from actors.jobs.shared.insights import SOON, concluded
from actors.scheduling.outcome import Outcome
from actors.scheduling.run_actor import Job
from actors.scheduling.run_context import RunContext
from domain.analysis import insights
from domain.calendar import hours, minutes
from domain.jobs.spec import Holds, JobSpec, Kind
from store.analysis import rollups


class ExpertAnalysis(Job):
    """Has the model read our figures; by rule where there is none."""

    spec = JobSpec(
        "expert_analysis",
        every=hours(6),
        priority=6,
        kind=Kind.BACKGROUND,
        holds=Holds(database=1, model=1),
        requires=("analytics~",),
        offset=minutes(85),
        deadline=180.0,
    )

    def run(self, ctx: RunContext) -> Outcome:
        with ctx.database() as connection:
            ours = rollups.every(connection, ctx.settings.account, "own")
            report = rollups.newest_report(connection, ctx.settings.account) or {}
        if not ours:
            return Outcome(note="no post has been rolled up yet", again_in=SOON)
        prompt = insights.own_prompt(ours, report.get("lines", ()), nonce=ctx.new_id())
        return concluded(ctx, prompt, ours, insights.from_own(ours))
