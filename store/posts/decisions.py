"""What a person decides: replies that wait for approval, posts of which nobody knows whether they are out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, LiteralString

from domain.publishing.states import Party, State
from store import optouts
from store.posts import charges
from store.posts.claim import fail_opted_out
from store.posts.events import note
from store.posts.moves import locked, locked_one, move
from store.posts.queue import ORPHANED, WITHDRAWN, Duplicate, lock_account, same_text
from store.posts.read import get
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
                match reconcile(conn, post_id, site_id, who=who, at=now, evidence=evidence, by=Party.PERSON):
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
        return OptedOutNow(new, fail_opted_out(conn, account, Party.PERSON, who=who, now=now))


def _locked_with_its_account(conn: Connection, post_id: int) -> Post | None:
    """The post, under its own lock as well: a confirmation that comes meanwhile must not be overwritten."""
    found = get(conn, post_id)
    if found is None:
        return None
    lock_account(conn, found.account)
    return locked_one(conn, post_id)


def _again(conn: Connection, found: Post, who: str, now: float) -> Decided | Duplicate | Impossible:
    # Under their own locks too: a confirmation of one of them must not be overwritten.
    parts = () if found.thread_id is None else locked(conn, "thread_id = %(id)s", {"id": found.thread_id})
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
    sets: LiteralString = """
        due_at = to_timestamp(%(at)s), decided_by = %(who)s, publish_at = null, needs_human = null, failure = null,
        approval = case when approval = 'rejected' then 'approved' else approval end
    """
    detail = {"reason": "try again"}
    move(conn, found, State.PLANNED, Party.PERSON, who=who, at=now, detail=detail, sets=sets, params={"who": who})
    for each in others:
        detail = {"reason": f"post {found.id} is"}
        move(conn, each, State.PLANNED, Party.PERSON, who=who, at=now, detail=detail, sets="failure = null")
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
    reason = f"rejected by {who}"
    sets: LiteralString = "failure = %(reason)s, approval = %(approval)s, decided_by = %(who)s"
    params = {"reason": reason, "approval": approval, "who": who}
    detail = {"reason": reason}
    move(
        conn,
        found,
        State.FAILED_DEFINITE,
        Party.PERSON,
        who=who,
        at=now,
        detail=detail,
        sets=sets,
        params=params,
    )
    charges.refund(conn, found.id)
    if found.thread_id is not None:
        _end_the_thread(conn, found, who, now)
    return Decided(State.FAILED_DEFINITE)


def _end_the_thread(conn: Connection, rejected: Post, who: str, now: float) -> None:
    """A thread goes out whole or, where it has begun, no further."""
    for part in locked(conn, "thread_id = %(id)s and state = 'planned'", {"id": rejected.thread_id}):
        behind = (part.thread_position or 0) > (rejected.thread_position or 0)
        reason = ORPHANED if behind else WITHDRAWN
        detail = {"reason": reason, "rejected": rejected.id}
        params = {"reason": reason}
        move(
            conn,
            part,
            State.FAILED_DEFINITE,
            Party.PERSON,
            who=who,
            at=now,
            detail=detail,
            sets="failure = %(reason)s",
            params=params,
        )


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
