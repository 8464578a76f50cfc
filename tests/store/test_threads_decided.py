"""What a person decides about one part of a thread, and what becomes of the others."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg.rows import dict_row

from domain.publishing.states import State
from store import posts
from store.posts import Decided, Duplicate, Impossible
from store.sql import Connection
from tests.store.world import ACCOUNT, NOW, REAL, claimed, draft, held, now, token, trail
from tests.waiting import eventually

TEXTS = ("one", "two", "three")


def a_thread(conn: Connection, *texts: str) -> tuple[int, ...]:
    parts = tuple(draft(text, kind="thread_part") for text in texts or TEXTS)
    answer = posts.queue_thread(conn, ACCOUNT, parts, who="plan", now=NOW)
    assert isinstance(answer, posts.Queued)
    return answer.post_ids


def decide(conn: Connection, post_id: int, decision: posts.Decision) -> object:
    return posts.decide(conn, post_id, decision, who="me", now=NOW)


def states(conn: Connection, ids: tuple[int, ...]) -> list[str]:
    return [now(conn, each).state.value for each in ids]


def lost_sight_of_the_first(conn: Connection) -> tuple[int, ...]:
    """A thread whose first part may be out or not, with the rest in the queue again, and a person asked."""
    ids = a_thread(conn)
    first, *rest = claimed(conn, held(conn))
    for part in rest:
        posts.release(conn, part.id, token(part), "the part before it is unknown", who="one", at=NOW)
    posts.arm(conn, first.id, token(first), who="one", at=NOW)
    posts.lose_sight(conn, first.id, token(first), "time-out", who="one", at=NOW)
    posts.ask_human(conn, first.id, "not seen", who="id_recovery", at=NOW, evidence={})
    return ids


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_thread_ends_whole_with_the_part_that_a_person_rejects_and_each_part_says_why(
    conn: Connection, which: int
) -> None:
    ids = a_thread(conn)
    assert decide(conn, ids[which], "reject") == Decided(State.FAILED_DEFINITE)
    assert states(conn, ids) == ["failed_definite"] * 3
    assert posts.queued(conn, ACCOUNT) == ()
    assert [trail(conn, each) for each in ids] == [["queued", "failed_definite"]] * 3
    reasons = [now(conn, each).failure for each in ids]
    assert reasons[which] == "rejected by me"
    assert all("its thread" in str(reason) for n, reason in enumerate(reasons) if n != which), reasons


def test_the_parts_that_are_out_stay_out_and_what_is_left_ends(conn: Connection) -> None:
    ids = a_thread(conn)
    first, *rest = claimed(conn, held(conn))
    posts.confirm(conn, first.id, token(first), 11, who="one", at=NOW, evidence={})
    for part in rest:
        posts.release(conn, part.id, token(part), "its claim is over", who="one", at=NOW)
    assert decide(conn, ids[2], "reject") == Decided(State.FAILED_DEFINITE)
    assert states(conn, ids) == ["confirmed", "failed_definite", "failed_definite"]


def test_a_rejected_part_that_a_person_brings_back_brings_its_thread_with_it(conn: Connection) -> None:
    ids = a_thread(conn)
    decide(conn, ids[1], "reject")
    assert decide(conn, ids[1], "retry") == Decided(State.PLANNED)
    assert [part.id for part in claimed(conn, held(conn))] == list(ids)


def test_a_part_behind_one_that_failed_is_not_brought_back_alone(conn: Connection) -> None:
    ids = a_thread(conn)
    decide(conn, ids[1], "reject")
    answer = decide(conn, ids[2], "retry")
    assert isinstance(answer, Impossible)
    assert f"retry post {ids[1]}" in answer.why
    assert states(conn, ids) == ["failed_definite"] * 3


def test_the_parts_before_a_rejected_one_go_out_without_it_if_a_person_says_so(conn: Connection) -> None:
    ids = a_thread(conn)
    decide(conn, ids[2], "reject")
    assert decide(conn, ids[0], "retry") == Decided(State.PLANNED)
    assert [part.id for part in claimed(conn, held(conn))] == [ids[0], ids[1]]
    assert states(conn, ids) == ["claimed", "claimed", "failed_definite"]


def test_a_part_that_was_ended_while_the_first_was_unknown_does_not_strand_it(conn: Connection) -> None:
    ids = lost_sight_of_the_first(conn)
    decide(conn, ids[1], "reject")
    assert states(conn, ids) == ["needs_human", "failed_definite", "failed_definite"]
    assert decide(conn, ids[0], "retry") == Decided(State.PLANNED)
    assert [part.id for part in claimed(conn, held(conn))] == [ids[0]]


def test_what_a_person_says_is_not_out_ends_the_rest_of_its_thread_at_once(conn: Connection) -> None:
    ids = lost_sight_of_the_first(conn)
    assert decide(conn, ids[0], "reject") == Decided(State.FAILED_DEFINITE)
    assert states(conn, ids) == ["failed_definite"] * 3


def test_a_thread_is_not_brought_back_where_a_text_of_it_is_under_way_otherwise(conn: Connection) -> None:
    ids = a_thread(conn)
    mine = held(conn)
    first, *rest = claimed(conn, mine)
    posts.fail(conn, first.id, token(first), "refused", who="one", at=NOW)
    for part in rest:
        posts.release(conn, part.id, token(part), "the part before it failed", who="one", at=NOW)
    posts.sweep_ended(conn, mine, now=NOW, real_now=REAL)
    other, *_ = a_thread(conn, "four", TEXTS[2])
    before = [trail(conn, each) for each in ids]
    assert decide(conn, ids[0], "retry") == Duplicate(other + 1, State.PLANNED)
    assert states(conn, ids) == ["failed_definite"] * 3
    assert [trail(conn, each) for each in ids] == before


def test_a_confirmation_that_comes_while_a_person_decides_is_not_overwritten(dsn: str, conn: Connection) -> None:
    ids = lost_sight_of_the_first(conn)
    waits = "select 1 from pg_locks where not granted"
    with ThreadPoolExecutor(1) as aside, psycopg.connect(dsn, row_factory=dict_row) as other:
        with other.transaction():
            posts.confirm(other, ids[0], token(now(other, ids[0])), 11, who="one", at=NOW, evidence={})
            decided = aside.submit(decide, conn, ids[0], "retry")
            eventually(lambda: other.execute(waits).fetchone() is not None)
        assert isinstance(decided.result(), Impossible)
    assert now(conn, ids[0]).state is State.CONFIRMED
