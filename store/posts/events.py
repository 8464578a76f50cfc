"""The audit trail of a post: who changed what, when, and what was refused."""

from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from store.sql import Connection, changed, rows


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the trail. at: calendar Unix seconds."""

    at: float
    event: str
    who: str
    detail: dict[str, Any]


def note(conn: Connection, post_id: int, event: str, who: str, now: float, detail: dict[str, Any]) -> None:
    """Add a line to the trail of a post, in the transaction that makes the change."""
    query = """
        insert into post_events (post_id, at, event, who, detail)
        values (%(post_id)s, to_timestamp(%(now)s), %(event)s, %(who)s, %(detail)s)
    """
    changed(conn, query, {"post_id": post_id, "now": now, "event": event, "who": who, "detail": Jsonb(detail)})


def trail(conn: Connection, post_id: int) -> tuple[Event, ...]:
    """All lines of a post, in the order in which they were written."""
    query = """
        select extract(epoch from at)::float8 as at, event, who, detail from post_events
         where post_id = %(post_id)s order by id
    """
    return tuple(Event(**found) for found in rows(conn, query, {"post_id": post_id}))
