"""Brings the schema up to date, at every boot.

yoyo keeps the account of what was applied. Three things of its are changed here, each by an override: it connects
through libpq's own connection string (so that Unix sockets, several hosts and `key=value` strings work); a migration
and the note that it was applied are one transaction (a kill between the two would otherwise make every later boot
fail); and the lock against a second instance is an advisory lock of Postgres, which ends with its holder, instead of
a row that a killed process leaves behind.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from yoyo import read_migrations
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.migrations import Migration, default_migration_table

from store.errors import MigrationError, redacted, without_secrets

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK_KEY = 0x526F6F7374  # "Roost": one advisory lock for all instances on a database
CONNECT_SECONDS = 10


class _Backend(PostgresqlPsycopgBackend):  # type: ignore[misc]  # yoyo has no types
    def connect(self, dburi: str) -> "psycopg.Connection[Any]":
        return psycopg.connect(
            dburi, autocommit=True, connect_timeout=CONNECT_SECONDS, application_name="roost migrate"
        )

    @contextmanager
    def lock(self, timeout: float = 30) -> Iterator[None]:
        """Hold the advisory lock. Reentrant, as yoyo takes it again for its own tables. `timeout` in real seconds."""
        self.execute(f"SET lock_timeout = {int(timeout * 1000)}")
        self.execute(f"SELECT pg_advisory_lock({LOCK_KEY})")
        try:
            self.execute("SET lock_timeout = 0")
            yield
        finally:
            if not self.connection.closed:
                self.execute(f"SELECT pg_advisory_unlock({LOCK_KEY})")

    def list_tables(self, **_: Any) -> list[str]:
        sql = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
        return [row[0] for row in self.execute(sql).fetchall()]

    def apply_one(self, migration: Migration, force: bool = False, mark: bool = True) -> None:
        self.ensure_internal_schema_updated()
        with self.transaction():
            migration.process_steps(self, "apply", force=force)
            if mark:
                self.mark_one(migration, log=False)


def migrate(dsn: str, *, lock_seconds: float = 30, source: Path = MIGRATIONS) -> tuple[str, ...]:
    """Apply what is not yet applied, in order; returns the names of the migrations applied now.

    Safe to call again, and from two instances at once: the second waits up to `lock_seconds` (real) for the first.
    `dsn` is any connection string libpq reads. Raises MigrationError, whose text holds no password; a migration
    that fails leaves nothing of itself behind, those before it stay.
    """
    migrations = read_migrations(str(source))
    try:
        with _Backend(dsn, default_migration_table) as backend, backend.lock(timeout=lock_seconds):
            return tuple(_apply(backend, migration) for migration in backend.to_apply(migrations))
    except psycopg.errors.LockNotAvailable:
        raise MigrationError(
            f"database {redacted(dsn)}: another Roost has been migrating for more than {lock_seconds:g} s. "
            "Wait for it; if none runs, look in pg_locks for who holds the advisory lock and end that session."
        ) from None
    except psycopg.OperationalError as error:
        raise MigrationError(
            f"database {redacted(dsn)}: no connection ({_line(error, dsn)}). "
            "Check that the server runs and that DATABASE_URL names it rightly "
            "(in a URL, @ : / ? # in a password are written %40 %3A %2F %3F %23)."
        ) from None
    except psycopg.errors.InsufficientPrivilege as error:
        raise MigrationError(
            f"database {redacted(dsn)}: not allowed to change the schema ({_line(error, dsn)}). "
            "Let the user of DATABASE_URL create tables, or give it a database of its own."
        ) from None
    except psycopg.Error as error:
        raise MigrationError(
            f"database {redacted(dsn)}: {_line(error, dsn)}. Mend DATABASE_URL or the server."
        ) from None


def _apply(backend: _Backend, migration: Migration) -> str:
    try:
        backend.apply_one(migration)
    except (psycopg.OperationalError, psycopg.errors.InsufficientPrivilege):
        raise  # not the migration's fault
    except psycopg.errors.DuplicateTable as error:
        raise MigrationError(
            f"migration {migration.id}: {_line(error)}. The database holds tables of another program. "
            "Give Roost a database of its own in DATABASE_URL."
        ) from None
    except psycopg.Error as error:
        raise MigrationError(
            f"migration {migration.id}: {_line(error)}. Nothing of it was kept; the database is as it was before. "
            "Restore the file as released, or report this."
        ) from None
    return str(migration.id)


def _line(error: psycopg.Error, dsn: str = "") -> str:
    return " ".join(without_secrets(str(error), dsn).split())
