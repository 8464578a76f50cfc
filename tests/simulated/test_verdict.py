"""What the storms are judged by sees what it is there to see."""

from dataclasses import replace

import pytest

from domain.calendar import MINUTE
from domain.publishing.caps import Policy
from domain.publishing.uniqueness import text_hash
from social.sandbox.storage import OwnPost
from store import posts
from store.posts.events import note
from store.posts.values import Kind
from store.sql import Connection
from tests.simulated.verdict import Findings, findings
from tests.simulated.verdict_manners import Terms

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


def a_thread(conn: Connection) -> tuple[int, ...]:
    texts = [f"Part {number}" for number in range(3)]
    parts = tuple(
        posts.Draft(kind="thread_part", body=text, text_hash=text_hash(text), source="template", due_at=NOW)
        for text in texts
    )
    queued = posts.queue_thread(conn, "roost", parts, who="plan", now=NOW)
    assert isinstance(queued, posts.Queued)
    return queued.post_ids


def claimed_at(conn: Connection, site_id: int, at: float) -> None:
    ((number,),) = conn.execute("select id from posts where site_id = %s", (site_id,)).fetchall()
    note(conn, int(number), "claimed", "one", at, {})


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


def test_a_thread_that_no_claim_takes_is_stalled_though_other_posts_go_out(conn: Connection, dsn: str) -> None:
    (first, *_) = a_thread(conn)
    a_row(conn, "confirmed", "Queued after it", site_id=1)
    conn.execute("update posts set due_at = to_timestamp(%s) where site_id = 1", (NOW + 60,))
    claimed_at(conn, 1, NOW + 7000.0)
    found = judged(dsn, replace(a_post(1, "Queued after it"), at=NOW + 7000.0), later=7200.0)
    assert [line.partition(" is ")[0] for line in found.stalled] == [f"post {first}"]


def test_a_thread_whose_part_waits_for_a_person_is_not_stalled(conn: Connection, dsn: str) -> None:
    first, *_ = a_thread(conn)
    conn.execute(
        "update posts set state = 'needs_human', needs_human = 'why', evidence = '{}' where id = %s", (first,)
    )
    a_row(conn, "confirmed", "Queued after it", site_id=1)
    conn.execute("update posts set due_at = to_timestamp(%s) where site_id = 1", (NOW + 60,))
    claimed_at(conn, 1, NOW + 7000.0)
    assert judged(dsn, replace(a_post(1, "Queued after it"), at=NOW + 7000.0), later=7200.0).stalled == []


def test_threads_and_replies_that_are_due_and_do_not_go_out_are_stalled(conn: Connection, dsn: str) -> None:
    a_thread(conn)
    assert len(judged(dsn, later=7200.0).stalled) == 1
    a_row(conn, "planned", kind="reply")
    assert len(judged(dsn, later=7200.0).stalled) == 2
    assert len(judged(dsn, replace(a_post(9, "A reply", 7), at=NOW + 7000.0), later=7200.0).stalled) == 1


def test_what_the_caps_hold_back_is_not_stalled(conn: Connection, dsn: str) -> None:
    for number in range(5):
        a_row(conn, "planned", f"The reply {number}", kind="reply")
    assert len(judged(dsn, later=7200.0).stalled) == 1
    conn.execute(
        "insert into cap_charges (post_id, account, kind, at) "
        "select id, account, 'reply', to_timestamp(%s) from posts order by id limit 4",
        (NOW + 7200.0 - 50 * 60,),
    )
    assert judged(dsn, later=7200.0).stalled == []
    assert len(judged(dsn, later=7200.0 + 3600.0).stalled) == 1  # their hour is over


def test_a_failure_for_good_of_what_is_on_the_site_is_denied(conn: Connection, dsn: str) -> None:
    a_row(conn, "failed_definite")
    a_row(conn, "unknown")
    assert len(judged(dsn, a_post(1)).denied) == 1, "also where another row may be the one that is there"
    assert judged(dsn, a_post(1, "Another text")).denied == []


def test_posts_that_were_armed_too_close_or_too_many_are_seen(conn: Connection, dsn: str) -> None:
    on_site = []
    for number, minutes in enumerate((0, 20, 39, 60, 62), start=1):
        a_row(conn, "confirmed", f"Text {number}", site_id=number)
        conn.execute(
            "update posts set armed_at = to_timestamp(%s) where site_id = %s", (NOW + minutes * MINUTE, number)
        )
        on_site.append(a_post(number, f"Text {number}"))
    found = judged(dsn, *on_site).manners
    assert any("4 posts in one hour, 2 are allowed" in line for line in found), found
    assert sum("between two posts" in line for line in found) == 2, found
    assert findings(dsn, on_site, NOW, Terms(Policy(between_posts=0.0, posts_an_hour=9))).manners == []


def test_the_parts_of_a_thread_count_once(conn: Connection, dsn: str) -> None:
    ids = a_thread(conn)
    query = "update posts set state = 'confirmed', site_id = id, confirmed_at = due_at, armed_at = due_at"
    conn.execute(query)
    on_site = [a_post(each, f"Part {n}", each - 1 if n else None) for n, each in enumerate(ids)]
    assert judged(dsn, *on_site).bad() == []


def test_a_reply_without_the_approval_that_was_demanded_is_seen(conn: Connection, dsn: str) -> None:
    a_row(conn, "confirmed", kind="reply", site_id=1)
    sent = [a_post(1, in_reply_to=7)]
    assert findings(dsn, sent, NOW, Terms()).manners == []
    assert len(findings(dsn, sent, NOW, Terms(approval=True)).manners) == 1
    conn.execute("update posts set approval = 'waiting'")
    assert len(findings(dsn, sent, NOW, Terms()).manners) == 1
    conn.execute("update posts set approval = 'approved'")
    assert findings(dsn, sent, NOW, Terms(approval=True)).manners == []


def test_a_reply_to_who_had_opted_out_or_was_just_answered_is_seen(conn: Connection, dsn: str) -> None:
    for number in (1, 2):
        a_row(conn, "confirmed", f"Reply {number}", kind="reply", site_id=number)
    conn.execute("update posts set parent_author = 'Ann'")
    sent = [a_post(1, "Reply 1", 7), a_post(2, "Reply 2", 7)]
    assert ["who had one" in line for line in judged(dsn, *sent).manners] == [True]
    conn.execute("insert into opt_outs (author, since, source) values ('ann', to_timestamp(%s), 'x')", (NOW - 1,))
    assert sum("opted out" in line for line in judged(dsn, *sent).manners) == 2
