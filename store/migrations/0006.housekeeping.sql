-- depends: 0003.running
-- When a person last let the account act again: a stop that is older and comes late, from a journal, counts no more.

alter table accounts add column cleared_at timestamptz;
