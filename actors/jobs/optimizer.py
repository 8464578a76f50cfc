"""Turns the knobs that planning reads, a small step at a time, each move with the numbers behind it."""

from actors.scheduling.outcome import Outcome
from actors.scheduling.run_actor import Job
from actors.scheduling.run_context import RunContext
from domain.analysis.knobs import KNOBS, Setting, Target, moved
from domain.analysis.optimizer import LEAST, targets
from domain.analysis.outcomes import EARLY
from domain.calendar import days, minutes
from domain.jobs.spec import Holds, JobSpec, Kind
from store.analysis import knobs, outcomes
from store.sql import Connection

WINDOW = days(28)


class Optimizer(Job):
    """Moves each knob towards where the outcomes of four weeks would have it; see `domain.analysis.knobs`."""

    spec = JobSpec(
        "optimizer",
        every=minutes(60),
        priority=6,
        kind=Kind.BACKGROUND,
        holds=Holds(database=1),
        requires=("learn~",),
        offset=minutes(80),
    )

    def run(self, ctx: RunContext) -> Outcome:
        now, account = ctx.calendar(), ctx.settings.account
        with ctx.database() as connection:
            samples = outcomes.samples(connection, account, since=now - WINDOW, min_age=EARLY)
            wanted = targets(samples)
            stored = knobs.settings(connection, account)
            moves = [
                move for target in wanted if (move := self._move(ctx, connection, target, stored.get(target.knob)))
            ]
        if not wanted:
            return Outcome(note=f"{len(samples)} posts with an outcome; {LEAST} are needed to conclude anything")
        said = ", ".join(f"{move.knob} {move.was:.3g} to {move.value:.3g}" for move in moves)
        return Outcome(done=len(moves), of=len(wanted), note=said or "every knob is where it should be")

    def _move(
        self, ctx: RunContext, connection: Connection, target: Target, stored: Setting | None
    ) -> knobs.Move | None:
        knob = KNOBS[target.knob]
        setting = stored or Setting(knob.default)
        value = moved(knob, setting, target.value, ctx.calendar())
        if value is None:
            return None
        evidence = {**target.evidence, "target": round(target.value, 4)}
        return knobs.move(
            connection,
            ctx.settings.account,
            knob.name,
            was=setting.value,
            value=value,
            who="optimizer",
            evidence=evidence,
            now=ctx.calendar(),
        )
