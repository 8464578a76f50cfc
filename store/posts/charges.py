"""What counts against the caps: one charge a post, reply or whole thread, at the time it was sent or is to be sent.

A claim charges for the time it is to go out, the arming then for the time it did. Where nobody knows whether and when
it left, the charge stands at the last moment at which it can have, until there is evidence: so the caps hold for
whoever publishes next, on another instance too, and without the journal that knew.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from domain.publishing import caps
from domain.publishing.states import State, may_be_on_site
from store.posts.values import Post
from store.sql import Connection, changed, rows


@dataclass(frozen=True, slots=True)
class Charge:
    """at: calendar Unix seconds. author, conversation_id: of the post that a reply answers."""

    kind: Literal["post", "reply"]
    at: float
    author: str | None = None
    conversation_id: int | None = None


def since(conn: Connection, account: str, time: float, conversations: Sequence[int]) -> Iterator[Charge]:
    """The charges after `time` (calendar Unix seconds), and all in these conversations, in order."""
    query = """
        select kind, extract(epoch from at)::float8 as at, author, conversation_id from cap_charges
         where account = %(account)s
           and (at > to_timestamp(%(since)s) or conversation_id = any(%(conversations)s::bigint[]))
         order by at, post_id
    """
    params = {"account": account, "since": time, "conversations": list(conversations)}
    return (Charge(**each) for each in rows(conn, query, params))


def sent(conn: Connection, account: str, *, since: float) -> dict[int, Charge]:
    """What was sent, or may have been, after `since` (calendar Unix seconds), by whatever instance; by post id."""
    query = """
        select post_id, cap_charges.kind, extract(epoch from at)::float8 as at, author,
               cap_charges.conversation_id
          from cap_charges join posts on posts.id = post_id
         where cap_charges.account = %(account)s and at > to_timestamp(%(since)s)
           and state = any(%(may_be_out)s)
    """
    may_be_out = [state.value for state in State if may_be_on_site(state)]
    found = rows(conn, query, {"account": account, "since": since, "may_be_out": may_be_out})
    return {each.pop("post_id"): Charge(**each) for each in map(dict, found)}


def history(counted: Iterable[Charge]) -> caps.History:
    """These as the caps look at them."""
    every = tuple(counted)
    return caps.History(
        posts=tuple(each.at for each in every if each.kind == "post"),
        replies=tuple(each.at for each in every if each.kind == "reply"),
    )


def charge(conn: Connection, first: Post, at: float) -> Charge:
    """Charge for a post, a reply, or the thread of which this is the first part, to be sent at `at`."""
    made = charge_of(first, at)
    _insert(conn, first, made)
    return made


def charge_if_refunded(conn: Connection, published: Post, at: float) -> None:
    """It is out, though it counted as not sent before: it counts again. The rest of a thread never does."""
    if published.thread_position:
        return
    query = "select 1 from cap_charges where post_id = %(id)s"
    if not rows(conn, query, {"id": published.id}):
        _insert(conn, published, charge_of(published, published.armed_at or at))


def armed(conn: Connection, post_id: int, at: float) -> None:
    """It was about to leave at `at`, so that is when it counts."""
    query = "update cap_charges set at = to_timestamp(%(at)s) where post_id = %(id)s"
    changed(conn, query, {"id": post_id, "at": at})


def out_of_sight(conn: Connection, post_id: int, until: float) -> None:
    """It may have left at any time until `until`; where it is known when it was armed, that stands."""
    query = """
        update cap_charges set at = greatest(at, to_timestamp(%(until)s))
         where post_id = %(id)s and exists (select 1 from posts where id = %(id)s and armed_at is null)
    """
    changed(conn, query, {"id": post_id, "until": until})


def refund(conn: Connection, post_id: int) -> None:
    """It was not sent, and counts no longer."""
    changed(conn, "delete from cap_charges where post_id = %(id)s", {"id": post_id})


def charge_of(first: Post, at: float) -> Charge:
    """For a post, a reply, or the thread of which this is the first part, sent at `at`."""
    if first.kind == "reply":
        return Charge("reply", at, first.parent_author, first.conversation_id)
    return Charge("post", at, conversation_id=first.conversation_id)


def _insert(conn: Connection, first: Post, made: Charge) -> None:
    query = """
        insert into cap_charges (post_id, account, kind, at, author, conversation_id)
        values (%(post_id)s, %(account)s, %(kind)s, to_timestamp(%(at)s), %(author)s, %(conversation_id)s)
        on conflict (post_id) do update set at = excluded.at
    """
    of = {"post_id": first.id, "account": first.account, "conversation_id": made.conversation_id}
    changed(conn, query, {**of, "kind": made.kind, "at": made.at, "author": made.author})
