"""Roll-ups and the reports on them."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Literal

from psycopg.types.json import Jsonb

from domain.analysis.rollups import Rollup
from store.sql import Connection, changed, row, rows

Whose = Literal["own", "peers", "viral"]


def replace(conn: Connection, account: str, whose: Whose, rollups: Sequence[Rollup], *, now: float) -> None:
    """Put these in the place of all that were there. now: calendar Unix seconds."""
    key = {"account": account, "whose": whose}
    with conn.transaction():
        changed(conn, "delete from rollups where account = %(account)s and whose = %(whose)s", key)
        for each in rollups:
            query = """
                insert into rollups (account, whose, dimension, key, posts, views, engagement, followers, computed_at)
                values (%(account)s, %(whose)s, %(dimension)s, %(key)s, %(posts)s, %(views)s, %(engagement)s,
                        %(followers)s, to_timestamp(%(now)s))
            """
            changed(conn, query, {**key, **asdict(each), "now": now})


def every(conn: Connection, account: str, whose: Whose) -> tuple[Rollup, ...]:
    """The roll-ups in force."""
    query = """
        select dimension, key, posts, views, engagement, followers from rollups
         where account = %(account)s and whose = %(whose)s order by dimension, key
    """
    return tuple(Rollup(**found) for found in rows(conn, query, {"account": account, "whose": whose}))


def save_report(conn: Connection, account: str, payload: dict[str, Any], *, now: float) -> None:
    """Keep a report, and its predecessors. now: calendar Unix seconds."""
    query = """
        insert into reports (account, at, payload) values (%(account)s, to_timestamp(%(now)s), %(payload)s)
        on conflict (account, at) do update set payload = excluded.payload
    """
    changed(conn, query, {"account": account, "now": now, "payload": Jsonb(payload)})


def newest_report(conn: Connection, account: str) -> dict[str, Any] | None:
    """The newest report, with the time (`at`, calendar Unix seconds) it was made at."""
    query = """
        select payload, extract(epoch from at)::float8 as at from reports
         where account = %(account)s order by reports.at desc limit 1
    """
    found = row(conn, query, {"account": account})
    return None if found is None else {**found["payload"], "at": found["at"]}
