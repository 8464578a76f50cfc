"""Retention: rows that nobody will look at again, and what is left of posts that were removed from the site.

How long each is kept is `domain.housekeeping`'s; the caller brings the times (calendar Unix seconds).
"""

from typing import LiteralString

from domain.housekeeping import ERASED
from store.posts.events import note
from store.sql import Connection, changed, row, rows

_OLD: dict[str, LiteralString] = {
    "job_runs": "delete from job_runs where ended_at < to_timestamp(%(before)s)",
    "health_records": "delete from health_records where at < to_timestamp(%(before)s)",
    "applied_journal_entries": "delete from applied_journal_entries where applied_at < to_timestamp(%(before)s)",
    "metric_snapshots": "delete from metric_snapshots where taken_at < to_timestamp(%(before)s)",
    # The newest of each kind is the one in use, however old it is.
    "models": """
        delete from models old where created_at < to_timestamp(%(before)s)
           and exists (select 1 from models newer where newer.account = old.account and newer.kind = old.kind
                          and newer.version > old.version)
    """,
    "opportunities": """
        delete from opportunities where state <> 'open' and changed_at < to_timestamp(%(before)s)
    """,
}
# What was measured of a post, by table.
_FIGURES: dict[str, LiteralString] = {
    "metric_snapshots": "delete from metric_snapshots where post_id = %(id)s",
    "outcomes": "delete from outcomes where post_id = %(id)s",
    "attributions": "delete from attributions where post_id = %(id)s",
}


def forget(conn: Connection, table: str, *, before: float) -> int:
    """Delete the rows of a table that are older; returns how many. A table that is not there has none."""
    return changed(conn, _OLD[table], {"before": before}) if _is_there(conn, table) else 0


def erase_removed(conn: Connection, *, who: str, now: float) -> tuple[int, ...]:
    """Take text and figures of all posts that were removed from the site; returns the ids of those that had any.

    Id, hash of the text, caps and trail stay. Safe to repeat: figures that came late go with the next call.
    """
    with conn.transaction():
        query = """
            select id, body <> %(erased)s as has_text from posts where removed_at is not null order by id for update
        """
        gone = []
        for found in rows(conn, query, {"erased": ERASED}):
            figures = sum(
                changed(conn, query_of, {"id": found["id"]})
                for table, query_of in _FIGURES.items()
                if _is_there(conn, table)
            )
            if not (figures or found["has_text"]):
                continue
            changed(
                conn,
                """
                update posts set body = %(erased)s, predicted = null, changed_at = to_timestamp(%(now)s)
                 where id = %(id)s
                """,
                {"id": found["id"], "erased": ERASED, "now": now},
            )
            note(conn, found["id"], "erased", who, now, {"figures": figures})
            gone.append(int(found["id"]))
        return tuple(gone)


def _is_there(conn: Connection, table: str) -> bool:
    found = row(conn, "select to_regclass(%(table)s) is not null as there", {"table": table})
    return found is not None and bool(found["there"])
