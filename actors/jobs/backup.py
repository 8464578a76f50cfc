"""Dumps Roost's tables into a file, once a day, and knows that it can be read back."""

from pathlib import Path

from actors.scheduling.outcome import Outcome, RunFailed
from actors.scheduling.run_actor import Job
from actors.scheduling.run_context import RunContext
from domain import housekeeping
from domain.calendar import hours, minutes
from domain.jobs.retries import Failure
from domain.jobs.spec import Holds, JobSpec, Kind
from store import backup

FOLDER = "backups"  # in the home
DUMP_SECONDS = 240.0  # real; a statement of it, and all of it


class Backup(Job):
    """Writes, verifies, and keeps 7 days of them."""

    spec = JobSpec(
        "backup",
        every=hours(24),
        priority=8,
        kind=Kind.BACKGROUND,
        holds=Holds(database=1),
        offset=minutes(50),
        deadline=300.0,
    )

    def run(self, ctx: RunContext) -> Outcome:
        folder = Path(ctx.settings.roost_home).expanduser().absolute() / FOLDER
        try:
            written = self._write(ctx, folder)
            gone = self._forget(ctx, folder)
        except OSError as error:
            raise RunFailed(
                Failure.UNAVAILABLE, f"backup {folder}: cannot be written ({error.strerror}). Make room, or mend it."
            ) from error
        note = f"{written.path.name}: {written.rows} rows in {len(written.tables)} tables, {written.bytes} bytes"
        return Outcome(done=1, of=1, note=note, detail={"file": written.path.name, "deleted": gone})

    def _write(self, ctx: RunContext, folder: Path) -> backup.Backup:
        with ctx.database(hold=DUMP_SECONDS) as connection:
            return backup.write(connection, folder, at=ctx.calendar(), between=ctx.check_cancelled)

    def _forget(self, ctx: RunContext, folder: Path) -> list[str]:
        """The outdated, and what a killed run left half-written: this one is the only one that writes there."""
        names = [entry.name for entry in folder.iterdir()]
        halves = [name for name in names if name.endswith(backup.PART)]
        gone = [*housekeeping.outdated(names, ctx.calendar()), *halves]
        for name in gone:
            (folder / name).unlink(missing_ok=True)
        return gone
