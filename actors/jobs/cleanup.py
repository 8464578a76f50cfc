"""Deletes what nobody will look at again, and what must not be kept."""

from actors.scheduling.outcome import Outcome
from actors.scheduling.run_actor import Job
from actors.scheduling.run_context import RunContext
from domain.calendar import hours, minutes
from domain.housekeeping import KEPT
from domain.jobs.spec import Holds, JobSpec, Kind
from store import cleanup


class Cleanup(Job):
    """Retention by `domain.housekeeping`: old rows by table, and the text and figures of removed posts."""

    spec = JobSpec(
        "cleanup",
        every=hours(24),
        priority=8,
        kind=Kind.BACKGROUND,
        holds=Holds(database=1),
        requires=("backup~",),
        offset=minutes(55),
    )

    def run(self, ctx: RunContext) -> Outcome:
        now = ctx.calendar()
        with ctx.database() as connection:
            # The most of it has been done when the removal was noticed (id_recovery); here is what came after.
            erased = cleanup.erase_removed(connection, who="cleanup", now=now)
            gone = {}
            for table, seconds in KEPT.items():
                ctx.check_cancelled()
                gone[table] = cleanup.forget(connection, table, before=now - seconds)
        done = sum(gone.values()) + len(erased)
        deleted = {table: count for table, count in gone.items() if count}
        return Outcome(done=done, of=done, detail={"deleted": deleted, "erased": list(erased)})
