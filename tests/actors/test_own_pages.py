"""What jobs make of own posts whose pages cannot be read or show nothing: real Postgres, the logic of the site."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from actors.jobs.cleanup import Cleanup
from actors.jobs.id_recovery import IdRecovery
from actors.jobs.metrics_scraper import AT_MOST, MetricsScraper
from actors.jobs.outcomes import Outcomes
from actors.jobs.reply_metrics_scraper import ReplyMetricsScraper
from domain.calendar import DAY, HOUR, MINUTE
from domain.housekeeping import ERASED
from domain.publishing.removal import APART
from domain.publishing.states import State
from social.sandbox.network import Created
from social.site import Missing, PageBroken, RateLimited, SiteTimeout, Wording
from store import posts
from store.posts import Post
from store.sql import Connection
from tests.actors.analysisworld import World
from tests.store.world import ACCOUNT, held, one_claimed, token, trail


@pytest.fixture
def world(conn: Connection) -> World:
    return World(conn)


def page_fails(world: World, error: Exception, *those: Post) -> list[int]:
    """The pages of these posts fail so; the list gets the site's id of each post that is looked at."""
    really: Callable[..., Any] = world.site.counts
    failing, looked_at = {post.site_id for post in those}, list[int]()

    async def counts(tab: Any, handle: str, post_id: int) -> Any:
        looked_at.append(post_id)
        if post_id in failing:
            raise error
        return await really(tab, handle, post_id)

    world.site.counts = counts  # type: ignore[method-assign]
    return looked_at


def counted(world: World) -> set[int]:
    return {number for (number,) in world.rows("select distinct post_id from metric_snapshots")}


def now(world: World, post: Post) -> Post:
    found = posts.get(world.conn, post.id)
    assert found is not None
    return found


def published(world: World, count: int) -> list[Post]:
    made = []
    for _ in range(count):
        made.append(world.publish())
        world.now += MINUTE
    return made


def a_strangers_post(world: World) -> int:
    return next(world.network.strangers.newest(world.now)).id


def removed(world: World, post: Post) -> None:
    """Its owner takes it off the site."""
    assert post.site_id is not None
    assert world.network.remove(post.site_id, world.now)


# pages that cannot be read


@pytest.mark.parametrize("error", [PageBroken("no counts"), SiteTimeout("not in 20 s"), TimeoutError()])
def test_a_page_that_cannot_be_read_costs_only_its_own_counts(world: World, error: Exception) -> None:
    bad, *good = published(world, 4)
    page_fails(world, error, bad)
    outcome = world.run(MetricsScraper())
    assert (outcome.done, outcome.of) == (3, 4)
    assert counted(world) == {post.id for post in good}
    world.run(Outcomes())
    assert world.one("select count(*) from outcomes") == 3


def test_of_replies_too(world: World) -> None:
    bad = world.publish(reply_to=a_strangers_post(world))
    world.now += 8 * DAY  # nobody is answered twice in a week
    good = world.publish("focus", reply_to=a_strangers_post(world))
    page_fails(world, SiteTimeout("not in 20 s"), bad)
    world.run(ReplyMetricsScraper())
    assert counted(world) == {good.id}


def test_pages_that_never_can_be_read_do_not_keep_the_others_from_being_counted(world: World) -> None:
    bad = published(world, AT_MOST)
    page_fails(world, PageBroken("no counts"), *bad)
    assert world.run(MetricsScraper()).done == 0, "the site is well, only these pages are not"
    good = published(world, 3)
    world.now += 20 * MINUTE
    assert world.run(MetricsScraper()).done == 3
    assert counted(world) == {post.id for post in good}


def test_a_page_that_could_not_be_read_is_looked_at_again_and_then_counted(world: World) -> None:
    (post,) = published(world, 1)
    really = world.site.counts
    page_fails(world, PageBroken("no counts"), post)
    world.run(MetricsScraper())
    assert world.run(MetricsScraper()).of == 0, "not at once"
    world.site.counts = really  # type: ignore[method-assign]
    world.now += HOUR
    assert world.run(MetricsScraper()).done == 1


def test_a_site_that_shows_no_page_at_all_fails_the_run(world: World) -> None:
    published(world, 2)
    world.site.inject(kind="broken_page")
    with pytest.raises(PageBroken):
        world.run(MetricsScraper())
    world.site.faults.clear()
    assert world.run(MetricsScraper()).done == 2, "which is not held against the posts"


def test_what_was_read_is_kept_when_the_site_asks_for_patience(world: World) -> None:
    first, second, _ = published(world, 3)
    looked_at = page_fails(world, RateLimited("429"), second)
    with pytest.raises(RateLimited):
        world.run(MetricsScraper())
    assert counted(world) == {first.id}
    assert looked_at == [first.site_id, second.site_id], "and left alone at once"


# posts that were removed


def test_a_removed_post_is_noticed_on_the_profile_and_its_data_erased(world: World) -> None:
    gone, stays = published(world, 2)
    world.run(MetricsScraper())
    removed(world, gone)
    outcome = world.run(IdRecovery())
    assert outcome.detail["removed"] == [gone.id]
    after = now(world, gone)
    assert (after.body, after.site_id) == (ERASED, gone.site_id)
    assert after.removed_at == world.now
    assert trail(world.conn, gone)[-3:] == ["missing", "removed", "erased"]
    assert counted(world) == {stays.id}
    assert now(world, stays).body == stays.body
    world.run(Cleanup())
    assert now(world, stays).body == stays.body


def test_a_post_removed_days_later_is_noticed_and_its_data_erased(world: World) -> None:
    gone, stays = published(world, 2)
    world.run(MetricsScraper())
    world.now += 2 * DAY
    removed(world, gone)
    world.run(IdRecovery())
    assert now(world, gone).body == ERASED
    assert counted(world) == {stays.id}


def test_the_newest_post_is_gone_once_its_own_page_has_said_so_twice_an_hour_apart(world: World) -> None:
    stays, gone = published(world, 2)
    world.run(MetricsScraper())
    world.now += 2 * DAY
    removed(world, gone)
    world.run(IdRecovery())
    assert now(world, gone).removed_at is None, "the profile may lag"
    world.run(MetricsScraper())
    assert now(world, gone).body == gone.body, "one look is none"
    assert trail(world.conn, gone)[-1] == "missing"
    world.now += APART - 1
    world.run(IdRecovery())
    assert now(world, gone).removed_at is None
    world.now += 1
    world.run(IdRecovery())
    assert now(world, gone).body == ERASED
    assert counted(world) == {stays.id}
    assert now(world, stays).body == stays.body


def test_a_post_that_the_profile_does_not_reach_is_gone_by_its_own_page_alone(world: World) -> None:
    (old,) = published(world, 1)
    world.now += 30 * DAY  # it was never counted, so it is looked at however old it is
    for number in range(101):
        world.network.publish(f"note {number}", world.now)
        world.now += MINUTE
    removed(world, old)
    world.run(MetricsScraper())
    world.now += APART
    world.run(IdRecovery())
    assert now(world, old).body == ERASED


def test_one_flaky_page_erases_nothing(world: World) -> None:
    (post,) = published(world, 1)
    really = world.site.counts
    page_fails(world, Missing("no such post"), post)
    world.run(MetricsScraper())
    world.site.counts = really  # type: ignore[method-assign]
    world.now += APART
    world.run(IdRecovery())
    assert now(world, post).body == post.body
    assert trail(world.conn, post)[-1] == "seen again"
    assert world.run(MetricsScraper()).done == 1


def test_what_the_profile_shows_stands_whatever_its_own_page_says(world: World) -> None:
    (post,) = published(world, 1)
    page_fails(world, Missing("no such post"), post)
    for _ in range(12):
        world.run(MetricsScraper())
        world.now += APART
        world.run(IdRecovery())
    assert now(world, post).body == post.body
    assert now(world, post).removed_at is None
    assert trail(world.conn, post).count("missing") < 10, "nor is it asked as often as a page that tells something"


def test_posts_that_are_gone_do_not_keep_the_others_from_being_counted(world: World) -> None:
    for post in published(world, AT_MOST):
        removed(world, post)
    assert world.run(MetricsScraper()).done == 0
    good = published(world, 2)
    world.run(MetricsScraper())
    assert counted(world) == {post.id for post in good}
    world.now += APART
    for _ in range(AT_MOST):  # a few at a time
        world.run(IdRecovery())
    assert world.one("select count(*) from posts where removed_at is not null") == AT_MOST
    assert {now(world, post).body for post in good} == {post.body for post in good}


# what is settled all the same


def unknown(world: World, text: str) -> Post:
    """A post that is on the site, and of which nobody heard."""
    post = one_claimed(world.conn, held(world.conn), text)
    posts.arm(world.conn, post.id, token(post), who="one", at=world.now)
    posts.lose_sight(world.conn, post.id, token(post), "no answer", who="one", at=world.now)
    made = world.network.publish(text, world.now)
    assert isinstance(made, Created)
    world.now += MINUTE
    return post


@pytest.mark.parametrize("error", [SiteTimeout("not in 20 s"), PageBroken("no counts"), RateLimited("429")])
def test_a_missed_post_whose_page_cannot_be_read_keeps_no_unknown_from_being_settled(
    world: World, error: Exception
) -> None:
    missed = published(world, 1)[0]
    removed(world, missed)
    lost = unknown(world, "a wren sings")
    page_fails(world, error, missed)
    if isinstance(error, RateLimited):
        with pytest.raises(RateLimited):
            world.run(IdRecovery())
    else:
        world.run(IdRecovery())
    assert now(world, lost).state is State.RECONCILED
    assert now(world, missed).body == missed.body, "nothing is erased that nobody looked up"


def test_a_page_of_replies_that_cannot_be_read_keeps_no_post_from_being_settled(world: World) -> None:
    world.publish(reply_to=a_strangers_post(world))
    lost = unknown(world, "a wren sings")
    really: Callable[..., Any] = world.site.profile

    async def profile(tab: Any, handle: str, *, replies: bool = False, limit: int = 50, **more: Any) -> Any:
        if replies:
            raise SiteTimeout("not in 20 s")
        return await really(tab, handle, replies=replies, limit=limit, **more)

    world.site.profile = profile  # type: ignore[method-assign]
    with pytest.raises(SiteTimeout):
        world.run(IdRecovery())
    assert now(world, lost).state is State.RECONCILED


def test_own_posts_that_no_row_is_about_are_reported_and_rows_are_not(world: World) -> None:
    published(world, 2)
    phantom = world.network.publish("somebody else posts for the account", world.now)
    assert isinstance(phantom, Created)
    world.now += HOUR
    assert world.run(IdRecovery()).detail["without_row"] == [phantom.post.id]
    assert len(posts.published(world.conn, ACCOUNT, since=0.0)) == 2, "and nothing is made of it"


# lists that show a few posts at a time


def far_down(world: World, depth: int) -> Post:
    """A post that is on the site below so many newer ones, and of which nobody heard."""
    lost = unknown(world, "a wren sings")
    for number in range(depth):
        assert isinstance(world.network.publish(f"something newer, number {number}", world.now), Created)
    return lost


def never_ends(world: World, most: int | None = None) -> list[dict[str, Any]]:
    """No page says that it ends, and none shows more than `most` posts; the list gets what was asked for."""
    really: Callable[..., Any] = world.site.profile
    asked: list[dict[str, Any]] = []

    async def profile(tab: Any, handle: str, **more: Any) -> Any:
        asked.append(more)
        found = await really(tab, handle, **more)
        return replace(found, posts=found.posts[:most], ended=False)

    world.site.profile = profile  # type: ignore[method-assign]
    return asked


def test_an_unknown_is_found_far_down_and_the_page_is_read_no_further(world: World) -> None:
    lost = far_down(world, 120)
    asked = never_ends(world)
    world.run(IdRecovery())
    assert now(world, lost).state is State.RECONCILED
    assert lost.claim is not None
    assert asked[0]["down_to"] == lost.claim.watermark


def test_what_a_lagging_page_left_to_a_person_is_still_found_far_down(world: World) -> None:
    lost = far_down(world, 120)
    really = world.site.profile

    async def nothing_yet(tab: Any, handle: str, **more: Any) -> Any:
        return replace(await really(tab, handle, **more), posts=(), ended=True)

    world.site.profile = nothing_yet  # type: ignore[method-assign]
    world.now += HOUR
    world.run(IdRecovery())
    assert now(world, lost).state is State.NEEDS_HUMAN
    world.site.profile = really  # type: ignore[method-assign]
    never_ends(world)
    world.run(IdRecovery())
    assert now(world, lost).state is State.RECONCILED


def test_a_page_that_never_ends_is_no_proof_of_absence(world: World) -> None:
    lost = far_down(world, 120)
    never_ends(world, most=40)
    world.now += HOUR / 2
    world.run(IdRecovery())
    assert now(world, lost).state is State.UNKNOWN


def test_a_page_that_never_ends_makes_no_post_a_removed_one(world: World) -> None:
    old = published(world, 1)[0]
    for number in range(30):
        world.network.publish(f"something newer, number {number}", world.now)
    never_ends(world, most=20)
    page_fails(world, Missing("not there"), old)
    world.run(IdRecovery())
    assert now(world, old).body == old.body


def test_a_post_that_is_shown_cut_is_read_whole_where_it_stands(world: World) -> None:
    lost = unknown(world, "a wren sings in the early morning")
    really: Callable[..., Any] = world.site.profile

    async def profile(tab: Any, handle: str, **more: Any) -> Any:
        found = await really(tab, handle, **more)
        cut = (replace(each, text=each.text[:12], wording=Wording.CUT) for each in found.posts)
        return replace(found, posts=tuple(cut))

    world.site.profile = profile  # type: ignore[method-assign]
    world.run(IdRecovery())
    assert now(world, lost).state is State.RECONCILED


def test_counts_that_a_page_does_not_show_are_kept_as_not_known(world: World) -> None:
    (post,) = published(world, 1)
    world.now += HOUR
    really: Callable[..., Any] = world.site.counts

    async def counts(tab: Any, handle: str, post_id: int) -> Any:
        return replace(await really(tab, handle, post_id), views=None)

    world.site.counts = counts  # type: ignore[method-assign]
    world.run(MetricsScraper())
    assert world.rows("select post_id, views from metric_snapshots") == [(post.id, None)]
    world.run(Outcomes())
    assert world.one("select count(*) from outcomes") == 0
