"""The browser resource over time: it is replaced in the end however busy it is, and a slow context costs no place."""

import asyncio
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

from actors.protocol.resources import LeaseEnded
from actors.resources.browser import BrowserBackend
from actors.resources.client import Leases
from tests.actors.test_browser import add, make
from tests.resources import InThread, World
from tests.waiting import eventually


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr("actors.resources.backend_lifecycle.CHECK_EVERY", 0.2)
    monkeypatch.setattr("actors.resources.browser.CLOSE_SECONDS", 0.2)
    with tempfile.TemporaryDirectory(prefix="roost-") as home:
        made = make(home)
        yield made
        made.stop()


def use(leases: Leases) -> object:
    with leases.browser() as browser:
        return browser.run(add, 1, 2)


def test_worn_out_and_always_in_use_it_lets_nobody_new_in_until_it_is_replaced(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    builds = world.state("browser").builds
    with world.holder("posting:1", category="posting").browser() as browser:
        assert browser.run(add, 1, 2) == 3
        monkeypatch.setattr("actors.resources.browser.RETIRE_CONTEXTS", 0.5)
        eventually(lambda: world.state("browser").capacity == 0)
        other = InThread(lambda: use(world.holder("scraper:1")))
        eventually(lambda: world.state("browser").waiting == 1)
        assert browser.run(add, 1, 2) == 3  # who has one keeps it
        assert world.state("browser").builds == builds
        monkeypatch.setattr("actors.resources.browser.RETIRE_CONTEXTS", 1000)
    assert other.over().result == 3
    assert world.settled("browser", in_use=0, quarantined=0, capacity=3).builds == builds + 1


def test_a_context_that_opens_after_its_holder_has_gone_is_closed_and_its_place_lent_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, new_context = asyncio.Event(), BrowserBackend.new_context

    async def late(backend: BrowserBackend) -> Any:
        await slow.wait()
        return await new_context(backend)

    monkeypatch.setattr(BrowserBackend, "new_context", late)
    work = InThread(lambda: use(world.holder("scraper:1")))
    eventually(lambda: world.state("browser").in_use == 1)
    world.kill("scraper:1")
    assert isinstance(work.over().error, LeaseEnded)
    world.settled("browser", in_use=0, quarantined=1)
    actor: Any = world.system.directory.whereis("browser")
    actor.backend.chromium.loop.call_soon_threadsafe(slow.set)
    world.settled("browser", in_use=0, quarantined=0, capacity=3)
    assert use(world.holder("scraper:2")) == 3
