"""The send boundary fails closed: by whatever way a page posts, what is not understood does not leave."""

import asyncio
import json
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from social.driver import PageSite
from social.navigation import Timeouts
from social.send_boundary import Create, Elsewhere, NotUnderstood, Passes, difference, reading_of
from social.site import Draft, Evidence, OutcomeUnknown, PageBroken, Published, SendBlocked
from tests.social.conftest import Browsing, SandboxProcess
from tests.social.driver_world import PATIENT, World

# A click after which nothing comes is waited for as long as a step of the composer may take.
BRIEF = Timeouts(load=15, compose=3, arm=10, response=15, toast=0.3, looks=1)
X = "https://x.com"
GRAPHQL = "/i/api/graphql/abc"


@pytest.fixture
def world(browsing: Browsing, sandbox: SandboxProcess) -> Iterator[World]:
    tab = browsing.run(browsing.tab(sandbox))
    yield World(browsing, sandbox, tab, PageSite(sandbox.base, "roost", PATIENT))
    browsing.run(tab.context.close())


def variables(**given: object) -> str:
    return json.dumps({"variables": given})


@pytest.mark.parametrize(
    ("method", "url", "body", "expected"),
    [
        ("POST", f"{X}{GRAPHQL}/CreateTweet", variables(tweet_text="a"), Create("CreateTweet", "a", None)),
        ("POST", f"{X}{GRAPHQL}/CreateNoteTweet", variables(tweet_text="a"), Create("CreateNoteTweet", "a", None)),
        (
            "POST",
            f"{X}/i/api/1.1/statuses/update.json",
            urlencode({"status": "a b\nc", "in_reply_to_status_id": "7"}),
            Create("update", "a b\nc", 7),
        ),
        (
            "POST",
            f"{X}{GRAPHQL}/CreateTweet",
            variables(tweet_text="a", attachment_url="https://x.com/b/status/1"),
            Create("CreateTweet", "a", None, ("attachment_url",)),
        ),
        ("GET", f"{X}/home", None, Passes()),
        ("OPTIONS", f"https://api.x.com{GRAPHQL}/CreateTweet", None, Passes()),
        ("POST", f"{X}/i/api/1.1/jot/client_event.json", "[]", Passes()),
        ("POST", f"{X}{GRAPHQL}/HomeTimeline", variables(), Passes()),
        ("POST", "https://example.com/collect", "", Elsewhere()),
        ("POST", "https://notx.com/i/api/2/x", "", Elsewhere()),
    ],
)
def test_a_request_is_read_for_what_it_would_do(method: str, url: str, body: str | None, expected: object) -> None:
    assert reading_of(method, url, body, X) == expected


@pytest.mark.parametrize(
    ("method", "url", "body"),
    [
        ("POST", f"{X}{GRAPHQL}/CreateThread", variables(tweet_text="a")),
        ("POST", f"{X}{GRAPHQL}/CreateTweet", "[]"),
        ("POST", f"{X}{GRAPHQL}/CreateTweet", variables(text="a")),
        ("POST", f"{X}{GRAPHQL}/CreateTweet", variables(tweet_text=["a"])),
        ("POST", f"{X}/i/api/1.1/statuses/update.json", variables(tweet_text="a")),
        ("GET", f"{X}{GRAPHQL}/CreateTweet", None),
        ("PUT", f"{X}/i/api/2/posts", ""),
        ("PATCH", f"{X}/i/api/2/posts", ""),
        ("DELETE", "https://api.x.com/2/posts/1", None),
        ("post", "https://api.twitter.com/2/posts", ""),
        ("POST", f"{X}/home?q=/1.1/jot/", ""),
        ("INVENTED", f"{X}/anything", ""),
    ],
)
def test_what_no_rule_knows_is_not_understood(method: str, url: str, body: str | None) -> None:
    assert isinstance(reading_of(method, url, body, X), NotUnderstood)


@pytest.mark.parametrize(
    ("create", "fits"),
    [
        (Create("CreateTweet", "a", 7), True),
        (Create("CreateTweet", "a ", 7), False),
        (Create("CreateTweet", "a", None), False),
        (Create("CreateTweet", "a", 7, ("media",)), False),
    ],
)
def test_only_the_very_draft_may_go(create: Create, fits: bool) -> None:
    assert (difference(create, Draft("a", in_reply_to=7)) is None) is fits


@pytest.mark.parametrize("call", ["CreateTweet", "CreateNoteTweet", "update"])
def test_each_way_of_the_sites_own_is_armed_and_its_id_is_read(world: World, call: str) -> None:
    world.sandbox.shape("sends", by=call)
    published = world.publish()
    assert published == Published(world.sandbox.ids(world.text)[0], Evidence.CREATE_RESPONSE)
    assert (world.armed, world.on_site()) == (1, 1)


@pytest.mark.parametrize("call", ["CreateNoteTweet", "update"])
def test_each_way_answers_the_right_post(world: World, call: str) -> None:
    world.sandbox.shape("sends", by=call)
    parent = world.strangers_post()
    published = world.publish(in_reply_to=parent.id)
    assert world.profile(replies=True).posts[0].id == published.id


@pytest.mark.parametrize("call", ["CreateNoteTweet", "update"])
def test_a_refusal_by_each_way_is_heard(world: World, call: str) -> None:
    world.sandbox.shape("sends", by=call)
    first = world.publish()
    assert world.publish(watermark=first.id - 1) == Published(first.id, Evidence.DUPLICATE_REJECTION)


def test_a_subscribers_long_text_is_published_once(world: World) -> None:
    world.sandbox.shape("subscriber")
    world.text += " and more" * 40
    published = world.publish()
    assert published == Published(world.sandbox.ids(world.text)[0], Evidence.CREATE_RESPONSE)
    assert (world.armed, world.on_site()) == (1, 1)


@pytest.mark.parametrize("call", ["CreateTweet", "CreateNoteTweet", "update"])
def test_of_several_creates_after_one_click_the_first_alone_leaves(world: World, call: str) -> None:
    world.sandbox.shape("sends", by=call, times=3)
    world.publish()
    world.profile()
    assert (world.armed, world.on_site()) == (1, 1)


def test_a_second_create_after_the_first_was_answered_is_stopped(world: World) -> None:
    world.sandbox.shape("sends", again=200)
    sent = world.text

    async def publish_and_stay() -> None:
        await world.site.publish(world.tab, Draft(sent), world.arm)
        await asyncio.wait_for(world.tab.wait_for_event("requestfailed", timeout=5_000), 6)

    world.browsing.run(publish_and_stay())
    assert (world.armed, world.on_site()) == (1, 1)


@pytest.mark.parametrize("name", ["unknown_mutation", "put", "get_create", "keepalive", "iframe", "form"])
def test_what_is_not_understood_is_stopped_and_definitely_unsent(world: World, name: str) -> None:
    posts = len(world.sandbox.texts())
    world.sandbox.shape("detour", way=name)
    failure = world.failure(timeouts=BRIEF)
    assert isinstance(failure, SendBlocked), failure
    assert failure.definite
    assert "person" in str(failure)
    assert (world.armed, len(world.sandbox.texts())) == (0, posts)


@pytest.mark.parametrize("name", ["popup", "form_in_popup"])
def test_a_popup_sends_nothing_whether_or_not_it_comes_to_the_boundary(world: World, name: str) -> None:
    posts = len(world.sandbox.texts())
    world.sandbox.shape("sends", by="none")
    world.sandbox.shape("detour", way=name)
    assert isinstance(world.failure(timeouts=BRIEF), SendBlocked | OutcomeUnknown)
    assert (world.armed, len(world.sandbox.texts())) == (0, posts)


@pytest.mark.parametrize("name", ["worker", "shared_worker", "socket"])
def test_a_way_that_no_route_sees_is_no_way_and_a_click_without_a_request_is_unknown(world: World, name: str) -> None:
    posts = len(world.sandbox.texts())
    world.sandbox.shape("sends", by="none")
    world.sandbox.shape("detour", way=name)
    failure = world.failure(timeouts=BRIEF)
    assert isinstance(failure, OutcomeUnknown), failure
    assert "nothing was seen" in str(failure)
    assert (world.armed, len(world.sandbox.texts())) == (0, posts)


@pytest.mark.parametrize("name", ["beacon", "service_worker", "telemetry", "unload", "elsewhere"])
def test_what_cannot_leave_or_changes_nothing_does_not_hinder_a_post(world: World, name: str) -> None:
    posts = len(world.sandbox.texts())
    world.sandbox.shape("detour", way=name)
    world.publish()
    world.profile()
    assert (world.armed, world.on_site(), len(world.sandbox.texts())) == (1, 1, posts + 1)


def test_a_click_after_which_nothing_comes_is_made_good_by_the_profile(world: World) -> None:
    """Had it left by a way that nobody knows, the profile would show it."""
    watermark = world.newest_id()
    other = world.browsing.run(world.browsing.tab(world.sandbox))
    made = world.browsing.run(world.site.publish(other, Draft(world.text), world.arm))
    world.browsing.run(other.context.close())
    world.sandbox.shape("sends", by="none")
    assert world.publish(watermark=watermark, timeouts=BRIEF) == Published(made.id, Evidence.PROFILE_MATCH)


def test_after_an_unseen_click_the_boundary_stays_closed(world: World) -> None:
    world.sandbox.shape("sends", by="none", again=0)
    assert isinstance(world.failure(timeouts=BRIEF), OutcomeUnknown)
    late = """fetch("/i/api/graphql/q/CreateTweet", {method: "POST", headers: {"x-csrf-token":
      document.cookie.split("ct0=")[1]}, body: JSON.stringify({variables: {tweet_text: "late"}})}).catch(() => 0)"""
    world.browsing.run(world.tab.goto(f"{world.sandbox.base}/home"))
    world.browsing.run(world.tab.evaluate(late))
    assert "late" not in world.sandbox.texts()


def test_another_text_than_the_draft_is_stopped_by_each_way(world: World) -> None:
    for call in ("CreateNoteTweet", "update"):
        world.sandbox.shape("sends", by=call)
        world.browsing.run(
            world.tab.add_init_script(
                """const send = window.fetch; window.fetch = (url, init) => send(url, {...init,
                body: init.body.replace("short", "long")});"""
            )
        )
        failure = world.failure()
        assert isinstance(failure, PageBroken)
        assert "another text" in str(failure)
    assert (world.armed, world.on_site()) == (0, 0)
