"""How posts did: which are due to be looked at, and what was seen."""

from dataclasses import dataclass

from domain.publishing.claims import PostStream
from store.posts.values import COLUMNS, Post, post
from store.sql import Connection, changed, row, rows


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The counts of one post as the site showed them at `taken_at` (calendar Unix seconds). None: not shown."""

    post_id: int
    taken_at: float
    views: int | None
    likes: int | None
    replies: int | None
    reposts: int | None
    bookmarks: int | None


@dataclass(frozen=True, slots=True)
class Complete:
    """A snapshot of which every count was shown: only by such a one is it known how a post does."""

    taken_at: float
    views: int
    likes: int
    replies: int
    reposts: int
    bookmarks: int


@dataclass(frozen=True, slots=True)
class Seen:
    """A post with its newest counts that were all shown."""

    post: Post
    snapshot: Complete


@dataclass(frozen=True, slots=True)
class Look:
    """A published post. last: when its newest counts were taken, if any were; failed: when its page could not be
    read, if it has not been counted since. Calendar Unix seconds."""

    post: Post
    last: float | None
    failed: float | None = None


def last_looks(
    conn: Connection, account: str, *, since: float, what: PostStream = "posts", limit: int = 500
) -> tuple[Look, ...]:
    """The posts on the site confirmed after `since`, or never counted yet; newest first.

    Not those whose own page did not show them: id recovery finds out whether they were removed. Which of these are
    due to be looked at is `domain.content.metrics_due`.
    """
    query = f"""
        select {COLUMNS}, extract(epoch from last)::float8 as last,
               case when last is null or look_failed_at > last
                    then extract(epoch from look_failed_at)::float8 end as failed
          from posts
          left join lateral (select max(taken_at) as last from metric_snapshots where post_id = id) seen on true
         where account = %(account)s and state in ('confirmed', 'reconciled') and removed_at is null
           and missing_since is null
           and (kind = 'reply') = %(replies)s and (last is null or confirmed_at > to_timestamp(%(since)s))
         order by confirmed_at desc, id limit %(limit)s
    """
    params = {"account": account, "replies": what == "replies", "since": since, "limit": limit}
    return tuple(
        Look(last=found.pop("last"), failed=found.pop("failed"), post=post(found))
        for found in rows(conn, query, params)
    )


def look_failed(conn: Connection, post_id: int, *, at: float) -> None:
    """Its page told no counts at `at` (calendar Unix seconds)."""
    query = "update posts set look_failed_at = to_timestamp(%(at)s) where id = %(id)s"
    changed(conn, query, {"id": post_id, "at": at})


def save(conn: Connection, snapshot: Snapshot) -> bool:
    """Keep the counts; False if this very look (post and time) was kept before."""
    query = """
        insert into metric_snapshots (post_id, taken_at, views, likes, replies, reposts, bookmarks)
        values (%(post_id)s, to_timestamp(%(taken_at)s), %(views)s, %(likes)s, %(replies)s, %(reposts)s,
                %(bookmarks)s)
        on conflict do nothing
    """
    params = {name: getattr(snapshot, name) for name in Snapshot.__slots__}
    return changed(conn, query, params) == 1


def seen_enough(
    conn: Connection,
    account: str,
    *,
    now: float,
    min_age: float,
    min_views: int,
    since: float,
    what: PostStream = "posts",
    limit: int = 2000,
) -> tuple[Seen, ...]:
    """What may be learned from: published after `since`, counted at `min_age` or later, with `min_views` or more.

    A look at which a count was not shown teaches nothing.
    since, now: calendar Unix seconds. min_age: calendar seconds between publishing and the newest look. Oldest first.
    """
    query = f"""
        select {COLUMNS}, views, likes, replies, reposts, bookmarks,
               extract(epoch from taken_at)::float8 as taken_at
          from posts join lateral (
                   select * from metric_snapshots where post_id = id and taken_at <= to_timestamp(%(now)s)
                      and num_nulls(views, likes, replies, reposts, bookmarks) = 0
                    order by taken_at desc limit 1) newest on true
         where account = %(account)s and state in ('confirmed', 'reconciled') and (kind = 'reply') = %(replies)s
           -- A thread is judged by its first part: only that one was chosen for its arm.
           and coalesce(thread_position, 0) = 0
           and confirmed_at > to_timestamp(%(since)s) and views >= %(min_views)s
           and taken_at >= confirmed_at + make_interval(secs => %(min_age)s)
         order by confirmed_at, id limit %(limit)s
    """
    params = {"account": account, "replies": what == "replies", "now": now, "since": since, "limit": limit}
    found = rows(conn, query, {**params, "min_age": min_age, "min_views": min_views})
    counts = ("taken_at", "views", "likes", "replies", "reposts", "bookmarks")
    return tuple(
        Seen(
            post({name: value for name, value in each.items() if name not in counts}),
            Complete(**{name: each[name] for name in counts}),
        )
        for each in found
    )


def count(conn: Connection) -> int:
    """How many snapshots there are."""
    found = row(conn, "select count(*) as n from metric_snapshots", {})
    assert found is not None
    number: int = found["n"]
    return number
