-- depends: 0006.housekeeping
-- What the own page of a published post said when it had no counts to tell. Calendar times.

-- Since when it does not show the post, while nobody has found out whether that was removed.
alter table posts add column missing_since timestamptz;
-- When it could not be read, or did not show the post, the last time.
alter table posts add column look_failed_at timestamptz;
create index posts_missing on posts (account, missing_since) where missing_since is not null and removed_at is null;
