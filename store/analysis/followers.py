"""The own follower count, as a series."""

from domain.analysis.attribution import Sample
from domain.analysis.report import Growth
from domain.calendar import DAY
from store.sql import Connection, changed, row, rows


def save(conn: Connection, account: str, sample: Sample) -> bool:
    """Keep a count; False if one of that very moment is there."""
    query = """
        insert into follower_snapshots (account, taken_at, followers)
        values (%(account)s, to_timestamp(%(at)s), %(followers)s) on conflict do nothing
    """
    return changed(conn, query, {"account": account, "at": sample.at, "followers": sample.followers}) == 1


def series(conn: Connection, account: str, *, since: float) -> tuple[Sample, ...]:
    """The counts taken at or after `since` (calendar Unix seconds), oldest first."""
    query = """
        select extract(epoch from taken_at)::float8 as at, followers from follower_snapshots
         where account = %(account)s and taken_at >= to_timestamp(%(since)s) order by taken_at
    """
    return tuple(Sample(**found) for found in rows(conn, query, {"account": account, "since": since}))


def growth(conn: Connection, account: str, *, now: float) -> Growth | None:
    """The newest count, and how much more it is than the newest of a day and a week before; None without any."""
    newest = _at(conn, account, now)
    if newest is None:
        return None
    day, week = (_at(conn, account, now - span) for span in (DAY, 7 * DAY))
    return Growth(newest, None if day is None else newest - day, None if week is None else newest - week)


def _at(conn: Connection, account: str, at: float) -> int | None:
    query = """
        select followers from follower_snapshots
         where account = %(account)s and taken_at <= to_timestamp(%(at)s) order by taken_at desc limit 1
    """
    found = row(conn, query, {"account": account, "at": at})
    if found is None:
        return None
    followers: int = found["followers"]
    return followers
