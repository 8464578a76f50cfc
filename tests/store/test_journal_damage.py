import sqlite3
from pathlib import Path

import pytest

from domain.publishing.states import State
from store.flags import Flag
from store.journal import Journal
from store.journal_file import Fresh, Salvaged
from tests.store.test_journal import NOW, confirmed, flag, post

PAGE = 4096


def filled(path: Path, entries: int) -> None:
    journal = Journal.open(path, now=NOW)
    journal.keep([post(1), post(2)], at=NOW)
    journal.record(confirmed(post(1), 99, {}), attempt=1)
    journal.append([(f"entry {number}", Flag("MODE", "x" * 500, NOW, "ann")) for number in range(entries)])
    journal.remember("model", {"version": 3}, at=NOW)
    journal.close()


def damage_a_page_of(path: Path, table: str) -> None:
    with sqlite3.connect(path) as conn:
        conn.execute("pragma wal_checkpoint(truncate)")
        leaves = conn.execute(
            "select pageno from dbstat where name = ? and pagetype = 'leaf' order by pageno", (table,)
        ).fetchall()
    (page,) = leaves[len(leaves) // 2]
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(b"\xa5" * PAGE)


def has_dbstat() -> bool:
    try:
        sqlite3.connect(":memory:").execute("select * from dbstat").fetchall()
    except sqlite3.OperationalError:
        return False
    return True


@pytest.mark.skipif(not has_dbstat(), reason="this SQLite has no dbstat table to find a page by")
def test_around_a_damaged_page_everything_is_saved(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    filled(path, entries=300)
    damage_a_page_of(path, "outbox")
    damaged = path.read_bytes()

    journal = Journal.open(path, now=1234.0)

    match journal.found:
        case Salvaged(moved_to, rows, notice):
            assert moved_to == tmp_path / "journal.corrupt-1234"
            assert moved_to.read_bytes() == damaged, "the damaged file is kept as it was"
            assert rows > 270
            assert "journal.corrupt-1234" in notice
        case other:
            pytest.fail(f"not salvaged: {other}")
    assert [(kept.post, kept.state, kept.site_id) for kept in journal.claims()] == [
        (post(1), State.CONFIRMED, 99),
        (post(2), State.CLAIMED, None),
    ]
    entries = journal.waiting(limit=1000)
    assert [entry.seq for entry in entries] == sorted(entry.seq for entry in entries)
    assert entries[0].id == "post/1/1/confirmed"
    assert entries[-1].id == "entry 299", "what lies behind the damage is reached from the other side"
    cached = journal.recall("model")
    assert cached is not None
    assert cached.value == {"version": 3}
    journal.close()


def test_a_file_that_is_no_database_is_moved_aside_and_a_new_one_begun(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"this was never a database, and is long enough to show it" * 100)
    journal = Journal.open(path, now=1234.0)
    assert isinstance(journal.found, Salvaged)
    assert journal.found.rows == 0
    assert (tmp_path / "journal.corrupt-1234").read_bytes().startswith(b"this was never")
    assert journal.append([("a", flag(1))]) == 1
    journal.close()


def test_a_second_damage_at_the_same_moment_overwrites_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    for text in (b"first", b"second"):
        path.write_bytes(text * 100)
        Journal.open(path, now=1234.0).close()
        path.unlink()
    kept = sorted(file.name for file in tmp_path.glob("journal.corrupt-*"))
    assert kept == ["journal.corrupt-1234", "journal.corrupt-1234.2"]


def test_broken_json_in_a_sound_file_is_damage_too(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    filled(path, entries=2)
    with sqlite3.connect(path) as conn:
        conn.execute("pragma ignore_check_constraints = on")
        conn.execute("update outbox set fields = '{' where id = 'entry 0'")
    journal = Journal.open(path, now=1234.0)
    assert isinstance(journal.found, Salvaged)
    assert [entry.id for entry in journal.waiting()] == ["post/1/1/confirmed", "entry 1"]
    journal.close()


def test_a_file_cut_to_nothing_reads_as_fresh_so_that_claims_are_looked_up(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    filled(path, entries=2)
    path.write_bytes(b"")
    journal = Journal.open(path, now=1234.0)
    assert journal.found == Fresh()
    journal.close()
