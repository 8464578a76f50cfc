"""Flags: in force at once, for runs too, and still after the process and whatever else was away."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from actors.account.flags import FlagsActor
from actors.core.base import Actor
from actors.core.future import CallerError, CannotAnswer
from actors.protocol import journal
from actors.protocol.account import PUBLISHING, AreKept, FlagSet, FlagsState, OrderBreaker, SetFlag
from actors.protocol.jobs import Pause, Resume, SetInterval
from actors.protocol.resources import SetBreaker
from actors.resources.client import Leases
from actors.scheduling.outcome import Outcome
from actors.scheduling.run_context import RunContext
from domain.flags import BreakerOrder, order_as_value
from domain.settings import parse
from store import flags
from store.flags import Flag
from store.journal import Cached
from tests.actors.jobworld import JobWorld, close_worlds, spec

__all__ = ["close_worlds"]

ABROAD = {"SITE_URL": "https://site.example"}


class Notebook(Actor):
    """Takes the journal's messages, or refuses them."""

    def __init__(self, disk: "Disk") -> None:
        super().__init__()
        self.disk = disk

    def receive(self, message: Any) -> Any:
        if self.disk.full:
            raise CannotAnswer("disk full")
        match message:
            case journal.Append(entries):
                self.disk.outbox += entries
            case journal.Remember(key, value):
                self.disk.kept[key] = value
            case journal.Recall(key):
                return Cached(self.disk.kept[key], 0.0) if key in self.disk.kept else None


class Disk:
    """What survives a life: the journal's file, and Postgres, each of which may be away."""

    def __init__(self) -> None:
        self.outbox: list[Any] = []
        self.kept: dict[str, Any] = {}
        self.rows: dict[str, Flag] = {}
        self.full = self.away = False

    def put(self, connection: Any, flag: Flag) -> bool:
        before = self.rows.get(flag.name)
        if before is None or before.at <= flag.at:
            self.rows[flag.name] = flag
        return True

    @contextmanager
    def database(self, leases: Leases, wait: float = 0.0, hold: float = 0.0) -> Iterator[None]:
        if self.away:
            raise ConnectionError("away")
        yield None


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    made = Disk()
    monkeypatch.setattr(Leases, "database", lambda leases, **waits: made.database(leases, **waits))
    monkeypatch.setattr(flags, "put", made.put)
    monkeypatch.setattr(flags, "every", lambda connection: dict(made.rows))
    return made


class FlagWorld(JobWorld):
    """One life on a disk."""

    def __init__(self, disk: Disk, environment: dict[str, str] | None = None) -> None:
        super().__init__(environment=environment)
        self.disk = disk
        self.system.start("journal", lambda: Notebook(disk))
        self.owner = self.system.start("flags", lambda: FlagsActor(parse(environment or {}, {})))
        self.hands.settle()

    def set(self, name: str, text: str) -> FlagSet:
        answer = self.system.ask("flags", SetFlag(name, text, "user 0"), 5.0)
        self.hands.settle()
        assert isinstance(answer, FlagSet)
        return answer

    @property
    def shown(self) -> FlagsState:
        state = self.system.board.get("flags")
        assert isinstance(state, FlagsState)
        return state

    def in_a_run(self, look: Any) -> Any:
        """What a run that begins now sees."""
        seen: list[Any] = []

        def body(ctx: RunContext) -> Outcome:
            seen.append(look(ctx))
            return Outcome()

        name = f"look{self.system.runtime.now():.3f}".replace(".", "_")
        self.job(spec(name), body, offset=0.0)
        self.advance(60)
        return seen[0]


def test_a_flag_is_in_force_at_once_in_postgres_and_in_the_journal(disk: Disk) -> None:
    world = FlagWorld(disk)
    assert world.set("POSTING_DISABLED", "yes").kept
    assert world.in_a_run(lambda ctx: ctx.settings.posting_disabled)
    assert disk.rows["POSTING_DISABLED"].value is True
    assert [entry.value for _, entry in disk.outbox] == [True]


def test_a_run_under_way_sees_the_newest_flag(disk: Disk) -> None:
    world, seen = FlagWorld(disk), []

    def body(ctx: RunContext) -> Outcome:
        seen.append(ctx.settings.mode)
        ctx.sleep(20)
        seen.append(ctx.settings.mode)
        return Outcome()

    world.job(spec(), body, offset=0.0)
    world.advance(15)
    world.set("MODE", "shadow")
    world.advance(30)
    assert seen == ["live", "shadow"]


@pytest.mark.parametrize("away", [False, True], ids=["with Postgres", "with Postgres away"])
def test_a_flag_survives_a_restart(disk: Disk, away: bool) -> None:
    disk.away = away
    FlagWorld(disk).set("REPLIES", "off")
    disk.away = True  # the next life begins without Postgres
    assert FlagWorld(disk).in_a_run(lambda ctx: (ctx.flags_known(), ctx.settings.replies)) == (True, "off")


def test_a_flag_set_with_postgres_away_gets_there_when_it_is_back(disk: Disk) -> None:
    world = FlagWorld(disk)
    disk.away = True
    world.set("THREADS", "no")
    assert disk.rows == {}
    disk.away = False
    world.advance(15)
    assert disk.rows["THREADS"].value is False


def test_what_another_instance_sets_counts_here_soon(disk: Disk) -> None:
    world = FlagWorld(disk)
    world.advance(5)
    disk.rows["POSTING_DISABLED"] = Flag("POSTING_DISABLED", True, world.hands.calendar(), "user 7")
    world.advance(11)
    assert world.in_a_run(lambda ctx: ctx.settings.posting_disabled)
    assert disk.kept["flags"][0]["value"] is True


def test_in_a_claim_what_postgres_has_counts_before_anybody_was_told(disk: Disk) -> None:
    world = FlagWorld(disk)
    world.set("MODE", "live")
    stored = {"MODE": Flag("MODE", "shadow", world.hands.calendar() + 1, "user 7")}
    assert world.in_a_run(lambda ctx: ctx.settings_with(stored).mode) == "shadow"


def test_until_what_was_set_before_is_known_nothing_may_be_published(disk: Disk) -> None:
    disk.away = True
    world = FlagWorld(disk)
    assert not world.in_a_run(lambda ctx: ctx.flags_known())
    disk.away = False
    world.advance(2)
    assert world.in_a_run(lambda ctx: ctx.flags_known())


def test_default_gives_the_setting_back_to_the_environment(disk: Disk) -> None:
    world = FlagWorld(disk, {"MODE": "shadow"})
    world.set("MODE", "live")
    world.set("MODE", "default")
    assert world.in_a_run(lambda ctx: ctx.settings.mode) == "shadow"
    assert FlagWorld(disk, {"MODE": "shadow"}).in_a_run(lambda ctx: ctx.settings.mode) == "shadow"


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("MODE", "live", "SITE_AUTOMATION_PERMITTED=yes"),
        ("REPLIES", "auto", "replies without a person's approval are for the sandbox"),
        ("MODE", "loud", "Write one of: live, shadow"),
        ("SPEED", "2", "The flags are: POSTING_DISABLED, MODE, REPLIES, THREADS"),
    ],
)
def test_what_a_boot_would_refuse_is_refused_while_running_too(disk: Disk, name: str, text: str, why: str) -> None:
    world = FlagWorld(disk, ABROAD)
    with pytest.raises(CallerError, match=why):
        world.set(name, text)
    assert disk.rows == {}
    assert world.in_a_run(lambda ctx: (ctx.settings.mode, ctx.settings.replies)) == ("shadow", "approval")


def test_a_flag_of_the_sandbox_is_not_obeyed_on_another_site(disk: Disk) -> None:
    FlagWorld(disk).set("MODE", "live")
    abroad = FlagWorld(disk, ABROAD)
    assert abroad.in_a_run(lambda ctx: ctx.settings.mode) == "shadow"
    assert "SITE_AUTOMATION_PERMITTED" in abroad.shown.problems[0]


def test_the_last_change_wins_also_where_the_calendar_began_anew(disk: Disk) -> None:
    disk.rows["THREADS"] = Flag("THREADS", False, 9_999_999_999.0, "user 0")
    world = FlagWorld(disk)
    world.advance(2)
    world.set("THREADS", "yes")
    world.advance(15)
    assert disk.rows["THREADS"].value is True
    assert world.in_a_run(lambda ctx: ctx.settings.threads)


def test_a_flag_that_the_journal_cannot_keep_says_so_and_is_in_force(disk: Disk) -> None:
    world = FlagWorld(disk)
    disk.full = True
    assert not world.set("POSTING_DISABLED", "yes").kept
    assert world.in_a_run(lambda ctx: ctx.settings.posting_disabled)


def test_a_restarted_actor_goes_on_with_what_was_set(disk: Disk) -> None:
    world = FlagWorld(disk)
    world.set("POSTING_DISABLED", "yes")
    disk.full = disk.away = True
    world.system.stop("flags")
    world.advance(1)
    world.system.start("flags", lambda: FlagsActor(parse({}, {})))
    assert world.in_a_run(lambda ctx: ctx.settings.posting_disabled)


@pytest.mark.parametrize("away", [False, True], ids=["with Postgres", "with Postgres away"])
def test_a_jobs_pause_and_interval_survive_a_restart(disk: Disk, away: bool) -> None:
    disk.away = away
    world, calls = FlagWorld(disk), []
    world.job(spec(every=600), offset=0.0)
    world.ask(Pause("user 0"))
    world.ask(SetInterval(60.0))
    world.advance(1)
    later = FlagWorld(disk)
    later.job(spec(every=600), lambda ctx: calls.append(ctx.now()) or Outcome(), offset=0.0)
    later.advance(200)
    assert later.state() == "paused"
    assert later.book().interval == 60.0
    assert calls == []
    later.ask(Resume())
    later.advance(130)
    assert len(calls) == 2


def test_a_pause_that_only_postgres_knows_reaches_a_job_that_has_begun(disk: Disk) -> None:
    disk.rows["job:learn"] = Flag("job:learn", {"interval": 90.0, "paused_by": "user 7"}, 1.0, "user 7")
    disk.away = True
    world = FlagWorld(disk)
    world.job(spec(every=600), offset=500.0)
    assert world.state() == "waiting"
    disk.away = False
    world.advance(3)
    assert (world.state(), world.book().interval) == ("paused", 90.0)


def test_an_interval_taken_back_stays_taken_back(disk: Disk) -> None:
    world = FlagWorld(disk)
    world.job(spec(every=600), offset=0.0)
    world.ask(SetInterval(60.0))
    world.ask(SetInterval(None))
    world.advance(1)
    later = FlagWorld(disk)
    later.job(spec(every=600), offset=0.0)
    assert later.book().interval == 600.0


def test_who_asks_is_told_when_what_was_set_for_a_job_is_on_the_disk(disk: Disk) -> None:
    world = FlagWorld(disk)
    world.job(spec(every=600), offset=0.0)
    world.system.ask("job:learn", Pause("user 0"), 5.0)
    assert world.system.ask("flags", AreKept(), 5.0) is True
    assert disk.kept["flags"][0]["value"]["paused_by"] == "user 0"
    disk.full = True
    with pytest.raises(CannotAnswer, match="the journal cannot keep it"):
        world.system.ask("flags", AreKept(), 5.0)


class Told(Actor):
    """A resource, as far as it is told of its breaker, which follows unless it is `deaf`."""

    def __init__(self, world: FlagWorld, name: str) -> None:
        super().__init__()
        self.world, self.resource, self.deaf = world, name, False
        self.heard: list[SetBreaker] = []

    def on_start(self) -> None:
        self.world.resource(self.resource, breaker="closed")

    def receive(self, message: Any) -> Any:
        self.heard.append(message)
        if not self.deaf:
            breaker = "closed" if message.state == "auto" else f"forced_{message.state}"
            self.world.resource(self.resource, breaker=breaker)


def told(world: FlagWorld, name: str = "redis") -> Told:
    made = world.system.start(name, lambda: Told(world, name))
    assert isinstance(made, Told)
    return made


def order(world: FlagWorld, name: str, order: BreakerOrder | None) -> FlagSet:
    answer = world.system.ask("flags", OrderBreaker(name, order, "user 0"), 5.0)
    world.hands.settle()
    assert isinstance(answer, FlagSet)
    return answer


HELD = BreakerOrder("open", "maintenance")
TOLD_OPEN = SetBreaker("open", "maintenance")


@pytest.mark.parametrize("away", [False, True], ids=["with Postgres", "with Postgres away"])
@pytest.mark.parametrize("said", [HELD, BreakerOrder("closed", "it is well")])
def test_an_order_to_a_breaker_survives_a_restart(disk: Disk, away: bool, said: BreakerOrder) -> None:
    disk.away = away
    first = FlagWorld(disk)
    resource = told(first)
    for name in ("redis", PUBLISHING):
        assert order(first, name, said).kept
    assert resource.heard == [SetBreaker(said.state, said.reason)]
    disk.away = True  # the next life begins without Postgres
    second = FlagWorld(disk)
    resource = told(second)
    second.advance(2)
    assert resource.heard == [SetBreaker(said.state, said.reason)]
    assert second.in_a_run(lambda ctx: ctx.breaker_order(PUBLISHING)) == said


def test_an_order_that_is_taken_back_stays_taken_back(disk: Disk) -> None:
    first = FlagWorld(disk)
    resource = told(first)
    order(first, "redis", HELD)
    order(first, "redis", None)
    assert [message.state for message in resource.heard] == ["open", "auto"]
    second = FlagWorld(disk)
    resource = told(second)
    second.advance(15)
    assert resource.heard == []
    assert second.in_a_run(lambda ctx: ctx.breaker_order("redis")) is None


def test_a_resource_that_was_not_there_or_began_anew_is_told_again(disk: Disk) -> None:
    world = FlagWorld(disk)
    order(world, "redis", HELD)
    resource = told(world)
    world.advance(15)
    assert resource.heard == [TOLD_OPEN]
    world.system.stop("redis")
    world.advance(1)
    resource = told(world)
    resource.deaf = True
    world.advance(25)
    assert resource.heard.count(TOLD_OPEN) >= 2, "until it follows"
    resource.deaf = False
    world.advance(30)
    heard = len(resource.heard)
    world.advance(60)
    assert len(resource.heard) == heard, "one that follows is left alone"


def test_a_breaker_that_nobody_ordered_anything_of_is_left_alone(disk: Disk) -> None:
    world = FlagWorld(disk)
    resource = told(world)
    world.resource("redis", breaker="open")
    world.advance(60)
    assert resource.heard == []


def test_an_order_that_another_instance_was_given_counts_here_soon(disk: Disk) -> None:
    world = FlagWorld(disk)
    resource = told(world)
    world.advance(5)
    value = order_as_value(HELD)
    disk.rows["breaker:redis"] = Flag("breaker:redis", value, world.hands.calendar(), "user 7")
    world.advance(11)
    assert resource.heard == [TOLD_OPEN]


def test_an_order_that_the_journal_cannot_keep_says_so_and_is_in_force(disk: Disk) -> None:
    world = FlagWorld(disk)
    disk.full = True
    assert not order(world, PUBLISHING, HELD).kept
    assert world.in_a_run(lambda ctx: ctx.breaker_order(PUBLISHING)) == HELD
