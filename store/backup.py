"""A logical dump of Roost's own tables, in one snapshot: a compressed SQL script that psql reads too.

One `copy` a table, parents before children, each followed by its number of rows and its checksum; the last line has
those of the whole. So a file that was cut short or changed is known as such, by `verify` right after it was written
and by `restore` before it touches anything. The tables' definitions are not in it: they come from the migrations, so
a backup can be restored into a newer schema whose new columns have defaults.
"""

import gzip
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import psycopg
from psycopg import sql

from domain.housekeeping import backup_name
from domain.publishing.states import Party, State
from store.errors import StoreError
from store.migrate import migrate
from store.posts.moves import locked, move
from store.sql import Connection, changed, row, rows

PART = ".part"  # the end of the name of a file that is being written

_HEAD = (
    b"-- A backup of Roost. To run on it: python main.py restore FILE\n"
    b"-- To look at it, in a database with Roost's tables: gunzip -c FILE | psql -1 -v ON_ERROR_STOP=1 DATABASE\n"
)
TOKENS_APART = 1_000_000  # more than the lane changes hands between a backup and its restore
_COPY = re.compile(rb'copy "(\w+)" \(((?:"\w+"(?:, )?)+)\) from stdin;\n')
_SETVAL = re.compile(rb"select setval\(pg_get_serial_sequence\('(\w+)', '(\w+)'\), (\d+), (true|false)\);\n")
_TABLE = re.compile(rb"-- (\w+): (\d+) rows, sha256 ([0-9a-f]{64})\n")
_END = re.compile(rb"-- end: (\d+) rows, sha256 ([0-9a-f]{64})\n")


class BadBackup(StoreError):
    """The file is no whole backup, or cannot be restored here. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a backup. digest: sha256 of its rows as COPY writes them."""

    name: str
    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class Backup:
    """A whole backup. bytes: compressed."""

    path: Path
    tables: tuple[Table, ...]
    bytes: int

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(table.rows for table in self.tables)


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back. doubted: posts that may have been published since the backup."""

    tables: tuple[Table, ...]
    doubted: tuple[int, ...]


def write(conn: Connection, folder: Path, *, at: float, between: Callable[[], None] = lambda: None) -> Backup:
    """Dump all tables into a new file in `folder`, read it back, and only then give it its name.

    at: calendar Unix seconds. between: called between tables; may raise to give up. Raises BadBackup if what was read
    back is not what was written, OSError where the disk does not take it; either way no file is left.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / backup_name(at)
    part = path.with_name(path.name + PART)
    try:
        written = _dump(conn, part, between)
        found = verify(part)
        if found != written:
            raise BadBackup(f"backup {part}: what was read back is not what was written. Look at the disk.")
        os.replace(part, path)
        _sync(folder)
    finally:
        part.unlink(missing_ok=True)
    return Backup(path, written, path.stat().st_size)


def verify(path: Path) -> tuple[Table, ...]:
    """The tables of a backup, after its rows were counted and its checksums compared. Raises BadBackup."""
    try:
        with gzip.open(path) as file:
            return tuple(_tables(path, file))
    except (OSError, EOFError) as error:
        raise BadBackup(f"backup {path}: cannot be read ({error}). Take another one.") from error


def restore(conn: Connection, path: Path) -> tuple[Table, ...]:
    """Fill the tables of an empty, migrated database from a backup: all or nothing.

    Raises BadBackup if the file is damaged, or a table of it is missing here or not empty.
    """
    tables = verify(path)
    with conn.transaction(), gzip.open(path) as file:
        here = set(_names(conn))
        for table in tables:
            if table.name not in here:
                raise BadBackup(f"restore {path}: there is no table {table.name} here. Use the Roost that wrote it.")
            if _count(conn, table.name):
                raise BadBackup(f"restore {path}: table {table.name} is not empty. Give Roost an empty database.")
        for line in file:
            copy, setval = _COPY.fullmatch(line), _SETVAL.fullmatch(line)
            if copy is not None:
                _fill(conn, copy, file)
            elif setval is not None:
                query = "select setval(pg_get_serial_sequence(%(table)s, %(column)s), %(value)s, %(called)s)"
                name, column, value, called = (part.decode() for part in setval.groups())
                of = {"table": name, "column": column, "value": int(value), "called": called == "true"}
                row(conn, query, of)
    return tables


def restore_into(dsn: str, path: Path, *, now: float) -> Restored:
    """Restore into the database of a connection string, which gets its tables first, and make it fit to run on.

    now: calendar Unix seconds. Raises BadBackup, MigrationError.
    """
    verify(path)
    migrate(dsn)
    with psycopg.connect(dsn, autocommit=True) as conn, conn.transaction():
        return Restored(restore(conn, path), doubt(conn, now=now))


def doubt(conn: Connection, *, now: float) -> tuple[int, ...]:
    """After a restore: whatever was still to be published then may be out by now, so nothing of it is sent again.

    It becomes unknown, which id recovery resolves by what is on the site; what is not found there waits for a person.
    Replies that wait for approval were not sent without it, and wait on. Returns the ids of those in doubt.
    """
    found = locked(conn, "state in ('planned', 'claimed', 'armed') and approval <> 'waiting'", {})
    detail = {"reason": "it may have been published since the backup"}
    for each in found:
        move(conn, each, State.UNKNOWN, Party.RECOVERY, who="restore", at=now, detail=detail)
    changed(conn, "update accounts set lane_token = lane_token + %(apart)s", {"apart": TOKENS_APART})
    return tuple(each.id for each in found)


def _dump(conn: Connection, path: Path, between: Callable[[], None]) -> tuple[Table, ...]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as raw, conn.transaction():
        conn.execute("set transaction isolation level repeatable read, read only")
        whole, tables = hashlib.sha256(), []
        with gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) as file:

            def put(data: bytes) -> None:
                whole.update(data)
                file.write(data)

            put(_HEAD)
            for name in _in_order(conn):
                between()
                tables.append(_dump_table(conn, name, put))
            for line in _sequences(conn):
                put(line)
            rows_of_all = sum(table.rows for table in tables)
            file.write(f"-- end: {rows_of_all} rows, sha256 {whole.hexdigest()}\n".encode())
        raw.flush()
        os.fsync(raw.fileno())
    return tuple(tables)


def _dump_table(conn: Connection, name: str, put: Callable[[bytes], None]) -> Table:
    columns = _columns(conn, name)
    listed = ", ".join(f'"{column}"' for column in columns)
    put(f'copy "{name}" ({listed}) from stdin;\n'.encode())
    query = sql.SQL("copy (select {columns} from {table} order by {key}) to stdout").format(
        columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
        table=sql.Identifier(name),
        key=sql.SQL(", ").join(map(sql.Identifier, _key(conn, name) or columns)),
    )
    digest, lines = hashlib.sha256(), 0
    with conn.cursor() as cursor, cursor.copy(query) as copy:
        for data in copy:
            text = bytes(data)
            digest.update(text)
            lines += text.count(b"\n")
            put(text)
    counted = _count(conn, name)
    if lines != counted:
        raise BadBackup(f"backup: table {name} has {counted} rows, and {lines} were written. Try again.")
    put(f"\\.\n-- {name}: {lines} rows, sha256 {digest.hexdigest()}\n".encode())
    return Table(name, lines, digest.hexdigest())


def _tables(path: Path, file: gzip.GzipFile) -> Iterator[Table]:
    """The tables of an open backup as they pass by. Raises BadBackup."""
    whole, total = hashlib.sha256(), 0
    lines = iter(file)
    for line in lines:
        end = _END.fullmatch(line)
        if end is not None:
            if (int(end[1]), end[2].decode()) != (total, whole.hexdigest()) or next(lines, None) is not None:
                raise BadBackup(f"backup {path}: the whole is not what was written. Take another one.")
            return
        whole.update(line)
        copy = _COPY.fullmatch(line)
        if copy is None:
            if not (line.startswith(b"--") or _SETVAL.fullmatch(line)):
                raise BadBackup(f"backup {path}: holds a line that is none of a backup's. Take another one.")
            continue
        digest, count = hashlib.sha256(), 0
        for data in lines:
            whole.update(data)
            if data == b"\\.\n":
                break
            digest.update(data)
            count += 1
        told = next(lines, b"")
        whole.update(told)
        found = _TABLE.fullmatch(told)
        table = Table(copy[1].decode(), count, digest.hexdigest())
        if found is None or Table(found[1].decode(), int(found[2]), found[3].decode()) != table:
            raise BadBackup(f"backup {path}: table {table.name} is not what was written. Take another one.")
        total += count
        yield table
    raise BadBackup(f"backup {path}: it has no end. Take another one.")


def _fill(conn: Connection, found: re.Match[bytes], file: gzip.GzipFile) -> None:
    columns = re.findall(r"\w+", found[2].decode())
    query = sql.SQL("copy {} ({}) from stdin").format(
        sql.Identifier(found[1].decode()), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with conn.cursor() as cursor, cursor.copy(query) as copy:
        for line in file:
            if line == b"\\.\n":
                break
            copy.write(line)


def _names(conn: Connection) -> tuple[str, ...]:
    """Roost's tables: all that are in the database but the migrations' own."""
    query = """
        select tablename from pg_tables
         where schemaname = current_schema() and tablename !~ '^_?yoyo' order by tablename
    """
    return tuple(found["tablename"] for found in rows(conn, query, {}))


def _in_order(conn: Connection) -> tuple[str, ...]:
    """Parents before children, by their foreign keys."""
    names = _names(conn)
    query = """
        select child.relname as child, parent.relname as parent from pg_constraint
          join pg_class child on child.oid = conrelid join pg_class parent on parent.oid = confrelid
         where contype = 'f' and conrelid <> confrelid and child.relnamespace = current_schema()::regnamespace
         order by 1, 2
    """
    graph: dict[str, set[str]] = {name: set() for name in names}
    for found in rows(conn, query, {}):
        graph[found["child"]].add(found["parent"])
    return tuple(TopologicalSorter(graph).static_order())


def _columns(conn: Connection, table: str) -> tuple[str, ...]:
    query = """
        select attname from pg_attribute
         where attrelid = to_regclass(%(table)s) and attnum > 0 and not attisdropped and attgenerated = ''
         order by attnum
    """
    return tuple(found["attname"] for found in rows(conn, query, {"table": table}))


def _key(conn: Connection, table: str) -> tuple[str, ...]:
    query = """
        select attname from pg_index join pg_attribute on attrelid = indrelid and attnum = any(indkey)
         where indrelid = to_regclass(%(table)s) and indisprimary order by array_position(indkey::int2[], attnum)
    """
    return tuple(found["attname"] for found in rows(conn, query, {"table": table}))


def _sequences(conn: Connection) -> Iterator[bytes]:
    """Where the tables' own numbers go on, as statements."""
    query = """
        select relname, attname, pg_get_serial_sequence(quote_ident(relname), attname) as sequence
          from pg_attribute join pg_class on pg_class.oid = attrelid
         where attidentity <> '' and relnamespace = current_schema()::regnamespace and relkind = 'r'
         order by relname, attname
    """
    for found in rows(conn, query, {}):
        schema, _, name = found["sequence"].rpartition(".")
        where = sql.SQL("select last_value, is_called from {}").format(sql.Identifier(schema, name))
        with conn.cursor() as cursor:
            last = cursor.execute(where).fetchone()
        assert last is not None
        at = f"pg_get_serial_sequence('{found['relname']}', '{found['attname']}')"
        yield f"select setval({at}, {last[0]}, {'true' if last[1] else 'false'});\n".encode()


def _count(conn: Connection, table: str) -> int:
    with conn.cursor() as cursor:
        found = cursor.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(table))).fetchone()
    assert found is not None
    return int(next(iter(found.values())) if isinstance(found, dict) else found[0])


def _sync(folder: Path) -> None:
    """So that the new name survives the machine's death too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
