"""What the storms are judged by sees what it is there to see."""

import pytest

from domain.publishing.uniqueness import text_hash
from social.sandbox.storage import OwnPost
from store import posts
from store.posts.queue import Kind
from store.sql import Connection
from tests.simulated.verdict import Findings, findings

NOW = 1_800_000_000.0
TEXT = "A short note on sleep"


def a_row(conn: Connection, state: str, text: str = TEXT, kind: Kind = "post", site_id: int | None = None) -> None:
    parent = 7 if kind == "reply" else None
    draft = posts.Draft(
        kind=kind, body=text, text_hash=text_hash(text), source="template", due_at=NOW, parent_site_id=parent
    )
    queued = posts.queue(conn, "roost", draft, who="plan", now=NOW)
    assert isinstance(queued, posts.Queued)
    conn.execute(
        "update posts set state = %s, site_id = %s, confirmed_at = to_timestamp(%s), failure = 'none' where id = %s",
        (state, site_id, NOW if site_id else None, queued.post_ids[0]),
    )


def a_post(number: int, text: str = TEXT, in_reply_to: int | None = None) -> OwnPost:
    return OwnPost(number, text, NOW, in_reply_to, 25)


def judged(dsn: str, *on_site: OwnPost, later: float = 0.0) -> Findings:
    return findings(dsn, on_site, NOW + later)


def test_what_is_confirmed_and_on_the_site_is_well(conn: Connection, dsn: str) -> None:
    a_row(conn, "confirmed", site_id=1)
    assert judged(dsn, a_post(1)).bad() == []


def test_the_same_text_twice_on_the_site_is_doubled(conn: Connection, dsn: str) -> None:
    a_row(conn, "confirmed", site_id=1)
    assert len(judged(dsn, a_post(1), a_post(2)).doubled) == 1
    assert len(judged(dsn, a_post(1), a_post(2, in_reply_to=1)).doubled) == 1


def test_the_same_words_may_answer_two_people(conn: Connection, dsn: str) -> None:
    a_row(conn, "confirmed", kind="reply", site_id=1)
    found = judged(dsn, a_post(1, in_reply_to=7), a_post(2, in_reply_to=8))
    assert found.doubled == []
    assert len(judged(dsn, a_post(1, in_reply_to=7), a_post(2, in_reply_to=7)).doubled) == 1


def test_a_confirmation_without_its_post_is_lost(conn: Connection, dsn: str) -> None:
    a_row(conn, "confirmed", site_id=1)
    assert len(judged(dsn).lost) == 1
    assert len(judged(dsn, a_post(1, "Another text")).lost) >= 1


@pytest.mark.parametrize("state", ["planned", "failed_definite"])
def test_a_post_that_its_row_does_not_know_is_lost(conn: Connection, dsn: str, state: str) -> None:
    a_row(conn, state)
    assert len(judged(dsn, a_post(1)).lost) == 1


def test_what_is_unknown_still_is_unresolved(conn: Connection, dsn: str) -> None:
    a_row(conn, "unknown")
    found = judged(dsn, a_post(1))
    assert (found.lost, len(found.unresolved)) == ([], 1)


def test_posts_that_are_due_and_do_not_go_out_are_stalled(conn: Connection, dsn: str) -> None:
    a_row(conn, "planned")
    assert judged(dsn, later=600.0).stalled == []
    assert len(judged(dsn, later=7200.0).stalled) == 1
