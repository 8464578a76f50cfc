"""Who asked not to be answered. Names are compared without regard to case, as sites do."""

from store.sql import Connection, changed, row, rows


def add(conn: Connection, author: str, *, source: str, now: float) -> bool:
    """Honour a request from now on (calendar Unix seconds); False if it was known. source: how it reached us."""
    query = """
        insert into opt_outs (author, since, source) values (lower(%(author)s), to_timestamp(%(now)s), %(source)s)
        on conflict do nothing
    """
    return changed(conn, query, {"author": author, "now": now, "source": source}) == 1


def holds(conn: Connection, author: str) -> bool:
    """Whether this author has asked."""
    return row(conn, "select 1 from opt_outs where author = lower(%(author)s)", {"author": author}) is not None


def every(conn: Connection) -> frozenset[str]:
    """All of them, in lower case."""
    return frozenset(found["author"] for found in rows(conn, "select author from opt_outs order by author", {}))
