"""What the operator set while Roost runs, and what must survive a restart: flags by name, with JSON values."""

from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from store.sql import Connection, changed, rows


@dataclass(frozen=True, slots=True)
class Flag:
    """One setting in force. at: calendar Unix seconds of its last change."""

    name: str
    value: Any
    at: float
    who: str


def put(conn: Connection, flag: Flag) -> bool:
    """Set a flag; False if one set later is in force (a change that waited in the journal comes late)."""
    query = """
        insert into flags (name, value, changed_at, changed_by)
        values (%(name)s, %(value)s, to_timestamp(%(at)s), %(who)s)
        on conflict (name) do update
           set value = excluded.value, changed_at = excluded.changed_at, changed_by = excluded.changed_by
         where flags.changed_at <= excluded.changed_at
    """
    params = {"name": flag.name, "value": Jsonb(flag.value), "at": flag.at, "who": flag.who}
    return changed(conn, query, params) == 1


def every(conn: Connection) -> dict[str, Flag]:
    """All flags by name."""
    query = """
        select name, value, extract(epoch from changed_at)::float8 as at, changed_by as who from flags order by name
    """
    return {found["name"]: Flag(**found) for found in rows(conn, query, {})}
