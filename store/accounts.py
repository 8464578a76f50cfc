"""Accounts that were found on our topics, as their pages showed them."""

from dataclasses import dataclass

from store.posts.queue import lock_account
from store.sql import Connection, changed, row, rows


@dataclass(frozen=True, slots=True)
class Account:
    """One account. handle: as it is written; topic: None where it has none of ours; fit: 0 to 1; looked_at: calendar
    Unix seconds."""

    handle: str
    name: str
    followers: int
    topic: str | None
    fit: float
    looked_at: float


def save(conn: Connection, account: str, found: Account) -> bool:
    """Keep what its page showed, unless a later look is known. Returns whether the account is new."""
    query = """
        insert into found_accounts (account, handle, shown, name, followers, topic, fit, found_at, looked_at)
        values (%(account)s, lower(%(handle)s), %(handle)s, %(name)s, %(followers)s, %(topic)s, %(fit)s,
                to_timestamp(%(looked_at)s), to_timestamp(%(looked_at)s))
        on conflict (account, handle) do update
           set shown = excluded.shown, name = excluded.name, followers = excluded.followers, topic = excluded.topic,
               fit = excluded.fit, looked_at = excluded.looked_at
         where found_accounts.looked_at <= excluded.looked_at
        returning xmax = 0 as new
    """
    with conn.transaction():
        lock_account(conn, account)
        params = {name: getattr(found, name) for name in Account.__slots__}
        kept = row(conn, query, {"account": account, **params})
        return bool(kept and kept["new"])


def looked_at(conn: Connection, account: str) -> dict[str, float]:
    """When each account's page was last read (calendar Unix seconds), by lower-case handle."""
    query = """
        select handle, extract(epoch from looked_at)::float8 as at from found_accounts
         where account = %(account)s order by handle
    """
    return {found["handle"]: found["at"] for found in rows(conn, query, {"account": account})}


def followers(conn: Connection, account: str) -> dict[str, int]:
    """How many follow each, by lower-case handle."""
    query = "select handle, followers from found_accounts where account = %(account)s order by handle"
    return {found["handle"]: found["followers"] for found in rows(conn, query, {"account": account})}


def on_topic(conn: Connection, account: str, *, limit: int = 20) -> tuple[Account, ...]:
    """Those with a topic of ours, the largest reach on it first."""
    query = """
        select shown as handle, name, followers, topic, fit, extract(epoch from looked_at)::float8 as looked_at
          from found_accounts where account = %(account)s and topic is not null
           and handle not in (select author from opt_outs)
         order by fit * ln(followers + 2) desc, handle limit %(limit)s
    """
    return tuple(Account(**found) for found in rows(conn, query, {"account": account, "limit": limit}))


def forget(conn: Connection, account: str, handle: str) -> bool:
    """The account is no more. False if it was not known."""
    query = "delete from found_accounts where account = %(account)s and handle = lower(%(handle)s)"
    return changed(conn, query, {"account": account, "handle": handle}) == 1


def count(conn: Connection, account: str) -> int:
    """How many are known."""
    found = row(conn, "select count(*) as n from found_accounts where account = %(a)s", {"a": account})
    assert found is not None
    number: int = found["n"]
    return number
