"""From the journal into Postgres: each entry has its effect once, however often it is replayed.

An entry's id is kept in the same transaction as its effect. So a crash between the replay and the journal's note of
it costs a second replay, which finds the id and does nothing.
"""

from dataclasses import dataclass
from typing import assert_never

import psycopg

from domain.publishing.states import IllegalMoveError
from store import flags, health, lane, metrics, optouts, posts, runs, spend
from store.flags import Flag
from store.health import HealthRecord
from store.metrics import Snapshot
from store.posts.events import note
from store.runs import Heartbeat, Run
from store.spend import Spend
from store.sql import Connection, changed
from store.writes import (
    AccountStopped,
    Entry,
    OptOut,
    PostArmed,
    PostConfirmed,
    PostFailed,
    PostLostSight,
    PostNoted,
    PostReleased,
    Write,
)

# What a second replay would meet again: the entry is at fault, or this Roost's code, and those behind it must go on.
# A server that is away, busy, full or in a crash raises other classes.
POISON = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.ProgrammingError,
    psycopg.NotSupportedError,
    IllegalMoveError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Replayed:
    """It is in Postgres now. refused: why a post did not change by it (the trail has it too), else None."""

    refused: str | None = None


@dataclass(frozen=True, slots=True)
class AlreadyReplayed:
    """It was there from an earlier replay; nothing was done."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """Postgres will never take it as it is. Nothing was written: set it aside, report it, and go on."""

    why: str


def replay(conn: Connection, entry: Entry, *, now: float) -> Replayed | AlreadyReplayed | Rejected:
    """Give an entry its effect. now: calendar Unix seconds, of the replay itself.

    Replay a journal in the order of `seq`, one after the other. Raises psycopg.Error where the database is away or
    not itself: keep the entry and try later.
    """
    try:
        with conn.transaction():
            query = """
                insert into applied_journal_entries (entry_id, applied_at) values (%(id)s, to_timestamp(%(now)s))
                on conflict do nothing
            """
            if not changed(conn, query, {"id": entry.id, "now": now}):
                return AlreadyReplayed()
            match _apply(conn, entry.write):
                case posts.NotApplied(_, why):
                    return Replayed(refused=why)
                case _:
                    return Replayed()
    except POISON as error:
        return Rejected(f"{type(entry.write).__name__} {entry.id}: {' '.join(str(error).split())}")


def _apply(conn: Connection, write: Write) -> posts.Change | None:
    match write:
        case PostArmed(post_id, token, who, at):
            return posts.arm(conn, post_id, token, who=who, at=at)
        case PostConfirmed(post_id, token, site_id, who, at, evidence):
            return posts.confirm(conn, post_id, token, site_id, who=who, at=at, evidence=evidence)
        case PostFailed(post_id, token, reason, who, at, again_at):
            return posts.fail(conn, post_id, token, reason, who=who, at=at, again_at=again_at)
        case PostLostSight(post_id, token, reason, who, at):
            return posts.lose_sight(conn, post_id, token, reason, who=who, at=at)
        case PostReleased(post_id, token, reason, who, at):
            return posts.release(conn, post_id, token, reason, who=who, at=at)
        case PostNoted(post_id, event, who, at, detail):
            note(conn, post_id, event, who, at, detail)
        case AccountStopped(account, reason, at):
            lane.stop(conn, account, reason, now=at)
        case OptOut(author, source, at):
            optouts.add(conn, author, source=source, now=at)
        case Snapshot():
            metrics.save(conn, write)
        case Run():
            runs.record(conn, [write])
        case Heartbeat():
            runs.beat(conn, [write])
        case Flag():
            flags.put(conn, write)
        case Spend():
            spend.record(conn, write)
        case HealthRecord():
            health.record(conn, write)
        case _:
            assert_never(write)
    return None
