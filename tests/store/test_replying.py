"""The pool of posts that may be answered, the accounts behind them, and those who want no answer."""

from dataclasses import replace

from domain.calendar import DAY, HOUR
from domain.publishing.states import State
from domain.replies.opportunities import Answered, Sighting
from store import accounts, opportunities, optouts, posts
from store.accounts import Account
from store.opportunities import Find
from store.posts import Duplicate, OptedOut, OptedOutNow, Queued
from store.sql import Connection
from store.status import status
from tests.store import world
from tests.store.world import ACCOUNT, NOW, claimed, held, reply, token

SEEN = Sighting(11, "Ada_Walks", "What helps you sleep?", NOW - HOUR, views=90, likes=3)


def save(conn: Connection, *finds: Find, now: float = NOW) -> int:
    return opportunities.save(conn, ACCOUNT, finds or (Find(SEEN, "sleep", 2.0),), now=now)


def answer(conn: Connection, text: str = "well seen", author: str = "Ada_Walks") -> object:
    return opportunities.answer(conn, ACCOUNT, 11, reply(text, 11, author), who="reply_posting", now=NOW)


def test_what_is_found_is_in_the_pool_once_with_its_newest_score(conn: Connection) -> None:
    assert save(conn) == 1
    assert save(conn, Find(replace(SEEN, likes=8), "sleep", 5.0), now=NOW + 60) == 0
    (found,) = opportunities.pool(conn, ACCOUNT)
    assert (found.id, found.author, found.topic, found.score, found.scored_at) == (
        11,
        "Ada_Walks",
        "sleep",
        5.0,
        NOW + 60,
    )
    assert found.followers is None


def test_the_followers_of_its_author_come_with_it_in_any_spelling(conn: Connection) -> None:
    save(conn)
    accounts.save(conn, ACCOUNT, Account("ada_walks", "Ada", 1200, "movement", 0.8, NOW))
    (found,) = opportunities.pool(conn, ACCOUNT)
    assert (found.followers, found.topic) == (1200, "sleep")


def test_what_left_the_pool_does_not_come_back(conn: Connection) -> None:
    save(conn)
    assert opportunities.close(conn, ACCOUNT, [11, 12], "expired", "stale", now=NOW) == 1
    assert save(conn) == 0
    assert opportunities.pool(conn, ACCOUNT) == ()
    assert opportunities.counts(conn, ACCOUNT) == {"expired": 1}


def test_a_reply_is_queued_and_its_opportunity_answered_together(conn: Connection) -> None:
    save(conn)
    queued = answer(conn)
    assert isinstance(queued, Queued)
    assert opportunities.counts(conn, ACCOUNT) == {"answered": 1}
    found = opportunities.answered(conn, ACCOUNT, since=NOW - DAY)
    assert found == Answered(frozenset({"ada_walks"}), frozenset({11}))


def test_an_author_who_opted_out_is_passed(conn: Connection) -> None:
    save(conn)
    optouts.add(conn, "ADA_walks", source="asked", now=NOW)
    assert answer(conn) == OptedOut("Ada_Walks")
    assert opportunities.counts(conn, ACCOUNT) == {"passed": 1}


def test_the_same_reply_is_not_queued_twice(conn: Connection) -> None:
    save(conn)
    first = answer(conn)
    assert isinstance(first, Queued)
    assert answer(conn) == Duplicate(first.post_ids[0], State.PLANNED)


def test_an_author_is_free_again_after_a_while_and_the_thread_never(conn: Connection) -> None:
    save(conn)
    answer(conn)
    (post,) = claimed(conn, held(conn), what="replies")
    posts.confirm(conn, post.id, token(post), 900, who="one", at=NOW, evidence={})
    found = opportunities.answered(conn, ACCOUNT, since=NOW + 1)
    assert found == Answered(frozenset(), frozenset({11}))


def test_a_reply_that_failed_binds_nobody(conn: Connection) -> None:
    save(conn)
    answer(conn)
    (post,) = claimed(conn, held(conn), what="replies")
    posts.fail(conn, post.id, token(post), "gone", who="one", at=NOW)
    assert opportunities.answered(conn, ACCOUNT, since=NOW - DAY) == Answered()


def test_who_opts_out_gets_no_planned_reply_and_the_trail_says_why(conn: Connection) -> None:
    queued = posts.queue(conn, ACCOUNT, reply("well seen", 11, "Ada_Walks"), who="r", now=NOW)
    other = posts.queue(conn, ACCOUNT, reply("well seen", 12, "Ben"), who="r", now=NOW)
    assert isinstance(queued, Queued)
    assert isinstance(other, Queued)
    done = posts.opt_out(conn, ACCOUNT, "ada_WALKS", source="operator", who="root", now=NOW)
    assert done == OptedOutNow(True, queued.post_ids)
    assert world.now(conn, queued.post_ids[0]).state is State.FAILED_DEFINITE
    assert world.trail(conn, queued.post_ids[0]) == ["queued", "failed_definite"]
    assert world.now(conn, other.post_ids[0]).state is State.PLANNED
    assert optouts.holds(conn, "Ada_walks")
    assert posts.opt_out(conn, ACCOUNT, "ada_walks", source="operator", who="root", now=NOW) == OptedOutNow(False, ())


def test_a_reply_counts_against_the_replies_alone(conn: Connection) -> None:
    posts.queue(conn, ACCOUNT, reply("well seen", 11, "Ada"), who="r", now=NOW)
    claimed(conn, held(conn), what="replies")
    assert posts.charged(conn, ACCOUNT, since=NOW - DAY, kind="reply") == (NOW,)
    assert posts.charged(conn, ACCOUNT, since=NOW - DAY) == ()


def test_an_account_is_kept_as_it_was_last_seen(conn: Connection) -> None:
    seen = Account("Ada_Walks", "Ada", 1200, "movement", 0.8, NOW)
    assert accounts.save(conn, ACCOUNT, seen)
    assert not accounts.save(conn, ACCOUNT, replace(seen, followers=1300, looked_at=NOW + 60))
    assert not accounts.save(conn, ACCOUNT, replace(seen, followers=1))
    assert accounts.followers(conn, ACCOUNT) == {"ada_walks": 1300}
    assert accounts.looked_at(conn, ACCOUNT) == {"ada_walks": NOW + 60}


def test_accounts_on_our_topics_come_by_reach_without_those_who_opted_out(conn: Connection) -> None:
    for handle, followers, topic in (("ada", 10, "sleep"), ("ben", 10**6, "focus"), ("cleo", 10**6, None)):
        accounts.save(conn, ACCOUNT, Account(handle, handle, followers, topic, 0.5, NOW))
    assert [each.handle for each in accounts.on_topic(conn, ACCOUNT)] == ["ben", "ada"]
    optouts.add(conn, "ben", source="asked", now=NOW)
    assert [each.handle for each in accounts.on_topic(conn, ACCOUNT)] == ["ada"]
    assert accounts.forget(conn, ACCOUNT, "ADA")
    assert accounts.on_topic(conn, ACCOUNT) == ()


def test_the_status_counts_them(conn: Connection) -> None:
    save(conn)
    accounts.save(conn, ACCOUNT, Account("ada", "Ada", 10, "sleep", 0.5, NOW))
    found = status(conn, ACCOUNT)
    assert (found.opportunities, found.accounts, found.reply_model_version) == ({"open": 1}, 1, 0)
