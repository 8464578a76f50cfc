"""The page driver against a real sandbox process in a real Chromium: each outcome by its kind, one post at most."""

import asyncio
from collections.abc import Iterator

import pytest
from playwright.async_api import Page

from social.driver import PageSite
from social.navigation import Timeouts
from social.site import (
    AccountLocked,
    Counts,
    Draft,
    Evidence,
    Missing,
    NotArmed,
    OutcomeUnknown,
    PageBroken,
    Published,
    RateLimited,
    Rejected,
    SessionExpired,
    Site,
    SiteTimeout,
)
from tests.social.conftest import Browsing, SandboxProcess
from tests.social.driver_world import PATIENT, World


@pytest.fixture
def world(browsing: Browsing, sandbox: SandboxProcess) -> Iterator[World]:
    tab = browsing.run(browsing.tab(sandbox))
    yield World(browsing, sandbox, tab, PageSite(sandbox.base, "roost", PATIENT))
    browsing.run(tab.context.close())


def test_the_driver_is_a_site() -> None:
    site: Site[Page] = PageSite("http://127.0.0.1:1", "roost")
    assert site.own_handle == "roost"


def test_a_post_is_published_and_read_back_by_the_same_id(world: World) -> None:
    published = world.publish()
    assert published.evidence is Evidence.CREATE_RESPONSE
    assert world.sandbox.ids(world.text) == [published.id]
    first = world.profile().posts[0]
    assert (first.id, first.author, first.text) == (published.id, "roost", world.text)
    assert world.armed == 1
    assert isinstance(world.browsing.run(world.site.counts(world.tab, "roost", published.id)), Counts)


def test_pages_left_behind_are_not_kept_in_memory(world: World) -> None:
    async def documents() -> int:
        protocol = await world.tab.context.new_cdp_session(world.tab)
        return int((await protocol.send("Memory.getDOMCounters"))["documents"])

    world.profile()
    few = world.browsing.run(documents())
    for _ in range(6):
        world.profile()
    assert world.browsing.run(documents()) <= few + 1


@pytest.mark.parametrize(
    "text", ['Lines:\n- one\n- two\n\nEnd & <b>bold</b> "quoted"', "Émile 🙂 schläft @nobody #sleep…"]
)
def test_a_text_arrives_byte_for_byte(world: World, text: str) -> None:
    published = world.publish(text)
    assert world.sandbox.ids(text) == [published.id]
    assert world.profile().posts[0].text == text


def test_a_profile_tells_what_an_account_says_of_itself(world: World) -> None:
    assert "Automated account" in world.profile().bio
    assert world.profile(world.strangers_post().author).bio


def test_a_reply_stands_under_its_parent(world: World) -> None:
    parent = world.strangers_post()
    published = world.publish(in_reply_to=parent.id)
    reply = world.profile(replies=True).posts[0]
    assert (reply.id, reply.reply_to) == (published.id, parent.author)
    assert published.id not in [post.id for post in world.profile().posts]


def test_a_reply_to_nothing_is_missing_and_definite(world: World) -> None:
    failure = world.failure(in_reply_to=123)
    assert isinstance(failure, Missing)
    assert (failure.definite, world.armed, world.on_site()) == (True, 0, 0)


def test_the_post_is_not_on_the_site_when_arm_is_called(world: World) -> None:
    async def look() -> None:
        assert await asyncio.to_thread(world.on_site) == 0
        await world.arm()

    world.publish(arm=look)
    assert (world.armed, world.on_site()) == (1, 1)


def test_a_refusing_arm_stops_the_post_at_the_boundary(world: World) -> None:
    async def refuse() -> None:
        raise PermissionError("the lane is lost")

    failure = world.failure(arm=refuse)
    assert isinstance(failure, NotArmed)
    assert isinstance(failure.__cause__, PermissionError)
    assert (failure.definite, world.on_site()) == (True, 0)


def test_an_arm_that_never_answers_stops_the_post_too(world: World) -> None:
    failure = world.failure(arm=asyncio.Event().wait, timeouts=Timeouts(arm=0.2))
    assert isinstance(failure, NotArmed)
    assert (failure.definite, world.on_site()) == (True, 0)


def test_a_publication_cancelled_before_arming_sends_nothing(world: World) -> None:
    async def cancel_while_arming() -> None:
        reached = asyncio.Event()

        async def hang() -> None:
            reached.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return  # an arm that does not hear of the cancellation changes nothing

        publishing = asyncio.ensure_future(world.site.publish(world.tab, Draft(world.text), hang))
        await reached.wait()
        publishing.cancel()
        await asyncio.wait({publishing})
        assert publishing.cancelled()

    world.browsing.run(cancel_while_arming())
    assert world.on_site() == 0


def test_a_page_that_would_send_something_else_is_stopped(world: World) -> None:
    spoil = """const send = window.fetch; window.fetch = (url, init) => send(url, {...init,
      body: init.body.replace("short", "long")});"""
    world.browsing.run(world.tab.add_init_script(spoil))
    failure = world.failure()
    assert isinstance(failure, PageBroken)
    assert (failure.definite, world.armed, world.on_site()) == (True, 0, 0)


def test_a_page_that_asks_twice_posts_once(world: World) -> None:
    twice = """const send = window.fetch; window.fetch = async (url, init) => {
      const first = await send(url, init); await send(url, init).catch(() => 0); return first; };"""
    world.browsing.run(world.tab.add_init_script(twice))
    world.publish()
    world.profile()
    assert (world.armed, world.on_site()) == (1, 1)


def test_no_toast_is_no_loss_where_the_response_has_the_id(world: World) -> None:
    world.sandbox.fault("no_toast")
    assert world.publish().evidence is Evidence.CREATE_RESPONSE


def test_the_visibility_form_of_the_response_is_understood(world: World) -> None:
    world.sandbox.fault("visibility_wrapper")
    published = world.publish()
    assert published == Published(world.sandbox.ids(world.text)[0], Evidence.CREATE_RESPONSE)


def test_the_toast_tells_the_id_where_the_response_does_not(world: World) -> None:
    world.sandbox.fault("odd_response")
    published = world.publish(timeouts=Timeouts(toast=10))
    assert published == Published(world.sandbox.ids(world.text)[0], Evidence.TOAST)


def test_a_dropped_response_is_made_good_by_the_profile(world: World) -> None:
    world.sandbox.fault("commit_then_drop")
    published = world.publish(watermark=world.newest_id())
    assert published.evidence is Evidence.PROFILE_MATCH
    assert world.sandbox.ids(world.text) == [published.id]


def test_a_dropped_response_and_a_lagging_profile_leave_the_outcome_unknown(world: World) -> None:
    watermark = world.newest_id()
    world.sandbox.fault("commit_then_drop")
    world.sandbox.fault("profile_lag", times=None)
    failure = world.failure(watermark=watermark)
    assert isinstance(failure, OutcomeUnknown)
    assert (failure.definite, world.on_site()) == (False, 1)


def test_without_a_watermark_a_profile_match_is_no_evidence(world: World) -> None:
    world.sandbox.fault("commit_then_drop")
    assert isinstance(world.failure(), OutcomeUnknown)
    assert world.on_site() == 1


def test_a_slow_response_leaves_the_outcome_to_the_profile(world: World) -> None:
    watermark = world.newest_id()
    world.sandbox.fault("slow", on="create", delay=30)
    published = world.publish(watermark=watermark, timeouts=Timeouts(response=0.3, toast=0.1))
    assert published == Published(world.sandbox.ids(world.text)[0], Evidence.PROFILE_MATCH)


def test_a_duplicate_of_a_post_above_the_watermark_is_that_post(world: World) -> None:
    watermark = world.newest_id()
    first = world.publish()
    assert world.publish(watermark=watermark) == Published(first.id, Evidence.DUPLICATE_REJECTION)
    assert world.on_site() == 1


def test_a_duplicate_of_an_older_post_is_rejected_and_not_definite(world: World) -> None:
    first = world.publish()
    failure = world.failure(watermark=first.id)
    assert isinstance(failure, Rejected)
    assert (failure.code, failure.definite, world.on_site()) == (187, False, 1)


@pytest.mark.parametrize("code", [226, 326, 64])
def test_a_locked_account_is_definite_and_says_so(world: World, code: int) -> None:
    world.sandbox.fault("errors_200", code=code)
    failure = world.failure()
    assert isinstance(failure, AccountLocked)
    assert (failure.code, failure.definite, world.on_site()) == (code, True, 0)


def test_a_code_that_nobody_knows_is_no_definite_negative(world: World) -> None:
    world.sandbox.fault("errors_200", code=99_999)
    assert isinstance(world.failure(watermark=world.newest_id()), OutcomeUnknown)
    assert world.on_site() == 0


def test_a_post_that_is_too_long_is_rejected(world: World) -> None:
    world.text = "x" * 281
    failure = world.failure()
    assert isinstance(failure, Rejected)
    assert (failure.code, failure.definite, world.on_site()) == (186, True, 0)


@pytest.mark.parametrize(("place", "armed"), [("create", 1), ("pages", 0)])
def test_a_rate_limit_is_definite(world: World, place: str, armed: int) -> None:
    world.sandbox.fault("rate_limited", on=place)
    failure = world.failure()
    assert isinstance(failure, RateLimited)
    assert (failure.definite, world.armed, world.on_site()) == (True, armed, 0)


@pytest.mark.parametrize(("place", "armed"), [("create", 1), ("pages", 0)])
def test_a_login_wall_is_an_expired_session_and_definite(world: World, place: str, armed: int) -> None:
    world.sandbox.fault("login_wall", on=place)
    failure = world.failure()
    assert isinstance(failure, SessionExpired)
    assert (failure.definite, world.armed, world.on_site()) == (True, armed, 0)


def test_an_expired_session_stays_so_until_a_new_one_is_used(world: World) -> None:
    world.sandbox.fault("session_expired", times=None)
    reads = (
        world.site.session(world.tab),
        world.site.profile(world.tab, "roost"),
        world.site.search(world.tab, "sleep"),
        world.site.counts(world.tab, "roost", 1),
    )
    for read in reads:
        with pytest.raises(SessionExpired, match="new session"):
            world.browsing.run(read)
    assert isinstance(world.failure(), SessionExpired)
    fresh = world.browsing.run(world.browsing.tab(world.sandbox))
    assert world.browsing.run(world.site.session(fresh)) == "roost"
    world.browsing.run(fresh.context.close())


def test_a_session_of_somebody_else_is_no_session(world: World) -> None:
    with pytest.raises(SessionExpired, match="that of @roost"):
        world.browsing.run(PageSite(world.sandbox.base, "other", PATIENT).session(world.tab))


def test_a_pinned_decoy_is_neither_newest_nor_counted(world: World) -> None:
    old = world.publish(world.text + " (old)")
    new = world.publish()
    world.sandbox.fault("pinned_decoy", times=None)
    posts = world.profile().posts
    assert posts[0].is_pinned
    assert posts[1].is_repost
    assert posts[1].author != "roost"
    assert posts[1].counts == Counts(2114, 9021, 68_848, 12_400, 4_210_337)
    in_order = [post.id for post in posts if not post.is_pinned and not post.is_repost]
    assert in_order[:2] == [new.id, old.id]
    assert world.browsing.run(world.site.counts(world.tab, "roost", new.id)).likes < 68_848


def test_a_strangers_post_is_never_counted_as_an_own_one(world: World) -> None:
    stranger = world.strangers_post()
    assert world.browsing.run(world.site.counts(world.tab, stranger.author, stranger.id)).views >= 0
    with pytest.raises(Missing):
        world.browsing.run(world.site.counts(world.tab, "roost", stranger.id))


def test_what_is_not_there_is_missing(world: World) -> None:
    for read in (world.site.profile(world.tab, "nobody_at_all"), world.site.counts(world.tab, "roost", 99)):
        with pytest.raises(Missing):
            world.browsing.run(read)


def test_a_search_without_results_is_empty_and_no_error(world: World) -> None:
    assert world.browsing.run(world.site.search(world.tab, "zzzz")) == ()


def test_a_broken_page_is_not_an_empty_one(world: World) -> None:
    world.sandbox.fault("broken_page", times=2)
    for read in (world.site.profile(world.tab, "roost"), world.site.search(world.tab, "sleep")):
        with pytest.raises(PageBroken):
            world.browsing.run(read)


def test_a_slow_page_times_out_and_sends_nothing(world: World) -> None:
    world.sandbox.fault("slow", on="pages", delay=30)
    failure = world.failure(timeouts=Timeouts(load=0.3))
    assert isinstance(failure, SiteTimeout)
    assert (failure.definite, world.armed, world.on_site()) == (True, 0, 0)


def test_a_closed_context_ends_a_publication_after_arming_as_unknown(world: World) -> None:
    async def close() -> None:
        await world.tab.context.close()

    failure = world.failure(arm=close)
    assert isinstance(failure, OutcomeUnknown)
    assert world.on_site() <= 1


def test_a_stranger_has_a_profile_with_followers(world: World) -> None:
    author = world.strangers_post().author
    profile = world.profile(author)
    assert profile.followers > 0
    assert {post.author for post in profile.posts} == {author}
    assert len(profile.posts) == 50
    assert not profile.ended


def test_a_post_that_its_owner_removed_is_missing_and_not_on_the_profile(world: World) -> None:
    removed = world.publish()
    later = world.publish(f"{world.text}, and one more")
    world.sandbox.call(f"/__sandbox/posts/{removed.id}", method="DELETE")
    with pytest.raises(Missing):
        world.browsing.run(world.site.counts(world.tab, "roost", removed.id))
    shown = {post.id for post in world.profile().posts}
    assert later.id in shown
    assert removed.id not in shown
