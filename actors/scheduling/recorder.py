"""The one writer of the run history and of the jobs' heartbeats, so that no run ever waits for its own record.

Rows come as messages, are written in batches by a task that borrows a connection, and go to the journal's outbox
while Postgres is away. It also knows when each job last succeeded in earlier lives of Roost: from Postgres, or from
what the journal last saw.
"""

import logging
from dataclasses import dataclass
from typing import Any

from actors.account.journal import append
from actors.core.base import Actor
from actors.core.board import Key
from actors.core.lifecycle import ExitReason, TaskDone, TaskFailed
from actors.protocol import journal
from actors.protocol.jobs import JOB, Recall, Recalled, RunRecord, word
from actors.protocol.resources import is_well
from actors.resources.client import Leases
from store import runs
from store.journal import Cached
from store.runs import Heartbeat, Run
from store.writes import Write

log = logging.getLogger("roost.work")

GATHER = 1.0  # seconds in which rows are gathered for one write
AGAIN = 10.0  # seconds until rows that neither Postgres nor the journal took are offered again
BEAT_EVERY = 60.0
JOURNAL_BEATS_EVERY = 600.0  # of these only the last matters, so an outage leaves few of them
BATCH = 200
MOST_PENDING = 5_000
WAIT, HOLD = 5.0, 15.0
SUCCESSES = "last_successes"  # the journal's key


@dataclass(frozen=True, slots=True)
class RecorderState:
    """On the board under "recorder". Counts of rows since its start. lost: neither Postgres nor the journal took."""

    pending: int
    written: int
    journaled: int
    lost: int


@dataclass(frozen=True, slots=True)
class Flush:
    """To itself: write what has gathered."""


@dataclass(frozen=True, slots=True)
class Beat:
    """To itself: look at the jobs, and put down that they live."""


RECORDER: Key[RecorderState | None] = Key("recorder", None)


class RecorderActor(Actor):
    """Writes run history and heartbeats."""

    def __init__(self, instance: str) -> None:
        """instance: this Roost's id, the same after a restart."""
        super().__init__()
        self.instance = instance
        self.pending: list[Run] = []
        self.writing: tuple[Run, ...] = ()
        self.flushing = False
        self.successes: dict[str, float] | None = None  # None until they are known
        self.waiting: list[str] = []  # jobs that asked for theirs before
        self.written = self.journaled = self.lost = 0
        self.beats_journaled_at: float | None = None

    def on_start(self) -> None:
        self.task("recall", self._read_successes)
        self.timer("beat", BEAT_EVERY, Beat())
        self._show()

    def receive(self, message: Any) -> Any:
        match message:
            case RunRecord():
                self._keep(message)
            case Recall(job):
                self._recall(job)
            case Flush():
                self._flush()
            case Beat():
                self._beat()
            case TaskDone("write"):
                self.written += len(self.writing)
                self._done()
            case TaskFailed("write", error):
                log.warning("the run history goes to the journal: %s", error)
                self._to_journal(self.writing)
            case TaskDone("journal"):
                self.journaled += len(self.writing)
                self._done()
            case TaskFailed("journal", error):
                self._offer_again(error)
            case TaskDone("recall", successes):
                self._know(successes)
            case TaskFailed("recall"):
                self.request("recall of the journal", "journal", journal.Recall(SUCCESSES))
            case TaskDone("recall of the journal", kept):
                self._know(dict(kept.value) if isinstance(kept, Cached) else {})
            case TaskFailed("recall of the journal", error):
                log.warning("when the jobs last ran is not known: %s", error)
                self._know({})
            case TaskDone("beat"):
                pass
            case TaskFailed("beat", error):
                log.info("no heartbeats were written: %s", error)
            case _:
                return super().receive(message)

    def terminate(self, reason: ExitReason) -> None:
        rows = (*self.writing, *self.pending)
        if rows:
            append(self.system, *_entries(rows), timeout=2.0)

    # the history

    def _keep(self, record: RunRecord) -> None:
        row = Run(
            record.run_id, record.job, self.instance, record.started_at, record.ended_at,
            record.outcome, record.attempts, record.reason, dict(record.detail),
        )  # fmt: skip
        self.pending.append(row)
        if len(self.pending) > MOST_PENDING:
            self.lost += 1
            del self.pending[0]
        if record.outcome == "succeeded" and self.successes is not None:
            self.successes[record.job] = record.ended_at
        self._flush_in(GATHER)

    def _flush_in(self, seconds: float) -> None:
        if not self.flushing:
            self.flushing = True
            self.timer("flush", seconds, Flush())

    def _flush(self) -> None:
        self.flushing = False
        if self.writing or not self.pending:
            return  # the end of the write under way looks again
        self.writing, self.pending = tuple(self.pending[:BATCH]), self.pending[BATCH:]
        rows = self.writing
        if self._database_is_up():
            self.task("write", lambda: self._write(rows))
        else:
            self._to_journal(rows)

    def _write(self, rows: tuple[Run, ...]) -> None:
        with self._leases().database(wait=WAIT, hold=HOLD) as connection:
            runs.record(connection, rows)

    def _to_journal(self, rows: tuple[Run, ...]) -> None:
        self.request("journal", "journal", journal.Append(_entries(rows)))

    def _offer_again(self, error: BaseException) -> None:
        text = "%d rows of the run history wait: the journal does not take them (%s)"
        log.warning(text, len(self.writing), error)
        self.pending = [*self.writing, *self.pending]
        self.writing = ()
        self._flush_in(AGAIN)
        self._show()

    def _done(self) -> None:
        self.writing = ()
        if self.successes is not None:
            journal.remember_later(self, SUCCESSES, dict(self.successes))
        if self.pending:
            self._flush_in(0.0)
        self._show()

    # heartbeats

    def _beat(self) -> None:
        self.timer("beat", BEAT_EVERY, Beat())
        beats = self._beats()
        if not beats:
            return
        if self._database_is_up():
            self.task("beat", lambda: self._write_beats(beats))
        elif self.beats_journaled_at is None or self.now() - self.beats_journaled_at >= JOURNAL_BEATS_EVERY:
            self.beats_journaled_at = self.now()
            journal.append_later(self, _entries(beats))

    def _beats(self) -> tuple[Heartbeat, ...]:
        """Of the job actors that live and are not stuck in a handler."""
        at, now = self.calendar(), self.now()
        beats = []
        for name, snapshot in self.system.board.under(JOB).items():
            actor = self.system.directory.whereis(name)
            since = actor.handling_since if actor is not None else None
            if actor is not None and (since is None or now - since < BEAT_EVERY):
                beats.append(Heartbeat(snapshot.name, self.instance, word(snapshot.state), at))
        return tuple(beats)

    def _write_beats(self, beats: tuple[Heartbeat, ...]) -> None:
        with self._leases().database(wait=WAIT, hold=HOLD) as connection:
            runs.beat(connection, beats)

    # what earlier lives have done

    def _read_successes(self) -> dict[str, float]:
        with self._leases().database(wait=WAIT, hold=HOLD) as connection:
            return runs.last_successes(connection)

    def _know(self, successes: dict[str, float]) -> None:
        self.successes = dict(successes)
        for job in self.waiting:
            self._recall(job)
        self.waiting = []

    def _recall(self, job: str) -> None:
        if self.successes is None:
            self.waiting.append(job)
            return
        at = self.successes.get(job)
        self.tell(f"job:{job}", Recalled(at, at))

    # with whom

    def _leases(self) -> Leases:
        return Leases(self.system, holder=self.name, job="recorder", priority=2)

    def _database_is_up(self) -> bool:
        return is_well(self.system.board, "database")

    def _show(self) -> None:
        pending = len(self.pending) + len(self.writing)
        self.put_up(RECORDER, RecorderState(pending, self.written, self.journaled, self.lost))


def _entries(rows: tuple[Run, ...] | tuple[Heartbeat, ...]) -> tuple[tuple[str, Write], ...]:
    """As the outbox takes them, each under an id that a second offer shares."""
    entries: list[tuple[str, Write]] = []
    for row in rows:
        match row:
            case Run():
                entries.append((f"run/{row.run_id}", row))
            case Heartbeat():
                entries.append((f"beat/{row.job}/{row.at:.0f}", row))
    return tuple(entries)
