"""What any test may ask for."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from store.migrate import migrate
from tests.postgres import Server, running_server

# Whole Roosts take minutes, most of it waiting: they go first, on two workers, and one behind the other there, so
# that a small machine is never asked to run more of them at once. Of all other files each stays with one worker.
TURNS = {
    "test_main_job.py": "whole",
    "test_edges.py": "whole",
    "test_outage.py": "whole too",
    "test_a_reply.py": "whole too",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Who runs with whom, under `--dist loadgroup`."""
    items.sort(key=lambda item: item.path.name not in TURNS)
    for item in items:
        item.add_marker(pytest.mark.xdist_group(TURNS.get(item.path.name, str(item.path))))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The session's Postgres server."""
    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_dsn(postgres: Server) -> str:
    """The connection string of the database with Roost's tables that one test after the other uses."""
    dsn = postgres.fresh()
    migrate(dsn)
    return dsn


@pytest.fixture
def empty_dsn(postgres: Server) -> Iterator[str]:
    """The connection string of a database of this test's own, with nothing in it."""
    dsn = postgres.fresh()
    yield dsn
    postgres.drop(dsn)


@pytest.fixture
def dsn(postgres: Server, migrated_dsn: str) -> Iterator[str]:
    """The connection string of a database with Roost's tables, empty, that nobody else uses."""
    yield migrated_dsn
    postgres.wipe(migrated_dsn)


@pytest.fixture
def conn(dsn: str) -> Iterator["psycopg.Connection[Any]"]:
    """A connection to `dsn`, in autocommit as the pool lends them."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection
