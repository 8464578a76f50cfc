"""What every query module shares: the connection type, and rows as values."""

from typing import Any, LiteralString

import psycopg
from psycopg.rows import dict_row

Connection = psycopg.Connection[Any]
Row = dict[str, Any]


def rows(conn: Connection, query: LiteralString, params: dict[str, Any]) -> list[Row]:
    """All rows of a query, as dictionaries, whatever row factory the connection has."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, params).fetchall()


def row(conn: Connection, query: LiteralString, params: dict[str, Any]) -> Row | None:
    """The first row of a query, or None."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, params).fetchone()


def changed(conn: Connection, query: LiteralString, params: dict[str, Any]) -> int:
    """How many rows a statement wrote."""
    with conn.cursor() as cursor:
        return cursor.execute(query, params).rowcount
