"""Looking at posts."""

from collections.abc import Sequence
from typing import Literal, LiteralString

from domain.publishing.states import State
from store.posts.values import COLUMNS, Post, post
from store.sql import Connection, row, rows


def get(conn: Connection, post_id: int) -> Post | None:
    """The post with that id."""
    found = row(conn, f"select {COLUMNS} from posts where id = %(id)s", {"id": post_id})
    return None if found is None else post(found)


def standing(conn: Connection, ids: Sequence[int]) -> frozenset[tuple[int, int, str, int]]:
    """Those of the posts that are claimed and not known to be armed, each as (id, attempts, owner, token)."""
    query = """
        select id, attempts, claim_owner, claim_token from posts
         where id = any(%(ids)s::bigint[]) and state = 'claimed' order by id
    """
    found = rows(conn, query, {"ids": list(ids)})
    return frozenset((each["id"], each["attempts"], each["claim_owner"], each["claim_token"]) for each in found)


def recent(conn: Connection, account: str, *, limit: int = 20) -> tuple[Post, ...]:
    """The posts that changed last, newest change first."""
    return _some(
        conn, "account = %(account)s order by changed_at desc, id desc limit %(limit)s", account, limit=limit
    )


def published(conn: Connection, account: str, *, since: float, limit: int = 200) -> tuple[Post, ...]:
    """What is on the site and was confirmed after `since` (calendar Unix seconds), newest first."""
    where: LiteralString = """
        account = %(account)s and state in ('confirmed', 'reconciled') and removed_at is null
        and confirmed_at > to_timestamp(%(since)s) order by confirmed_at desc, id desc limit %(limit)s
    """
    return _some(conn, where, account, since=since, limit=limit)


def queued(conn: Connection, account: str, *, limit: int = 200) -> tuple[Post, ...]:
    """What is planned, those waiting for approval included, in the order of due times."""
    where: LiteralString = "account = %(account)s and state = 'planned' order by due_at, id limit %(limit)s"
    return _some(conn, where, account, limit=limit)


def in_state(conn: Connection, account: str, state: State, *, limit: int = 200) -> tuple[Post, ...]:
    """All posts in a state: the unknown for id recovery, those that need a human. Oldest change first."""
    where: LiteralString = "account = %(account)s and state = %(state)s order by changed_at, id limit %(limit)s"
    return _some(conn, where, account, state=state.value, limit=limit)


def thread(conn: Connection, thread_id: int) -> tuple[Post, ...]:
    """The parts of a thread in order."""
    query = f"select {COLUMNS} from posts where thread_id = %(id)s order by thread_position"
    return tuple(post(each) for each in rows(conn, query, {"id": thread_id}))


def replies_queued(conn: Connection, account: str, *, limit: int = 200) -> tuple[Post, ...]:
    """The replies that are planned, in the order of due times."""
    where: LiteralString = """
        account = %(account)s and state = 'planned' and kind = 'reply' order by due_at, id limit %(limit)s
    """
    return _some(conn, where, account, limit=limit)


def recent_texts(conn: Connection, account: str, *, since: float) -> tuple[str, ...]:
    """The texts queued or published after `since` (calendar Unix seconds) that did not fail, newest first."""
    query = """
        select body from posts
         where account = %(account)s and state <> 'failed_definite' and created_at > to_timestamp(%(since)s)
           and removed_at is null
         order by id desc
    """
    return tuple(each["body"] for each in rows(conn, query, {"account": account, "since": since}))


def site_ids(conn: Connection, account: str) -> tuple[int, ...]:
    """The ids on the site of every post of the account, in order."""
    query = "select site_id from posts where account = %(account)s and site_id is not null order by site_id"
    return tuple(each["site_id"] for each in rows(conn, query, {"account": account}))


def charged(
    conn: Connection, account: str, *, since: float, kind: Literal["post", "reply"] = "post"
) -> tuple[float, ...]:
    """When posts (or replies) were charged to the caps after `since`, claimed ones included, in order; calendar."""
    query = """
        select extract(epoch from at)::float8 as at from cap_charges
         where account = %(account)s and kind = %(kind)s and at > to_timestamp(%(since)s) order by at, post_id
    """
    return tuple(each["at"] for each in rows(conn, query, {"account": account, "since": since, "kind": kind}))


def _some(conn: Connection, where: LiteralString, account: str, **params: str | float | int) -> tuple[Post, ...]:
    query = f"select {COLUMNS} from posts where {where}"
    return tuple(post(each) for each in rows(conn, query, {"account": account, **params}))
