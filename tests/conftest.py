"""What any test may ask for."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from store.migrate import migrate
from tests.postgres import Server, running_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The session's Postgres server."""
    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_template(postgres: Server) -> str:
    """The name of a database with Roost's tables, to be copied."""
    dsn = postgres.fresh()
    migrate(dsn)
    return str(psycopg.conninfo.conninfo_to_dict(dsn)["dbname"])


@pytest.fixture
def empty_dsn(postgres: Server) -> Iterator[str]:
    """The connection string of a database of this test's own, with nothing in it."""
    dsn = postgres.fresh()
    yield dsn
    postgres.drop(dsn)


@pytest.fixture
def dsn(postgres: Server, migrated_template: str) -> Iterator[str]:
    """The connection string of a database of this test's own, with Roost's tables."""
    dsn = postgres.fresh(migrated_template)
    yield dsn
    postgres.drop(dsn)


@pytest.fixture
def conn(dsn: str) -> Iterator["psycopg.Connection[Any]"]:
    """A connection to `dsn`, in autocommit as the pool lends them."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection
