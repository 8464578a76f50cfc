"""Where the knobs stand, and every move of them with its evidence: any of them can be taken back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from domain.analysis.knobs import Setting
from store.posts.queue import lock_account
from store.sql import Connection, Row, row, rows


@dataclass(frozen=True, slots=True)
class Move:
    """One move. at: calendar Unix seconds. reverts: the id of the move that it took back."""

    id: int
    knob: str
    at: float
    was: float
    value: float
    who: str
    evidence: dict[str, Any]
    reverts: int | None = None


@dataclass(frozen=True, slots=True)
class NotReverted:
    """The move stays, and why."""

    why: str


def settings(conn: Connection, account: str) -> Mapping[str, Setting]:
    """Where each knob that was ever moved stands."""
    found = rows(conn, f"{_NEWEST} order by knob, id desc", {"account": account})
    return {
        each["knob"]: Setting(
            each["value"], each["at"], (each["value"] > each["was"]) - (each["value"] < each["was"])
        )
        for each in found
    }


def values(conn: Connection, account: str) -> Mapping[str, float]:
    """The value of each knob that was ever moved, as stored: `domain.analysis.knobs.in_force` bounds it."""
    return {name: setting.value for name, setting in settings(conn, account).items()}


def move(
    conn: Connection,
    account: str,
    knob: str,
    *,
    was: float,
    value: float,
    who: str,
    evidence: Mapping[str, Any],
    now: float,
) -> Move | None:
    """Turn a knob; None if it does not stand at `was` any more. now: calendar Unix seconds."""
    with conn.transaction():
        lock_account(conn, account)
        newest = row(
            conn, f"{_NEWEST} and knob = %(knob)s order by knob, id desc", {"account": account, "knob": knob}
        )
        if newest is not None and newest["value"] != was:
            return None
        return _insert(conn, account, knob, was, value, who, dict(evidence), None, now)


def revert(conn: Connection, account: str, move_id: int, *, who: str, now: float) -> Move | NotReverted:
    """Put the knob back to where it stood before a move, whatever came after it. now: calendar Unix seconds."""
    with conn.transaction():
        lock_account(conn, account)
        query = f"select {_COLUMNS} from knob_moves where account = %(account)s and id = %(id)s"
        found = row(conn, query, {"account": account, "id": move_id})
        if found is None:
            return NotReverted(f"there is no move {move_id}")
        if row(conn, "select 1 from knob_moves where reverts = %(id)s", {"id": move_id}) is not None:
            return NotReverted(f"move {move_id} of {found['knob']} is taken back already")
        stands = values(conn, account)[found["knob"]]
        return _insert(conn, account, found["knob"], stands, found["was"], who, {"reverts": move_id}, move_id, now)


def history(conn: Connection, account: str, *, limit: int = 20) -> tuple[Move, ...]:
    """The last moves, newest first."""
    query = f"select {_COLUMNS} from knob_moves where account = %(account)s order by id desc limit %(limit)s"
    return tuple(Move(**found) for found in rows(conn, query, {"account": account, "limit": limit}))


_COLUMNS = "id, knob, extract(epoch from at)::float8 as at, was, value, who, evidence, reverts"
_NEWEST = f"select distinct on (knob) {_COLUMNS} from knob_moves where account = %(account)s"


def _insert(
    conn: Connection,
    account: str,
    knob: str,
    was: float,
    value: float,
    who: str,
    evidence: dict[str, Any],
    reverts: int | None,
    now: float,
) -> Move:
    query = f"""
        insert into knob_moves (account, knob, at, was, value, who, evidence, reverts)
        values (%(account)s, %(knob)s, to_timestamp(%(now)s), %(was)s, %(value)s, %(who)s, %(evidence)s, %(reverts)s)
        returning {_COLUMNS}
    """
    params: Row = {
        "account": account,
        "knob": knob,
        "now": now,
        "was": was,
        "value": value,
        "who": who,
        "evidence": Jsonb(evidence),
        "reverts": reverts,
    }
    made = row(conn, query, params)
    assert made is not None
    return Move(**made)
