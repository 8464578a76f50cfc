"""Alerts: what stands in a restart, and pools that are nearly used up."""

from dataclasses import replace

import pytest

from actors.care.alerts import AlertsActor
from actors.core.lifecycle import Stop
from actors.protocol.alerts import AlertsState, Clear, Raise
from actors.protocol.resources import ResourceState
from tests.actors.jobworld import JobWorld, close_worlds
from tests.actors.test_flags import Disk, Notebook

__all__ = ["close_worlds"]


class AlertWorld(JobWorld):
    """The alerts' actor beside a journal, and pools as a test says."""

    def __init__(self, disk: Disk | None = None) -> None:
        super().__init__()
        self.system.start("journal", lambda: Notebook(disk or Disk()))
        self.system.start("alerts", AlertsActor)

    @property
    def state(self) -> AlertsState:
        found = self.system.board.get("alerts")
        assert isinstance(found, AlertsState)
        return found

    @property
    def standing(self) -> list[str]:
        return [alert.key for alert in self.state.standing]

    def say(self, *messages: Raise | Clear) -> None:
        for message in messages:
            self.system.tell("alerts", message)
        self.hands.settle()

    def pool(self, name: str, in_use: int, capacity: int = 10, **budgets: float) -> None:
        found = self.system.board.get("database")
        assert isinstance(found, ResourceState)
        shares = tuple((what.replace("_", " "), share) for what, share in budgets.items())
        self.system.board.put(
            name, replace(found, name=name, in_use=in_use, capacity=capacity, idle=capacity - in_use, budgets=shares)
        )


# over a restart


def test_what_stands_stands_in_the_next_process_too() -> None:
    disk = Disk()
    first = AlertWorld(disk)
    first.advance(1)
    first.say(Raise("job:plan", "it is silent"), Raise("ill:redis", "it needs the operator"))
    first.say(Clear("ill:redis"))
    began = first.state.standing[0].since
    second = AlertWorld(disk)
    second.advance(1)
    assert [(alert.key, alert.since) for alert in second.state.standing] == [("job:plan", began)]
    second.say(Clear("job:plan"))
    third = AlertWorld(disk)
    third.advance(1)
    assert third.standing == []


def test_what_is_over_or_raised_before_the_journal_has_told_is_not_mixed_up() -> None:
    disk = Disk()
    first = AlertWorld(disk)
    first.advance(1)
    first.say(Raise("ill:redis", "it needs the operator"), Raise("job:plan", "it is silent"))
    disk.full = True
    second = AlertWorld(disk)
    second.advance(1)
    second.say(Clear("ill:redis"), Raise("session", "the account is stopped"))
    disk.full = False
    second.advance(30)
    assert second.standing == ["job:plan", "session"]
    assert [each["key"] for each in disk.kept["alerts"]] == ["job:plan", "session"]


# pools


@pytest.mark.parametrize("name", ["browser", "database", "redis"])
def test_a_pool_that_stays_full_is_an_alert_until_there_is_room(name: str) -> None:
    world = AlertWorld()
    world.pool(name, in_use=10)
    world.advance(60)
    assert world.standing == []
    world.advance(120)
    assert world.standing == [f"pool:{name}"]
    assert world.state.standing[0].text.startswith(f"{name}: 9")
    world.pool(name, in_use=5)
    world.advance(120)
    assert world.standing == []
    assert [alert.key for alert in world.state.past] == [f"pool:{name}"]


@pytest.mark.parametrize("budget", ["requests_per_minute", "tokens_per_minute", "dollars_per_day"])
def test_a_budget_of_the_model_that_is_nearly_used_up_is_an_alert(budget: str) -> None:
    world = AlertWorld()
    world.pool("model", in_use=0, **{budget: 0.95})
    world.advance(240)
    assert world.standing == [f"pool:model {budget.replace('_', ' ')}"]


def test_a_pool_that_is_full_now_and_then_is_doing_its_work() -> None:
    world = AlertWorld()
    for _ in range(20):
        world.pool("browser", in_use=3, capacity=3)
        world.advance(20)
        world.pool("browser", in_use=1, capacity=3)
        world.advance(20)
    assert world.state.past == ()
    assert world.standing == []


def test_a_pool_without_units_is_down_and_not_full() -> None:
    world = AlertWorld()
    world.pool("browser", in_use=0, capacity=0)
    world.advance(600)
    assert world.standing == []


def test_a_full_pool_is_one_alert_through_a_restart_of_the_actor() -> None:
    world = AlertWorld()
    world.pool("redis", in_use=10)
    world.advance(240)
    world.system.tell("alerts", Stop())
    world.hands.settle()
    world.system.start("alerts", AlertsActor)
    world.advance(60)
    (standing,) = world.state.standing
    assert (standing.key, standing.times) == ("pool:redis", 1)
    world.pool("redis", in_use=0)
    world.advance(120)
    assert world.standing == []
