"""Who asked not to be answered. Names are compared without regard to case, as sites do."""

from store.sql import Connection, changed, rows


def add(conn: Connection, author: str, *, source: str, now: float) -> bool:
    """Honour a request from now on (calendar Unix seconds); False if it was known. source: how it reached us."""
    query = """
        insert into opt_outs (author, since, source) values (lower(%(author)s), to_timestamp(%(now)s), %(source)s)
        on conflict do nothing
    """
    return changed(conn, query, {"author": author, "now": now, "source": source}) == 1


def every(conn: Connection) -> frozenset[str]:
    """All of them, in lower case."""
    return frozenset(found["author"] for found in rows(conn, "select author from opt_outs order by author", {}))
