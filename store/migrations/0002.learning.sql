-- depends: 0001.publishing
-- How posts did, and what was learned from it.

create table metric_snapshots (
    post_id   bigint not null references posts on delete cascade,
    taken_at  timestamptz not null,
    views     bigint not null check (views >= 0),
    likes     bigint not null check (likes >= 0),
    replies   bigint not null check (replies >= 0),
    reposts   bigint not null check (reposts >= 0),
    bookmarks bigint not null check (bookmarks >= 0),
    primary key (post_id, taken_at)
);

create table models (
    account    text not null references accounts,
    kind       text not null,
    version    integer not null check (version >= 1),
    -- The run that made it: a repeated save is recognised by it.
    run_id     text not null,
    payload    jsonb not null,
    trained_on integer not null check (trained_on >= 0),
    created_at timestamptz not null,
    primary key (account, kind, version),
    unique (account, kind, run_id)
);

-- Dollars spent on the model's API, one row a call: the day's budget is a sum over these.
create table model_spend (
    call_id       text primary key,
    at            timestamptz not null,
    usd           numeric(12, 6) not null check (usd >= 0),
    input_tokens  integer not null check (input_tokens >= 0),
    output_tokens integer not null check (output_tokens >= 0),
    model         text not null,
    job           text not null
);
create index model_spend_by_time on model_spend (at);
