"""Other people's posts, how those we watch do, and what is news among them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from domain.analysis.peers import PeerPost, Standing
from domain.analysis.trends import Said, Trend
from store.sql import Connection, changed, row, rows


def save(conn: Connection, seen: Iterable[tuple[PeerPost, str]]) -> int:
    """Keep posts with their texts as they look now; how many were not known before."""
    query = """
        insert into peer_posts (id, author, at, seen_at, body, topic, format, tone, views, likes, replies, reposts,
                                bookmarks)
        values (%(id)s, %(author)s, to_timestamp(%(at)s), to_timestamp(%(seen_at)s), %(body)s, %(topic)s, %(format)s,
                %(tone)s, %(views)s, %(likes)s, %(replies)s, %(reposts)s, %(bookmarks)s)
        on conflict (id) do update
           set seen_at = excluded.seen_at, views = excluded.views, likes = excluded.likes,
               replies = excluded.replies, reposts = excluded.reposts, bookmarks = excluded.bookmarks
         where peer_posts.seen_at < excluded.seen_at
        returning xmax = 0 as is_new
    """
    new = 0
    with conn.transaction():
        for post, body in seen:
            found = row(conn, query, {**asdict(post), "body": body})
            new += found is not None and found["is_new"]
    return new


def posts(conn: Connection, *, since: float, limit: int = 5_000) -> tuple[PeerPost, ...]:
    """The posts written after `since` (calendar Unix seconds), newest first."""
    query = """
        select id, author, extract(epoch from at)::float8 as at, extract(epoch from seen_at)::float8 as seen_at,
               topic, format, tone, views, likes, replies, reposts, bookmarks
          from peer_posts where peer_posts.at > to_timestamp(%(since)s)
         order by peer_posts.at desc, id limit %(limit)s
    """
    return tuple(PeerPost(**found) for found in rows(conn, query, {"since": since, "limit": limit}))


def said(conn: Connection, *, since: float, limit: int = 5_000) -> tuple[Said, ...]:
    """What was written on a topic after `since` (calendar Unix seconds), newest first."""
    query = """
        select author, topic, body as text, extract(epoch from at)::float8 as at from peer_posts
         where topic is not null and peer_posts.at > to_timestamp(%(since)s)
         order by peer_posts.at desc, id limit %(limit)s
    """
    return tuple(Said(**found) for found in rows(conn, query, {"since": since, "limit": limit}))


def mark_viral(conn: Connection, ids: Sequence[int]) -> None:
    """Let these, and no others, be the viral ones."""
    query = "update peer_posts set is_viral = not is_viral where is_viral <> (id = any(%(ids)s))"
    changed(conn, query, {"ids": list(ids)})


def authors(conn: Connection, *, limit: int = 50) -> tuple[str, ...]:
    """Who wrote the posts we have and has not opted out, those with the most engagement first."""
    query = """
        select author from peer_posts where lower(author) not in (select author from opt_outs) group by author
         order by sum(likes + replies + reposts + bookmarks) desc, author limit %(limit)s
    """
    return tuple(found["author"] for found in rows(conn, query, {"limit": limit}))


def save_visit(conn: Connection, handle: str, followers: int, standing: Standing, *, now: float) -> bool:
    """Keep how an account does (now: calendar Unix seconds); False if a visit of this very moment is there."""
    query = """
        insert into peer_visits (handle, at, followers, posts, engagement, rate, a_day)
        values (%(handle)s, to_timestamp(%(now)s), %(followers)s, %(posts)s, %(engagement)s, %(rate)s, %(a_day)s)
        on conflict do nothing
    """
    return changed(conn, query, {"handle": handle, "followers": followers, "now": now, **asdict(standing)}) == 1


def visited(conn: Connection) -> Mapping[str, float]:
    """When each account was last visited (calendar Unix seconds)."""
    query = (
        "select handle, extract(epoch from max(at))::float8 as at from peer_visits group by handle order by handle"
    )
    return {found["handle"]: found["at"] for found in rows(conn, query, {})}


def replace_trends(conn: Connection, account: str, trends: Sequence[Trend], *, now: float) -> None:
    """Put these in the place of all that were there. now: calendar Unix seconds."""
    with conn.transaction():
        changed(conn, "delete from trends where account = %(account)s", {"account": account})
        for each in trends:
            query = """
                insert into trends (account, topic, term, lately, before, score, at)
                values (%(account)s, %(topic)s, %(term)s, %(lately)s, %(before)s, %(score)s, to_timestamp(%(now)s))
            """
            changed(conn, query, {"account": account, "now": now, **asdict(each)})


def trends(conn: Connection, account: str) -> tuple[Trend, ...]:
    """The news in force, the strongest first."""
    query = """
        select topic, term, lately, before, score from trends where account = %(account)s order by score desc, term
    """
    return tuple(Trend(**found) for found in rows(conn, query, {"account": account}))


def forget(conn: Connection, *, before: float) -> int:
    """Remove posts written, and visits made, before a time (calendar Unix seconds); how many."""
    gone = changed(conn, "delete from peer_posts where at < to_timestamp(%(before)s)", {"before": before})
    return gone + changed(conn, "delete from peer_visits where at < to_timestamp(%(before)s)", {"before": before})
