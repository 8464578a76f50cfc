"""Claims that something forbids before they are sent: they are not sent, and take no other's place."""

from collections.abc import Iterator, Sequence
from typing import Any
from unittest.mock import patch

import psycopg
import pytest

from actors.jobs.reply_posting import ReplyPosting
from actors.protocol.account import SetFlag
from domain.calendar import HOUR, MINUTE
from store import posts
from tests.actors.publishingworld import REPLY_JOBS, World, living, run_and_die

PAUSED = ("posting", "account_discovery", "harvester", "reply_posting")


class Replies(World):
    """It answers only what the test queues."""

    def live(self, paused: Sequence[str] = PAUSED) -> None:
        super().live(paused)

    def answer(self, text: str, number: int = 0, **more: Any) -> int:
        """Queue a reply to the n-th of the strangers' posts, each of another author."""
        found = self.place.site.network.search("sleep", self.now(), live=True)
        parent = list({post.handle: post for post in found}.values())[number]
        to = {"parent_site_id": parent.id, "parent_author": parent.handle, "conversation_id": parent.id}
        return self.queue(text, kind="reply", **to, **more)

    def set(self, flag: str, value: str) -> None:
        self.house.system.ask("flags", SetFlag(flag, value, "user 7"), 10.0)

    def opt_out(self, author: str | None) -> None:
        assert author is not None
        with psycopg.connect(self.place.dsn, autocommit=True) as connection:
            posts.opt_out(connection, "roost", author, source="asked", who="ann", now=self.now())

    def reasons(self, post_id: int) -> list[str]:
        """Of every change in its trail that has one."""
        with psycopg.connect(self.place.dsn, autocommit=True) as connection:
            trail = posts.trail(connection, post_id)
        return [each.detail["reason"] for each in trail if "reason" in each.detail]


@pytest.fixture
def world(empty_dsn: str) -> Iterator[Replies]:
    with (
        patch.object(ReplyPosting, "_choose", lambda job, ctx, desk: ()),
        living(empty_dsn, Replies, REPLY_JOBS, REPLIES="auto") as made,
    ):
        yield made


def test_replies_go_out_by_themselves_where_nobody_has_to_approve_them(world: Replies) -> None:
    reply = world.answer("Well seen, and kindly put.")
    world.run("reply_posting")
    assert world.states(reply) == ["confirmed"]


def test_a_reply_is_not_claimed_unapproved_though_approval_is_demanded_only_while_the_run_drafts(
    world: Replies,
) -> None:
    reply = world.answer("Well seen, and kindly put.")

    def draft(job: ReplyPosting, ctx: object, desk: object) -> tuple[()]:
        world.set("REPLIES", "approval")
        return ()

    with patch.object(ReplyPosting, "_choose", draft):
        world.run("reply_posting")
    assert world.states(reply) == ["planned"]
    assert world.post(reply).attempts == 0
    assert world.texts() == []


def test_a_claimed_reply_is_given_back_once_approval_is_demanded_and_goes_when_it_has_it(world: Replies) -> None:
    reply = world.answer("Well seen, and kindly put.")
    run_and_die(world, "kept", job="reply_posting")
    world.set("REPLIES", "approval")
    world.run("reply_posting")
    assert world.states(reply) == ["planned"]
    assert world.reasons(reply) == ["a person has not approved this text yet"]
    world.run("reply_posting")
    assert world.post(reply).approval == "waiting"
    with psycopg.connect(world.place.dsn, autocommit=True) as connection:
        posts.decide(connection, reply, "approve", who="ann", now=world.now())
    world.run("reply_posting")
    assert world.states(reply) == ["confirmed"]


def test_a_claimed_reply_that_a_person_approved_goes_out_though_approval_is_demanded_since(world: Replies) -> None:
    reply = world.answer("Well seen, and kindly put.", approval="waiting")
    with psycopg.connect(world.place.dsn, autocommit=True) as connection:
        posts.decide(connection, reply, "approve", who="ann", now=world.now())
    run_and_die(world, "kept", job="reply_posting")
    world.set("REPLIES", "approval")
    world.run("reply_posting")
    assert world.states(reply) == ["confirmed"]


def test_claimed_replies_to_who_opted_out_end_and_others_go_in_their_place(world: Replies) -> None:
    opted_out = [world.answer(f"Well seen, number {number}.", number) for number in range(3)]
    run_and_die(world, "kept", job="reply_posting")
    assert world.states(*opted_out) == ["claimed"] * 3
    for each in opted_out:
        world.opt_out(world.post(each).parent_author)
    other = world.answer("Kindly put, I think.", 3)
    world.run("reply_posting")
    assert world.states(*opted_out, other) == ["failed_definite"] * 3 + ["confirmed"]
    assert world.reasons(opted_out[0]) == ["its author asked not to be answered"]
    assert world.texts() == ["Kindly put, I think."]


def test_claimed_threads_are_given_back_whole_once_there_shall_be_none_and_posts_go_in_their_place(
    world: Replies,
) -> None:
    threads = [
        world.queue_thread(f"Part one of {name}.", f"Part two of {name}.", f"Part three of {name}.")
        for name in ("sleep", "focus", "walking")
    ]
    parts = [part for thread in threads for part in thread]
    run_and_die(world, "kept")
    assert world.states(*parts) == ["claimed"] * 9
    world.set("THREADS", "no")
    single = world.queue("A post by itself.")
    world.run()
    assert world.states(*parts, single) == ["planned"] * 9 + ["confirmed"]
    assert world.reasons(parts[1]) == ["threads are switched off (THREADS)"]


def test_a_thread_that_has_begun_is_finished_though_there_shall_be_none(world: Replies) -> None:
    parts = world.queue_thread("Part one of sleep.", "Part two of sleep.", "Part three of sleep.")
    run_and_die(world, "confirmed")
    world.set("THREADS", "no")
    world.run()
    assert world.states(*parts) == ["confirmed"] * 3


def test_what_the_caps_forbid_for_a_while_stays_claimed_for_an_outage(world: Replies) -> None:
    first, second = world.queue("A post of now."), world.queue("Another one.", due_at=world.now() + 1)
    run_and_die(world, "kept")
    world.sleep(2 * HOUR)
    world.run()
    assert world.states(first, second) == ["confirmed", "claimed"]
    world.cut_off(HOUR)
    world.sleep(21 * MINUTE)
    world.run()
    assert world.texts() == ["A post of now.", "Another one."]


def test_a_run_that_comes_late_keeps_the_distance_to_what_another_instance_sent(world: Replies) -> None:
    mine = world.queue("A post of now.")
    run_and_die(world, "kept")
    with psycopg.connect(world.place.dsn, autocommit=True) as connection:
        connection.execute(
            "insert into posts (account, kind, body, text_hash, source, state, due_at, created_at, changed_at, "
            "claim_owner, claim_token, claim_ends_at, attempts, armed_at, site_id, confirmed_at) "
            "select 'roost', 'post', 'elsewhere', 'e', 'template', 'confirmed', at, at, at, 'two', "
            "9, at, 1, at, 1, at "
            "from (select to_timestamp(%s) as at) as of",
            (world.now(),),
        )
        connection.execute(
            "insert into cap_charges (post_id, account, kind, at) "
            "select id, account, 'post', armed_at from posts where claim_owner = 'two'"
        )
    world.run()
    assert world.states(mine) == ["claimed"]
    assert "20 min between posts" in world.last()
    world.sleep(21 * MINUTE)
    world.run()
    assert world.states(mine) == ["confirmed"]
