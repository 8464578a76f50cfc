"""The health actor: reports in, level out, everybody told; and what it tries with who is ill."""

from typing import Any

import pytest

from actors.care.alerts import AlertsActor
from actors.care.health import HealthActor
from actors.core.base import Actor
from actors.core.future import CallerError
from actors.core.lifecycle import Stop
from actors.core.supervision import Restart
from actors.protocol import alerts
from actors.protocol.alerts import AlertsState
from actors.protocol.health import (
    ComponentReport,
    HealthView,
    LevelChanged,
    MemoryIs,
    MemoryView,
    Pin,
    Subscribe,
    Unpin,
)
from actors.protocol.resources import Check, Rebuild
from actors.scheduling.outcome import Outcome
from domain.jobs.spec import Kind
from domain.resources.levels import Level
from domain.resources.memory import MemoryAdvice, Stage, State
from tests.actors.jobworld import JobWorld, close_worlds, spec

__all__ = ["close_worlds"]

WELL = ("database", "redis", "browser")


class Ear(Actor):
    """Keeps all it hears."""

    def __init__(self, heard: list[Any]) -> None:
        super().__init__()
        self.heard = heard

    def receive(self, message: Any) -> None:
        self.heard.append(message)


class HealthWorld(JobWorld):
    def __init__(self, well: bool = True) -> None:
        super().__init__()
        for name in (*WELL, "model"):
            self.system.board.take_down(name)
        self.heard: dict[str, list[Any]] = {}
        self.ear("alerts")
        self.system.start("health", HealthActor)
        if well:
            for name in WELL:
                self.report(name, True)

    def ear(self, name: str) -> list[Any]:
        heard: list[Any] = []
        self.heard[name] = heard
        self.system.start(name, lambda: Ear(heard))
        return heard

    def report(self, component: str, healthy: bool, detail: str = "") -> None:
        self.system.tell("health", ComponentReport(component, healthy, detail or ("up" if healthy else "gone")))
        self.hands.settle()

    def pulse(self, seconds: float, *ill: str) -> None:
        """So much time, in which every component reports each 10 s."""
        for _ in range(int(seconds // 10)):
            self.advance(10)
            for name in WELL:
                self.report(name, name not in ill)

    @property
    def view(self) -> HealthView:
        self.hands.settle()
        view = self.system.board.get("health")
        assert isinstance(view, HealthView)
        return view

    @property
    def now_at(self) -> Level:
        return self.view.in_force.level


def test_nothing_is_well_before_it_is_heard_of() -> None:
    world = HealthWorld(well=False)
    assert world.now_at is Level.EMERGENCY
    assert "database: not heard of yet" in world.view.reasons
    for name in WELL:
        world.report(name, True)
    assert world.now_at is Level.FULL


def test_a_component_that_opens_at_boot_is_not_ill_and_counts_as_soon_as_it_is_up() -> None:
    world = HealthWorld(well=False)
    told = world.ear("database")
    world.report("database", False, "opening")
    assert world.now_at is Level.EMERGENCY
    for name in WELL:
        world.report(name, True)
    assert world.now_at is Level.FULL
    assert told == []


def test_a_component_that_never_comes_up_is_treated_after_a_while() -> None:
    world = HealthWorld(well=False)
    told = world.ear("database")
    world.pulse(60, "database")
    assert Check() in told
    assert world.view.healing[0].component == "database"


def test_a_level_goes_down_at_once_and_up_only_when_settled() -> None:
    world = HealthWorld()
    world.report("redis", False, "connection refused")
    assert world.now_at is Level.REDUCED
    assert world.view.reasons == ("redis: connection refused",)
    world.report("redis", True)
    world.advance(19)
    assert world.now_at is Level.REDUCED
    assert world.view.reasons == ("redis: well again, and settling",)
    world.advance(2)
    assert world.now_at is Level.FULL


def test_every_job_and_every_subscriber_is_told() -> None:
    world = HealthWorld()
    world.job(spec("learn", every=100))
    heard = world.ear("listener")
    world.system.tell("health", Subscribe("listener"))
    world.report("redis", False)
    assert world.book("learn").interval == 150
    assert [message.level.level for message in heard if isinstance(message, LevelChanged)] == [
        Level.FULL,
        Level.REDUCED,
    ]


def test_a_component_that_falls_silent_is_asked_and_then_counts_as_ill() -> None:
    world = HealthWorld()
    asked = world.ear("database")
    world.advance(20)
    assert Check() in asked
    assert world.now_at is Level.FULL
    world.advance(15)
    assert world.now_at is Level.EMERGENCY
    component = world.view.component("database")
    assert component is not None
    assert component.detail.startswith("silent for 3")


def test_other_components_are_shown_and_move_no_level() -> None:
    world = HealthWorld()
    world.report("model", False, "no key")
    assert world.now_at is Level.FULL
    component = world.view.component("model")
    assert component is not None
    assert (component.healthy, component.detail) == (False, "no key")


def test_the_operator_pins_a_level_and_lets_go_of_it() -> None:
    world = HealthWorld()
    assert world.system.ask("health", Pin("minimal", by="anna"), 1.0) == "minimal"
    assert world.view.pinned == "pinned by anna"
    world.report("database", False)
    assert world.now_at is Level.MINIMAL
    assert world.system.ask("health", Unpin(), 1.0) == "emergency"


def test_a_level_that_does_not_exist_is_the_askers_mistake() -> None:
    world = HealthWorld()
    with pytest.raises(CallerError, match="full, reduced, minimal, emergency"):
        world.system.ask("health", Pin("splendid"), 1.0)


def test_short_memory_counts_one_level_and_hangs_on_the_board() -> None:
    world = HealthWorld()
    for high, level in ((True, Level.REDUCED), (False, Level.REDUCED)):
        advice = MemoryAdvice(Stage.SHORT if high else Stage.ENOUGH, 1, False, high, False)
        view = MemoryView(480, 512, advice, State(), (), 0.0, 0)
        world.system.tell("health", MemoryIs(view))
        world.hands.settle()
        assert world.system.board.get("memory") is view
        assert world.now_at is level
    world.pulse(30)
    assert world.now_at is Level.FULL


def test_a_restart_keeps_the_pin_and_takes_what_hangs_on_the_board() -> None:
    world = HealthWorld()
    world.system.ask("health", Pin("reduced"), 1.0)
    for name in WELL:
        world.resource(name)
    world.system.tell("health", Stop())
    world.hands.settle()
    world.system.start("health", HealthActor)
    assert world.now_at is Level.REDUCED
    assert world.system.ask("health", Unpin(), 1.0) == "full"


# healing


def test_an_ill_component_is_treated_step_by_step_until_it_is_well() -> None:
    world = HealthWorld()
    told = world.ear("redis")
    group = world.ear("resources")
    world.pulse(180, "redis")
    assert [type(message) for message in told if isinstance(message, Check | Rebuild)][:2] == [Check, Check]
    assert any(isinstance(message, Rebuild) for message in told)
    assert Restart("redis") in group
    shown = next(healing for healing in world.view.healing if healing.component == "redis")
    assert shown.attempts >= 5
    world.report("redis", True)
    before = len([message for message in told if isinstance(message, Rebuild)])
    world.pulse(120)
    assert len([message for message in told if isinstance(message, Rebuild)]) == before
    assert world.now_at is Level.FULL


def test_the_group_is_not_restarted_while_its_neighbours_are_well() -> None:
    world = HealthWorld()
    root = world.ear("root")
    world.ear("resources")
    world.pulse(400, "redis")
    assert root == []


def test_history_has_the_step_that_was_under_way_when_it_got_well() -> None:
    world = HealthWorld()
    told = world.ear("redis")
    world.report("redis", False)
    while not any(isinstance(message, Rebuild) for message in told):
        world.advance(0.5)
    world.report("redis", True)
    assert (world.view.healing[-1].last, world.view.healing[-1].attempts) == ("rebuild", 3)


def test_what_gets_well_between_two_steps_got_well_by_itself() -> None:
    world = HealthWorld()
    world.ear("redis")
    world.report("redis", False)
    while world.view.healing[0].attempts < 1:  # the first step has had its time
        world.advance(0.1)
    world.report("redis", True)
    assert (world.view.healing[-1].last, world.view.healing[-1].attempts) == ("by itself", 1)


def test_what_no_step_heals_is_told_to_a_person_and_so_is_the_end() -> None:
    world = HealthWorld()
    world.ear("resources")
    world.pulse(400, "redis")
    raised = [message for message in world.heard["alerts"] if isinstance(message, alerts.Raise)]
    assert raised
    assert raised[0].key == "ill:redis"
    world.report("redis", True)
    assert alerts.Clear("ill:redis") in world.heard["alerts"]


# alerts


def test_an_alert_stands_until_it_is_over_and_is_one_alert_however_often_raised() -> None:
    world = JobWorld()
    world.system.start("alerts", AlertsActor)
    for _ in range(3):
        world.system.tell("alerts", alerts.Raise("job:plan", "silent"))
    world.hands.settle()
    (standing,) = world.system.board.get("alerts").standing
    assert (standing.key, standing.times, standing.over) == ("job:plan", 3, None)
    world.system.tell("alerts", alerts.Clear("job:plan"))
    world.system.tell("alerts", alerts.Clear("never raised"))
    world.hands.settle()
    state = world.system.board.get("alerts")
    assert isinstance(state, AlertsState)
    assert state.standing == ()
    assert [alert.key for alert in state.past] == ["job:plan"]


def test_alerts_outlive_their_actor() -> None:
    world = JobWorld()
    world.system.start("alerts", AlertsActor)
    world.system.tell("alerts", alerts.Raise("lane", "the account is locked"))
    world.hands.settle()
    world.system.tell("alerts", Stop())
    world.hands.settle()
    world.system.start("alerts", AlertsActor)
    assert [alert.key for alert in world.system.board.get("alerts").standing] == ["lane"]


def test_the_whole_way_a_dead_database_stops_a_job_and_a_healed_one_lets_it_run() -> None:
    world, calls = HealthWorld(), []

    def body(ctx: Any) -> Outcome:
        calls.append(ctx.calendar())
        return Outcome()

    world.job(spec("learn", every=60, kind=Kind.NORMAL), body, offset=5)
    world.report("database", False)
    world.pulse(120, "database")
    assert calls == []
    world.pulse(60)
    assert len(calls) >= 1
