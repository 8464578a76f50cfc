"""Whether Roost kept to what it may do (caps, spacing, opt-outs, approval): the site's own posts against the rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row

from domain.calendar import DAY, HOUR, MINUTE
from domain.publishing.caps import Policy, fullest
from domain.publishing.uniqueness import normalized
from social.sandbox.storage import OwnPost


@dataclass(frozen=True, slots=True)
class Terms:
    """What was in force. approval: no reply may go out that a person has not approved."""

    policy: Policy = field(default_factory=Policy)
    approval: bool = False


@dataclass(frozen=True, slots=True)
class _Sent:
    """A post on the site with its row. at: when it was armed, which is what the caps are about; calendar seconds."""

    post: int
    at: float
    kind: str
    author: str | None
    conversation: int | None
    approval: str
    opted_out_since: float | None


def manners(dsn: str, on_site: Sequence[OwnPost], terms: Terms) -> list[str]:
    """One line for each thing that was sent and should not have been, or not then; not what no row knows."""
    sent = tuple(_sent(dsn, on_site))
    posts = sorted(each.at for each in sent if each.kind != "reply")
    replies = sorted(each.at for each in sent if each.kind == "reply")
    policy = terms.policy
    return [
        *_windows("posts", posts, policy.posts_an_hour, policy.posts_a_day),
        *_windows("replies", replies, policy.replies_an_hour, policy.replies_a_day),
        *_too_close(posts, policy.between_posts),
        *_discourteous([each for each in sent if each.kind == "reply"], terms),
    ]


def _windows(what: str, times: Sequence[float], an_hour: int, a_day: int) -> Iterator[str]:
    for name, span, most in (("hour", HOUR, an_hour), ("day", DAY, a_day)):
        most_seen = max((fullest([*times[:n], *times[n + 1 :]], at, span) for n, at in enumerate(times)), default=0)
        if most_seen > most:
            yield f"{most_seen} {what} in one {name}, {most} are allowed"


def _too_close(times: Sequence[float], between: float) -> Iterator[str]:
    for before, after in pairwise(times):
        if after - before < between:
            yield f"{(after - before) / MINUTE:.1f} minutes between two posts, {between / MINUTE:g} must be"


def _discourteous(replies: Sequence[_Sent], terms: Terms) -> Iterator[str]:
    last_to: dict[str, float] = {}
    answered: set[int | None] = set()
    for reply in sorted(replies, key=lambda each: each.at):
        if reply.approval != "approved" and (terms.approval or reply.approval != "not_needed"):
            yield f"reply {reply.post} was sent, and its approval is {reply.approval}"
        if reply.opted_out_since is not None and reply.at > reply.opted_out_since:
            yield f"reply {reply.post} was sent to {reply.author}, who had opted out"
        passed = reply.at - last_to.get(reply.author or "", float("-inf"))
        if passed < terms.policy.between_replies_to_author:
            yield f"reply {reply.post} was sent to {reply.author}, who had one {passed:.0f} s before"
        if reply.conversation is not None and reply.conversation in answered:
            yield f"reply {reply.post} is the second in conversation {reply.conversation}"
        if reply.author is not None:
            last_to[reply.author] = reply.at
        answered.add(reply.conversation)


def _sent(dsn: str, on_site: Sequence[OwnPost]) -> Iterator[_Sent]:
    """What counts against the caps: a thread by its first part."""
    query = """
        select p.id, p.kind, p.body, p.site_id, p.parent_site_id, lower(p.parent_author) as author, p.conversation_id,
               p.approval, p.thread_position, extract(epoch from p.armed_at)::float8 as armed_at,
               extract(epoch from o.since)::float8 as opted_out_since
          from posts p left join opt_outs o on o.author = lower(p.parent_author)
         order by p.id
    """
    with psycopg.connect(dsn, autocommit=True, row_factory=namedtuple_row) as connection:
        rows: list[Any] = connection.execute(query).fetchall()
    by_id = {row.site_id: row for row in rows if row.site_id is not None}
    by_text = {(normalized(row.body), row.parent_site_id): row for row in rows}
    for post in on_site:
        row = by_id.get(post.id) or by_text.get((normalized(post.text), post.in_reply_to))
        if row is not None and not row.thread_position:
            at = post.at if row.armed_at is None else row.armed_at
            yield _Sent(row.id, at, row.kind, row.author, row.conversation_id, row.approval, row.opted_out_since)
