"""From figures to insights: by the model where there is one and its answer is sound, else by rule.

Either way what is stored came from real roll-ups; a run without a model is not an empty one.
"""

from collections.abc import Sequence

from actors.jobs.shared.model_calls import written
from actors.scheduling.outcome import Outcome
from actors.scheduling.run_context import RunContext
from domain.analysis import insights
from domain.analysis.insights import Insight
from domain.analysis.rollups import Rollup
from domain.calendar import DAY, hours
from domain.content.planning import ONE_ABOVE
from domain.content.prompts import Prompt, Unusable
from store import spend
from store.analysis import insights as store

SOON = hours(1)


def concluded(ctx: RunContext, prompt: Prompt, about: Sequence[Rollup], by_rule: Sequence[Insight]) -> Outcome:
    """Store what the model makes of the prompt, or what follows by rule. about: what insights may be about."""
    found, made_by = _asked(ctx, prompt, about), "model"
    if not found:
        found, made_by = tuple(by_rule), "rule"
    if not found:
        return Outcome(note="too few posts to conclude anything from", again_in=SOON)
    with ctx.database() as connection:
        store.save(
            connection,
            ctx.settings.account,
            ctx.spec.name,
            found,
            made_by="model" if made_by == "model" else "rule",
            run_id=ctx.run_id,
            now=ctx.calendar(),
        )
    return Outcome(done=len(found), of=len(found), note=f"by {made_by}", detail={"first": found[0].text})


def _asked(ctx: RunContext, prompt: Prompt, about: Sequence[Rollup]) -> tuple[Insight, ...]:
    if not _can_pay(ctx):
        return ()
    answer = written(ctx, prompt, insights.SCHEMA)
    if answer is None:
        return ()
    found = insights.parsed(answer, about)
    if isinstance(found, Unusable):
        ctx.log.warning("the model's insights are not usable, those by rule are taken: %s", found.reason)
        return ()
    return found


def _can_pay(ctx: RunContext) -> bool:
    """Content goes first: its last dollars of the day are not for analyses."""
    with ctx.database() as connection:
        spent = spend.since(connection, ctx.calendar() - ctx.calendar() % DAY)
    return ctx.settings.daily_budget_usd - spent > ONE_ABOVE
