"""The sandbox without a browser: each fault as the page driver tells it, and one post at most."""

import random
from dataclasses import dataclass, field

import pytest

from social.inprocess import InProcessSite, stepped
from social.navigation import Timeouts
from social.sandbox.network import Network
from social.sandbox.storage import Storage
from social.site import (
    AccountLocked,
    Draft,
    Evidence,
    OutcomeUnknown,
    PageBroken,
    Published,
    RateLimited,
    Rejected,
    SessionExpired,
    SiteError,
    SiteTimeout,
)

NOON = 1_795_262_400.0
TEXT = "A short note on sleep"


@dataclass
class World:
    """The site, a clock that its tab moves, and a count of what was armed."""

    now: float = NOON
    armed: int = 0
    site: InProcessSite = field(init=False)

    def __post_init__(self) -> None:
        network = Network(Storage(None), 7, "roost")
        self.site = InProcessSite(network, lambda: self.now, lambda: self.now, random.Random(1))

    def tab(self, seconds: float) -> None:
        self.now += seconds

    async def arm(self) -> None:
        self.armed += 1

    def publish(self, watermark: int | None = 0) -> Published:
        return stepped(self.site.publish(self.tab, Draft(TEXT, watermark=watermark), self.arm))

    def posts(self) -> int:
        return self.site.network.storage.count()


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize(
    ("fault", "error", "definite"),
    [
        ({"kind": "errors_200", "code": 226}, AccountLocked, True),
        ({"kind": "errors_200", "code": 186}, Rejected, True),
        ({"kind": "errors_200", "code": 131}, OutcomeUnknown, False),
        ({"kind": "rate_limited", "on": "create"}, RateLimited, True),
        ({"kind": "rate_limited", "on": "pages"}, RateLimited, True),
        ({"kind": "login_wall", "on": "create"}, SessionExpired, True),
        ({"kind": "login_wall", "on": "pages"}, SessionExpired, True),
        ({"kind": "broken_page"}, PageBroken, True),
        ({"kind": "slow", "on": "pages", "delay": 30.0}, SiteTimeout, True),
        ({"kind": "session_expired"}, SessionExpired, True),
    ],
)
def test_a_fault_is_told_as_the_driver_tells_it(
    world: World, fault: dict[str, object], error: type[SiteError], definite: bool
) -> None:
    world.site.inject(**fault)
    with pytest.raises(error) as raised:
        world.publish()
    assert (world.posts(), raised.value.definite) == (0, definite)


@pytest.mark.parametrize(
    ("kinds", "evidence"),
    [
        ((), Evidence.CREATE_RESPONSE),
        (("no_toast",), Evidence.CREATE_RESPONSE),
        (("odd_response",), Evidence.TOAST),
        (("odd_response", "no_toast"), Evidence.PROFILE_MATCH),
        (("commit_then_drop",), Evidence.PROFILE_MATCH),
    ],
)
def test_evidence_is_looked_for_in_its_order(world: World, kinds: tuple[str, ...], evidence: Evidence) -> None:
    for kind in kinds:
        world.site.inject(kind=kind, times=1)
    assert world.publish().evidence is evidence
    assert (world.armed, world.posts()) == (1, 1)


def test_a_dropped_answer_and_a_profile_that_lags_leave_the_outcome_unknown(world: World) -> None:
    world.site.inject(kind="commit_then_drop", times=1)
    world.site.inject(kind="profile_lag", lag=600.0)
    with pytest.raises(OutcomeUnknown) as raised:
        world.publish()
    assert not raised.value.definite
    assert world.posts() == 1


def test_an_answer_that_comes_too_late_is_none(world: World) -> None:
    world.site.inject(kind="slow", on="create", delay=60.0, times=1)
    assert world.publish().evidence is Evidence.PROFILE_MATCH
    assert world.posts() == 1


def test_a_session_that_ended_is_good_again_when_it_is_renewed(world: World) -> None:
    world.site.inject(kind="session_expired")
    with pytest.raises(SessionExpired):
        stepped(world.site.session(world.tab))
    world.site.renew_session()
    assert stepped(world.site.session(world.tab)) == "roost"


def test_decoys_come_first_and_are_told_apart(world: World) -> None:
    mine = world.publish()
    world.site.inject(kind="pinned_decoy")
    pinned, viral, real = stepped(world.site.profile(world.tab, "roost")).posts
    assert (pinned.is_pinned, viral.is_repost, viral.author == "roost") == (True, True, False)
    assert (real.id, real.is_pinned) == (mine.id, False)


def test_pages_take_time_on_a_tab_and_none_without(world: World) -> None:
    stepped(world.site.session(None))
    assert world.now == NOON
    stepped(world.site.session(world.tab))
    assert world.now > NOON


def test_work_that_awaits_an_event_loop_is_refused() -> None:
    class Yields:
        def __await__(self) -> object:
            yield None

    async def waits() -> None:
        await Yields()  # type: ignore[misc]

    with pytest.raises(RuntimeError, match="event loop"):
        stepped(waits())


def test_a_page_that_takes_longer_than_a_load_may_is_a_time_out_without_any_fault(world: World) -> None:
    world.site.latency = lambda: Timeouts().load - 0.1
    assert world.publish().evidence is Evidence.CREATE_RESPONSE
    world.site.latency = lambda: Timeouts().load
    with pytest.raises(SiteTimeout):
        world.publish()
    assert world.posts() == 1


def test_an_answer_that_takes_longer_than_is_waited_for_is_not_heard(world: World) -> None:
    took = iter((0.3, Timeouts().response, 0.3))
    world.site.latency = lambda: next(took)
    assert world.publish().evidence is Evidence.PROFILE_MATCH
    assert world.posts() == 1
