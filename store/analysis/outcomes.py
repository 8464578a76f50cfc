"""One outcome a post: from which counts it is made, and what it is."""

from dataclasses import asdict, dataclass

from domain.analysis.optimizer import Sample
from domain.analysis.outcomes import Look, Outcome
from domain.analysis.rollups import Judged
from store.sql import Connection, changed, rows

# Of a snapshot `m`: every count was shown.
COMPLETE = "num_nulls(m.views, m.likes, m.replies, m.reposts, m.bookmarks) = 0"


@dataclass(frozen=True, slots=True)
class Unjudged:
    """A post with counts that its outcome does not know yet. published_at: calendar Unix seconds."""

    post_id: int
    published_at: float
    predicted: float | None
    followers: float
    looks: tuple[Look, ...]


def unjudged(conn: Connection, account: str, *, since: float, limit: int = 500) -> tuple[Unjudged, ...]:
    """The posts and replies confirmed after `since` that were looked at, or credited with followers, since judged.

    Newest first. since: calendar Unix seconds. A look at which a count was not shown is none.
    """
    query = f"""
        select p.id as post_id, extract(epoch from p.confirmed_at)::float8 as published_at, p.predicted,
               coalesce(a.followers, 0) as followers,
               array(select array[extract(epoch from m.taken_at)::float8, m.views, m.likes, m.replies, m.reposts,
                                  m.bookmarks]
                       from metric_snapshots m where m.post_id = p.id and {COMPLETE}
                      order by m.taken_at) as looks
          from posts p left join outcomes o on o.post_id = p.id left join attributions a on a.post_id = p.id
         where p.account = %(account)s and p.state in ('confirmed', 'reconciled')
           and p.confirmed_at > to_timestamp(%(since)s)
           and exists (select 1 from metric_snapshots m where m.post_id = p.id and {COMPLETE})
           and (o.post_id is null or a.computed_at > o.judged_at
                or exists (select 1 from metric_snapshots m
                            where m.post_id = p.id and m.taken_at > o.taken_at and {COMPLETE}))
         order by p.confirmed_at desc, p.id limit %(limit)s
    """
    found = rows(conn, query, {"account": account, "since": since, "limit": limit})
    return tuple(
        Unjudged(
            looks=tuple(Look(float(at), *map(int, counts)) for at, *counts in each.pop("looks")),
            **each,
        )
        for each in found
    )


def save(conn: Connection, post_id: int, outcome: Outcome, *, now: float) -> bool:
    """Keep the outcome; False if one of newer counts is there. now: calendar Unix seconds."""
    query = """
        insert into outcomes (post_id, judged_at, taken_at, age, views, engagement, rate, velocity, reward, surprise,
                              verdict)
        values (%(post_id)s, to_timestamp(%(now)s), to_timestamp(%(taken_at)s), %(age)s, %(views)s, %(engagement)s,
                %(rate)s, %(velocity)s, %(reward)s, %(surprise)s, %(verdict)s)
        on conflict (post_id) do update
           set judged_at = excluded.judged_at, taken_at = excluded.taken_at, age = excluded.age,
               views = excluded.views, engagement = excluded.engagement, rate = excluded.rate,
               velocity = excluded.velocity, reward = excluded.reward, surprise = excluded.surprise,
               verdict = excluded.verdict
         where outcomes.taken_at <= excluded.taken_at
    """
    return changed(conn, query, {"post_id": post_id, "now": now, "verdict": outcome.verdict, **asdict(outcome)}) == 1


def judged(conn: Connection, account: str, *, since: float) -> tuple[Judged, ...]:
    """What there is to roll up: posts and replies confirmed after `since` (calendar Unix seconds), oldest first."""
    query = """
        select extract(epoch from p.confirmed_at)::float8 as at, p.kind, p.arm ->> 'topic' as topic,
               p.arm ->> 'format' as format, p.arm ->> 'tone' as tone, o.views, o.engagement,
               coalesce(a.followers, 0) as followers
          from posts p join outcomes o on o.post_id = p.id left join attributions a on a.post_id = p.id
         where p.account = %(account)s and p.confirmed_at > to_timestamp(%(since)s)
         order by p.confirmed_at, p.id
    """
    return tuple(Judged(**found) for found in rows(conn, query, {"account": account, "since": since}))


def verdicts(conn: Connection, account: str, *, since: float) -> dict[str, int]:
    """How many of the posts confirmed after `since` (calendar Unix seconds) did as predicted, better and worse."""
    query = """
        select verdict, count(*) as n from outcomes join posts on posts.id = post_id
         where account = %(account)s and confirmed_at > to_timestamp(%(since)s) and verdict <> 'open'
         group by verdict order by verdict
    """
    return {found["verdict"]: found["n"] for found in rows(conn, query, {"account": account, "since": since})}


def samples(conn: Connection, account: str, *, since: float, min_age: float) -> tuple[Sample, ...]:
    """The optimizer's evidence: posts (not replies) confirmed after `since` and looked at `min_age` later, in order.

    since: calendar Unix seconds; min_age: calendar seconds. A thread counts once, as its first part.
    """
    query = """
        select extract(epoch from p.confirmed_at)::float8 as at, o.velocity, o.reward, p.predicted,
               (select count(*)::int from posts q
                 where q.account = p.account and q.kind <> 'reply' and coalesce(q.thread_position, 0) = 0
                   and q.state in ('confirmed', 'reconciled') and q.confirmed_at < p.confirmed_at
                   and q.confirmed_at > p.confirmed_at - interval '24 hours') as before
          from posts p join outcomes o on o.post_id = p.id
         where p.account = %(account)s and p.kind <> 'reply' and coalesce(p.thread_position, 0) = 0
           and p.confirmed_at > to_timestamp(%(since)s) and o.age >= %(min_age)s
         order by p.confirmed_at, p.id
    """
    params = {"account": account, "since": since, "min_age": min_age}
    return tuple(Sample(**found) for found in rows(conn, query, params))
