"""What the analyses concluded, run by run."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Literal

from domain.analysis.insights import Insight
from store.sql import Connection, changed, rows

MadeBy = Literal["model", "rule"]


def save(
    conn: Connection,
    account: str,
    source: str,
    insights: Sequence[Insight],
    *,
    made_by: MadeBy,
    run_id: str,
    now: float,
) -> int:
    """Keep what a run found; how many are new (0 when the run is repeated). source: the job's name."""
    query = """
        insert into insights (account, source, run_id, place, made_by, at, dimension, key, direction, body, lift)
        values (%(account)s, %(source)s, %(run_id)s, %(place)s, %(made_by)s, to_timestamp(%(now)s), %(dimension)s,
                %(key)s, %(direction)s, %(text)s, %(lift)s)
        on conflict do nothing
    """
    with conn.transaction():
        run = {"account": account, "source": source, "run_id": run_id, "made_by": made_by, "now": now}
        return sum(
            changed(conn, query, {**run, "place": place, **asdict(each)}) for place, each in enumerate(insights)
        )


def newest(conn: Connection, account: str, *, since: float, limit: int = 8) -> tuple[Insight, ...]:
    """What the newest run of each source found after `since` (calendar Unix seconds): the first of each run first."""
    query = """
        select dimension, key, direction, body as text, lift from insights i
         where account = %(account)s and at > to_timestamp(%(since)s)
           and run_id = (select run_id from insights n where n.account = i.account and n.source = i.source
                          order by n.at desc, n.id desc limit 1)
         order by place, source limit %(limit)s
    """
    return tuple(
        Insight(**found) for found in rows(conn, query, {"account": account, "since": since, "limit": limit})
    )
