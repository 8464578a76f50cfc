"""Gives Postgres what it missed while it was away."""

from actors.publishing import outbox
from actors.scheduling.outcome import Outcome
from actors.scheduling.run_actor import Job
from actors.scheduling.run_context import RunContext
from domain.calendar import minutes
from domain.jobs.spec import Holds, JobSpec, Kind


class RetryQueue(Job):
    """Replays the journal's outbox into Postgres, in order; each entry has its effect once."""

    spec = JobSpec(
        "retry_queue",
        every=minutes(10),
        priority=1,
        kind=Kind.CRITICAL,
        holds=Holds(database=1),
        needs=("database",),
        offset=minutes(6),
    )

    def run(self, ctx: RunContext) -> Outcome:
        with ctx.database() as connection:
            sent = outbox.send(ctx, connection)
        note = (
            f"{sent.refused} came too late to count, {sent.aside} are set aside" if sent.refused or sent.aside else ""
        )
        return Outcome(done=sent.written, of=sent.written + sent.aside, note=note)
