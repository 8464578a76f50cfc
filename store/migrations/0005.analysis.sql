-- depends: 0003.running
-- What was measured of the account, its posts and its peers, and what was made of it. Times are calendar times.

create table follower_snapshots (
    account   text not null,
    taken_at  timestamptz not null,
    followers bigint not null check (followers >= 0),
    primary key (account, taken_at)
);

-- One a post, replaced as its counts grow.
create table outcomes (
    post_id    bigint primary key references posts on delete cascade,
    judged_at  timestamptz not null,
    -- Of the counts it is made from; age: the post's then, in seconds.
    taken_at   timestamptz not null,
    age        double precision not null check (age >= 0),
    views      bigint not null check (views >= 0),
    engagement double precision not null check (engagement >= 0),
    rate       double precision not null,
    velocity   double precision not null,
    reward     double precision not null,
    surprise   double precision,
    verdict    text not null check (verdict in ('open', 'as expected', 'above', 'below'))
);

-- Followers gained because of a post or reply: shares of the gains of the series, which add up to them at most.
create table attributions (
    post_id     bigint primary key references posts on delete cascade,
    followers   double precision not null check (followers >= 0),
    -- Followers a view; null where no view is known.
    conversion  double precision,
    computed_at timestamptz not null
);

create table rollups (
    account     text not null,
    -- Ours, all of peers', and those of peers' that travelled furthest.
    whose       text not null check (whose in ('own', 'peers', 'viral')),
    dimension   text not null,
    key         text not null,
    posts       integer not null check (posts > 0),
    views       bigint not null,
    engagement  double precision not null,
    followers   double precision not null,
    computed_at timestamptz not null,
    primary key (account, whose, dimension, key)
);

create table reports (
    account text not null,
    at      timestamptz not null,
    payload jsonb not null,
    primary key (account, at)
);

create table insights (
    id        bigint generated always as identity primary key,
    account   text not null,
    source    text not null,
    run_id    text not null,
    place     integer not null,
    made_by   text not null check (made_by in ('model', 'rule')),
    at        timestamptz not null,
    dimension text not null,
    key       text not null,
    direction text not null check (direction in ('more', 'less', 'try')),
    body      text not null check (body <> ''),
    lift      double precision,
    unique (account, source, run_id, place)
);
create index insights_newest on insights (account, source, at desc);

-- Every move of a knob; where it stands is its newest row. reverts: the move that this one takes back.
create table knob_moves (
    id       bigint generated always as identity primary key,
    account  text not null,
    knob     text not null,
    at       timestamptz not null,
    was      double precision not null,
    value    double precision not null,
    who      text not null,
    evidence jsonb not null default '{}',
    reverts  bigint unique references knob_moves
);
create index knob_moves_newest on knob_moves (account, knob, id desc);

-- Other people's posts as they were last seen, kept for two weeks.
create table peer_posts (
    id         bigint primary key,
    author     text not null,
    at         timestamptz not null,
    seen_at    timestamptz not null,
    body       text not null,
    topic      text,
    format     text not null,
    tone       text not null,
    views      bigint not null check (views >= 0),
    likes      bigint not null check (likes >= 0),
    replies    bigint not null check (replies >= 0),
    reposts    bigint not null check (reposts >= 0),
    bookmarks  bigint not null check (bookmarks >= 0),
    is_viral   boolean not null default false
);
create index peer_posts_by_time on peer_posts (at desc);

-- How the accounts we watch do, a row a visit.
create table peer_visits (
    handle     text not null,
    at         timestamptz not null,
    followers  bigint not null check (followers >= 0),
    posts      integer not null check (posts >= 0),
    engagement double precision not null,
    rate       double precision not null,
    a_day      double precision not null,
    primary key (handle, at)
);

create table trends (
    account text not null,
    topic   text not null,
    term    text not null,
    lately  integer not null,
    before  integer not null,
    score   double precision not null,
    at      timestamptz not null,
    primary key (account, topic, term)
);
