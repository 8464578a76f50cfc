"""Putting content into the queue, once.

The partial unique index keeps a text from being under way twice; that it was not published in the last 30 days is
checked here. Both hold only because the account's row is locked first: two planners that queue the same text at
once go one after the other.
"""

from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from domain.publishing.caps import Approval
from domain.publishing.states import State
from domain.publishing.uniqueness import UNIQUE_FOR
from store import optouts
from store.posts.events import note
from store.posts.values import Kind, Source
from store.sql import Connection, changed, row

ORPHANED = "the part of its thread before it failed"
WITHDRAWN = "a later part of its thread was rejected"


@dataclass(frozen=True, slots=True)
class Draft:
    """Content to be queued. text_hash: `domain.publishing.uniqueness.text_hash`. due_at: calendar Unix seconds."""

    kind: Kind
    body: str
    text_hash: str
    source: Source
    due_at: float
    approval: Approval = "not_needed"
    arm: dict[str, Any] = field(default_factory=dict)
    propensity: float | None = None
    predicted: float | None = None
    model_version: int | None = None
    parent_site_id: int | None = None
    parent_author: str | None = None
    conversation_id: int | None = None


@dataclass(frozen=True, slots=True)
class Queued:
    """In the queue: one id, or those of a thread's parts in order."""

    post_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Not queued: this text is under way, or was published in the last 30 days, as that post."""

    of: int
    state: State


@dataclass(frozen=True, slots=True)
class OptedOut:
    """Not queued: the author of the post to be answered has opted out."""

    author: str


def queue(conn: Connection, account: str, draft: Draft, *, who: str, now: float) -> Queued | Duplicate | OptedOut:
    """Queue one post or reply. now: calendar Unix seconds."""
    with conn.transaction():
        lock_account(conn, account)
        if draft.parent_author is not None and optouts.holds(conn, draft.parent_author):
            return OptedOut(draft.parent_author)
        twin = same_text(conn, account, draft.kind, draft.text_hash, draft.parent_site_id, now=now)
        if twin is not None:
            return twin
        return Queued((_insert(conn, account, draft, None, None, who, now),))


def queue_thread(
    conn: Connection, account: str, parts: tuple[Draft, ...], *, who: str, now: float
) -> Queued | Duplicate:
    """Queue a thread, whole or not at all. parts: of kind `thread_part`, in the order of publishing."""
    ids: list[int] = []
    with conn.transaction() as transaction:
        lock_account(conn, account)
        for position, part in enumerate(parts):
            # Also finds two equal parts of this very thread; the parts before go with the transaction.
            twin = same_text(conn, account, "thread_part", part.text_hash, None, now=now)
            if twin is not None:
                raise psycopg.Rollback(transaction)
            ids.append(_insert(conn, account, part, ids[0] if ids else None, position, who, now))
        changed(conn, "update posts set thread_id = id where id = %(id)s", {"id": ids[0]})
    return twin if twin is not None else Queued(tuple(ids))


def lock_account(conn: Connection, account: str) -> None:
    """Let whatever else queues or claims for the account wait until this transaction ends."""
    changed(conn, "insert into accounts (account) values (%(a)s) on conflict do nothing", {"a": account})
    row(conn, "select 1 from accounts where account = %(a)s for update", {"a": account})


def same_text(
    conn: Connection,
    account: str,
    kind: Kind,
    text_hash: str,
    parent_site_id: int | None,
    *,
    now: float,
    other_than: int | None = None,
) -> Duplicate | None:
    """The post that forbids queueing this text, if any. Only meaningful while the account is locked."""
    query = """
        select id, state from posts
         where account = %(account)s and text_hash = %(text_hash)s and kind = %(kind)s
           -- A thread part has a parent only once the part before it is out, so its parent says nothing here.
           and (kind = 'thread_part' or coalesce(parent_site_id, 0) = coalesce(%(parent)s, 0))
           and id is distinct from %(other_than)s
           and (state in ('planned', 'claimed', 'armed', 'unknown', 'needs_human')
                or (state in ('confirmed', 'reconciled') and confirmed_at > to_timestamp(%(since)s)))
         order by id limit 1
    """
    found = row(
        conn,
        query,
        {
            "account": account,
            "text_hash": text_hash,
            "kind": kind,
            "parent": parent_site_id,
            "other_than": other_than,
            "since": now - UNIQUE_FOR,
        },
    )
    return Duplicate(found["id"], State(found["state"])) if found else None


def _insert(
    conn: Connection, account: str, draft: Draft, thread_id: int | None, position: int | None, who: str, now: float
) -> int:
    found = row(
        conn,
        """
        insert into posts (account, kind, parent_site_id, parent_author, conversation_id, thread_id, thread_position,
                           body, text_hash, source, arm, propensity, predicted, model_version, approval, due_at,
                           created_at, changed_at)
        values (%(account)s, %(kind)s, %(parent_site_id)s, %(parent_author)s, %(conversation_id)s, %(thread_id)s,
                %(position)s, %(body)s, %(text_hash)s, %(source)s, %(arm)s, %(propensity)s, %(predicted)s,
                %(model_version)s, %(approval)s, to_timestamp(%(due_at)s), to_timestamp(%(now)s),
                to_timestamp(%(now)s))
        returning id
        """,
        {
            "account": account,
            "kind": draft.kind,
            "parent_site_id": draft.parent_site_id,
            "parent_author": draft.parent_author,
            "conversation_id": draft.conversation_id,
            "thread_id": thread_id,
            "position": position,
            "body": draft.body,
            "text_hash": draft.text_hash,
            "source": draft.source,
            "arm": Jsonb(draft.arm),
            "propensity": draft.propensity,
            "predicted": draft.predicted,
            "model_version": draft.model_version,
            "approval": draft.approval,
            "due_at": draft.due_at,
            "now": now,
        },
    )
    assert found is not None
    post_id: int = found["id"]
    note(conn, post_id, "queued", who, now, {"source": draft.source, "arm": draft.arm, "due_at": draft.due_at})
    return post_id
