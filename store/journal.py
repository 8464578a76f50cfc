"""The journal: what must survive when Postgres is gone, in a SQLite file beside Roost.

It holds the claimed batch (so that posting goes on through an outage), the intents to send (committed to the disk
before the request leaves: a post without one is definitely not sent), confirmations, and the outbox: every write
that Postgres has not had yet, in order. What happens to a claimed post is written here first and reaches Postgres
by the outbox only, so that there is one order of events.

All of it belongs to one thread, the journal actor's. Every call is one transaction: when it returns, it is on disk.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain.publishing.claims import MARGIN, may_publish
from domain.publishing.states import Party, State, may_move, moved
from store.journal_file import Found, explain, open_file
from store.posts.values import Post, from_json, to_json
from store.writes import (
    Entry,
    PostArmed,
    PostConfirmed,
    PostFailed,
    PostLostSight,
    PostReleased,
    PostWord,
    Write,
    decode,
    encode,
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A claimed post as the journal has it. post: as it was claimed. state: now. Times in calendar Unix seconds."""

    post: Post
    state: State
    armed_at: float | None
    site_id: int | None
    changed_at: float


@dataclass(frozen=True, slots=True)
class Armed:
    """The intent is on disk: the request may leave."""


@dataclass(frozen=True, slots=True)
class NotArmed:
    """The request must not leave."""

    why: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A write that was set aside, as it was written, and why."""

    id: str
    kind: str
    fields: str
    why: str


@dataclass(frozen=True, slots=True)
class Cached:
    """What was last seen of something that lives in Postgres. at: calendar Unix seconds."""

    value: Any
    at: float


@dataclass(frozen=True, slots=True)
class Statistics:
    """How full the journal is. claims: not yet settled. waiting, rejected: writes. bytes: the file and its log."""

    claims: int
    waiting: int
    rejected: int
    bytes: int


class Journal:
    """An open journal. Any method raises JournalUnavailable when the file cannot be read or written."""

    def __init__(self, path: Path, connection: sqlite3.Connection, found: Found) -> None:
        self.path = path
        self.found = found
        self._connection = connection
        self._inode = path.stat().st_ino

    @classmethod
    def open(cls, path: Path, *, now: float) -> "Journal":
        """Open or make the journal at `path`; `found` says what was there. now: Unix seconds, names a damaged file.

        Raises JournalUnavailable.
        """
        connection, found = open_file(path, now=now)
        return cls(path, connection, found)

    def close(self) -> None:
        """Give the file back. Nothing is lost without it."""
        self._connection.close()

    # Claims and what becomes of them

    def keep(self, claimed: Iterable[Post], *, at: float) -> None:
        """Copy claimed posts from Postgres. What has happened here since to one of these claims stays as it is."""
        with self._transaction() as sql:
            for post in claimed:
                kept = self._kept(sql, post.id)
                if kept is not None and kept.post.attempts >= post.attempts:
                    continue
                state = moved(State.PLANNED, post.state, Party.LANE)
                sql.execute(
                    "insert or replace into claims (post_id, attempt, post, state, armed_at, site_id, changed_at) "
                    "values (?, ?, ?, ?, ?, ?, ?)",
                    (post.id, post.attempts, json.dumps(to_json(post)), state, post.armed_at, post.site_id, at),
                )

    def claims(self) -> tuple[Kept, ...]:
        """All copies, settled ones too until they are pruned, in the order of publishing."""
        with self._reading() as sql:
            found = [_kept(row) for row in sql.execute(f"{_CLAIMS} order by post_id")]
        return tuple(sorted(found, key=lambda kept: (kept.post.publish_at or 0.0, kept.post.id)))

    def arm(self, post: Post, *, by: str, at: float, margin: float = MARGIN) -> Armed | NotArmed:
        """Commit the intent to send. Exactly one call for one claim is answered with Armed.

        by: the instance. margin: calendar seconds before the claim's end in which nothing is armed any more.
        """
        with self._transaction() as sql:
            kept = self._kept(sql, post.id)
            if kept is None:
                return NotArmed(f"post {post.id} is not claimed here")
            if kept.post.attempts != post.attempts:
                return NotArmed(f"post {post.id} was claimed anew ({kept.post.attempts} claims, not {post.attempts})")
            if not may_move(kept.state, State.ARMED, Party.OWNER):
                return NotArmed(f"post {post.id} is {kept.state}")
            claim = kept.post.claim
            if claim is None or not may_publish(claim, by, at, margin):
                return NotArmed(f"post {post.id}: the claim is over, or not {by}'s")
            sql.execute(
                "update claims set state = ?, armed_at = ?, changed_at = ? where post_id = ?",
                (State.ARMED, at, at, post.id),
            )
            word = PostArmed(post.id, claim.token, by, at)
            self._append(sql, _entry_id(word, post.attempts), word)
            return Armed()

    def record(self, word: PostWord, attempt: int) -> bool:
        """What became of a post that was claimed, for here and for Postgres. False: late news, and nothing changed.

        A confirmation counts whatever was believed of the post, the first id stays. Any other word is of the claim
        with that number, and none where a later one is kept here; given back is only what is still claimed.
        """
        with self._transaction() as sql:
            kept = self._kept(sql, word.post_id)
            if not _is_news(kept, word, attempt):
                return False
            match word:
                case PostReleased():
                    sql.execute("delete from claims where post_id = ?", (word.post_id,))
                case PostConfirmed(site_id=site_id):
                    query = "update claims set state = ?, site_id = ?, changed_at = ? where post_id = ?"
                    sql.execute(query, (word.to, site_id, word.at, word.post_id))
                case PostFailed() | PostLostSight():
                    query = "update claims set state = ?, changed_at = ? where post_id = ?"
                    sql.execute(query, (word.to, word.at, word.post_id))
            return self._append(sql, _entry_id(word, attempt), word)

    def forget(self, post: Post) -> bool:
        """Drop the copy of a claim that Postgres has no more. False if it was armed, settled or released before."""
        with self._transaction() as sql:
            query = "delete from claims where post_id = ? and attempt = ? and state = ?"
            return sql.execute(query, (post.id, post.attempts, State.CLAIMED)).rowcount == 1

    def prune(self, *, before: float) -> int:
        """Forget settled posts that changed before that time (calendar Unix seconds), if nothing of them waits."""
        with self._transaction() as sql:
            if sql.execute("select exists (select 1 from outbox where kind like 'Post%')").fetchone()[0]:
                return 0
            settled = (State.CONFIRMED, State.FAILED_DEFINITE, State.UNKNOWN)
            query = "delete from claims where state in (?, ?, ?) and changed_at < ?"
            return sql.execute(query, (*settled, before)).rowcount

    # Writes that wait for Postgres

    def append(self, entries: Iterable[tuple[str, Write]]) -> int:
        """Put writes, each with its own id, at the end of the outbox, all or none; returns how many were new.

        Raises TypeError or ValueError on a write that JSON cannot hold.
        """
        with self._transaction() as sql:
            return sum(self._append(sql, entry_id, write) for entry_id, write in entries)

    def waiting(self, *, limit: int = 100) -> tuple[Entry, ...]:
        """The oldest writes that wait, in the order in which they must be replayed.

        One that this Roost cannot read (an older or newer one wrote it) is set aside on the way.
        """
        entries = []
        with self._transaction() as sql:
            found = sql.execute("select seq, id, kind, fields from outbox order by seq limit ?", (limit,)).fetchall()
            for seq, entry_id, kind, fields in found:
                try:
                    entries.append(Entry(seq, entry_id, decode(kind, fields)))
                except ValueError as error:
                    _set_aside(sql, entry_id, str(error))
        return tuple(entries)

    def done(self, ids: Iterable[str]) -> None:
        """Postgres has these: they wait no longer."""
        with self._transaction() as sql:
            sql.executemany("delete from outbox where id = ?", [(entry_id,) for entry_id in ids])

    def reject(self, entry: Entry, why: str) -> None:
        """Set a write aside that Postgres will never take, so that those behind it can go on. It is kept."""
        with self._transaction() as sql:
            _set_aside(sql, entry.id, why)

    def rejected(self) -> tuple[Rejected, ...]:
        """What was set aside, in order."""
        with self._reading() as sql:
            found = sql.execute("select id, kind, fields, why from rejected order by n")
            return tuple(Rejected(*each) for each in found)

    # What was last seen of Postgres

    def remember(self, key: str, value: Any, *, at: float) -> None:
        """Keep a JSON value for the time when Postgres is away. Raises TypeError or ValueError on anything else."""
        text = json.dumps(value, allow_nan=False)
        with self._transaction() as sql:
            sql.execute("insert or replace into cache (key, value, seen_at) values (?, ?, ?)", (key, text, at))

    def recall(self, key: str) -> Cached | None:
        """What was last kept under that key."""
        with self._reading() as sql:
            found = sql.execute("select value, seen_at from cache where key = ?", (key,)).fetchone()
            return None if found is None else Cached(json.loads(found[0]), found[1])

    def statistics(self) -> Statistics:
        """How full it is."""
        with self._reading() as sql:
            query = """
                select (select count(*) from claims where state in ('claimed', 'armed')),
                       (select count(*) from outbox), (select count(*) from rejected)
            """
            claims, waiting, rejected = sql.execute(query).fetchone()
            parts = (self.path, self.path.with_name(self.path.name + "-wal"))
            return Statistics(claims, waiting, rejected, sum(part.stat().st_size for part in parts if part.exists()))

    def _kept(self, sql: sqlite3.Connection, post_id: int) -> Kept | None:
        found = sql.execute(f"{_CLAIMS} where post_id = ?", (post_id,)).fetchone()
        return None if found is None else _kept(found)

    def _append(self, sql: sqlite3.Connection, entry_id: str, write: Write) -> bool:
        kind, fields = encode(write)
        query = "insert or ignore into outbox (id, kind, fields) values (?, ?, ?)"
        return sql.execute(query, (entry_id, kind, fields)).rowcount == 1

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._reading() as sql:
            sql.execute("begin immediate")
            try:
                yield sql
                sql.execute("commit")
            except BaseException:
                # A full disk may have ended the transaction already.
                if sql.in_transaction:
                    sql.execute("rollback")
                raise

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        try:
            if self.path.stat().st_ino != self._inode:
                raise FileNotFoundError(f"{self.path} is another file now")
            yield self._connection
        except sqlite3.ProgrammingError:
            raise  # a closed journal, or a foreign thread: a mistake of ours, not the file's
        except (sqlite3.Error, OSError) as error:
            raise explain(self.path, error) from error


def _is_news(kept: Kept | None, word: PostWord, attempt: int) -> bool:
    """Whether the post may move by that word from where it is here."""
    if kept is None:
        # The copy was lost with a damaged file: what became of the post must not be. That nothing did, nobody knows.
        return not isinstance(word, PostReleased)
    state = kept.state
    match word:
        case PostConfirmed():
            pass  # whichever claim it was sent under
        case PostReleased() if kept.post.attempts != attempt or state is not State.CLAIMED:
            return False  # of a claim that is over, or may have been sent: who armed it is the only one who knows
        case _ if kept.post.attempts > attempt:
            return False
        case _ if kept.post.attempts < attempt:
            state = State.CLAIMED  # what is here is of an earlier claim, and this one was not kept
    return may_move(state, word.to, Party.OWNER)


def _set_aside(sql: sqlite3.Connection, entry_id: str, why: str) -> None:
    columns = "id, kind, fields"
    sql.execute(
        f"insert or ignore into rejected ({columns}, why) select {columns}, ? from outbox where id = ?",
        (why, entry_id),
    )
    sql.execute("delete from outbox where id = ?", (entry_id,))


_CLAIMS = "select post, state, armed_at, site_id, changed_at from claims"


def _kept(row: tuple[Any, ...]) -> Kept:
    post, state, armed_at, site_id, changed_at = row
    return Kept(from_json(json.loads(post)), State(state), armed_at, site_id, changed_at)


def _entry_id(word: PostArmed | PostWord, attempt: int) -> str:
    return f"post/{word.post_id}/{attempt}/{word.to}"
