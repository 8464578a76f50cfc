"""What the site must not forget: the account's posts and its sessions, in one SQLite file.

A commit is on the disk when it returns (WAL, `synchronous=FULL`), because a post that the site has taken must outlive
the site's own crash, as it does on a real one. What people do with the posts is not here: the audience knows.
"""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

SCHEMA = """
create table if not exists post (
    id integer primary key,
    text text not null,
    at real not null,
    in_reply_to integer,
    followers integer not null
);
create index if not exists post_at on post (at);
create index if not exists post_in_reply_to on post (in_reply_to);
create table if not exists removed (id integer primary key, at real not null);
create table if not exists session (
    auth_token text primary key,
    ct0 text not null,
    created real not null,
    ended integer not null default 0
);
create table if not exists meta (key text primary key, value text not null);
"""
STANDS = "id not in (select id from removed)"


@dataclass(frozen=True, slots=True)
class OwnPost:
    """A post of the own account. at: calendar seconds; followers: the account's own, when it posted."""

    id: int
    text: str
    at: float
    in_reply_to: int | None
    followers: int


class Storage:
    """The SQLite file `site.sqlite3` in `home`, or a database in memory without one."""

    def __init__(self, home: Path | None) -> None:
        if home is not None:
            home.mkdir(parents=True, exist_ok=True)
        path = ":memory:" if home is None else str(home / "site.sqlite3")
        # The web server may call from another thread than the one that opened it, but never from two at once.
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("pragma journal_mode=wal")
        self._db.execute("pragma synchronous=full")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        """Ends the connection."""
        self._db.close()

    def remembered(self, key: str, value: str) -> str:
        """The value first given for `key`, in this life of the site or an earlier one."""
        self._db.execute("insert or ignore into meta values (?, ?)", (key, value))
        (stored,) = self._db.execute("select value from meta where key = ?", (key,)).fetchone()
        return str(stored)

    def add(self, post: OwnPost) -> None:
        """Stores a post; it is durable when this returns."""
        self._db.execute(
            "insert into post values (?, ?, ?, ?, ?)", (post.id, post.text, post.at, post.in_reply_to, post.followers)
        )

    def remove(self, post_id: int, at: float) -> None:
        """Takes a post off the site at `at` (calendar seconds). Its id is never given again."""
        self._db.execute("insert or ignore into removed values (?, ?)", (post_id, at))

    def removed(self) -> list[tuple[OwnPost, float]]:
        """The posts that were taken off, each with when (calendar seconds)."""
        rows = self._db.execute("select post.*, removed.at from post join removed using (id) order by id desc")
        return [(OwnPost(*row[:-1]), row[-1]) for row in rows]

    def last_id(self) -> int:
        """The newest id ever given, 0 before the first."""
        (last,) = self._db.execute("select coalesce(max(id), 0) from post").fetchone()
        return int(last)

    def count(self) -> int:
        """How many own posts there are."""
        (count,) = self._db.execute(f"select count(*) from post where {STANDS}").fetchone()
        return int(count)

    def posts(self, since: float = 0.0) -> list[OwnPost]:
        """Own posts made after `since` (calendar seconds), newest first."""
        rows = self._db.execute(f"select * from post where at > ? and {STANDS} order by id desc", (since,))
        return [OwnPost(*row) for row in rows]

    def post(self, post_id: int) -> OwnPost | None:
        """The own post with this id."""
        row = self._db.execute(f"select * from post where id = ? and {STANDS}", (post_id,)).fetchone()
        return None if row is None else OwnPost(*row)

    def count_answers(self, post_id: int) -> int:
        """How many own posts reply to this one."""
        (count,) = self._db.execute(
            f"select count(*) from post where in_reply_to = ? and {STANDS}", (post_id,)
        ).fetchone()
        return int(count)

    def add_session(self, auth_token: str, ct0: str, created: float) -> None:
        """Stores a session that is good from now on."""
        self._db.execute("insert into session values (?, ?, ?, 0)", (auth_token, ct0, created))

    def valid_session(self, auth_token: str) -> str | None:
        """The `ct0` that belongs to a good session."""
        row = self._db.execute("select ct0 from session where auth_token = ? and not ended", (auth_token,)).fetchone()
        return None if row is None else str(row[0])

    def newest_session(self) -> tuple[str, str] | None:
        """`auth_token` and `ct0` of the newest good session."""
        row = self._db.execute(
            "select auth_token, ct0 from session where not ended order by created desc, rowid desc limit 1"
        ).fetchone()
        return None if row is None else (str(row[0]), str(row[1]))

    def end_sessions(self) -> None:
        """Ends every session that there is."""
        self._db.execute("update session set ended = 1")
