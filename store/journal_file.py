"""The journal's file: its tables, how it is opened, and what is done when it is damaged.

A damaged file is moved aside, never deleted, and what can still be read of it is copied into a new one. The caller
learns which of the three it got (`Fresh`, `Whole`, `Salvaged`), because an armed post of which the journal has lost
the trace reads as one that was merely claimed.
"""

import errno
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from store.errors import JournalUnavailable

VERSION = 1
BUSY_SECONDS = 5.0  # real

_SCHEMA = """
create table claims (
    post_id    integer primary key,
    attempt    integer not null,
    post       text not null check (json_valid(post)),
    state      text not null,
    armed_at   real,
    site_id    integer,
    changed_at real not null
) strict;
create table outbox (
    seq    integer primary key autoincrement,
    id     text not null unique,
    kind   text not null,
    fields text not null check (json_valid(fields))
) strict;
create table rejected (
    n      integer primary key autoincrement,
    id     text not null unique,
    kind   text not null,
    fields text not null,
    why    text not null
) strict;
create table cache (
    key     text primary key,
    value   text not null check (json_valid(value)),
    seen_at real not null
) strict;
"""
# In the cache: since when the journal knows all there is to know. Never saved from a damaged file: one in which it
# is missing counts as broken now, also after a crash in the middle of making it.
BROKEN_AT = "journal_broken_at"

# Confirmations are worth most: their table is saved first.
_TABLES = ("claims", "outbox", "rejected", "cache")


@dataclass(frozen=True, slots=True)
class Fresh:
    """There was no journal; this one is new and empty."""


@dataclass(frozen=True, slots=True)
class Whole:
    """The journal is as it was left."""


@dataclass(frozen=True, slots=True)
class Salvaged:
    """The journal was damaged. moved_to: where it is now. rows: how many were saved. notice: for the operator."""

    moved_to: Path
    rows: int
    notice: str


Found = Fresh | Whole | Salvaged


def open_file(path: Path, *, now: float) -> tuple[sqlite3.Connection, Found]:
    """Open the journal, make it if there is none, replace it if it is damaged. now: Unix seconds, for file names.

    Raises JournalUnavailable where no journal can be had: disk full, no permission, made by a newer Roost.
    """
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _connect(path)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            damage = str(error)
        moved_to = _move_aside(path, now)
        connection, _ = _connect(path)
        saved = _salvage(moved_to, connection)
        return connection, Salvaged(
            moved_to,
            saved,
            f"journal {path}: damaged ({damage}). It is kept as {moved_to.name}; {saved} rows of it were saved "
            "into a new one. What it lost about posts under way is looked up on the site. Check the disk.",
        )


def is_damage(error: sqlite3.Error) -> bool:
    """Whether SQLite says that the file's content is not what it wrote."""
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(error, _Damaged) or (
        code is not None and code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    )


def explain(path: Path, error: sqlite3.Error | OSError) -> JournalUnavailable:
    """The error as an operator needs it."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    what = f"journal {path}: {error}. Nothing is published without it. "
    if code == sqlite3.SQLITE_FULL or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
        return JournalUnavailable(what + "The disk is full: make room on it; Roost goes on by itself.")
    if isinstance(error, sqlite3.Error) and is_damage(error):
        return JournalUnavailable(
            what + "The file is damaged: it is set aside and saved from when it is opened anew."
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return JournalUnavailable(
            what + "Another process has it open: end the other Roost, or use another ROOST_HOME."
        )
    return JournalUnavailable(what + "Let Roost's user read and write that directory, and check the disk.")


class _Damaged(sqlite3.DatabaseError):
    """The file opens, but its check fails."""


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise explain(path, error) from error


def _connect(path: Path) -> tuple[sqlite3.Connection, Fresh | Whole]:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        connection.execute("pragma journal_mode = wal")
        # A commit returns when it is on the disk: an armed intent must survive the power.
        connection.execute("pragma synchronous = full")
        findings = [text for (text,) in connection.execute("pragma quick_check(5)")]
        if findings != ["ok"]:
            raise _Damaged("; ".join(findings))
        (version,) = connection.execute("pragma user_version").fetchone()
        if version > VERSION:
            raise JournalUnavailable(
                f"journal {path}: written by a newer Roost (version {version}, known up to {VERSION}). Run that one, "
                "or move the file away once nothing waits in it."
            )
        if version == VERSION:
            return connection, Whole()
        # A file of length 0, as a power cut can leave one, is as good as none.
        connection.executescript(f"begin immediate; {_SCHEMA} pragma user_version = {VERSION}; commit;")
        return connection, Fresh()
    except BaseException:
        connection.close()
        raise


def _move_aside(path: Path, now: float) -> Path:
    target = path.with_name(f"{path.stem}.corrupt-{now:.0f}")
    number = 1
    while target.exists():
        number += 1
        target = path.with_name(f"{path.stem}.corrupt-{now:.0f}.{number}")
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(target.with_name(target.name + suffix))
    return target


def _salvage(source: Path, into: sqlite3.Connection) -> int:
    saved = 0
    # From a copy: merely opening the file set aside would change it.
    with tempfile.TemporaryDirectory(dir=source.parent, prefix="salvage-") as directory:
        copy = Path(directory) / "journal"
        for suffix in ("", "-wal"):
            part = source.with_name(source.name + suffix)
            if part.exists():
                shutil.copyfile(part, copy.with_name(copy.name + suffix))
        with closing(sqlite3.connect(copy, isolation_level=None)) as old:
            for table in _TABLES:
                saved += _salvage_table(old, into, table)
    return saved


def _salvage_table(old: sqlite3.Connection, into: sqlite3.Connection, table: str) -> int:
    columns = [name for (_, name, *_) in into.execute(f"pragma table_info({table})")]
    insert = f"insert or ignore into {table} ({', '.join(columns)}) values ({', '.join('?' * len(columns))})"
    saved = 0
    into.execute("begin immediate")
    # From both ends: a damaged page stops the reading, and what lies behind it is reached from the other side.
    for direction in ("asc", "desc"):
        for found in _readable(old, f"select {', '.join(columns)} from {table} order by rowid {direction}"):
            if BROKEN_AT in found:
                continue
            try:
                saved += into.execute(insert, found).rowcount
            except sqlite3.IntegrityError:
                continue  # half a row: a value that its column cannot hold
    into.execute("commit")
    return saved


def _readable(old: sqlite3.Connection, query: str) -> Iterator[tuple[object, ...]]:
    try:
        yield from old.execute(query)
    except sqlite3.DatabaseError:
        return  # the rest is beyond reading from this side
