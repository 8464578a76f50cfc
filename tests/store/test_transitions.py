from typing import Any

import pytest

from domain.publishing.states import State
from store import posts
from store.posts import Applied, Decided, Duplicate, Impossible, NotApplied, Unchanged
from store.sql import Connection
from tests.store.world import (
    ACCOUNT,
    LATER,
    NOW,
    REAL,
    claimed,
    draft,
    held,
    now,
    one_claimed,
    queued,
    reply,
    token,
    trail,
)


def test_a_post_goes_from_plan_to_confirmed_and_leaves_its_trail(conn: Connection) -> None:
    post = one_claimed(conn, held(conn))
    assert posts.arm(conn, post.id, token(post), who="one", at=NOW + 1) == Applied(State.ARMED)
    answer = posts.confirm(conn, post.id, token(post), 99, who="one", at=NOW + 2, evidence={"response": 99})
    assert answer == Applied(State.CONFIRMED)
    found = now(conn, post)
    assert (found.site_id, found.armed_at, found.confirmed_at) == (99, NOW + 1, NOW + 2)
    assert found.evidence == {"response": 99}
    assert trail(conn, post) == ["queued", "claimed", "armed", "confirmed"]


def stale_changes() -> dict[str, Any]:
    return {
        "arm": lambda conn, post, old: posts.arm(conn, post, old, who="one", at=NOW),
        "fail": lambda conn, post, old: posts.fail(conn, post, old, "rejected", who="one", at=NOW),
        "lose_sight": lambda conn, post, old: posts.lose_sight(conn, post, old, "closed", who="one", at=NOW),
        "release": lambda conn, post, old: posts.release(conn, post, old, "off", who="one", at=NOW),
    }


@pytest.mark.parametrize("change", sorted(stale_changes()))
def test_a_stale_token_changes_nothing_and_is_noted(conn: Connection, change: str) -> None:
    first = one_claimed(conn, held(conn, "one"))
    posts.release(conn, first.id, token(first), "off", who="one", at=NOW)
    (again,) = claimed(conn, held(conn, "two", real_now=REAL + 31), real_now=REAL + 32)
    assert again.id == first.id

    answer = stale_changes()[change](conn, first.id, token(first))

    assert answer == NotApplied(State.CLAIMED, "token 1 is not valid: its claim has token 2")
    assert now(conn, first) == again
    assert trail(conn, first)[-1] == "refused"


def test_a_confirmation_is_a_fact_whoever_brings_it(conn: Connection) -> None:
    first = one_claimed(conn, held(conn, "one"))
    posts.release(conn, first.id, token(first), "off", who="one", at=NOW)
    claimed(conn, held(conn, "two", real_now=REAL + 31), real_now=REAL + 32)
    answer = posts.confirm(conn, first.id, token(first), 99, who="one", at=NOW, evidence={})
    assert answer == Applied(State.CONFIRMED)
    assert posts.trail(conn, first.id)[-1].detail["late"] is True


def test_a_second_id_for_a_post_is_refused_and_noted(conn: Connection) -> None:
    post = one_claimed(conn, held(conn))
    posts.confirm(conn, post.id, token(post), 99, who="one", at=NOW, evidence={})
    assert posts.confirm(conn, post.id, token(post), 99, who="one", at=NOW, evidence={}) == Unchanged(State.CONFIRMED)
    answer = posts.confirm(conn, post.id, token(post), 100, who="one", at=NOW, evidence={})
    assert answer == NotApplied(State.CONFIRMED, "it is published as 99, and now as 100 too")
    assert now(conn, post).site_id == 99


def test_an_id_belongs_to_one_post(conn: Connection) -> None:
    mine = held(conn)
    first, second = one_claimed(conn, mine, "first"), one_claimed(conn, mine, "second")
    posts.confirm(conn, first.id, token(first), 99, who="one", at=NOW, evidence={})
    answer = posts.confirm(conn, second.id, token(second), 99, who="one", at=NOW, evidence={})
    assert answer == NotApplied(State.CLAIMED, f"99 is post {first.id}")


def test_late_news_never_undoes_what_is_farther_along(conn: Connection) -> None:
    post = one_claimed(conn, held(conn))
    posts.confirm(conn, post.id, token(post), 99, who="one", at=NOW, evidence={})
    confirmed = now(conn, post)
    assert posts.arm(conn, post.id, token(post), who="one", at=NOW) == Unchanged(State.CONFIRMED)
    assert posts.lose_sight(conn, post.id, token(post), "closed", who="one", at=NOW) == Unchanged(State.CONFIRMED)
    assert posts.fail(conn, post.id, token(post), "no", who="one", at=NOW) == Unchanged(State.CONFIRMED)
    assert now(conn, post) == confirmed


def test_an_armed_post_is_never_released(conn: Connection) -> None:
    post = one_claimed(conn, held(conn))
    posts.arm(conn, post.id, token(post), who="one", at=NOW)
    answer = posts.release(conn, post.id, token(post), "off", who="one", at=NOW)
    assert answer == NotApplied(State.ARMED, "it is armed, and may have been sent")


def test_id_recovery_finds_an_unknown_post_or_asks_a_person(conn: Connection) -> None:
    mine = held(conn)
    found, lost = one_claimed(conn, mine, "found"), one_claimed(conn, mine, "lost")
    for post in (found, lost):
        posts.lose_sight(conn, post.id, token(post), "closed", who="one", at=NOW)
    assert posts.reconcile(conn, found.id, 99, who="id_recovery", at=NOW, evidence={}) == Applied(State.RECONCILED)
    answer = posts.ask_human(conn, lost.id, "not on the profile", who="id_recovery", at=NOW, evidence={"looks": 5})
    assert answer == Applied(State.NEEDS_HUMAN)
    (waiting,) = posts.in_state(conn, ACCOUNT, State.NEEDS_HUMAN)
    assert (waiting.id, waiting.needs_human, waiting.evidence) == (lost.id, "not on the profile", {"looks": 5})


def test_a_post_that_was_never_lost_cannot_be_recovered(conn: Connection) -> None:
    post = one_claimed(conn, held(conn))
    assert isinstance(posts.reconcile(conn, post.id, 99, who="id_recovery", at=NOW, evidence={}), NotApplied)


def test_what_is_unknown_to_the_store_is_not_changed(conn: Connection) -> None:
    assert posts.arm(conn, 404, 1, who="one", at=NOW) == NotApplied(None, "there is no post 404")


def needs_human(conn: Connection) -> int:
    post = one_claimed(conn, held(conn))
    posts.lose_sight(conn, post.id, token(post), "closed", who="one", at=NOW)
    posts.ask_human(conn, post.id, "not on the profile", who="id_recovery", at=NOW, evidence={})
    return post.id


def test_a_person_approves_with_the_id_that_they_saw(conn: Connection) -> None:
    post = needs_human(conn)
    assert isinstance(posts.decide(conn, post, "approve", who="ann", now=NOW), Impossible)
    assert posts.decide(conn, post, "approve", who="ann", now=NOW, site_id=99) == Decided(State.RECONCILED)


def test_a_person_rejects_for_good_and_brings_it_back(conn: Connection) -> None:
    answer = posts.queue(conn, ACCOUNT, reply("well seen", 11, "bob", approval="waiting"), who="r", now=NOW)
    assert isinstance(answer, posts.Queued)
    (post,) = answer.post_ids
    assert posts.decide(conn, post, "reject", who="ann", now=NOW) == Decided(State.FAILED_DEFINITE)
    assert posts.decide(conn, post, "retry", who="ann", now=NOW) == Decided(State.PLANNED)


def test_a_person_retries_and_the_text_is_the_same_byte_for_byte(conn: Connection) -> None:
    post = needs_human(conn)
    before = now(conn, post)
    assert posts.decide(conn, post, "retry", who="ann", now=NOW) == Decided(State.PLANNED)
    (again,) = claimed(conn, held(conn))
    assert (again.id, again.body, again.attempts) == (post, before.body, 2)


def test_a_failed_post_is_not_retried_where_its_text_has_gone_out_otherwise(conn: Connection) -> None:
    mine = held(conn)
    first = one_claimed(conn, mine, "a wren sings")
    posts.fail(conn, first.id, token(first), "rejected", who="one", at=NOW)
    second = queued(conn, "a wren sings")
    assert posts.decide(conn, first.id, "retry", who="ann", now=NOW) == Duplicate(second, State.PLANNED)


def test_there_is_nothing_to_decide_about_a_published_post(conn: Connection) -> None:
    post = one_claimed(conn, held(conn))
    posts.confirm(conn, post.id, token(post), 99, who="one", at=NOW, evidence={})
    for decision in ("approve", "reject", "retry"):
        assert isinstance(posts.decide(conn, post.id, decision, who="ann", now=NOW), Impossible)


def test_a_removed_post_is_noted_once_and_no_longer_counts_as_there(conn: Connection) -> None:
    post = one_claimed(conn, held(conn))
    posts.confirm(conn, post.id, token(post), 99, who="one", at=NOW, evidence={})
    assert posts.mark_removed(conn, post.id, who="id_recovery", at=NOW + 1)
    assert not posts.mark_removed(conn, post.id, who="id_recovery", at=NOW + 2)
    assert posts.published(conn, ACCOUNT, since=0) == ()


def test_the_queue_and_the_recent_texts_are_seen(conn: Connection) -> None:
    later, sooner = queued(conn, "later", due_at=NOW + 5), queued(conn, "sooner", due_at=NOW + 1)
    assert [post.id for post in posts.queued(conn, ACCOUNT)] == [sooner, later]
    assert posts.recent_texts(conn, ACCOUNT, since=NOW - 1) == ("sooner", "later")
    assert {post.id for post in posts.recent(conn, ACCOUNT)} == {sooner, later}
    assert draft("later").arm == now(conn, later).arm


def test_a_definite_failure_for_a_passing_reason_is_queued_again_in_the_same_breath(conn: Connection) -> None:
    mine = held(conn)
    post = one_claimed(conn, mine)
    posts.arm(conn, post.id, token(post), who="one", at=NOW)
    answer = posts.fail(conn, post.id, token(post), "429", who="one", at=NOW, again_at=NOW + 300)
    assert answer == Applied(State.PLANNED)
    found = now(conn, post)
    assert (found.body, found.due_at, found.failure) == (post.body, NOW + 300, None)
    assert trail(conn, post)[-2:] == ["failed_definite", "planned"]
    assert posts.charged(conn, ACCOUNT, since=0.0) == ()


def test_an_owner_that_was_cut_off_takes_back_what_others_found_over_and_it_never_armed(conn: Connection) -> None:
    mine = held(conn, "one")
    post = one_claimed(conn, mine)
    other = held(conn, "two", real_now=REAL + 31)
    posts.sweep_ended(conn, other, now=LATER, real_now=REAL + 32)
    assert now(conn, post).state is State.UNKNOWN
    assert isinstance(posts.release(conn, post.id, token(post), "over", who="two", at=LATER), NotApplied)
    assert posts.release(conn, post.id, token(post), "over", who="one", at=LATER) == Applied(State.PLANNED)
