-- depends: 0003.running
-- Whom we may answer: strangers' posts, and the accounts behind them. What was asked not to be answered is in opt_outs.

create table opportunities (
    account   text not null references accounts,
    site_id   bigint not null,
    author    text not null,
    body      text not null,
    topic     text not null,
    posted_at timestamptz not null,
    views     bigint not null check (views >= 0),
    likes     bigint not null check (likes >= 0),
    replies   bigint not null check (replies >= 0),
    reposts   bigint not null check (reposts >= 0),
    bookmarks bigint not null check (bookmarks >= 0),
    -- The score as it was at scored_at; it fades with time by a rule of the domain.
    score     double precision not null check (score > 0),
    scored_at timestamptz not null,
    found_at  timestamptz not null,
    state     text not null default 'open' check (state in ('open', 'answered', 'passed', 'expired')),
    -- Why it is no longer open, and the reply that answers it.
    reason    text,
    post_id   bigint references posts on delete set null,
    changed_at timestamptz not null,
    primary key (account, site_id),
    check ((state = 'open') = (reason is null))
);
create index opportunities_by_state on opportunities (account, state, changed_at);

create table found_accounts (
    account   text not null references accounts,
    handle    text not null check (handle = lower(handle)),
    shown     text not null,
    name      text not null,
    followers bigint not null check (followers >= 0),
    topic     text,
    fit       double precision not null check (fit between 0 and 1),
    found_at  timestamptz not null,
    looked_at timestamptz not null,
    primary key (account, handle)
);
create index found_accounts_by_fit on found_accounts (account, fit desc, followers desc);
