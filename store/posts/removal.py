"""Published posts whose own page does not show them: noted, found again, or (`mark_removed`) gone.

When one counts as gone is `domain.publishing.removal`'s to say.
"""

from dataclasses import dataclass
from typing import Any

from store.posts.events import note
from store.posts.values import COLUMNS, Post, post
from store.sql import Connection, changed, rows


@dataclass(frozen=True, slots=True)
class Suspect:
    """A post that may have been removed. since: when its own page first did not show it (calendar Unix seconds)."""

    post: Post
    since: float


def missed(conn: Connection, post_id: int, *, who: str, at: float, detail: dict[str, Any]) -> None:
    """Its own page did not show it at `at` (calendar Unix seconds). detail: what was seen, for the trail."""
    with conn.transaction():
        query = """
            update posts set missing_since = coalesce(missing_since, to_timestamp(%(at)s))
             where id = %(id)s and state in ('confirmed', 'reconciled') and removed_at is null
        """
        if changed(conn, query, {"id": post_id, "at": at}):
            note(conn, post_id, "missing", who, at, detail)


def seen_again(conn: Connection, post_id: int, *, who: str, at: float) -> None:
    """It stands after all. Nothing happens if nobody missed it."""
    with conn.transaction():
        query = "update posts set missing_since = null where id = %(id)s and missing_since is not null"
        if changed(conn, query, {"id": post_id}):
            note(conn, post_id, "seen again", who, at, {})


def suspects(conn: Connection, account: str) -> tuple[Suspect, ...]:
    """The posts that were missed and neither seen again nor found to be gone, the first missed first."""
    query = f"""
        select {COLUMNS}, extract(epoch from missing_since)::float8 as since from posts
         where account = %(account)s and missing_since is not null and removed_at is null
         order by missing_since, id
    """
    return tuple(
        Suspect(since=found.pop("since"), post=post(found)) for found in rows(conn, query, {"account": account})
    )
