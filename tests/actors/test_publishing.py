"""Publishing in the simulated house: threads, outages, crashes between two writes, and what must never get stuck."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

import psycopg
import pytest

from actors.core.simulation import ProcessExit
from actors.jobs.registry import load
from actors.protocol.alerts import AlertsState
from actors.protocol.journal import Append, GetWaiting
from actors.protocol.resources import LeaseEnded
from actors.scheduling.outcome import Outcome
from domain.calendar import HOUR, MINUTE
from domain.publishing import claims
from social.inprocess import InProcessSite
from social.site import OutcomeUnknown, PageBroken, RateLimited, SendBlocked
from store import posts
from store.errors import JournalUnavailable
from store.journal import Journal
from store.spend import Spend
from store.writes import PostConfirmed, PostWord
from tests.actors.publishingworld import JOBS, World, dies_at, living, run_and_die
from tests.simulated.house import home


@pytest.fixture
def world(empty_dsn: str) -> Iterator[World]:
    with living(empty_dsn, World, repeats=True) as made:
        yield made


@contextmanager
def page_refuses(*texts: str) -> Iterator[None]:
    """The composer fails with these texts."""
    with page_does(PageBroken("the composer holds another text than was typed"), *texts):
        yield


@contextmanager
def page_does(what: BaseException, *texts: str, clicked: bool = False) -> Iterator[None]:
    """With these texts it comes to this before anything is at the send boundary. clicked: after the click."""
    really = InProcessSite.publish

    async def publish(site: InProcessSite, tab: Any, draft: Any, arm: Any, on_click: Any) -> Any:
        if draft.text in texts:
            if clicked:
                on_click()
            raise what
        return await really(site, tab, draft, arm, on_click)

    with patch.object(InProcessSite, "publish", publish):
        yield


def alerts(world: World) -> dict[str, str]:
    state = world.house.system.board.get("alerts")
    assert isinstance(state, AlertsState)
    return {alert.key: alert.text for alert in state.standing}


def test_a_thread_is_published_in_one_run_each_part_answering_the_one_before(world: World) -> None:
    ids = world.queue_thread("Part one of the walk.", "Part two of the walk.", "Part three of the walk.")
    world.run()
    assert world.states(*ids) == ["confirmed"] * 3
    one, two, _ = (world.post(each).site_id for each in ids)
    assert [parent for _, parent in world.on_site()] == [None, one, two]


@pytest.mark.parametrize("edge", ["composed", "sent", "confirmed"])
def test_a_thread_goes_on_after_a_crash_between_its_parts(world: World, edge: str) -> None:
    texts = ("Part one of the walk.", "Part two of the walk.", "Part three of the walk.")
    ids = world.queue_thread(*texts)
    run_and_die(world, edge, 2)
    world.run("id_recovery")
    world.sleep(11 * MINUTE)
    world.run("id_recovery")
    world.run()
    assert all(state in ("confirmed", "reconciled") for state in world.states(*ids)), world.states(*ids)
    assert world.texts() == list(texts)
    one, two, _ = (world.post(each).site_id for each in ids)
    assert [parent for _, parent in world.on_site()] == [None, one, two]


def test_a_thread_counts_once_against_the_caps_also_after_a_crash_in_its_middle(world: World) -> None:
    parts = world.queue_thread("Part one of the walk.", "Part two of the walk.")
    single = world.queue("A post by itself.", due_at=world.now() + 1)
    run_and_die(world, "composed", 2)
    world.run()
    assert world.states(*parts) == ["confirmed"] * 2
    with psycopg.connect(world.place.dsn) as connection:
        charges = connection.execute("select post_id from cap_charges order by post_id").fetchall()
    assert charges == [(parts[0],), (single,)]


def test_the_rest_of_a_thread_ends_with_a_part_that_the_site_refuses(world: World) -> None:
    ids = world.queue_thread("Part one of the walk.", "Part two of the walk.", "Part three of the walk.")
    with dies_at(world, "confirmed"), pytest.raises(ProcessExit):
        world.run()
    world.die()
    world.live()
    world.place.site.inject(kind="errors_200", on="create", code=186, times=1)
    world.run()
    world.run()
    assert world.states(*ids) == ["confirmed", "failed_definite", "failed_definite"]
    assert world.post(ids[2]).failure == "the part of its thread before it failed"


def test_the_rest_of_a_thread_waits_for_a_part_that_is_unknown_and_comes_with_it(world: World) -> None:
    ids = world.queue_thread("Part one of the walk.", "Part two of the walk.")
    world.place.site.inject(kind="commit_then_drop", on="create", times=1)
    world.place.site.inject(kind="profile_lag", on="pages", times=3, lag=3600.0)
    world.run()
    assert world.states(*ids) == ["unknown", "planned"]
    world.run()
    assert world.states(*ids) == ["unknown", "planned"], "there is nothing yet that it could answer"
    world.run("id_recovery")
    world.run()
    assert world.states(*ids) == ["reconciled", "confirmed"]
    assert len(world.texts()) == 2


def test_posts_are_claimed_before_they_are_due_and_published_when_they_are(world: World) -> None:
    now = world.queue("A post of now.")
    later = world.queue("A post of later.", due_at=world.now() + 2 * HOUR)
    world.run()
    assert world.states(now, later) == ["confirmed", "claimed"]
    world.run()
    assert world.states(later) == ["claimed"], "it is not due yet"
    world.sleep(2 * HOUR)
    world.run()
    assert world.states(later) == ["confirmed"]


def test_without_postgres_posts_go_out_from_the_journal_and_it_learns_of_it_later(world: World) -> None:
    world.queue("A post of now.")
    later = world.queue("A post of later.", due_at=world.now() + HOUR)
    world.run()
    world.cut_off(3 * HOUR)
    world.sleep(HOUR)
    world.run()
    assert world.texts() == ["A post of now.", "A post of later."]
    assert world.kept()[later] == "confirmed"
    assert world.states(later) == ["claimed"]
    world.sleep(2 * HOUR + MINUTE)
    world.run("retry_queue")
    assert world.states(later) == ["confirmed"]


def test_a_crash_in_an_outage_loses_nothing_and_publishes_nothing_twice(world: World) -> None:
    world.queue("A post of now.")
    later = world.queue("A post of later.", due_at=world.now() + HOUR)
    world.run()
    world.cut_off(3 * HOUR)
    world.sleep(HOUR)
    run_and_die(world, "confirmed")
    world.run()
    assert world.texts() == ["A post of now.", "A post of later."]
    world.sleep(2 * HOUR + MINUTE)
    world.run("retry_queue")
    assert world.states(later) == ["confirmed"]
    assert len(world.texts()) == 2


def test_a_definite_failure_in_an_outage_is_tried_again_once_postgres_is_back(world: World) -> None:
    world.queue("A post of now.")
    later = world.queue("A post of later.", due_at=world.now() + HOUR)
    world.run()
    world.cut_off(2 * HOUR)
    world.sleep(HOUR)
    world.place.site.inject(kind="rate_limited", on="create", times=1)
    world.run()
    assert world.kept()[later] == "failed_definite"
    world.sleep(HOUR + MINUTE)
    world.run("retry_queue")
    assert world.states(later) == ["planned"]
    world.run()
    assert world.states(later) == ["confirmed"]
    assert world.post(later).body == "A post of later."


def test_posts_that_come_late_keep_their_distance(world: World) -> None:
    ids = [world.queue(f"Post number {number}.") for number in range(3)]
    run_and_die(world, "kept")
    world.sleep(2 * HOUR)
    world.run()
    assert len(world.texts()) == 1, "all three are overdue, and 20 minutes must lie between two"
    world.sleep(21 * MINUTE)
    world.run()
    assert len(world.texts()) == 2
    world.sleep(HOUR)
    world.run()
    assert world.states(*ids) == ["confirmed"] * 3


def test_a_post_that_cannot_be_typed_does_not_keep_the_others_from_going_out(world: World) -> None:
    bad = world.queue("A text that the page chokes on.")
    good = world.queue("A post like any other.", due_at=world.now() + 1)
    with page_refuses("A text that the page chokes on."):
        for _ in range(4):
            world.run()
            world.sleep(21 * MINUTE)
    assert world.states(good) == ["confirmed"]
    assert world.post(bad).due_at > world.post(good).due_at


def test_a_post_whose_click_nobody_saw_at_the_boundary_is_unknown_and_not_sent_again(world: World) -> None:
    post = world.queue("A post of now.")
    unseen = OutcomeUnknown("the button was pressed and nothing was seen at the send boundary")
    with page_does(unseen, "A post of now.", clicked=True):
        world.run()
    assert world.states(post) == ["unknown"]
    world.run()
    assert world.states(post) == ["unknown"]
    assert world.texts() == []


@pytest.mark.parametrize(("clicked", "becomes"), [(True, "unknown"), (False, "confirmed")])
def test_a_lease_that_ends_after_the_click_leaves_the_post_unknown(world: World, clicked: bool, becomes: str) -> None:
    post = world.queue("A post of now.")
    with page_does(LeaseEnded("revoked by the test"), "A post of now.", clicked=clicked):
        world.run()
    world.run()
    assert world.states(post) == [becomes]


def test_a_request_that_nobody_understands_leaves_the_post_unsent_and_a_person_hears_of_it(world: World) -> None:
    post, other = world.queue("A post of now."), world.queue("Another post.", due_at=world.now() + 1)
    with page_does(SendBlocked("the page asked for POST /unknown"), "A post of now.", clicked=True):
        world.run()
        world.sleep(1.0)
        assert "POST /unknown" in alerts(world)["unsent:posts"]
        assert world.states(post, other) == ["claimed", "claimed"], "the next one would meet the same"
    world.run()
    world.sleep(1.0)
    assert world.states(post) == ["confirmed"]
    assert "unsent:posts" not in alerts(world)


def test_a_refusal_that_only_a_person_can_judge_ends_the_post_and_is_told(world: World) -> None:
    post = world.queue("A post of now.")
    world.place.site.inject(kind="errors_200", on="create", code=188, times=1)
    world.run()
    world.sleep(1.0)
    assert world.states(post) == ["failed_definite"]
    assert "188" in alerts(world)["unsent:posts"]


def test_a_site_that_says_until_when_is_left_alone_until_then(world: World) -> None:
    post = world.queue("A post of now.")
    until = world.house.runtime.wall() + 300.0
    with page_does(RateLimited("wait", until), "A post of now."):
        world.run()
    world.sleep(200.0)
    world.run()
    assert "rests" in world.last()
    world.sleep(110.0)
    world.run()
    assert world.states(post) == ["confirmed"]


def test_a_disk_that_is_full_just_as_a_post_is_out_does_not_cost_its_id(world: World) -> None:
    post, record, full = world.queue("A post of now."), Journal.record, [JournalUnavailable("full")] * 3

    def recorded(journal: Journal, word: PostWord, attempt: int) -> bool:
        if full and isinstance(word, PostConfirmed):
            raise full.pop()
        return record(journal, word, attempt)

    with patch.object(Journal, "record", recorded):
        world.run()
    assert world.last().startswith("succeeded")
    assert world.states(post) == ["confirmed"]


def test_a_site_that_asks_for_patience_is_left_alone_for_a_while(world: World) -> None:
    post = world.queue("A post of now.")
    world.place.site.inject(kind="rate_limited", on="all", for_seconds=30.0)
    world.run()
    assert world.last().startswith("failed")
    world.run()
    assert "rests" in world.last()
    world.sleep(60.0)
    world.run()
    assert world.states(post) == ["confirmed"]


def test_a_journal_that_forgot_whether_a_post_was_sent_sends_nothing(world: World) -> None:
    post = world.queue("A post of now.")
    with dies_at(world, "confirmed"), pytest.raises(ProcessExit):
        world.run()
    world.die()
    for file in world.place.home.glob("journal.sqlite3*"):
        file.unlink()
    world.live()
    world.run()
    assert world.states(post) == ["unknown"]
    assert world.kept() == {}, "a crash at any moment finds nothing there that could be sent"
    world.run("id_recovery")
    assert world.states(post) == ["reconciled"]
    assert world.texts() == ["A post of now."]


def test_a_claim_of_ours_that_the_journal_never_heard_of_is_taken_up(world: World) -> None:
    post = world.queue("A post of now.")
    run_and_die(world, "claimed")
    assert world.kept() == {}
    world.run()
    assert world.states(post) == ["confirmed"]


def test_a_word_that_postgres_refused_ends_in_id_recovery_and_not_in_a_claim_for_ever(world: World) -> None:
    post = world.queue("A post of now.")
    with patch("store.replay.posts.confirm", lambda *a, **n: posts.NotApplied(None, "refused by the test")):
        world.run()
    assert world.states(post) == ["armed"]
    world.run()
    assert world.states(post) == ["unknown"]
    world.run("id_recovery")
    assert world.states(post) == ["reconciled"]


def test_an_outbox_entry_that_cannot_be_replayed_does_not_block_those_behind_it(world: World) -> None:
    post = world.queue("A post of now.")
    broken = Spend("call", world.now(), 0.1, 1, 1, "m", "plan")
    world.house.system.ask("journal", Append((("spend/call", broken),)), 5.0)

    def undefined(*_: Any) -> None:
        raise psycopg.errors.UndefinedTable("relation does not exist")

    with patch("store.replay.spend.record", undefined):
        world.run()
    assert world.states(post) == ["confirmed"]
    assert world.house.system.ask("journal", GetWaiting(), 5.0) == ()


def test_claims_end_while_posting_is_switched_off(empty_dsn: str) -> None:
    with (
        home(empty_dsn, seed=6, repeats=True) as place,
        patch("tests.simulated.house.load", partial(load, lines=JOBS)),
        patch("actors.jobs.plan.Plan.run", lambda job, ctx: Outcome()),
    ):
        world = World(place)
        post = world.queue("A post of later.", due_at=world.now() + 2 * HOUR)
        world.run()
        world.die()
        place.extra["POSTING_DISABLED"] = "yes"
        world.live()
        world.sleep(6 * HOUR)
        world.run()
        assert world.states(post) == ["planned"]
        assert world.texts() == []
        world.die()


@pytest.mark.parametrize("speed", [60.0, 120.0, 1000.0])
def test_a_claim_can_be_used_at_any_speed(speed: float) -> None:
    margin = claims.margin_at(speed)
    assert claims.ahead(margin) + 2 * margin <= claims.length(margin)
    assert claims.ahead(margin) > 0
    held = claims.Claim("one", 1, claims.length(margin), None)
    assert claims.may_publish(held, "one", claims.ahead(margin), margin)
