"""What was learned, in versions: the newest is the one in use, the older say what it was before."""

from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from store.posts.queue import lock_account
from store.sql import Connection, changed, row


@dataclass(frozen=True, slots=True)
class Model:
    """One version. trained_on: how many posts. created_at: calendar Unix seconds."""

    kind: str
    version: int
    payload: dict[str, Any]
    trained_on: int
    created_at: float


def save(
    conn: Connection, account: str, kind: str, payload: dict[str, Any], *, trained_on: int, run_id: str, now: float
) -> int:
    """Keep a new version and return its number; saved again by the same run, the number it has already."""
    with conn.transaction():
        lock_account(conn, account)
        key = {"account": account, "kind": kind}
        query = "select version from models where account = %(account)s and kind = %(kind)s and run_id = %(run_id)s"
        found = row(conn, query, {**key, "run_id": run_id})
        if found is None:
            query = """
                select coalesce(max(version), 0) + 1 as version from models
                 where account = %(account)s and kind = %(kind)s
            """
            found = row(conn, query, key)
            assert found is not None
            query = """
                insert into models (account, kind, version, run_id, payload, trained_on, created_at)
                values (%(account)s, %(kind)s, %(version)s, %(run_id)s, %(payload)s, %(trained_on)s,
                        to_timestamp(%(now)s))
            """
            new = {"version": found["version"], "payload": Jsonb(payload), "trained_on": trained_on, "now": now}
            changed(conn, query, {**key, "run_id": run_id, **new})
        version: int = found["version"]
        return version


def newest(conn: Connection, account: str, kind: str) -> Model | None:
    """The version in use."""
    query = """
        select kind, version, payload, trained_on, extract(epoch from created_at)::float8 as created_at from models
         where account = %(account)s and kind = %(kind)s order by version desc limit 1
    """
    found = row(conn, query, {"account": account, "kind": kind})
    return Model(**found) if found else None
