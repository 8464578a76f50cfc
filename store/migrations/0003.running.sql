-- depends: 0002.learning
-- What the jobs did, how the system was, and what the operator changed.

create table job_runs (
    run_id     text primary key,
    job        text not null,
    instance   text not null,
    started_at timestamptz not null,
    ended_at   timestamptz not null,
    outcome    text not null check (outcome in ('succeeded', 'failed', 'skipped', 'cancelled')),
    attempts   integer not null check (attempts >= 0),
    reason     text,
    detail     jsonb not null default '{}',
    check (outcome = 'succeeded' or reason is not null)
);
create index job_runs_of_job on job_runs (job, ended_at desc);
create index job_runs_by_time on job_runs (ended_at desc);

create table job_heartbeats (
    job      text primary key,
    instance text not null,
    state    text not null,
    at       timestamptz not null
);

create table flags (
    name       text primary key,
    value      jsonb not null,
    changed_at timestamptz not null,
    changed_by text not null
);

create table health_records (
    at       timestamptz not null,
    instance text not null,
    level    text not null,
    healthy  boolean not null,
    payload  jsonb not null,
    primary key (at, instance)
);
