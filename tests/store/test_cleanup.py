"""Retention in Postgres, and what is left of a removed post."""

from domain.calendar import DAY, HOUR
from domain.housekeeping import ERASED, KEPT
from domain.publishing.uniqueness import UNIQUE_FOR
from store import cleanup, metrics, models, posts, runs
from store.metrics import Snapshot
from store.runs import Run
from store.sql import Connection, row
from tests.store.world import ACCOUNT, NOW, draft, held, now, one_claimed, token, trail


def published(conn: Connection, text: str) -> int:
    post = one_claimed(conn, held(conn), text)
    posts.confirm(conn, post.id, token(post), 1000 + post.id, who="one", at=NOW, evidence={})
    assert metrics.save(conn, Snapshot(post.id, NOW + HOUR, 10, 1, 0, 0, 0))
    return post.id


def test_old_runs_go_and_young_ones_stay(conn: Connection) -> None:
    runs.record(
        conn, [Run(str(day), "plan", "one", NOW - day * DAY, NOW - day * DAY, "succeeded", 1) for day in (1, 29, 31)]
    )
    assert cleanup.forget(conn, "job_runs", before=NOW - KEPT["job_runs"]) == 1
    assert [run.run_id for run in runs.history(conn)] == ["1", "29"]


def test_the_newest_model_stays_however_old_it_is(conn: Connection) -> None:
    held(conn)
    for number in (1, 2):
        models.save(conn, ACCOUNT, "plan", {"n": number}, trained_on=number, run_id=str(number), now=NOW)
    assert cleanup.forget(conn, "models", before=NOW + DAY) == 1
    newest = models.newest(conn, ACCOUNT, "plan")
    assert newest is not None
    assert newest.payload == {"n": 2}


def test_every_table_with_an_age_can_be_cleaned(conn: Connection) -> None:
    for table in KEPT:
        assert cleanup.forget(conn, table, before=NOW) == 0


def test_a_table_that_is_not_there_has_nothing_to_forget(conn: Connection) -> None:
    with conn.transaction(force_rollback=True):
        conn.execute("drop table opportunities")
        assert cleanup.forget(conn, "opportunities", before=NOW) == 0


def test_of_a_removed_post_text_and_figures_go_and_what_keeps_order_stays(conn: Connection) -> None:
    kept, gone = published(conn, "a wren sings"), published(conn, "a robin too")
    before = now(conn, gone)
    posts.mark_removed(conn, gone, who="id_recovery", at=NOW + DAY)
    assert cleanup.erase_removed(conn, who="cleanup", now=NOW + DAY) == (gone,)
    after = now(conn, gone)
    assert after.body == ERASED
    assert (after.site_id, after.text_hash, after.state) == (before.site_id, before.text_hash, before.state)
    assert trail(conn, gone)[-2:] == ["removed", "erased"]
    assert row(conn, "select count(*) as n from metric_snapshots where post_id = %(id)s", {"id": gone}) == {"n": 0}
    assert now(conn, kept).body == "a wren sings"
    assert metrics.count(conn) == 1
    assert posts.recent_texts(conn, ACCOUNT, since=NOW - DAY) == ("a wren sings",)


def test_the_text_of_a_removed_post_is_not_published_again(conn: Connection) -> None:
    gone = published(conn, "a robin too")
    posts.mark_removed(conn, gone, who="id_recovery", at=NOW + 1)
    cleanup.erase_removed(conn, who="cleanup", now=NOW + 1)
    again = posts.queue(conn, ACCOUNT, draft("a robin too"), who="plan", now=NOW + UNIQUE_FOR - HOUR)
    assert isinstance(again, posts.Duplicate)


def test_erasing_twice_does_nothing_more_but_takes_figures_that_came_late(conn: Connection) -> None:
    gone = published(conn, "a robin too")
    posts.mark_removed(conn, gone, who="id_recovery", at=NOW + 1)
    assert cleanup.erase_removed(conn, who="cleanup", now=NOW + 1) == (gone,)
    assert cleanup.erase_removed(conn, who="cleanup", now=NOW + 2) == ()
    metrics.save(conn, Snapshot(gone, NOW + 2 * HOUR, 10, 1, 0, 0, 0))
    assert cleanup.erase_removed(conn, who="cleanup", now=NOW + 3) == (gone,)
    assert metrics.count(conn) == 0
