"""Followers by post: what there is to share them among, and the shares."""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.analysis.attribution import POST_PULL, REPLY_PULL, Published, conversion
from store.sql import Connection, changed, rows


@dataclass(frozen=True, slots=True)
class Candidate:
    """A post or reply that may have brought followers, and how many are known to have seen it."""

    post: Published
    views: int


def candidates(conn: Connection, account: str, *, since: float) -> tuple[Candidate, ...]:
    """What was confirmed after `since` (calendar Unix seconds), removed posts too: they were seen. Oldest first."""
    query = """
        select id, extract(epoch from confirmed_at)::float8 as at, kind,
               coalesce((select max(views) from metric_snapshots where post_id = id), 0) as views
          from posts where account = %(account)s and state in ('confirmed', 'reconciled')
           and confirmed_at > to_timestamp(%(since)s) order by confirmed_at, id
    """
    return tuple(
        Candidate(
            Published(each["id"], each["at"], REPLY_PULL if each["kind"] == "reply" else POST_PULL), each["views"]
        )
        for each in rows(conn, query, {"account": account, "since": since})
    )


def save(conn: Connection, candidate: Candidate, followers: float, *, now: float) -> None:
    """Keep a share, in the place of the one before. now: calendar Unix seconds."""
    query = """
        insert into attributions (post_id, followers, conversion, computed_at)
        values (%(post_id)s, %(followers)s, %(conversion)s, to_timestamp(%(now)s))
        on conflict (post_id) do update
           set followers = excluded.followers, conversion = excluded.conversion, computed_at = excluded.computed_at
         where attributions.computed_at <= excluded.computed_at
           and (attributions.followers, attributions.conversion) is distinct from
               (excluded.followers, excluded.conversion)
    """
    params = {
        "post_id": candidate.post.id,
        "followers": followers,
        "conversion": conversion(followers, candidate.views),
        "now": now,
    }
    changed(conn, query, params)


def gained(conn: Connection, account: str, *, since: float) -> Mapping[int, float]:
    """Followers attributed so far, by post or reply confirmed after `since` (calendar Unix seconds)."""
    query = """
        select post_id, followers from attributions join posts on posts.id = post_id
         where account = %(account)s and confirmed_at > to_timestamp(%(since)s) order by post_id
    """
    found = rows(conn, query, {"account": account, "since": since})
    return {each["post_id"]: each["followers"] for each in found}
