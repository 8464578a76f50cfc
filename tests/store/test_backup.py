"""A backup holds everything, is known when it is damaged, and can be put back."""

import gzip
import os
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest

from domain.calendar import DAY
from store import backup, posts, runs
from store.backup import TOKENS_APART, BadBackup
from store.migrate import migrate
from store.runs import Run
from store.sql import Connection, rows
from tests.postgres import BINARIES
from tests.store.world import NOW, claimed, held, one_claimed, queued, token, trail

NASTY = "tabs\tand\nlines, \\. a backslash \\n, quotes ' \" and ünïcode 🐦"


def filled(conn: Connection) -> None:
    lane = held(conn)
    first = one_claimed(conn, lane, NASTY)
    posts.confirm(conn, first.id, token(first), 4711, who="one", at=NOW, evidence={"by": "toast"})
    queued(conn, "\\.")
    part = {"kind": "thread_part", "due_at": NOW}
    drafts = tuple(posts.Draft(body=text, text_hash=text, source="model", **part) for text in ("one", "two"))  # type: ignore[arg-type]
    posts.queue_thread(conn, "roost", drafts, who="plan", now=NOW)
    runs.record(conn, [Run("r1", "plan", "one", NOW, NOW + 0.123456, "failed", 3, "no\nanswer", {"done": 1.5})])


def everything(conn: Connection) -> dict[str, Any]:
    """All rows of all tables, as text."""
    query = "select tablename from pg_tables where schemaname = 'public' and tablename !~ '^_?yoyo' order by 1"
    found = {}
    for each in rows(conn, query, {}):
        name = each["tablename"]
        found[name] = rows(conn, f"select t::text as line from {name} t order by 1", {})  # type: ignore[arg-type]
    return found


def test_what_is_backed_up_comes_back_as_it_was(conn: Connection, empty_dsn: str, tmp_path: Path) -> None:
    filled(conn)
    made = backup.write(conn, tmp_path, at=NOW)
    migrate(empty_dsn)
    with psycopg.connect(empty_dsn, autocommit=True) as other:
        assert backup.restore(other, made.path) == made.tables
        assert everything(other) == everything(conn)
        assert made.rows == sum(len(each) for each in everything(conn).values())
        # Numbers go on where they were, and do not begin anew.
        assert queued(other, "a new one") > max(each["id"] for each in rows(conn, "select id from posts", {}))


def test_psql_can_put_it_back_too(conn: Connection, empty_dsn: str, tmp_path: Path) -> None:
    filled(conn)
    made = backup.write(conn, tmp_path, at=NOW)
    migrate(empty_dsn)
    script = gzip.decompress(made.path.read_bytes())
    psql = [BINARIES / "psql", "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", empty_dsn]
    done = subprocess.run(psql, input=script, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    with psycopg.connect(empty_dsn) as other:
        assert everything(other) == everything(conn)


def test_after_a_restore_nothing_is_sent_that_may_have_been_sent_since(
    conn: Connection, empty_dsn: str, tmp_path: Path
) -> None:
    filled(conn)
    answer = queued(conn, "shall I?", kind="reply", parent_site_id=9, parent_author="wren", approval="waiting")
    made = backup.write(conn, tmp_path, at=NOW)
    restored = backup.restore_into(empty_dsn, made.path, now=NOW + DAY)
    assert restored.tables == made.tables
    with psycopg.connect(empty_dsn, autocommit=True) as other:
        states = {each["id"]: each["state"] for each in rows(other, "select id, state from posts order by id", {})}
        assert states == {1: "confirmed", 2: "unknown", 3: "unknown", 4: "unknown", answer: "planned"}
        assert set(restored.doubted) == {2, 3, 4}
        lane = held(other)
        assert lane.token > TOKENS_APART
        assert claimed(other, lane) == ()
        assert trail(other, 2)[-1] == "unknown"


def test_the_file_is_for_its_owner_alone_and_nothing_half_written_stays(conn: Connection, tmp_path: Path) -> None:
    made = backup.write(conn, tmp_path / "backups", at=NOW)
    assert made.path.name == "roost-20270115T080000Z.sql.gz"
    assert made.path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path / "backups") == [made.path.name]
    assert made.bytes == made.path.stat().st_size


def test_a_backup_that_is_given_up_leaves_no_file(conn: Connection, tmp_path: Path) -> None:
    def give_up() -> None:
        raise InterruptedError("told to stop")

    with pytest.raises(InterruptedError):
        backup.write(conn, tmp_path, at=NOW, between=give_up)
    assert os.listdir(tmp_path) == []
    assert everything(conn)  # and the connection is as good as before


def damaged(conn: Connection, folder: Path, change: Any) -> Path:
    filled(conn)
    made = backup.write(conn, folder, at=NOW)
    made.path.write_bytes(gzip.compress(change(gzip.decompress(made.path.read_bytes()))))
    return made.path


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(b"toast", b"guess"),
        lambda text: text[: len(text) // 2],
        lambda text: text[: text.rindex(b"-- end")],
        lambda text: text.replace(b"select setval", b"drop table posts; select setval", 1),
        lambda text: text + b"drop table posts;\n",
        lambda text: b"",
    ],
    ids=["a changed row", "cut in the middle", "without its end", "a foreign statement", "a foreign end", "nothing"],
)
def test_a_damaged_backup_is_known_and_changes_nothing(
    conn: Connection, empty_dsn: str, tmp_path: Path, change: Any
) -> None:
    path = damaged(conn, tmp_path, change)
    migrate(empty_dsn)
    with psycopg.connect(empty_dsn, autocommit=True) as other:
        with pytest.raises(BadBackup):
            backup.restore(other, path)
        assert not any(everything(other).values())


def test_a_file_that_is_cut_short_is_known(conn: Connection, tmp_path: Path) -> None:
    filled(conn)
    made = backup.write(conn, tmp_path, at=NOW)
    made.path.write_bytes(made.path.read_bytes()[:-20])
    with pytest.raises(BadBackup, match="Take another one"):
        backup.verify(made.path)


def test_a_database_that_holds_something_is_left_alone(conn: Connection, tmp_path: Path) -> None:
    filled(conn)
    made = backup.write(conn, tmp_path, at=NOW)
    before = everything(conn)
    with pytest.raises(BadBackup, match="is not empty"):
        backup.restore(conn, made.path)
    assert everything(conn) == before
