"""The recorder: every run leaves its row, in Postgres or in the journal, and no run waits for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from actors.core.base import Actor
from actors.core.future import CannotAnswer
from actors.protocol import journal
from actors.protocol.jobs import Recall, Recalled, RunRecord
from actors.resources.client import Leases
from actors.scheduling import recorder
from actors.scheduling.recorder import RecorderActor, RecorderState
from store import runs
from store.journal import Cached
from tests.actors.jobworld import JobWorld, close_worlds, spec

__all__ = ["close_worlds"]


class Notebook(Actor):
    """Takes the journal's messages, or refuses them."""

    def __init__(self, broken: list[bool], taken: list[Any], kept: dict[str, Any]) -> None:
        super().__init__()
        self.broken, self.taken, self.kept = broken, taken, kept

    def receive(self, message: Any) -> Any:
        match message:
            case journal.Append(entries):
                if self.broken[0]:
                    raise CannotAnswer("disk full")
                self.taken += entries
                return len(entries)
            case journal.Remember(key, value):
                self.kept[key] = value
            case journal.Recall(key):
                return Cached(self.kept[key], 0.0) if key in self.kept else None


class RecordWorld(JobWorld):
    """Postgres is `rows_written`; it answers while `away` is False."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.away, self.written, self.beats = False, [], []
        self.successes: dict[str, float] = {}
        self.broken, self.outbox, self.kept = [False], [], {}
        self.system.start("journal", lambda: Notebook(self.broken, self.outbox, self.kept))

        @contextmanager
        def database(leases: Leases, wait: float = 0.0, hold: float = 0.0) -> Iterator[Any]:
            if self.away:
                raise ConnectionError("away")
            yield _Connection()

        monkeypatch.setattr(Leases, "database", database)
        monkeypatch.setattr(runs, "record", lambda connection, rows: self.written.extend(rows))
        monkeypatch.setattr(runs, "beat", lambda connection, beats: self.beats.extend(beats))
        monkeypatch.setattr(runs, "last_successes", lambda connection: self.successes)

    def begin(self) -> None:
        self.system.start("recorder", lambda: RecorderActor("house-1"))
        self.hands.settle()

    def row(self, number: int, outcome: Any = "succeeded") -> None:
        self.system.tell("recorder", RunRecord(f"r{number}", "learn", 10.0, 20.0, outcome, 1))

    @property
    def shown(self) -> RecorderState:
        return self.system.board.get("recorder")


class _Connection:
    @contextmanager
    def transaction(self) -> Iterator[None]:
        yield


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> RecordWorld:
    return RecordWorld(monkeypatch)


def test_rows_are_gathered_and_written_together(world: RecordWorld) -> None:
    world.begin()
    for number in range(3):
        world.row(number)
    world.hands.settle()
    assert world.written == []
    world.advance(2)
    assert [(row.run_id, row.instance) for row in world.written] == [(f"r{n}", "house-1") for n in range(3)]
    assert world.shown == RecorderState(pending=0, written=3, journaled=0, lost=0)


def test_rows_go_to_the_journal_when_the_write_fails(world: RecordWorld) -> None:
    world.begin()
    world.away = True
    world.row(1)
    world.advance(2)
    assert [entry_id for entry_id, _ in world.outbox] == ["run/r1"]
    assert world.shown.journaled == 1


def test_rows_go_straight_to_the_journal_while_the_database_is_down(world: RecordWorld) -> None:
    world.begin()
    world.resource("database", state="down", healthy=False, detail="gone")
    world.row(1)
    world.advance(2)
    assert len(world.outbox) == 1
    assert world.written == []


def test_rows_that_nobody_takes_are_kept_and_offered_again(world: RecordWorld) -> None:
    world.begin()
    world.away, world.broken[0] = True, True
    world.row(1)
    world.advance(5)
    assert world.shown.pending == 1
    world.broken[0] = False
    world.advance(15)
    assert [entry_id for entry_id, _ in world.outbox] == ["run/r1"]
    assert world.shown.pending == 0


def test_what_is_not_written_at_the_end_goes_to_the_journal(world: RecordWorld) -> None:
    world.begin()
    world.row(1)
    world.hands.settle()
    world.system.stop("recorder")
    world.hands.settle()
    assert [entry_id for entry_id, _ in world.outbox] == ["run/r1"]


def test_no_more_is_kept_than_fits_and_the_loss_is_counted(
    world: RecordWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "MOST_PENDING", 2)
    world.begin()
    world.away, world.broken[0] = True, True
    for number in range(5):
        world.row(number)
    world.advance(5)
    assert world.shown.lost == 3
    assert world.shown.pending == 2


def test_jobs_learn_when_they_last_succeeded_from_postgres(world: RecordWorld) -> None:
    world.successes = {"learn": 123.0}
    told = ask_as_job(world)
    assert told == [Recalled(123.0, 123.0)]


def test_jobs_learn_it_from_the_journal_while_postgres_is_away(world: RecordWorld) -> None:
    world.away = True
    world.kept["last_successes"] = {"learn": 99.0}
    assert ask_as_job(world) == [Recalled(99.0, 99.0)]


def test_a_job_that_never_ran_learns_that(world: RecordWorld) -> None:
    assert ask_as_job(world) == [Recalled(None, None)]


def test_the_journal_remembers_the_last_successes(world: RecordWorld) -> None:
    world.begin()
    world.row(1)
    world.row(2, outcome="failed")
    world.advance(2)
    assert world.kept["last_successes"] == {"learn": 20.0}


def test_living_job_actors_leave_heartbeats(world: RecordWorld) -> None:
    world.begin()
    world.job(spec("learn"))
    world.job(spec("plan"))
    world.system.stop("job:plan")
    world.advance(61)
    assert [(beat.job, beat.state) for beat in world.beats] == [("learn", "waiting")]


def ask_as_job(world: RecordWorld) -> list[Any]:
    told: list[Any] = []

    class Asker(Actor):
        def on_start(self) -> None:
            self.tell("recorder", Recall("learn"))

        def receive(self, message: Any) -> None:
            told.append(message)

    world.begin()
    world.system.start("job:learn", Asker)
    world.hands.settle()
    return told
