"""The breaker on publishing itself, in the simulated house: 15 failures, trials, and what the operator orders."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest

from actors.face.admin.command import CommandAnswer
from actors.face.admin.commands import COMMANDS
from actors.protocol.alerts import AlertsState
from domain.calendar import HOUR
from social.inprocess import InProcessSite
from social.site import PageBroken
from tests.actors.publishingworld import REPLY_JOBS, World, living

PAUSED = ("posting", "reply_posting", "id_recovery", "account_discovery", "harvester")


class Page:
    """The composer, which fails while `broken`. tried: how often somebody typed."""

    def __init__(self) -> None:
        self.broken = True
        self.tried = 0


@pytest.fixture
def page() -> Iterator[Page]:
    made, really = Page(), InProcessSite.publish

    async def publish(site: InProcessSite, tab: Any, draft: Any, arm: Any, on_click: Any) -> Any:
        made.tried += 1
        if made.broken:
            raise PageBroken("there is no composer")
        return await really(site, tab, draft, arm, on_click)

    with patch.object(InProcessSite, "publish", publish):
        yield made


class Publishing(World):
    """One job that publishes, with enough to publish."""

    job = "posting"

    def live(self) -> None:
        super().live(paused=PAUSED)

    def fill(self) -> None:
        for number in range(9):
            self.queue(f"A post like any other, the {number}th of them.")

    def say(self, *words: str) -> None:
        assert isinstance(COMMANDS["breaker"].run(self.house.view, list(words), "test"), CommandAnswer)

    def alerts(self) -> list[str]:
        state = self.house.system.board.get("alerts")
        assert isinstance(state, AlertsState)
        return [alert.key for alert in state.standing]

    def tried(self, page: Page) -> int:
        """How often somebody typed in the next run that found something to type."""
        before = page.tried
        for _ in range(8):
            self.run(self.job)
            if page.tried > before:
                return page.tried - before
            self.sleep(HOUR / 4)  # the next one may not go out before
        raise AssertionError(f"nothing was tried: {self.last(self.job)}")

    def fail(self, page: Page, times: int) -> None:
        while page.tried < times:
            self.tried(page)
            assert page.tried == times or f"publishing:{self.job}" not in self.alerts()


class Replying(Publishing):
    job = "reply_posting"

    def fill(self) -> None:
        strangers = self.place.site.network.search("sleep", self.now(), limit=9)
        for number, post in enumerate(strangers):
            more = {"parent_site_id": post.id, "parent_author": post.handle, "conversation_id": post.id}
            self.queue(f"An answer like any other, the {number}th of them.", kind="reply", **more)


@contextmanager
def filled(dsn: str, kind: type[Publishing]) -> Iterator[Publishing]:
    with living(dsn, kind, (*REPLY_JOBS, "id_recovery.IdRecovery"), repeats=True) as made:
        made.fill()
        yield made


@pytest.fixture(params=[Publishing, Replying])
def world(request: pytest.FixtureRequest, empty_dsn: str) -> Iterator[Publishing]:
    with filled(empty_dsn, request.param) as made:
        yield made


def test_fifteen_failures_open_it_a_person_is_told_and_a_trial_that_goes_well_closes_it(
    world: Publishing, page: Page
) -> None:
    world.fail(page, 15)
    world.run(world.job)
    assert "rests" in world.last(world.job)
    assert page.tried == 15
    assert f"publishing:{world.job}" in world.alerts()
    assert "there is no composer" in world.house.system.board.get("health").component(world.job).detail
    assert world.tried(page) == 1, "one trial, and not more"
    assert f"publishing:{world.job}" in world.alerts()
    page.broken = False
    assert world.tried(page) >= 1
    assert world.texts(), "the trial is a post like any other"
    assert world.alerts() == []
    assert world.house.system.board.get("health").component(world.job).healthy


def test_the_operator_can_hold_it_open_and_let_it_go(world: Publishing, page: Page) -> None:
    page.broken = False
    world.say("publishing", "open", "the", "site", "is", "being", "rebuilt")
    world.run(world.job)
    assert page.tried == 0
    assert "held by the operator: the site is being rebuilt" in world.last(world.job)
    world.say("publishing", "auto")
    world.run(world.job)
    assert page.tried > 0
    assert world.alerts() == []


def test_the_operator_can_hold_it_closed_and_nothing_makes_it_rest(empty_dsn: str, page: Page) -> None:
    with filled(empty_dsn, Replying) as world:
        world.say("publishing", "closed")
        world.fail(page, 17)
        world.say("publishing", "auto")
        page.broken = False
        world.tried(page)
        assert world.texts()


def test_breakers_of_resources_are_the_operators_too(empty_dsn: str) -> None:
    with filled(empty_dsn, Publishing) as world:
        world.say("redis", "open", "maintenance")
        world.sleep(1.0)
        said = COMMANDS["breaker"].run(world.house.view, [], "test")
        assert isinstance(said, CommandAnswer)
        assert said.data["redis"] == "forced_open"
        assert said.data["publishing"] == "closed"
        world.say("redis", "auto")
        world.sleep(1.0)
        assert "forced_open" not in COMMANDS["breaker"].run(world.house.view, [], "test").text


def test_what_the_operator_holds_is_held_in_the_next_life_too(empty_dsn: str, page: Page) -> None:
    page.broken = False
    with filled(empty_dsn, Publishing) as world:
        world.say("publishing", "open", "the", "site", "is", "being", "rebuilt")
        world.say("redis", "open", "maintenance")
        world.die()
        world.live()
        world.sleep(5.0)
        world.run(world.job)
        assert page.tried == 0
        assert "held by the operator: the site is being rebuilt" in world.last(world.job)
        said = COMMANDS["breaker"].run(world.house.view, [], "test")
        assert isinstance(said, CommandAnswer)
        assert said.data["redis"] == "forced_open"
        assert said.data["publishing"] == "forced_open: the site is being rebuilt"
