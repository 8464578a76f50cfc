"""The deep checks' findings over time."""

from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from store.sql import Connection, changed, rows


@dataclass(frozen=True, slots=True)
class HealthRecord:
    """One deep check. at: calendar Unix seconds. level: the degradation level's name. payload: what was found."""

    at: float
    instance: str
    level: str
    healthy: bool
    payload: dict[str, Any]


def record(conn: Connection, found: HealthRecord) -> bool:
    """Keep a check; False if it was kept before."""
    query = """
        insert into health_records (at, instance, level, healthy, payload)
        values (to_timestamp(%(at)s), %(instance)s, %(level)s, %(healthy)s, %(payload)s) on conflict do nothing
    """
    params = {name: getattr(found, name) for name in HealthRecord.__slots__}
    return changed(conn, query, {**params, "payload": Jsonb(found.payload)}) == 1


def latest(conn: Connection, *, limit: int = 1) -> tuple[HealthRecord, ...]:
    """The last checks, newest first."""
    query = """
        select extract(epoch from at)::float8 as at, instance, level, healthy, payload from health_records
         order by health_records.at desc, instance limit %(limit)s
    """
    return tuple(HealthRecord(**found) for found in rows(conn, query, {"limit": limit}))
