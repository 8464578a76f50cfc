"""The watchdog: a job that does not run is nudged, then its actor restarted, then a person called."""

from dataclasses import replace
from typing import Any

from actors.care.watchdog import WatchdogActor, WatchdogState
from actors.core.base import Actor
from actors.core.lifecycle import Stop
from actors.core.supervision import Restart
from actors.protocol import alerts
from actors.protocol.jobs import Pause, Running, RunNow
from actors.scheduling.outcome import Outcome, RunFailed
from actors.scheduling.run_context import RunContext
from domain.jobs.retries import Failure
from domain.jobs.spec import Kind
from tests.actors.jobworld import JobWorld, close_worlds, spec

__all__ = ["close_worlds"]


class WatchWorld(JobWorld):
    def __init__(self, speed: float = 1.0) -> None:
        super().__init__(speed)
        self.heard: dict[str, list[Any]] = {"jobs": [], "alerts": []}
        for name, heard in self.heard.items():
            self.system.start(name, lambda heard=heard: _Ear(heard))

    def watch(self, *names: str) -> None:
        self.system.start("watchdog", lambda: WatchdogActor(names, self.boot))

    @property
    def troubles(self) -> tuple[tuple[str, str, str], ...]:
        state = self.system.board.get("watchdog")
        assert isinstance(state, WatchdogState)
        return state.troubles


class _Ear(Actor):
    def __init__(self, heard: list[Any]) -> None:
        super().__init__()
        self.heard = heard

    def receive(self, message: Any) -> None:
        self.heard.append(message)


def test_a_job_that_runs_is_left_alone() -> None:
    world = WatchWorld()
    world.job(spec("learn", every=600))
    world.watch("learn")
    world.advance(7_200)
    assert world.troubles == ()
    assert world.heard == {"jobs": [], "alerts": []}


def test_a_dead_job_actor_is_nudged_then_restarted_then_a_person_is_called() -> None:
    world = WatchWorld()
    world.job(spec("learn", every=600))
    world.watch("learn")
    world.advance(700)
    world.system.tell("job:learn", Stop())
    world.advance(600 * 1.5 + 90)
    assert world.troubles == (("learn", "overdue", "nudge"),)
    world.advance(200)
    assert world.heard["jobs"][:1] == [Restart("job:learn")]
    world.advance(600)
    (alert,) = [message for message in world.heard["alerts"] if isinstance(message, alerts.Raise)]
    assert alert.key == "job:learn"
    assert "overdue" in alert.text


def test_a_nudge_runs_a_job_that_had_forgotten_its_tick() -> None:
    world = WatchWorld()
    world.job(spec("learn", every=600), offset=30)
    world.watch("learn")
    world.advance(60)
    actor = world.system.directory.whereis("job:learn")
    actor.ticks._set(None)  # its timer is lost, as by a bug of ours
    world.advance(600 * 1.5 + 90)
    assert world.book().succeeded == 2
    assert world.book().last_end is not None
    assert world.troubles == ()
    assert world.heard["jobs"] == []


def test_when_the_trouble_is_over_the_alert_is_cleared() -> None:
    world = WatchWorld()
    world.job(spec("learn", every=600))
    world.watch("learn")
    world.advance(700)
    world.system.tell("job:learn", Stop())
    world.advance(2_400)
    world.job(spec("learn", every=600))
    world.system.tell("job:learn", RunNow("test"))
    world.advance(120)
    assert alerts.Clear("job:learn") in world.heard["alerts"]


def test_an_alert_of_an_earlier_life_is_cleared_once_the_job_has_done_its_work() -> None:
    world = WatchWorld()
    before = alerts.Alert("job:learn", "it was silent", since=world.boot - 3600)
    world.system.board.put("alerts", alerts.AlertsState((before,)))
    world.job(spec("learn", every=600), offset=300)
    world.watch("learn")
    world.advance(250)
    assert world.heard["alerts"] == []
    world.advance(120)
    assert world.heard["alerts"] == [alerts.Clear("job:learn")]


def test_nobody_is_nudged_while_the_tree_ends() -> None:
    world = WatchWorld()
    world.job(spec("learn", every=600))
    world.watch("learn")
    world.advance(60)
    world.system.in_transit = True
    world.system.tell("job:learn", Stop())
    world.advance(7_200)
    assert world.troubles == ()
    assert world.heard == {"jobs": [], "alerts": []}


def test_a_job_whose_interval_is_shorter_than_its_run_is_left_alone() -> None:
    world = WatchWorld(speed=60.0)

    def slow(ctx: RunContext) -> Outcome:
        ctx.sleep(10.0)
        if ctx.attempt == 1:
            raise RunFailed(Failure.PAGE_BROKEN, "the second look helps")
        return Outcome()

    world.job(spec("learn", every=60, deadline=30.0, kind=Kind.CRITICAL), slow)
    world.watch("learn")
    world.advance(600)
    assert world.book().succeeded > 10
    assert world.troubles == ()
    assert world.heard == {"jobs": [], "alerts": []}


def test_a_paused_job_is_not_expected_to_run() -> None:
    world = WatchWorld()
    world.job(spec("learn", every=600))
    world.ask(Pause("operator"))
    world.watch("learn")
    world.advance(7_200)
    assert world.troubles == ()


def test_a_job_that_may_not_run_is_not_restarted_for_it() -> None:
    world = WatchWorld()
    world.job(spec("learn", every=600, requires=("metrics_scraper!",)))
    world.watch("learn")
    world.advance(7_200)
    assert world.state() == "gated"
    assert world.heard["jobs"] == []


def test_a_critical_job_that_never_succeeds_is_told_to_a_person() -> None:
    world = WatchWorld()

    def broken(ctx: RunContext) -> Outcome:
        raise RunFailed(Failure.PAGE_BROKEN, "nothing to read")

    world.job(spec("posting", every=300, kind=Kind.CRITICAL), broken)
    world.watch("posting")
    world.advance(1_700)
    assert world.troubles == ()
    world.advance(1_000)
    assert [message.key for message in world.heard["alerts"]] == ["job:posting"]


def test_a_run_past_its_deadline_that_its_job_actor_does_not_end_is_trouble() -> None:
    world = WatchWorld()
    world.job(spec("learn", every=600, deadline=60))
    world.advance(40)
    world.system.tell("job:learn", Stop())
    world.hands.settle()
    stuck = replace(world.book(), state=Running("run:learn:9", since=world.hands.now()))
    world.system.board.put("job:learn", stuck)
    world.watch("learn")
    world.advance(130)
    assert world.troubles == (("learn", "past its deadline", "nudge"),)


def test_a_job_whose_actor_never_came_up_is_trouble() -> None:
    world = WatchWorld()
    world.watch("learn")
    world.advance(300)
    assert world.troubles == (("learn", "silent", "nudge"),)
