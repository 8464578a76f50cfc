"""What the jobs did: one row a run, one heartbeat a job."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from psycopg.types.json import Jsonb

from store.sql import Connection, changed, rows

Outcome = Literal["succeeded", "failed", "skipped", "cancelled"]


@dataclass(frozen=True, slots=True)
class Run:
    """One run that is over, or did not begin (skipped). Times in calendar Unix seconds. reason: unless succeeded."""

    run_id: str
    job: str
    instance: str
    started_at: float
    ended_at: float
    outcome: Outcome
    attempts: int
    reason: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Counts:
    """How the runs of one job ended."""

    succeeded: int
    failed: int
    skipped: int
    cancelled: int


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The last sign of life of a job's actor. at: calendar Unix seconds."""

    job: str
    instance: str
    state: str
    at: float


def record(conn: Connection, runs: Sequence[Run]) -> int:
    """Keep runs with one statement; returns how many were not known before."""
    query = """
        insert into job_runs (run_id, job, instance, started_at, ended_at, outcome, attempts, reason, detail)
        select run_id, job, instance, to_timestamp(started_at), to_timestamp(ended_at), outcome, attempts, reason,
               detail
          from jsonb_to_recordset(%(runs)s) as run (run_id text, job text, instance text, started_at float8,
               ended_at float8, outcome text, attempts int, reason text, detail jsonb)
        on conflict do nothing
    """
    return changed(conn, query, {"runs": _as_json(runs)})


def history(conn: Connection, *, job: str | None = None, limit: int = 50) -> tuple[Run, ...]:
    """The last runs, of one job or of all, newest first."""
    query = """
        select run_id, job, instance, extract(epoch from started_at)::float8 as started_at,
               extract(epoch from ended_at)::float8 as ended_at, outcome, attempts, reason, detail
          from job_runs where %(job)s::text is null or job = %(job)s
         order by ended_at desc, run_id limit %(limit)s
    """
    return tuple(Run(**found) for found in rows(conn, query, {"job": job, "limit": limit}))


def last_successes(conn: Connection) -> dict[str, float]:
    """When each job last succeeded (calendar Unix seconds)."""
    query = """
        select job, extract(epoch from max(ended_at))::float8 as at from job_runs
         where outcome = 'succeeded' group by job order by job
    """
    return {found["job"]: found["at"] for found in rows(conn, query, {})}


def counts(conn: Connection, *, since: float) -> dict[str, Counts]:
    """How the runs that ended after `since` (calendar Unix seconds) ended, by job."""
    query = """
        select job, count(*) filter (where outcome = 'succeeded') as succeeded,
               count(*) filter (where outcome = 'failed') as failed,
               count(*) filter (where outcome = 'skipped') as skipped,
               count(*) filter (where outcome = 'cancelled') as cancelled
          from job_runs where ended_at > to_timestamp(%(since)s) group by job order by job
    """
    return {found.pop("job"): Counts(**found) for found in rows(conn, query, {"since": since})}


def failures(conn: Connection, *, since: float, limit: int = 20) -> tuple[tuple[str, str, int], ...]:
    """Why runs failed after `since` (calendar Unix seconds): job, reason and how often, the most frequent first."""
    query = """
        select job, reason, count(*) as times from job_runs
         where outcome = 'failed' and ended_at > to_timestamp(%(since)s)
         group by job, reason order by times desc, job, reason limit %(limit)s
    """
    found = rows(conn, query, {"since": since, "limit": limit})
    return tuple((each["job"], each["reason"], each["times"]) for each in found)


def beat(conn: Connection, heartbeats: Sequence[Heartbeat]) -> int:
    """Keep signs of life, one a job, with one statement; returns for how many jobs no later one is known."""
    query = """
        insert into job_heartbeats (job, instance, state, at)
        select job, instance, state, to_timestamp(at)
          from jsonb_to_recordset(%(beats)s) as beat (job text, instance text, state text, at float8)
        on conflict (job) do update set instance = excluded.instance, state = excluded.state, at = excluded.at
         where job_heartbeats.at <= excluded.at
    """
    return changed(conn, query, {"beats": _as_json(heartbeats)})


def heartbeats(conn: Connection) -> tuple[Heartbeat, ...]:
    """The last sign of life of every job."""
    query = "select job, instance, state, extract(epoch from at)::float8 as at from job_heartbeats order by job"
    return tuple(Heartbeat(**found) for found in rows(conn, query, {}))


def _as_json(values: Sequence[Run] | Sequence[Heartbeat]) -> Jsonb:
    return Jsonb([{name: getattr(value, name) for name in value.__slots__} for value in values])
