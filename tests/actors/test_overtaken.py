"""Copies of claims in the journal that the world has gone past: they are dropped, and nothing is sent by them."""

import shutil
from collections.abc import Iterator
from unittest.mock import patch

import psycopg
import pytest

from actors.publishing.publishing_breaker import PublishingBreaker
from actors.scheduling.run_context import RunContext
from domain.calendar import HOUR
from social.sandbox.storage import OwnPost
from store import posts
from tests.actors.publishingworld import World, living

TEXT = "A post of later."


@pytest.fixture
def world(empty_dsn: str) -> Iterator[World]:
    with living(empty_dsn, World, seed=8, repeats=True) as made:
        yield made


def claimed_for_later(world: World) -> int:
    post = world.queue(TEXT, due_at=world.now() + 2 * HOUR)
    world.run()
    assert world.kept() == {post: "claimed"}
    return post


def confirmed_by_an_earlier_owner(world: World, post: int) -> None:
    """Who had claimed it before, and was cut off, had sent it all the same; its word comes late."""
    world.place.site.network.storage.add(OwnPost(77, TEXT, world.now(), None, 25))
    with psycopg.connect(world.place.dsn, autocommit=True) as connection:
        change = posts.confirm(connection, post, -1, 77, who="another", at=world.now(), evidence={})
    assert isinstance(change, posts.Applied)


def test_a_post_that_an_earlier_owner_confirms_is_not_sent_by_the_claim_that_came_after(world: World) -> None:
    post = claimed_for_later(world)
    confirmed_by_an_earlier_owner(world, post)
    world.sleep(2 * HOUR)
    world.run()
    assert world.texts() == [TEXT]
    assert world.kept() == {}
    assert world.post(post).site_id == 77


def test_it_is_not_sent_either_by_one_that_has_lost_the_lane(world: World) -> None:
    post = claimed_for_later(world)
    with psycopg.connect(world.place.dsn, autocommit=True) as connection:
        connection.execute("update accounts set lane_owner = 'another', lane_until_real = 'infinity'")
    confirmed_by_an_earlier_owner(world, post)
    world.sleep(2 * HOUR)
    world.run()
    assert "the lane is not ours" in world.last()
    assert world.texts() == [TEXT]


def test_a_claim_that_was_given_to_another_is_dropped_and_one_that_stands_is_used(world: World) -> None:
    taken, stands = claimed_for_later(world), world.queue("A post that stands.", due_at=world.now() + 2 * HOUR)
    world.run()
    with psycopg.connect(world.place.dsn, autocommit=True) as connection:
        connection.execute(
            "update posts set claim_owner = 'another', claim_token = claim_token + 1, attempts = attempts + 1 "
            "where id = %s",
            [taken],
        )
    world.sleep(3 * HOUR)
    world.run()
    assert world.texts() == ["A post that stands."]
    assert world.states(taken, stands) == ["claimed", "confirmed"]


def test_a_word_that_comes_while_a_run_is_on_its_way_to_the_post_is_heard(world: World) -> None:
    post, really = claimed_for_later(world), PublishingBreaker.obey_order
    world.sleep(2 * HOUR)

    def obey_order(breaker: PublishingBreaker, ctx: RunContext) -> None:
        really(breaker, ctx)
        if not world.texts():
            confirmed_by_an_earlier_owner(world, post)

    with patch.object(PublishingBreaker, "obey_order", obey_order):
        world.run()
    assert f"post {post} is not ours any more" in world.last()
    assert world.texts() == [TEXT]


def test_a_journal_from_before_the_post_was_sent_does_not_send_it_again(world: World) -> None:
    post = claimed_for_later(world)
    world.die()
    then = world.place.home / "then"
    then.mkdir()
    for file in world.place.home.glob("journal.sqlite3*"):
        shutil.copy(file, then)
    world.live()
    world.sleep(2 * HOUR)
    world.run()
    assert world.states(post) == ["confirmed"]
    world.die()
    for file in world.place.home.glob("journal.sqlite3*"):
        file.unlink()
    for file in then.iterdir():
        shutil.copy(file, world.place.home)
    world.live()
    assert world.kept() == {post: "claimed"}
    world.run()
    assert world.texts() == [TEXT]
    assert world.states(post) == ["confirmed"]
    assert world.kept() == {}
