"""What becomes of a claimed post. Each change asks the table of moves, under the row's lock, if it may still be made.

Who writes shows the token of the *claim*: an incarnation that was fenced, or an instance whose post was claimed
anew, is refused. What was written down about one claim may arrive late and in any order of stores (the journal is
replayed after an outage); the table of moves says what is still news then, so a confirmation always gets through, and
an old "armed" never undoes it. Refusals are noted in the trail too.

Callers hold no lock and may be in a transaction of their own; each function is atomic by itself.
"""

from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from domain.publishing.states import Party, State, may_move
from store.posts import charges
from store.posts.events import note
from store.posts.moves import locked_one, move
from store.posts.values import PUBLISHED, Post
from store.sql import Connection, changed, row


@dataclass(frozen=True, slots=True)
class Applied:
    """The change took effect: the post now is as said."""

    state: State


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Nothing to do: it was so already, or farther along."""

    state: State


@dataclass(frozen=True, slots=True)
class NotApplied:
    """The change was refused and nothing was written but a line in the trail. state: None where no such post is."""

    state: State | None
    why: str


Change = Applied | Unchanged | NotApplied

_FAILURE: LiteralString = "failure = %(reason)s"


def arm(conn: Connection, post_id: int, token: int, *, who: str, at: float) -> Change:
    """The request is about to leave, or has left, at `at` (calendar Unix seconds, as all times here).

    From then on it counts against the caps; so too where the word comes late, and the post is farther along.
    """
    with conn.transaction():
        change = _along(conn, post_id, token, State.ARMED, who, at, {}, "armed_at = to_timestamp(%(at)s)")
        if not isinstance(change, NotApplied):
            charges.armed(conn, post_id, at)
        return change


def confirm(
    conn: Connection, post_id: int, token: int, site_id: int, *, who: str, at: float, evidence: dict[str, Any]
) -> Change:
    """It is on the site under this id.

    The one change that no token can make stale: a post that is out must never be sent again, whoever sent it. That
    it came from an earlier claim is noted; a second id for the same post is refused, and is the alarm it sounds like.
    """
    with conn.transaction():
        found = locked_one(conn, post_id)
        if found is None:
            return NotApplied(None, f"there is no post {post_id}")
        late = found.claim is None or found.claim.token != token
        seen = {"late": True} if late else {}
        return _published(conn, found, State.CONFIRMED, Party.OWNER, site_id, who, at, evidence, seen)


def fail(
    conn: Connection, post_id: int, token: int, reason: str, *, who: str, at: float, again_at: float | None = None
) -> Change:
    """It is definitely not on the site. Gives back what the caps were charged.

    again_at: in the same transaction back into the queue with it, byte for byte the same, due then.
    """
    with conn.transaction():
        change = _along(conn, post_id, token, State.FAILED_DEFINITE, who, at, {"reason": reason}, _FAILURE)
        if not isinstance(change, Applied):
            return change
        charges.refund(conn, post_id)
        return change if again_at is None else _queue_again(conn, post_id, who, at, again_at)


def lose_sight(conn: Connection, post_id: int, token: int, reason: str, *, who: str, at: float) -> Change:
    """It may be on the site or not: only id recovery may say."""
    with conn.transaction():
        change = _along(conn, post_id, token, State.UNKNOWN, who, at, {"reason": reason}, _FAILURE)
        if isinstance(change, Applied):
            charges.out_of_sight(conn, post_id, at)
        return change


def release(conn: Connection, post_id: int, token: int, reason: str, *, who: str, at: float) -> Change:
    """Give a claimed, definitely unsent post back to the queue, and the caps what they were charged.

    Also one that others have made unknown meanwhile, because its claim was over and they could not ask: its owner
    (`who`) brings this word only of what its journal never armed.
    """
    with conn.transaction():
        found = locked_one(conn, post_id)
        if found is None:
            return NotApplied(None, f"there is no post {post_id}")
        if (stale := _stale(conn, found, token, State.PLANNED, who, at)) is not None:
            return stale
        if found.state is State.PLANNED:
            return Unchanged(found.state)
        swept = (
            found.state in (State.UNKNOWN, State.NEEDS_HUMAN)
            and found.armed_at is None
            and found.claim is not None
            and found.claim.owner == who
        )
        if found.state is not State.CLAIMED and not swept:
            return _refuse(conn, found, State.PLANNED, who, at, f"it is {found.state}, and may have been sent")
        sets: LiteralString = "publish_at = null, failure = null, needs_human = null"
        move(conn, found, State.PLANNED, Party.OWNER, who=who, at=at, detail={"reason": reason}, sets=sets)
        charges.refund(conn, post_id)
        return Applied(State.PLANNED)


def reconcile(
    conn: Connection,
    post_id: int,
    site_id: int,
    *,
    who: str,
    at: float,
    evidence: dict[str, Any],
    by: Party = Party.RECOVERY,
) -> Change:
    """Id recovery, or a person, found an unknown post on the site."""
    with conn.transaction():
        found = locked_one(conn, post_id)
        if found is None:
            return NotApplied(None, f"there is no post {post_id}")
        if found.state not in PUBLISHED and not may_move(found.state, State.RECONCILED, by):
            why = f"it is {found.state}, so nothing is to be recovered"
            return _refuse(conn, found, State.RECONCILED, who, at, why)
        return _published(conn, found, State.RECONCILED, by, site_id, who, at, evidence, {})


def ask_human(
    conn: Connection, post_id: int, reason: str, *, who: str, at: float, evidence: dict[str, Any]
) -> Change:
    """Id recovery cannot tell: it waits for a decision, and nothing else waits for it."""
    with conn.transaction():
        found = locked_one(conn, post_id)
        if found is None:
            return NotApplied(None, f"there is no post {post_id}")
        if not may_move(found.state, State.NEEDS_HUMAN, Party.RECOVERY):
            return Unchanged(found.state)
        detail = {"reason": reason, "evidence": evidence}
        sets: LiteralString = "needs_human = %(reason)s, evidence = %(evidence)s"
        params = {"reason": reason, "evidence": Jsonb(evidence)}
        by = Party.RECOVERY
        move(conn, found, State.NEEDS_HUMAN, by, who=who, at=at, detail=detail, sets=sets, params=params)
        return Applied(State.NEEDS_HUMAN)


def mark_removed(conn: Connection, post_id: int, *, who: str, at: float) -> bool:
    """It was published and is no longer on the site. False if that was known, or it never was published."""
    with conn.transaction():
        query = """
            update posts set removed_at = to_timestamp(%(at)s), changed_at = to_timestamp(%(at)s)
             where id = %(id)s and state in ('confirmed', 'reconciled') and removed_at is null
        """
        if not changed(conn, query, {"id": post_id, "at": at}):
            return False
        note(conn, post_id, "removed", who, at, {})
        return True


def _published(
    conn: Connection,
    found: Post,
    to: State,
    by: Party,
    site_id: int,
    who: str,
    at: float,
    evidence: dict[str, Any],
    detail: dict[str, Any],
) -> Change:
    if found.state in PUBLISHED:
        if found.site_id == site_id:
            return Unchanged(found.state)
        return _refuse(conn, found, to, who, at, f"it is published as {found.site_id}, and now as {site_id} too")
    query = "select id from posts where account = %(account)s and site_id = %(site_id)s"
    twin = row(conn, query, {"account": found.account, "site_id": site_id})
    if twin is not None:
        return _refuse(conn, found, to, who, at, f"{site_id} is post {twin['id']}")
    sets: LiteralString = """
        site_id = %(site_id)s, confirmed_at = to_timestamp(%(at)s), evidence = %(evidence)s, failure = null,
        needs_human = null
    """
    params = {"site_id": site_id, "evidence": Jsonb(evidence)}
    told = {"site_id": site_id, "evidence": evidence, **detail}
    move(conn, found, to, by, who=who, at=at, detail=told, sets=sets, params=params)
    charges.charge_if_refunded(conn, found, at)
    if found.thread_position is not None:
        _give_parent(conn, found, site_id)
    return Applied(to)


def _give_parent(conn: Connection, part: Post, site_id: int) -> None:
    query = """
        update posts set parent_site_id = %(site_id)s
         where thread_id = %(thread)s and thread_position = %(next)s
    """
    assert part.thread_position is not None
    changed(conn, query, {"site_id": site_id, "thread": part.thread_id, "next": part.thread_position + 1})


def _along(
    conn: Connection,
    post_id: int,
    token: int,
    to: State,
    who: str,
    at: float,
    detail: dict[str, Any],
    sets: LiteralString,
) -> Change:
    """Carry out what the holder of a claim says of it, if that is still news. sets: may use what is in `detail`."""
    found = locked_one(conn, post_id)
    if found is None:
        return NotApplied(None, f"there is no post {post_id}")
    if (stale := _stale(conn, found, token, to, who, at)) is not None:
        return stale
    if not may_move(found.state, to, Party.OWNER):
        return Unchanged(found.state)
    move(conn, found, to, Party.OWNER, who=who, at=at, detail=detail, sets=sets, params=detail)
    return Applied(to)


def _queue_again(conn: Connection, post_id: int, who: str, at: float, due_at: float) -> Applied:
    failed = locked_one(conn, post_id)
    assert failed is not None
    sets: LiteralString = """
        due_at = to_timestamp(%(due_at)s), publish_at = null, failure = null, needs_human = null
    """
    detail = {"reason": "try again", "due_at": due_at}
    move(conn, failed, State.PLANNED, Party.OWNER, who=who, at=at, detail=detail, sets=sets, params=detail)
    return Applied(State.PLANNED)


def _stale(conn: Connection, found: Post, token: int, to: State, who: str, at: float) -> NotApplied | None:
    if found.claim is not None and found.claim.token == token:
        return None
    held = "it was never claimed" if found.claim is None else f"its claim has token {found.claim.token}"
    return _refuse(conn, found, to, who, at, f"token {token} is not valid: {held}")


def _refuse(conn: Connection, found: Post, to: State, who: str, at: float, why: str) -> NotApplied:
    note(conn, found.id, "refused", who, at, {"to": to.value, "why": why})
    return NotApplied(found.state, why)
