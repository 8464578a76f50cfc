"""What a person decides: replies that wait for approval, posts of which nobody knows whether they are out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from domain.publishing.states import State
from store import optouts
from store.posts import charges
from store.posts.claim import fail_opted_out
from store.posts.events import note
from store.posts.queue import ORPHANED, WITHDRAWN, Duplicate, lock_account, same_text
from store.posts.read import get, locked, thread
from store.posts.transitions import Applied, NotApplied, reconcile
from store.posts.values import Post
from store.sql import Connection, changed, rows

Decision = Literal["approve", "reject", "retry"]


@dataclass(frozen=True, slots=True)
class Decided:
    """Done. state: where the post now is."""

    state: State


@dataclass(frozen=True, slots=True)
class Impossible:
    """Not done: the reason, and what can be decided instead."""

    why: str


def decide(
    conn: Connection, post_id: int, decision: Decision, *, who: str, now: float, site_id: int | None = None
) -> Decided | Duplicate | Impossible:
    """Carry out an operator's decision about one post. now: calendar Unix seconds.

    Waiting for approval: approve lets it out, reject ends it. needs_human: approve says it is on the site (as
    `site_id`), reject that it is not and shall not be, retry that it is not and shall be. failed_definite: retry.
    A rejected part ends all that is planned of its thread; brought back, it brings back what ended only with it.
    """
    with conn.transaction():
        found = _locked_with_its_account(conn, post_id)
        if found is None:
            return Impossible(f"there is no post {post_id}; `queue` lists those there are")
        match (found.state, decision):
            case (State.PLANNED, "approve") if found.approval == "waiting":
                query = "update posts set approval = 'approved', decided_by = %(who)s where id = %(id)s"
                changed(conn, query, {"id": post_id, "who": who})
                note(conn, post_id, "approved", who, now, {})
                return Decided(State.PLANNED)
            case (State.PLANNED, "reject"):
                return _end(conn, found, who, now, approval="rejected")
            case (State.NEEDS_HUMAN, "approve") if site_id is None:
                return Impossible(f"post {post_id}: to approve it, give its id on the site; or reject or retry it")
            case (State.NEEDS_HUMAN, "approve") if site_id is not None:
                evidence = {"by": "person", "who": who}
                match reconcile(conn, post_id, site_id, who=who, at=now, evidence=evidence):
                    case Applied(state):
                        return Decided(state)
                    case NotApplied(_, why):
                        return Impossible(f"post {post_id}: {why}")
                    case other:
                        return Decided(other.state)
            case (State.NEEDS_HUMAN, "reject"):
                return _end(conn, found, who, now, approval=found.approval)
            case (State.NEEDS_HUMAN | State.FAILED_DEFINITE, "retry"):
                return _again(conn, found, who, now)
            case _:
                return Impossible(f"post {post_id} is {found.state}; {_choices(found)}")


def retry(conn: Connection, post_id: int, *, who: str, now: float, due_at: float) -> Decided | Duplicate | Impossible:
    """Queue a definitely failed post again, byte for byte the same. Times in calendar Unix seconds."""
    with conn.transaction():
        found = _locked_with_its_account(conn, post_id)
        if found is None:
            return Impossible(f"there is no post {post_id}")
        if found.state is not State.FAILED_DEFINITE:
            return Impossible(f"post {post_id} is {found.state}: only what definitely failed is tried again")
        if found.approval == "rejected":
            return Impossible(f"post {post_id} was rejected by {found.decided_by}: only a person may bring it back")
        return _again(conn, found, who, now, due_at=due_at)


def demand_approval(conn: Connection, account: str, *, who: str, now: float) -> tuple[int, ...]:
    """Let planned replies that needed no person's approval wait for it, since now they need it. Returns which."""
    with conn.transaction():
        lock_account(conn, account)
        query = """
            update posts set approval = 'waiting', changed_at = to_timestamp(%(now)s)
             where account = %(account)s and kind = 'reply' and state = 'planned' and approval = 'not_needed'
            returning id
        """
        waiting = sorted(each["id"] for each in rows(conn, query, {"account": account, "now": now}))
        for post_id in waiting:
            note(conn, post_id, "approval demanded", who, now, {})
        return tuple(waiting)


@dataclass(frozen=True, slots=True)
class OptedOutNow:
    """The author is left alone from now on. new: whether that was news. ended: planned replies that are not sent."""

    new: bool
    ended: tuple[int, ...]


def opt_out(conn: Connection, account: str, author: str, *, source: str, who: str, now: float) -> OptedOutNow:
    """Honour a wish not to be answered, at once. source: how it reached us. now: calendar Unix seconds."""
    with conn.transaction():
        lock_account(conn, account)
        new = optouts.add(conn, author, source=source, now=now)
        return OptedOutNow(new, fail_opted_out(conn, account, who=who, now=now))


def _locked_with_its_account(conn: Connection, post_id: int) -> Post | None:
    """The post, under its own lock as well: a confirmation that comes meanwhile must not be overwritten."""
    found = get(conn, post_id)
    if found is None:
        return None
    lock_account(conn, found.account)
    return locked(conn, post_id)


def _again(
    conn: Connection, found: Post, who: str, now: float, due_at: float | None = None
) -> Decided | Duplicate | Impossible:
    parts = thread(conn, found.thread_id) if found.thread_id is not None else ()
    for part in _before(found, parts):
        if part.state is State.FAILED_DEFINITE and part.failure != WITHDRAWN:
            return Impossible(
                f"post {found.id} answers part {part.thread_position} of its thread, which is over ({part.failure}): "
                f"retry post {part.id}, and this one comes back with it"
            )
    others = tuple(_ended_with(found, parts))
    for each in (found, *others):
        twin = same_text(
            conn, each.account, each.kind, each.text_hash, each.parent_site_id, now=now, other_than=each.id
        )
        if twin is not None:
            return twin
    if found.state is State.NEEDS_HUMAN:
        charges.refund(conn, found.id)
    query = """
        update posts set state = 'planned', due_at = to_timestamp(%(due_at)s), changed_at = to_timestamp(%(now)s),
                         decided_by = %(who)s, publish_at = null, needs_human = null, failure = null,
                         approval = case when approval = 'rejected' then 'approved' else approval end
         where id = %(id)s
    """
    changed(conn, query, {"id": found.id, "now": now, "who": who, "due_at": now if due_at is None else due_at})
    note(conn, found.id, "planned", who, now, {"from": found.state.value, "reason": "try again"})
    for each in others:
        query = """
            update posts set state = 'planned', failure = null, changed_at = to_timestamp(%(now)s)
             where id = %(id)s and state = 'failed_definite'
        """
        if changed(conn, query, {"id": each.id, "now": now}):
            note(conn, each.id, "planned", who, now, {"from": "failed_definite", "reason": f"post {found.id} is"})
    return Decided(State.PLANNED)


def _before(found: Post, parts: tuple[Post, ...]) -> Iterator[Post]:
    return (part for part in parts if (part.thread_position or 0) < (found.thread_position or 0))


def _ended_with(found: Post, parts: tuple[Post, ...]) -> Iterator[Post]:
    """The parts of a thread that ended only because of another one, and can go out again with this one."""
    for part in parts:
        if part.id == found.id or part.state is not State.FAILED_DEFINITE:
            continue
        if part.failure not in (ORPHANED, WITHDRAWN):
            return  # what is behind it would answer nothing
        yield part


def _end(conn: Connection, found: Post, who: str, now: float, *, approval: str) -> Decided:
    query = """
        update posts set state = 'failed_definite', failure = %(reason)s, approval = %(approval)s,
                         decided_by = %(who)s, changed_at = to_timestamp(%(now)s)
         where id = %(id)s
    """
    reason = f"rejected by {who}"
    changed(conn, query, {"id": found.id, "reason": reason, "approval": approval, "who": who, "now": now})
    charges.refund(conn, found.id)
    note(conn, found.id, "failed_definite", who, now, {"from": found.state.value, "reason": reason})
    if found.thread_id is not None:
        _end_the_thread(conn, found, who, now)
    return Decided(State.FAILED_DEFINITE)


def _end_the_thread(conn: Connection, rejected: Post, who: str, now: float) -> None:
    """A thread goes out whole or, where it has begun, no further."""
    query = """
        update posts set state = 'failed_definite', changed_at = to_timestamp(%(now)s),
                         failure = case when thread_position > %(position)s then %(orphaned)s else %(withdrawn)s end
         where thread_id = %(thread)s and state = 'planned'
        returning id, failure
    """
    where = {"thread": rejected.thread_id, "position": rejected.thread_position, "now": now}
    for part in rows(conn, query, {**where, "orphaned": ORPHANED, "withdrawn": WITHDRAWN}):
        detail = {"from": "planned", "reason": part["failure"], "rejected": rejected.id}
        note(conn, part["id"], "failed_definite", who, now, detail)


def _choices(found: Post) -> str:
    match found.state:
        case State.PLANNED if found.approval == "waiting":
            return "approve or reject it"
        case State.PLANNED:
            return "it can be rejected"
        case State.NEEDS_HUMAN:
            return "approve it with its id on the site, reject or retry it"
        case State.FAILED_DEFINITE:
            return "it can be retried"
        case _:
            return "there is nothing to decide about it now"
