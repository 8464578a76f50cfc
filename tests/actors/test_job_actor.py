"""A job's actor: when it runs, what stops it, what it does about failures."""

from dataclasses import replace
from typing import Any

import pytest

from actors.core.base import Actor
from actors.core.future import CallerError, CannotAnswer
from actors.core.lifecycle import Stop
from actors.core.simulation import seeds
from actors.protocol.health import MemoryView
from actors.protocol.jobs import Accepted, Barred, Busy, Ended, Pause, Recall, Recalled, Resume, RunNow, SetInterval
from actors.scheduling.outcome import Outcome, RunFailed
from actors.scheduling.run_context import RunContext
from domain.jobs.retries import Failure
from domain.jobs.spec import Holds, Kind
from domain.resources.levels import BROWSER, DATABASE, REDIS, Level
from domain.resources.memory import MemoryAdvice, Stage, State
from tests.actors.jobworld import JobWorld, close_worlds, spec

__all__ = ["close_worlds"]


def counting(calls: list[float]) -> Any:
    def body(ctx: RunContext) -> Outcome:
        calls.append(ctx.calendar())
        return Outcome(done=1, of=1)

    return body


def test_a_job_runs_at_its_offset_and_then_every_interval() -> None:
    world, calls = JobWorld(), []
    world.job(spec(every=600), counting(calls), offset=30)
    world.advance(29)
    assert calls == []
    world.advance(1_900)
    starts = [at - world.boot for at in calls]
    assert [round(start / 600) for start in starts] == [0, 1, 2, 3]
    assert all(30 <= start - 600 * n <= 40 for n, start in enumerate(starts))  # the jitter does not add up
    assert world.book().succeeded == 4
    assert world.state() == "waiting"


def test_intervals_are_of_the_calendar_not_of_the_clock() -> None:
    world, calls = JobWorld(speed=60), []
    world.job(spec(every=600), counting(calls), offset=30)
    world.advance(41)  # 2460 seconds of the calendar
    assert len(calls) == 5


def test_the_setting_of_an_interval_replaces_the_specs() -> None:
    world, calls = JobWorld(environment={"JOBS_LEARN_INTERVAL_MIN": "1"}), []
    world.job(spec(every=3_600), counting(calls), offset=0)
    world.advance(190)
    assert len(calls) == 4


def test_a_run_says_what_it_did_and_leaves_a_row() -> None:
    world = JobWorld().with_recorder()
    world.job(spec(), lambda ctx: Outcome(done=3, of=4, detail={"pages": 2}))
    world.advance(60)
    (row,) = world.rows
    assert (row.job, row.outcome, row.attempts, row.reason) == ("learn", "succeeded", 1, None)
    assert (row.detail["done"], row.detail["of"], row.detail["pages"]) == (3, 4, 2)
    assert world.boot <= row.started_at <= row.ended_at


def test_a_job_never_runs_twice_at_once() -> None:
    world, calls = JobWorld(), []

    def slow(ctx: RunContext) -> Outcome:
        calls.append(ctx.now())
        ctx.sleep(1_500)
        return Outcome()

    world.job(spec(every=600, deadline=2_000), slow, offset=0)
    world.advance(1_300)
    assert len(calls) == 1
    assert world.state() == "running"
    assert dict(world.book().skips)["overlap"] == 2


def test_a_failed_run_is_tried_three_times_and_is_then_a_failure() -> None:
    world, attempts = JobWorld().with_recorder(), []

    def broken(ctx: RunContext) -> Outcome:
        attempts.append(ctx.attempt)
        raise RunFailed(Failure.UNAVAILABLE, "no answer")

    world.job(spec(), broken, offset=0)
    world.advance(60)
    assert attempts == [1, 2, 3]
    (row,) = world.rows
    assert (row.outcome, row.attempts) == ("failed", 3)
    assert row.reason is not None
    assert "no answer" in row.reason
    assert world.book().success_rate == 0.0


def test_between_attempts_the_job_is_backing_off_and_answers() -> None:
    world = JobWorld()

    def broken(ctx: RunContext) -> Outcome:
        raise RunFailed(Failure.UNAVAILABLE, "no answer")

    world.job(spec(attempts=10), broken, offset=0)
    world.advance(15)
    assert world.state() == "backing off"
    assert world.book().reasons == ("no answer",)
    assert isinstance(world.ask(RunNow("test")), Accepted)  # at once, not when the wait is over


def losing_its_browser(world: JobWorld) -> None:
    """A run that fails since the browser is gone, and is then to be tried again."""
    lost: list[bool] = []

    def scrape(ctx: RunContext) -> Outcome:
        while not lost:
            ctx.sleep(1.0)
        if ctx.attempt == 1:
            raise RunFailed(Failure.UNAVAILABLE, "the page is gone")
        return Outcome(done=1, of=1)

    world.job(spec(kind=Kind.SCRAPING, holds=Holds(browser=1), deadline=120.0), scrape, offset=0)
    world.advance(20)
    world.level(Level.MINIMAL, BROWSER)
    lost.append(True)
    world.advance(40)
    assert world.state() == "backing off"
    assert world.book().reasons == ("the page is gone", "the browser is down: runs wait until it is back")


def test_an_attempt_that_finds_the_gate_closed_waits_for_it() -> None:
    world = JobWorld().with_recorder()
    losing_its_browser(world)
    world.level(Level.FULL)
    world.advance(30)
    assert [(row.outcome, row.attempts) for row in world.rows] == [("succeeded", 2)]


def test_it_does_not_wait_for_ever() -> None:
    world = JobWorld().with_recorder()
    losing_its_browser(world)
    world.advance(150)
    (row,) = world.rows
    assert row.outcome == "failed"
    assert row.reason == "the page is gone (not tried again: the browser is down: runs wait until it is back)"


def test_a_crash_is_a_failure_that_is_tried_again() -> None:
    world, attempts = JobWorld(), []

    def crashing(ctx: RunContext) -> Outcome:
        attempts.append(ctx.attempt)
        if ctx.attempt < 2:
            raise ZeroDivisionError("nobody foresaw it")
        return Outcome()

    world.job(spec(), crashing, offset=0)
    world.advance(30)
    assert attempts == [1, 2]
    assert world.book().succeeded == 1


def test_what_cannot_get_better_is_not_tried_again() -> None:
    world, attempts = JobWorld().with_recorder(), []

    def expired(ctx: RunContext) -> Outcome:
        attempts.append(ctx.attempt)
        raise RunFailed(Failure.SESSION_EXPIRED, "the site asks for a login")

    world.job(spec(), expired, offset=0)
    world.advance(60)
    assert attempts == [1]
    assert world.rows[0].outcome == "failed"


def test_a_run_past_its_deadline_is_told_to_stop() -> None:
    world, seen = JobWorld().with_recorder(), []

    def sleepy(ctx: RunContext) -> Outcome:
        try:
            ctx.sleep(10_000)
        finally:
            seen.append(ctx.now())
        return Outcome()

    world.job(spec(every=3_600, deadline=50, attempts=1), sleepy, offset=0)
    world.advance(120)
    assert len(seen) == 1
    assert world.rows[0].outcome == "failed"
    assert "past its deadline of 50 s" in str(world.rows[0].reason)
    assert world.state() == "waiting"


def test_a_run_that_does_not_stop_is_fenced_and_what_it_says_later_counts_for_nothing() -> None:
    world = JobWorld().with_recorder()

    def deaf(ctx: RunContext) -> Outcome:
        ctx._system.runtime.sleep(500)  # not the context's sleep: it cannot be told to stop
        ctx.tell("recorder", "late word")
        return Outcome(done=1)

    world.job(spec(every=3_600, deadline=50, attempts=1), deaf, offset=0)
    world.advance(75)
    assert world.rows[0].outcome == "failed"
    assert world.state() == "waiting"
    world.advance(600)
    assert world.book().succeeded == 0
    assert world.system.dead_letters["fenced"] >= 1


def test_a_run_that_ends_in_its_grace_has_succeeded() -> None:
    world = JobWorld()

    def just_late(ctx: RunContext) -> Outcome:
        ctx._system.runtime.sleep(52)
        return Outcome()

    world.job(spec(every=3_600, deadline=50), just_late, offset=0)
    world.advance(75)
    assert world.book().succeeded == 1


def test_an_outcome_can_ask_for_an_earlier_next_run() -> None:
    world, calls = JobWorld(), []

    def hungry(ctx: RunContext) -> Outcome:
        calls.append(ctx.calendar())
        return Outcome(again_in=60 if len(calls) == 1 else None)

    world.job(spec(every=3_600), hungry, offset=100)
    world.advance(200)
    assert len(calls) == 2
    following = world.book().next_due
    assert following is not None
    assert 3_700 <= following - world.boot <= 3_710  # where it would have been


# the operator


def test_run_now_is_answered_at_once_and_runs() -> None:
    world, calls = JobWorld().with_recorder(), []
    world.job(spec(), counting(calls), offset=500)
    answer = world.ask(RunNow("operator"))
    assert isinstance(answer, Accepted)
    assert len(calls) == 1
    assert world.rows[0].run_id == answer.run_id
    assert world.rows[0].detail["asked_by"] == "operator"


def test_run_now_of_a_running_job_says_so() -> None:
    world = JobWorld()

    def slow(ctx: RunContext) -> Outcome:
        ctx.sleep(50)
        return Outcome()

    world.job(spec(), slow, offset=0)
    world.advance(20)
    assert world.ask(RunNow("operator")) == Busy("run:learn:1")


def test_a_paused_job_does_not_run_until_it_is_resumed() -> None:
    world, calls = JobWorld(), []
    world.job(spec(every=60), counting(calls), offset=30)
    world.ask(Pause("operator"))
    world.advance(300)
    assert calls == []
    assert world.state() == "paused"
    assert not world.book().expected
    assert dict(world.book().skips)["paused"] >= 4
    world.ask(Resume())
    world.advance(70)
    assert len(calls) == 1


def test_only_a_person_runs_a_paused_job() -> None:
    world, calls = JobWorld(), []
    world.job(spec(every=60), counting(calls), offset=30)
    world.ask(Pause("operator"))
    assert world.ask(RunNow("posting, whose queue is empty")) == Barred(("paused by operator",))
    assert calls == []
    assert isinstance(world.ask(RunNow("operator", though_paused=True)), Accepted)
    assert len(calls) == 1
    assert world.state() == "paused"


def test_an_operators_interval_holds_from_the_last_run() -> None:
    world, calls = JobWorld(), []
    world.job(spec(every=3_600), counting(calls), offset=0)
    world.advance(100)
    assert world.ask(SetInterval(60.0)).interval == 60.0
    world.advance(65)
    assert len(calls) == 3  # at once, as the new interval was over, and once more
    assert world.ask(SetInterval(None)).interval == 3_600


def test_an_interval_of_nothing_is_the_askers_mistake() -> None:
    world = JobWorld()
    world.job(spec())
    with pytest.raises(CallerError, match="above 0"):
        world.ask(SetInterval(0.0))
    assert world.state() == "waiting"


# the gate


def test_a_job_waits_for_a_job_it_cannot_do_without_and_then_runs() -> None:
    world, calls, good = JobWorld().with_recorder(), [], [False]

    def scraper(ctx: RunContext) -> Outcome:
        if not good[0]:
            raise RunFailed(Failure.PAGE_BROKEN, "nothing to read")
        return Outcome()

    world.job(spec("metrics_scraper", every=100, attempts=1), scraper, offset=0)
    world.job(spec(every=400, requires=("metrics_scraper!",)), counting(calls), offset=200)
    world.advance(230)
    assert calls == []
    assert world.state() == "gated"
    assert "metrics_scraper has not succeeded yet" in world.book().reasons[0]
    assert [row.reason for row in world.rows if row.job == "learn"] == [world.book().reasons[0]]
    good[0] = True
    world.advance(120)
    assert len(calls) == 1  # as soon as it may, not at the next tick


def test_a_job_runs_without_what_it_only_wishes_for_and_says_so() -> None:
    world, told = JobWorld(), []

    def body(ctx: RunContext) -> Outcome:
        told.extend(ctx.without)
        return Outcome()

    world.job(spec(requires=("plan~",)), body, offset=0)
    world.advance(20)
    assert told == ["without plan: it is not there"]


# levels


def test_reduced_slows_what_is_not_critical() -> None:
    world = JobWorld()
    world.job(spec("learn", every=100))
    world.job(spec("posting", every=100, kind=Kind.CRITICAL))
    world.level(Level.REDUCED, REDIS)
    assert world.book("learn").interval == 150
    assert world.book("posting").interval == 100
    world.level(Level.FULL)
    assert world.book("learn").interval == 100


def test_with_the_browser_down_browser_jobs_wait_and_their_ticks_become_one_run() -> None:
    world, calls, other = JobWorld(), [], []
    world.job(spec("posting", every=100, kind=Kind.CRITICAL, holds=Holds(browser=1)), counting(calls), offset=10)
    world.job(spec("learn", every=100), counting(other), offset=10)
    world.level(Level.REDUCED, BROWSER)
    world.advance(450)
    assert calls == []
    assert world.state("posting") == "gated"
    assert len(other) == 3
    world.level(Level.FULL)
    world.advance(10)
    assert len(calls) == 1


def test_minimal_slows_scraping_threefold_and_pauses_background_jobs() -> None:
    world, scrapes, backups = JobWorld(), [], []
    world.job(spec("metrics_scraper", every=100, kind=Kind.SCRAPING), counting(scrapes), offset=10)
    world.job(spec("backup", every=100, kind=Kind.BACKGROUND), counting(backups), offset=10)
    world.level(Level.MINIMAL)
    world.advance(650)
    assert len(scrapes) == 3
    assert backups == []
    assert world.book("backup").reasons == ("minimal: background jobs are paused",)
    assert not world.book("backup").expected


def test_emergency_lets_critical_jobs_alone_run_posting_at_a_third_and_no_replies() -> None:
    world = JobWorld()
    calls: dict[str, list[float]] = {name: [] for name in ("posting", "reply_posting", "id_recovery", "learn")}
    for name in calls:
        kind = Kind.NORMAL if name == "learn" else Kind.CRITICAL
        world.job(spec(name, every=100, kind=kind), counting(calls[name]), offset=10)
    world.level(Level.EMERGENCY, DATABASE)
    world.advance(650)
    assert {name: len(starts) for name, starts in calls.items()} == {
        "posting": 3,
        "reply_posting": 0,
        "id_recovery": 7,
        "learn": 0,
    }


def test_a_level_without_a_failed_component_has_the_effects_of_its_row_alone() -> None:
    world = JobWorld()
    world.job(spec("learn", every=100))
    world.job(spec("metrics_scraper", every=100, kind=Kind.SCRAPING))
    world.level(Level.MINIMAL)
    assert world.book("learn").interval == 100
    assert world.book("metrics_scraper").interval == 300


def test_in_emergency_a_run_is_told_to_use_templates_and_the_journal() -> None:
    world, seen = JobWorld(), []

    def body(ctx: RunContext) -> Outcome:
        seen.append((ctx.effects.templates, ctx.effects.from_journal, ctx.effects.database_waived))
        return Outcome()

    world.job(spec("posting", every=100, kind=Kind.CRITICAL), body, offset=10)
    world.advance(20)
    world.level(Level.EMERGENCY, DATABASE)
    world.advance(400)
    assert seen[0] == (False, False, False)
    assert seen[-1] == (True, True, True)


def test_a_job_that_lives_from_the_database_waits_for_it_and_does_not_fail() -> None:
    world, calls = JobWorld().with_recorder(), []
    world.level(Level.EMERGENCY, DATABASE)
    world.resource("database", state="down", healthy=False, detail="starting", builds=0)
    plan = spec("plan", every=1_800, priority=0, kind=Kind.CRITICAL, holds=Holds(database=1), needs=("database",))
    world.job(plan, counting(calls), offset=10)
    world.advance(60)
    assert (world.state("plan"), calls) == ("gated", [])
    assert world.book("plan").reasons == ("database: down (starting)",)
    assert not world.book("plan").expected  # so that no watchdog calls for what it cannot do
    assert [row.outcome for row in world.rows] == ["skipped"]
    world.resource("database")
    world.level(Level.FULL)
    world.advance(1)
    assert len(calls) == 1


def test_a_job_waits_while_what_it_holds_opens_for_the_first_time() -> None:
    world, calls = JobWorld(), []
    world.resource("browser", state="opening", healthy=False, builds=0)
    world.job(spec(holds=Holds(browser=1)), counting(calls), offset=10)
    world.advance(30)
    assert world.book().reasons == ("browser: opening",)
    world.resource("browser")
    world.advance(10)
    assert len(calls) == 1


def test_what_was_held_back_runs_once_when_the_level_comes_back() -> None:
    world, calls = JobWorld(), []
    world.job(spec("learn", every=100), counting(calls), offset=10)
    world.level(Level.EMERGENCY, DATABASE)
    world.advance(1_000)
    assert calls == []
    world.level(Level.FULL)
    world.advance(50)
    assert len(calls) == 1


# lives


def test_a_restarted_job_actor_goes_on_with_the_run_of_its_former_life() -> None:
    world, calls = JobWorld().with_recorder(), []

    def slow(ctx: RunContext) -> Outcome:
        calls.append(ctx.now())
        ctx.sleep(100)
        return Outcome(done=7)

    world.job(spec(every=3_600), slow, offset=0)
    world.advance(20)
    world.system.tell("job:learn", Stop())
    world.hands.settle()
    world.job(spec(every=3_600), slow, offset=0)
    assert world.state() == "running"
    world.advance(200)
    assert len(calls) == 1
    assert world.book().succeeded == 1
    assert [row.detail["done"] for row in world.rows] == [7]


def test_a_restarted_job_actor_keeps_its_counts_its_pause_and_its_interval() -> None:
    world = JobWorld()
    world.job(spec(every=60), offset=0)
    world.advance(130)
    before = world.book()
    world.ask(SetInterval(90.0))
    world.ask(Pause("operator"))
    world.system.tell("job:learn", Stop())
    world.hands.settle()
    world.job(spec(every=60), offset=0)
    after = world.book()
    assert (after.succeeded, after.last_success) == (before.succeeded, before.last_success)
    assert (after.interval, after.paused_by) == (90.0, "operator")
    assert world.state() == "paused"


def slow(ctx: RunContext) -> Outcome:
    ctx.sleep(1_000)
    return Outcome()


def test_a_run_that_died_with_its_job_actor_is_recorded_as_cancelled() -> None:
    world = JobWorld().with_recorder()
    world.job(spec(every=3_600, deadline=2_000), slow, offset=0)
    world.advance(20)
    world.system.tell("job:learn", Stop())
    world.system.tell("run:learn:1", Stop())
    world.hands.settle()
    world.job(spec(every=3_600), slow, offset=0)
    assert world.state() == "waiting"
    assert [row.outcome for row in world.rows] == ["cancelled"]


def test_a_run_that_goes_on_while_all_ends_is_recorded_as_cancelled() -> None:
    world = JobWorld().with_recorder()
    world.job(spec(every=3_600, deadline=2_000), slow, offset=0)
    world.advance(20)
    world.system.in_transit = True
    world.system.tell("job:learn", Stop())
    world.hands.settle()
    assert [(row.outcome, row.reason) for row in world.rows] == [("cancelled", "Roost was stopped")]


@pytest.mark.parametrize("seed", seeds(12))
def test_however_its_actor_dies_a_job_never_runs_twice_at_once(seed: int) -> None:
    world, at_work, most = JobWorld(seed=seed), [0], [0]

    def body(ctx: RunContext) -> Outcome:
        at_work[0] += 1
        most[0] = max(most[0], at_work[0])
        ctx.sleep(5)
        at_work[0] -= 1
        return Outcome()

    chance = world.hands.random("test")
    world.job(spec(every=60), body, offset=0)
    for _ in range(6):
        world.system.tell("job:learn", RunNow("test"))
        for _ in range(chance.randrange(15)):
            world.hands.checkpoint("the others may go on, or not")
        actor = world.system.directory.whereis("job:learn")
        assert actor is not None
        world.system.fence(actor, "by the test")
        world.job(spec(every=60), body, offset=0)
        world.system.tell("job:learn", RunNow("test"))
        world.advance(7)
    assert most == [1]
    assert at_work == [0]
    assert world.state() == "waiting"


def test_after_downtime_one_run_catches_up() -> None:
    world, calls = JobWorld(), []
    ran_at = world.boot - 10_000

    def remember(recorder: Any, message: Any) -> None:
        match message:
            case Recall(job):
                recorder.tell(f"job:{job}", Recalled(ran_at, ran_at))

    world.with_recorder(remember)
    world.job(spec(every=600), counting(calls), offset=30)
    world.advance(100)
    assert len(calls) == 1
    assert dict(world.book().skips)["missed"] == 16


def test_a_job_that_ran_just_before_the_boot_waits_out_its_interval() -> None:
    world, calls = JobWorld(), []

    def remember(recorder: Any, message: Any) -> None:
        match message:
            case Recall(job):
                recorder.tell(f"job:{job}", Recalled(world.boot - 60, world.boot - 50))

    world.with_recorder(remember)
    world.job(spec(every=86_400), counting(calls), offset=30)
    world.advance(3_600)
    assert calls == []
    assert world.book().last_success == world.boot - 50


def test_the_first_run_waits_a_little_to_learn_of_earlier_ones_but_not_for_ever() -> None:
    world, calls = JobWorld().with_recorder(), []  # a recorder that does not answer
    world.job(spec(), counting(calls), offset=0)
    world.advance(9)
    assert calls == []
    world.advance(6)
    assert len(calls) == 1


def test_a_once_job_runs_once() -> None:
    world, calls = JobWorld(), []
    world.job(spec("startup_check", every=1, once=True), counting(calls), offset=30)
    world.advance(5_000)
    assert len(calls) == 1
    assert not world.book("startup_check").expected


def test_the_last_end_tells_what_happened() -> None:
    world = JobWorld()

    def body(ctx: RunContext) -> Outcome:
        ctx.sleep(2)
        return Outcome(done=1, of=2, note="one left")

    world.job(spec(), body, offset=0)
    world.advance(60)
    end = world.book().last_end
    assert end is not None
    assert replace(end, run_id="", at=0.0) == Ended("", "succeeded", "one left", 0.0, 2.0, 1, 1, 2)


def test_a_run_that_cannot_be_started_is_a_failure_of_the_run_not_of_the_actor() -> None:
    world = JobWorld().with_recorder()
    world.system.tell("runs", Stop())
    world.hands.settle()
    world.job(spec(attempts=1), offset=0)
    world.advance(30)
    assert world.rows[0].outcome == "failed"
    assert "could not be started" in str(world.rows[0].reason)


class Refusing(Actor):
    """Refuses whatever it is asked, and lives on."""

    def __init__(self, refusal: Exception) -> None:
        super().__init__()
        self.refusal = refusal

    def receive(self, message: Any) -> None:
        raise self.refusal


@pytest.mark.parametrize("refusal", [CannotAnswer("the disk is full"), CallerError("not in these words")])
def test_a_run_that_is_refused_an_answer_has_failed_at_once_and_not_at_its_deadline(refusal: Exception) -> None:
    world = JobWorld().with_recorder()
    world.system.start("journal", lambda: Refusing(refusal))
    world.job(spec(attempts=1, deadline=300.0), lambda ctx: ctx.ask("journal", "anything"), offset=0)
    world.advance(30)
    (row,) = world.rows
    assert row.outcome == "failed"
    assert str(refusal) in str(row.reason)


def test_run_now_against_a_closed_gate_gives_the_reasons() -> None:
    world = JobWorld()
    world.job(spec("learn"))
    world.level(Level.EMERGENCY, DATABASE)
    assert world.ask(RunNow("operator")) == Barred(("emergency: critical jobs only",))


def test_an_open_breaker_and_a_crowded_pool_keep_a_job_out_with_every_reason() -> None:
    world, calls = JobWorld().with_recorder(), []
    world.resource("browser", waiting=9)
    world.resource("database", breaker="open", healthy=False, breaker_retry_at=world.hands.now() + 60)
    world.job(spec(holds=Holds(browser=1, database=1)), counting(calls), offset=10)
    world.advance(30)
    assert calls == []
    (row,) = world.rows
    assert (row.outcome, row.detail) == ("skipped", {"kind": "pool"})
    assert "9 wait already" in str(row.reason)
    assert "its breaker is open" in str(row.reason)
    world.resource("browser")
    world.advance(60)  # the breaker's time is over: the run is its trial
    assert len(calls) == 1


def test_with_redis_down_a_job_runs_without_its_cache() -> None:
    world, told = JobWorld(), []

    def body(ctx: RunContext) -> Outcome:
        told.append(ctx.without)
        with ctx.redis() as cache:
            told.append(cache.get("anything"))
        return Outcome()

    world.resource("redis", state="down", healthy=False, detail="connection refused")
    world.job(spec(holds=Holds(redis=1)), body, offset=10)
    world.advance(30)
    assert told == [("without redis: down (connection refused)",), None]


def test_in_emergency_a_critical_job_runs_without_the_database_it_usually_holds() -> None:
    world, calls = JobWorld(), []
    world.resource("database", state="down", healthy=False, detail="gone")
    world.job(spec("posting", kind=Kind.CRITICAL, holds=Holds(database=1)), counting(calls), offset=10)
    world.level(Level.EMERGENCY, DATABASE)
    world.advance(30)
    assert len(calls) == 1


def test_no_page_is_opened_for_which_there_is_no_memory_but_a_critical_one() -> None:
    world, calls, posted = JobWorld(), [], []
    advice = MemoryAdvice(Stage.SHORT, contexts=1, recycle=False, level_pressure=True, stop_background=False)
    world.system.board.put("memory", MemoryView(480 << 20, 510 << 20, advice, State(), parts=(), at=0.0, private=0))
    world.resource("browser")
    world.job(spec("harvester", holds=Holds(browser=1)), counting(calls), offset=10)
    world.job(spec("posting", kind=Kind.CRITICAL, holds=Holds(browser=1)), counting(posted), offset=10)
    world.advance(30)
    assert (len(calls), len(posted)) == (0, 1)
    assert "memory: it needs 40 MiB and 30 MiB are left below the limit" in world.book("harvester").reasons


def test_short_of_memory_background_jobs_stop() -> None:
    world, calls, other = JobWorld(), [], []
    advice = MemoryAdvice(Stage.CRITICAL, contexts=1, recycle=False, level_pressure=True, stop_background=True)
    world.system.board.put("memory", MemoryView(500, 510, advice, State(), parts=(), at=0.0, private=0))
    world.job(spec("backup", kind=Kind.BACKGROUND), counting(calls), offset=10)
    world.job(spec("learn"), counting(other), offset=10)
    world.advance(30)
    assert (len(calls), len(other)) == (0, 1)
    assert world.state("backup") == "gated"
