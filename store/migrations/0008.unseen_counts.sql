-- depends: 0007.own_pages
-- A count that the page did not show is null, which is not zero: hidden views, a row of counts without some of them.

alter table metric_snapshots
    alter column views drop not null,
    alter column likes drop not null,
    alter column replies drop not null,
    alter column reposts drop not null,
    alter column bookmarks drop not null;
alter table opportunities
    alter column views drop not null,
    alter column likes drop not null,
    alter column replies drop not null,
    alter column reposts drop not null,
    alter column bookmarks drop not null;
