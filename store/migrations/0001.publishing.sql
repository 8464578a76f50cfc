-- What is published, by whom, and how it is known. Times are calendar times, except lane_until_real.

create table accounts (
    account         text primary key,
    -- The lane: who may claim posts for this account. The token only grows; it outlives every holder.
    lane_owner      text,
    lane_token      bigint not null default 0 check (lane_token >= 0),
    lane_until_real timestamptz,
    -- Set when the site refuses the account (expired session, locked, suspended): no claims until a person clears it.
    stopped_reason  text,
    stopped_at      timestamptz,
    check ((lane_owner is null) = (lane_until_real is null)),
    check ((stopped_reason is null) = (stopped_at is null))
);

create table posts (
    id              bigint generated always as identity primary key,
    account         text not null references accounts,
    kind            text not null check (kind in ('post', 'reply', 'thread_part')),
    -- What it answers. A thread part's parent is the part before it, known only when that one is published.
    parent_site_id  bigint,
    parent_author   text,
    conversation_id bigint,
    -- The id of a thread's first part, on every part of it.
    thread_id       bigint references posts,
    thread_position integer check (thread_position >= 0),
    body            text not null check (body <> ''),
    text_hash       text not null,
    source          text not null check (source in ('model', 'template')),
    arm             jsonb not null default '{}',
    propensity      double precision check (propensity > 0 and propensity <= 1),
    predicted       double precision,
    model_version   integer,
    state           text not null default 'planned' check (state in (
                        'planned', 'claimed', 'armed', 'confirmed', 'failed_definite', 'unknown', 'reconciled',
                        'needs_human')),
    approval        text not null default 'not_needed' check (approval in (
                        'not_needed', 'waiting', 'approved', 'rejected')),
    decided_by      text,
    due_at          timestamptz not null,
    publish_at      timestamptz,
    claim_owner     text,
    claim_token     bigint,
    claim_ends_at   timestamptz,
    watermark       bigint,
    attempts        integer not null default 0,
    armed_at        timestamptz,
    site_id         bigint,
    confirmed_at    timestamptz,
    evidence        jsonb,
    failure         text,
    needs_human     text,
    removed_at      timestamptz,
    created_at      timestamptz not null,
    changed_at      timestamptz not null,
    check (kind <> 'reply' or parent_site_id is not null),
    check ((kind = 'thread_part') = (thread_position is not null)),
    check (state not in ('claimed', 'armed') or (claim_owner is not null and claim_token is not null
                                                 and claim_ends_at is not null and publish_at is not null)),
    check (state not in ('confirmed', 'reconciled') or (site_id is not null and confirmed_at is not null)),
    check (state <> 'failed_definite' or failure is not null),
    check (state <> 'needs_human' or needs_human is not null)
);

-- The same text is never under way twice. That it was not published in the last 30 days either is checked by the
-- query that queues it, under the account's row lock: an index cannot say "30 days".
create unique index posts_one_under_way on posts (account, kind, text_hash, coalesce(parent_site_id, 0))
    where state in ('planned', 'claimed', 'armed', 'unknown', 'needs_human');
create index posts_same_text on posts (account, text_hash);
create unique index posts_site_id on posts (account, site_id) where site_id is not null;
create unique index posts_thread_position on posts (thread_id, thread_position) where thread_id is not null;
create index posts_under_way on posts (account, state, due_at, id)
    where state in ('planned', 'claimed', 'armed', 'unknown', 'needs_human');
create index posts_published on posts (account, confirmed_at desc) where state in ('confirmed', 'reconciled');

-- The audit trail: every change of a post, and every change that was refused.
create table post_events (
    id      bigint generated always as identity primary key,
    post_id bigint not null references posts on delete cascade,
    at      timestamptz not null,
    event   text not null,
    who     text not null,
    detail  jsonb not null default '{}'
);
create index post_events_of_post on post_events (post_id, id);

-- What counts against the caps: one row a post, reply or whole thread, at the time it is to be published.
create table cap_charges (
    post_id         bigint primary key references posts on delete cascade,
    account         text not null references accounts,
    kind            text not null check (kind in ('post', 'reply')),
    at              timestamptz not null,
    author          text,
    conversation_id bigint
);
create index cap_charges_by_time on cap_charges (account, at);
create index cap_charges_by_conversation on cap_charges (account, conversation_id) where conversation_id is not null;

create table opt_outs (
    author text primary key check (author = lower(author)),
    since  timestamptz not null,
    source text not null
);

-- Journal entries already replayed: a second replay finds its id here and does nothing.
create table applied_journal_entries (
    entry_id   text primary key,
    applied_at timestamptz not null
);
