"""Session, backups, retention, the look after boot, and flags: in the simulated house, life by life."""

import asyncio
from collections.abc import Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import psycopg
import pytest

from actors.core.board import Key
from actors.jobs import names
from actors.jobs.registry import load
from actors.protocol.account import ClearStop, Holding, SetFlag, StandingBy
from actors.protocol.alerts import AlertsState
from actors.protocol.health import StartupView
from actors.protocol.jobs import Accepted, JobSnapshot, RunNow
from actors.protocol.journal import GetWaiting
from actors.publishing.send_checks import SendChecks
from actors.publishing.send_intent import SendIntent
from actors.scheduling.outcome import Outcome
from domain.calendar import DAY
from domain.housekeeping import ERASED, backup_name
from domain.publishing.attempts import Intent
from domain.publishing.caps import History, Policy
from domain.publishing.uniqueness import text_hash
from domain.settings import parse
from social.site import NotArmed, Restricted, SiteError, Unproven, WrongLanguage
from store import backup, posts, runs
from store.health import HealthRecord
from store.posts import Draft
from store.sql import Connection
from tests.simulated.house import House, Place, home
from tests.simulated.outside import DATABASE

LINES = (
    "posting.Posting",
    "plan.Plan",
    "session_monitor.SessionMonitor",
    "backup.Backup",
    "cleanup.Cleanup",
    "startup_check.StartupCheck",
)
NAMES = ("posting", "plan", "session_monitor", "backup", "cleanup", "startup_check")
SELDOM = {"JOBS_POSTING_INTERVAL_MIN": "10000"}  # posting runs when the test says so


class World:
    """One place, and the life in it."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.house: House | None = None

    def live(self, seconds: float = 45.0, away: float = 0.0) -> None:
        """One more life. away: seconds from its begin that Postgres is not there."""
        if self.house is not None:
            self.house.end()
            if self.place.outside.lines is not None:
                self.place.outside.lines.abandon()
        self.house = House(self.place)
        if away:
            self.place.outside.weather.away[DATABASE] = self.house.runtime.now() + away
        self.house.boot()
        self.sleep(seconds)

    @property
    def system(self) -> Any:
        assert self.house is not None
        return self.house.system

    def sleep(self, seconds: float) -> None:
        assert self.house is not None
        self.house.runtime.sleep(seconds)

    def cut_off(self, seconds: float) -> None:
        assert self.house is not None
        self.place.outside.weather.away[DATABASE] = self.house.runtime.now() + seconds
        assert self.place.outside.lines is not None
        self.place.outside.lines.cut()

    def run(self, job: str) -> str:
        """One run of the job: how it ended."""
        before = self.book(job).last_end
        answer = self.system.ask(f"job:{job}", RunNow("test", though_paused=True), 10.0)
        assert isinstance(answer, Accepted), answer
        for _ in range(400):
            self.sleep(1.0)
            end = self.book(job).last_end
            if end is not None and end != before:
                return f"{end.outcome}: {end.reason}"
        raise AssertionError(f"{job} has not ended: {self.book(job)}")

    def book(self, job: str) -> JobSnapshot:
        found = self.system.board.get(f"job:{job}")
        assert isinstance(found, JobSnapshot)
        return found

    def queue(self, text: str) -> int:
        now = self.place.calendar()
        draft = Draft(kind="post", body=text, text_hash=text_hash(text), source="template", due_at=now)
        with self.database() as connection:
            answer = posts.queue(connection, "roost", draft, who="plan", now=now)
        assert isinstance(answer, posts.Queued)
        return answer.post_ids[0]

    def database(self) -> Connection:
        return psycopg.connect(self.place.dsn, autocommit=True)

    def texts(self) -> list[str]:
        return [post.text for post in self.place.site.network.storage.posts()]

    def alerts(self) -> dict[str, str]:
        state = self.system.board.get("alerts")
        return {alert.key: alert.text for alert in state.standing} if isinstance(state, AlertsState) else {}

    def stopped(self) -> str | None:
        match self.system.board.get("lane"):
            case Holding(stopped=reason) | StandingBy(stopped=reason):
                return reason
        return None


@pytest.fixture
def world(empty_dsn: str) -> Iterator[World]:
    yield from _world(empty_dsn)


@pytest.fixture
def abroad(empty_dsn: str) -> Iterator[World]:
    yield from _world(empty_dsn, SITE_URL="https://site.example")


def _world(dsn: str, **extra: str) -> Iterator[World]:
    with (
        home(dsn, seed=7, repeats=True, **SELDOM, **extra) as place,
        patch("tests.simulated.house.load", partial(load, lines=LINES)),
        patch("actors.jobs.startup_check.names", lambda: NAMES),
        patch("actors.jobs.plan.Plan.run", lambda job, ctx: Outcome()),
    ):
        made = World(place)
        yield made
        if made.house is not None:
            made.house.end()
        if place.outside.lines is not None:
            place.outside.lines.abandon()


# the look after boot


def test_thirty_seconds_after_boot_the_verdict_is_there_and_on_record(world: World) -> None:
    world.live(29.0)
    assert world.system.board.get("startup") is None
    world.sleep(10.0)
    verdict = world.system.board.get("startup")
    assert isinstance(verdict, StartupView)
    assert (verdict.missing, verdict.asked, verdict.reminders) == ((), (), ())
    assert {"database", "redis", "browser", "journal", "lane", "model", "jobs"} <= {
        part.name for part in verdict.parts
    }
    with world.database() as connection:
        assert len([run for run in runs.history(connection) if run.job == "startup_check"]) == 1
    world.sleep(3_600.0)
    assert world.book("startup_check").started == 1


def test_what_is_not_up_is_named_and_asked_for(world: World) -> None:
    world.live(80.0, away=300.0)
    verdict = world.system.board.get("startup")
    assert isinstance(verdict, StartupView)
    assert "database" in {part.name for part in verdict.missing}
    assert any(asked.startswith("database: ") for asked in verdict.asked)


def test_a_database_that_dies_as_the_verdict_is_written_does_not_cost_it(world: World) -> None:
    broken = psycopg.OperationalError("the connection broke")
    with patch("actors.jobs.startup_check.health.record", side_effect=broken):
        world.live()
        end = world.book("startup_check").last_end
        waiting = world.system.ask("journal", GetWaiting(100), 5.0)
    assert end is not None
    assert (end.outcome, end.reason) == ("succeeded", "everything is up")
    assert [entry.write.healthy for entry in waiting if isinstance(entry.write, HealthRecord)] == [True]


def test_off_the_sandbox_it_reminds_of_the_label(abroad: World) -> None:
    abroad.live(60.0)
    verdict = abroad.system.board.get("startup")
    assert isinstance(verdict, StartupView)
    assert "label the account as automated" in verdict.reminders[0]


# the session


def test_an_expired_session_stops_the_account_and_tells_a_person(world: World) -> None:
    world.live()
    post = world.queue("a wren sings")
    world.place.site.inject(kind="session_expired")
    assert "the session is not good" in world.run("session_monitor")
    assert set(world.alerts()) == {"session", "account"}
    assert "ctl session FILE" in world.alerts()["session"]
    assert str(world.stopped()).startswith("session: ")
    assert "the account is stopped" in world.run("posting")
    world.sleep(12.0)
    assert world.texts() == []
    world.place.site.renew_session()
    world.run("session_monitor")
    assert set(world.alerts()) == {"account"}  # a person lets it go on, and nobody else
    assert "the account is stopped" in world.run("posting")
    assert world.system.ask("lane", ClearStop(), 10.0) is True
    world.sleep(1.0)
    assert (world.stopped(), world.alerts()) == (None, {})
    world.run("posting")
    assert world.texts() == ["a wren sings"]
    with world.database() as connection:
        found = posts.get(connection, post)
    assert found is not None
    assert found.site_id is not None


def looks_like(world: World, error: SiteError | None) -> None:
    """Every look at the session ends so; None: as it really does."""

    async def session(tab: Any) -> str:
        if error is not None:
            raise error
        return world.place.site.own_handle

    world.place.site.session = session


def test_two_looks_without_proof_stop_the_account_until_there_is_proof(world: World) -> None:
    world.live()
    looks_like(world, Unproven("open /home: the page shows neither who is signed in nor a known login."))
    world.run("session_monitor")
    world.sleep(120.0)  # real: it is tried again, or comes round again
    world.run("session_monitor")
    assert set(world.alerts()) == {"session", "account"}
    assert str(world.stopped()).startswith("unproven: ")
    looks_like(world, None)
    world.run("session_monitor")
    world.sleep(2.0)
    assert (world.stopped(), world.alerts()) == (None, {})


@pytest.mark.parametrize(
    ("error", "reason"),
    [(Restricted("the site says so"), "locked: "), (WrongLanguage("the interface is in 'ja'"), "language: ")],
)
def test_what_only_a_person_can_clear_stops_the_account_until_one_does(
    world: World, error: SiteError, reason: str
) -> None:
    world.live()
    looks_like(world, error)
    world.run("session_monitor")
    assert set(world.alerts()) == {"account"}
    assert str(world.stopped()).startswith(reason)
    looks_like(world, None)
    world.run("session_monitor")
    world.sleep(2.0)
    assert str(world.stopped()).startswith(reason)


def test_a_stop_holds_after_a_restart_with_postgres_away_all_the_time(world: World) -> None:
    world.live()
    world.cut_off(600.0)
    world.sleep(5.0)
    world.place.site.inject(kind="session_expired")
    world.run("session_monitor")
    assert world.stopped() is not None
    world.place.site.renew_session()
    world.live(20.0, away=60.0)
    assert str(world.stopped()).startswith("session: ")
    world.sleep(90.0)
    with world.database() as connection:
        reason = connection.execute("select stopped_reason from accounts").fetchone()
    assert reason is not None
    assert str(reason[0]).startswith("session: ")


def test_a_stop_that_was_cleared_does_not_come_back_from_the_journal(world: World) -> None:
    world.live()
    world.place.site.inject(kind="session_expired")
    world.run("session_monitor")  # the outbox has it too, and waits for the retry queue
    world.sleep(12.0)
    world.place.site.renew_session()
    assert world.system.ask("lane", ClearStop(), 10.0) is True
    world.run("posting")  # which replays the outbox
    world.sleep(12.0)
    assert world.stopped() is None
    world.live()
    assert world.stopped() is None


# backups and retention


def test_a_backup_is_written_read_back_and_kept_for_seven_days(world: World) -> None:
    world.live()
    folder = world.place.home / "backups"
    folder.mkdir()
    now = world.place.calendar()
    old, young = (folder / backup_name(now - days * DAY) for days in (7.1, 6.9))
    half = folder / (backup_name(now - DAY) + backup.PART)
    for path in (old, young, half):
        path.write_bytes(b"")
    world.queue("a wren sings")
    assert world.run("backup").startswith("succeeded: roost-")
    left = sorted(folder.iterdir())
    assert young in left
    assert not {old, half} & set(left)
    (made,) = set(left) - {young}
    tables = {table.name: table.rows for table in backup.verify(made)}
    assert tables["posts"] == 1
    assert tables["accounts"] == 1


def test_a_backup_that_finds_no_room_fails_with_what_to_do(world: World) -> None:
    world.live()
    with patch("store.backup._dump", side_effect=OSError(28, "No space left on device")):
        said = world.run("backup")
    assert said.startswith("failed: ")
    assert "No space left on device" in said
    assert list((world.place.home / "backups").iterdir()) == []


def test_cleanup_takes_old_rows_and_what_is_left_of_a_removed_post(world: World) -> None:
    world.live()
    post = world.queue("a wren sings")
    world.run("posting")
    now = world.place.calendar()
    with world.database() as connection:
        posts.mark_removed(connection, post, who="id_recovery", at=now)
        runs.record(connection, [runs.Run("old", "plan", "one", now - 31 * DAY, now - 31 * DAY, "succeeded", 1)])
    assert world.run("cleanup").startswith("succeeded")
    with world.database() as connection:
        found = posts.get(connection, post)
        assert "old" not in {run.run_id for run in runs.history(connection, limit=500)}
    assert found is not None
    assert (found.body, found.site_id is not None) == (ERASED, True)


# flags


def set_flag(world: World, name: str, text: str) -> None:
    world.system.ask("flags", SetFlag(name, text, "user 0"), 10.0)
    world.sleep(1.0)


def test_posting_that_was_disabled_stays_so_in_the_next_life_and_ends_when_it_is_allowed(world: World) -> None:
    world.live()
    set_flag(world, "POSTING_DISABLED", "yes")
    world.queue("a wren sings")
    world.live()
    assert "POSTING_DISABLED is set" in world.run("posting")
    assert world.texts() == []
    set_flag(world, "POSTING_DISABLED", "no")
    world.run("posting")
    assert world.texts() == ["a wren sings"]


def test_without_threads_none_is_begun_and_posts_go_out(world: World) -> None:
    world.live()
    set_flag(world, "THREADS", "no")
    now = world.place.calendar()
    parts = tuple(
        Draft(kind="thread_part", body=text, text_hash=text_hash(text), source="template", due_at=now)
        for text in ("one", "two")
    )
    with world.database() as connection:
        posts.queue_thread(connection, "roost", parts, who="plan", now=now)
    world.queue("a wren sings")
    world.run("posting")
    assert world.texts() == ["a wren sings"]
    set_flag(world, "THREADS", "yes")
    world.sleep(1_300.0)
    world.run("posting")
    world.sleep(10.0)
    world.run("posting")
    assert sorted(world.texts()) == ["a wren sings", "one", "two"]


def test_what_another_instances_operator_forbade_a_moment_ago_is_not_claimed(world: World) -> None:
    world.live()
    post = world.queue("a wren sings")
    with (
        world.database() as connection,
        patch("actors.account.flags.LOOK_EVERY", 1e9),
    ):
        world.sleep(20.0)
        connection.execute(
            "insert into flags values ('POSTING_DISABLED', 'true', to_timestamp(%s), 'user 7')",
            (world.place.calendar(),),
        )
        world.run("posting")
        found = posts.get(connection, post)
    assert found is not None
    assert (found.state.value, world.texts()) == ("planned", [])


class Ctx:
    """What the send boundary looks at."""

    actor_name = "run:posting:1"

    def __init__(self, known: bool = True, lane: Any = None, **environment: str) -> None:
        self.settings = parse(environment, {}, names())
        self.known, self.lane = known, lane
        self.asked: list[Any] = []

    def flags_known(self) -> bool:
        return self.known

    def board(self, key: Key[Any]) -> Any:
        return self.lane or key.default

    def calendar(self) -> float:
        return 1.8e9

    def ask_later(self, name: str, message: Any) -> Any:
        self.asked.append(message)
        raise AssertionError("it would be armed")


@pytest.mark.parametrize(
    ("ctx", "kind", "why"),
    [
        (Ctx(POSTING_DISABLED="yes"), "post", "publishing is switched off \\(POSTING_DISABLED\\)"),
        (Ctx(MODE="shadow"), "post", "MODE=shadow"),
        (Ctx(REPLIES="off"), "reply", "replies are switched off \\(REPLIES\\)"),
        (Ctx(REPLIES="approval"), "reply", "a person has not approved this text yet"),
        (Ctx(THREADS="no"), "thread_part", "threads are switched off \\(THREADS\\)"),
        (Ctx(known=False), "post", "not known yet"),
        (Ctx(lane=StandingBy("away", stopped="locked: code 326")), "post", "the account is stopped: locked"),
    ],
)
def test_what_was_forbidden_after_the_claim_is_not_armed(ctx: Ctx, kind: str, why: str) -> None:
    position = 0 if kind == "thread_part" else None
    of = {"kind": kind, "id": 1, "thread_position": position, "approval": "not_needed", "parent_author": "ann"}
    intent = SendIntent(SendChecks(ctx, SimpleNamespace(**of), History(), frozenset(), Policy()))  # type: ignore[arg-type]
    with pytest.raises(NotArmed, match=why):
        asyncio.run(intent.arm())
    assert intent.state in (Intent.NONE, Intent.SHADOW)
    assert ctx.asked == []
