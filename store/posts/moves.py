"""The one place where a post's state is written in Postgres, together with its line in the trail.

The table of `domain.publishing.states` is asked first, and the row is locked before: what it allows from the state
that was read is then true of the state that is written over.
"""

from typing import Any, LiteralString

from domain.publishing.states import Party, State, moved
from store.posts.events import note
from store.posts.values import COLUMNS, Post, post
from store.sql import Connection, row, rows


def locked(conn: Connection, where: LiteralString, params: dict[str, Any]) -> tuple[Post, ...]:
    """The posts of which that is true, by id; nobody else changes them until the caller's transaction ends."""
    found = rows(conn, f"select {COLUMNS} from posts where {where} order by id for update", params)
    return tuple(post(each) for each in found)


def locked_one(conn: Connection, post_id: int) -> Post | None:
    """The post with that id, if there is one, locked likewise."""
    return next(iter(locked(conn, "id = %(id)s", {"id": post_id})), None)


def move(
    conn: Connection,
    found: Post,
    to: State,
    by: Party,
    *,
    who: str,
    at: float,
    detail: dict[str, Any],
    sets: LiteralString = "",
    params: dict[str, Any] | None = None,
) -> Post:
    """Move a post that the caller has locked, and return it as it is then.

    at: calendar Unix seconds. detail: for the trail. sets: what else changes, as SQL, with its `params`. Raises
    IllegalMoveError, and writes nothing, on a move that is not allowed to `by`.
    """
    also: LiteralString = f", {sets}" if sets else ""
    query = f"""
        update posts set state = %(to)s, changed_at = to_timestamp(%(at)s){also} where id = %(id)s returning {COLUMNS}
    """
    state = moved(found.state, to, by)
    written = row(conn, query, {**(params or {}), "id": found.id, "to": state.value, "at": at})
    if written is None:
        raise LookupError(f"post {found.id} was deleted under the lock of the transaction that moves it")
    note(conn, found.id, state.value, who, at, {"from": found.state.value, **detail})
    return post(written)
