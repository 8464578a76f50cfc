"""What counts against the caps: when a post was really sent, once, whoever sent it and however the word arrives."""

import pytest

from domain.calendar import HOUR, MINUTE
from domain.publishing import caps
from store import posts
from store.posts import Applied, Post, Queued, Unchanged
from store.replay import replay
from store.sql import Connection
from store.writes import Entry, PostArmed
from tests.store.world import (
    ACCOUNT,
    LATER,
    NOW,
    POLICY,
    REAL,
    claimed,
    draft,
    held,
    one_claimed,
    queued,
    reply,
    token,
)

LATE = NOW + 55 * MINUTE


def charged(conn: Connection) -> tuple[float, ...]:
    return posts.charged(conn, ACCOUNT, since=0.0)


def sent_late(conn: Connection, post: Post) -> None:
    """As the journal tells it afterwards."""
    posts.arm(conn, post.id, token(post), who="one", at=LATE)
    posts.confirm(conn, post.id, token(post), 99, who="one", at=LATE + 1, evidence={})


def test_a_post_that_goes_out_late_is_charged_for_when_it_went_out(conn: Connection) -> None:
    post = one_claimed(conn, held(conn))
    assert charged(conn) == (NOW,)
    sent_late(conn, post)
    assert charged(conn) == (LATE,)


def test_who_takes_over_keeps_the_distance_to_what_was_sent_late(conn: Connection) -> None:
    sent_late(conn, one_claimed(conn, held(conn, "one")))
    queued(conn, "a robin sings", due_at=LATE + MINUTE)
    other = held(conn, "two", real_now=REAL + 31)
    (taken,) = claimed(conn, other, now=LATE + MINUTE, real_now=REAL + 32, policy=POLICY)
    assert (taken.publish_at or 0.0) - LATE >= 20 * MINUTE


def test_a_replayed_arming_charges_the_same_however_often_and_late_it_comes(conn: Connection) -> None:
    post = one_claimed(conn, held(conn))
    entry = Entry(1, "e1", PostArmed(post.id, token(post), "one", LATE))
    for _ in range(2):
        replay(conn, entry, now=LATER)
        assert charged(conn) == (LATE,)
    assert posts.arm(conn, post.id, token(post), who="one", at=LATE) == Unchanged(post.state.ARMED)
    assert charged(conn) == (LATE,)


def test_a_thread_is_charged_for_its_beginning_alone(conn: Connection) -> None:
    parts = tuple(draft(text, kind="thread_part") for text in ("one", "two"))
    assert isinstance(posts.queue_thread(conn, ACCOUNT, parts, who="plan", now=NOW), Queued)
    first, second = claimed(conn, held(conn))
    posts.arm(conn, first.id, token(first), who="one", at=LATE)
    posts.arm(conn, second.id, token(second), who="one", at=LATE + MINUTE)
    assert charged(conn) == (LATE,)


def test_what_may_have_been_sent_until_its_claim_ended_is_charged_for_that_end(conn: Connection) -> None:
    post = one_claimed(conn, held(conn, "one"))
    other = held(conn, "two", real_now=REAL + 31)
    posts.sweep_ended(conn, other, now=LATER, real_now=REAL + 32)
    assert charged(conn) == (NOW + 6 * HOUR,)
    posts.arm(conn, post.id, token(post), who="one", at=LATE)
    assert charged(conn) == (LATE,), "its owner is back, and says when"


def test_what_was_armed_before_its_claim_ended_is_charged_for_its_arming(conn: Connection) -> None:
    post = one_claimed(conn, held(conn, "one"))
    posts.arm(conn, post.id, token(post), who="one", at=LATE)
    posts.sweep_ended(conn, held(conn, "two", real_now=REAL + 31), now=LATER, real_now=REAL + 32)
    assert charged(conn) == (LATE,)


@pytest.mark.parametrize(("until", "at"), [(LATE, LATE), (NOW - MINUTE, NOW)])
def test_a_post_of_a_lost_journal_is_charged_for_the_last_moment_at_which_it_can_have_left(
    conn: Connection, until: float, at: float
) -> None:
    post = one_claimed(conn, held(conn))
    posts.lose_sight(conn, post.id, token(post), "the journal is gone", who="one", at=until)
    assert charged(conn) == (at,)


def test_losing_sight_after_arming_leaves_the_charge_where_it_was_armed(conn: Connection) -> None:
    post = one_claimed(conn, held(conn))
    posts.arm(conn, post.id, token(post), who="one", at=LATE)
    posts.lose_sight(conn, post.id, token(post), "the page closed", who="one", at=LATE + MINUTE)
    assert charged(conn) == (LATE,)


def test_old_news_of_a_post_that_was_given_back_charges_nothing(conn: Connection) -> None:
    post = one_claimed(conn, held(conn))
    posts.release(conn, post.id, token(post), "switched off", who="one", at=NOW)
    posts.arm(conn, post.id, token(post), who="one", at=LATE)
    assert charged(conn) == ()


def test_a_post_that_is_out_after_all_counts_though_its_charge_was_given_back(conn: Connection) -> None:
    post = one_claimed(conn, held(conn))
    posts.lose_sight(conn, post.id, token(post), "closed", who="one", at=NOW)
    posts.ask_human(conn, post.id, "not on the profile", who="id_recovery", at=NOW, evidence={})
    posts.decide(conn, post.id, "reject", who="ann", now=LATE)
    assert charged(conn) == ()
    assert isinstance(posts.confirm(conn, post.id, token(post), 99, who="one", at=LATE, evidence={}), Applied)
    assert charged(conn) == (LATE,)


def test_what_was_sent_is_seen_without_what_is_only_claimed(conn: Connection) -> None:
    mine = held(conn)
    out = one_claimed(conn, mine)
    posts.arm(conn, out.id, token(out), who="one", at=LATE)
    one_claimed(conn, mine, "a robin sings")
    posts.queue(conn, ACCOUNT, reply("well seen", 11, "ann"), who="r", now=NOW)
    (answer,) = claimed(conn, mine, what="replies")
    posts.lose_sight(conn, answer.id, token(answer), "closed", who="one", at=LATE)
    seen = posts.sent(conn, ACCOUNT, since=NOW)
    assert {post_id: (each.kind, each.at) for post_id, each in seen.items()} == {
        out.id: ("post", LATE),
        answer.id: ("reply", LATE),
    }
    assert posts.sent(conn, ACCOUNT, since=LATE) == {}


def test_the_caps_hold_over_late_sends_of_one_hour(conn: Connection) -> None:
    mine = held(conn)
    for number in range(2):
        post = one_claimed(conn, mine, f"post {number}")
        posts.arm(conn, post.id, token(post), who="one", at=LATE + number)
        posts.confirm(conn, post.id, token(post), 99 + number, who="one", at=LATE + number, evidence={})
    queued(conn, "one more", due_at=LATE + 2)
    (taken,) = claimed(conn, mine, now=LATE + 2, policy=caps.Policy(between_posts=0.0))
    assert (taken.publish_at or 0.0) - LATE >= HOUR
