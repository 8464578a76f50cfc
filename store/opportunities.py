"""The pool of posts that may be answered, and what became of each."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from domain.replies.opportunities import Answered, Opportunity, Sighting
from store.posts.queue import Draft, Duplicate, OptedOut, Queued, lock_account, queue
from store.sql import Connection, changed, row, rows


@dataclass(frozen=True, slots=True)
class Find:
    """A post that may be answered, as it was just seen. score: at the time of saving."""

    seen: Sighting
    topic: str
    score: float


def save(conn: Connection, account: str, finds: Iterable[Find], *, now: float) -> int:
    """Keep what was found, and renew what is known and still open. Returns how many are new. now: calendar."""
    query = """
        insert into opportunities (account, site_id, author, body, topic, posted_at, views, likes, replies, reposts,
                                   bookmarks, score, scored_at, found_at, changed_at)
        values (%(account)s, %(site_id)s, %(author)s, %(body)s, %(topic)s, to_timestamp(%(at)s), %(views)s, %(likes)s,
                %(replies)s, %(reposts)s, %(bookmarks)s, %(score)s, to_timestamp(%(now)s), to_timestamp(%(now)s),
                to_timestamp(%(now)s))
        on conflict (account, site_id) do update
           set views = excluded.views, likes = excluded.likes, replies = excluded.replies,
               reposts = excluded.reposts, bookmarks = excluded.bookmarks, score = excluded.score,
               scored_at = excluded.scored_at, changed_at = excluded.changed_at
         where opportunities.state = 'open'
        returning xmax = 0 as new
    """
    new = 0
    with conn.transaction():
        lock_account(conn, account)
        for find in sorted(finds, key=lambda find: find.seen.id):
            seen = find.seen
            counts = {name: getattr(seen, name) for name in ("views", "likes", "replies", "reposts", "bookmarks")}
            of = {"account": account, "site_id": seen.id, "author": seen.author, "body": seen.text, "at": seen.at}
            found = row(conn, query, {**of, **counts, "topic": find.topic, "score": find.score, "now": now})
            new += bool(found and found["new"])
    return new


def pool(conn: Connection, account: str, *, limit: int = 1000) -> tuple[Opportunity, ...]:
    """The open ones, with the followers of their authors where somebody has looked; in the order of their ids."""
    query = """
        select site_id as id, author, body as text, opportunities.topic, score, followers,
               extract(epoch from posted_at)::float8 as at, extract(epoch from scored_at)::float8 as scored_at
          from opportunities left join found_accounts on found_accounts.account = opportunities.account
                                                     and handle = lower(author)
         where opportunities.account = %(account)s and state = 'open' order by site_id limit %(limit)s
    """
    return tuple(Opportunity(**found) for found in rows(conn, query, {"account": account, "limit": limit}))


def close(conn: Connection, account: str, ids: Collection[int], state: str, reason: str, *, now: float) -> int:
    """Take open ones out of the pool. state: `passed` or `expired`. Returns how many were open."""
    query = """
        update opportunities set state = %(state)s, reason = %(reason)s, changed_at = to_timestamp(%(now)s)
         where account = %(account)s and site_id = any(%(ids)s::bigint[]) and state = 'open'
    """
    params = {"account": account, "ids": sorted(ids), "state": state, "reason": reason, "now": now}
    return changed(conn, query, params)


def answer(
    conn: Connection, account: str, site_id: int, draft: Draft, *, who: str, now: float
) -> Queued | Duplicate | OptedOut:
    """Queue a reply to one of the pool, and take that out of it: both or neither."""
    with conn.transaction():
        said = queue(conn, account, draft, who=who, now=now)
        match said:
            case Queued((post_id,)):
                query = """
                    update opportunities
                       set state = 'answered', reason = 'a reply is queued', post_id = %(post_id)s,
                           changed_at = to_timestamp(%(now)s)
                     where account = %(account)s and site_id = %(site_id)s
                """
                changed(conn, query, {"account": account, "site_id": site_id, "post_id": post_id, "now": now})
            case _:
                why = "its author opted out" if isinstance(said, OptedOut) else "the same reply was given before"
                close(conn, account, [site_id], "passed", why, now=now)
        return said


def answered(conn: Connection, account: str, *, since: float) -> Answered:
    """Whom we have answered or are about to: authors since then (calendar Unix seconds), threads ever."""
    query = """
        select parent_site_id, conversation_id, lower(parent_author) as author,
               state not in ('confirmed', 'reconciled') or confirmed_at > to_timestamp(%(since)s) as lately
          from posts where account = %(account)s and kind = 'reply' and state <> 'failed_definite' order by id
    """
    found = rows(conn, query, {"account": account, "since": since})
    threads = {each[name] for each in found for name in ("parent_site_id", "conversation_id")} - {None}
    return Answered(frozenset(each["author"] for each in found if each["lately"]), frozenset(threads))


def counts(conn: Connection, account: str) -> dict[str, int]:
    """How many there are in each state."""
    query = """
        select state, count(*) as n from opportunities where account = %(account)s group by state order by state
    """
    return {found["state"]: found["n"] for found in rows(conn, query, {"account": account})}
