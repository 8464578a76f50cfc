"""Putting a backup back, while no Roost runs: into the database of the settings, or into the home's own.

The embedded server is started for it as its actor would start it, and ended again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from actors.core.runtime import Runtime
from actors.servers.postgres_server import PostgresServer
from actors.servers.processes import ServerProcess, kill_leftovers
from domain.settings import Settings
from store import backup
from store.backup import Restored

START_SECONDS = 120.0  # a new database is made in some seconds, on a slow disk in many


def restore(settings: Settings, home: Path, path: Path, runtime: Runtime) -> Restored:
    """Restore a backup. home: locked by the caller, so that no Roost runs on it.

    Raises StoreError (damaged file, database not empty or not there), CannotStart, OSError.
    """
    if settings.database_url is not None:
        return backup.restore_into(settings.database_url.reveal(), path, now=runtime.calendar())
    backup.verify(path)  # before a server is made for it
    with _embedded(home, runtime) as dsn:
        return backup.restore_into(dsn, path, now=runtime.calendar())


@contextmanager
def _embedded(home: Path, runtime: Runtime) -> Iterator[str]:
    server, process = PostgresServer(home), ServerProcess(runtime)
    kill_leftovers(server.data, server.marker, runtime)
    command = server.prepare(runtime)

    def run() -> None:
        process.run(command, lambda pid: None)

    runtime.spawn("restore/postgres", run)
    try:
        yield _url(server, runtime)
    finally:
        process.stop(server.stop_steps)


def _url(server: PostgresServer, runtime: Runtime) -> str:
    until = runtime.now() + START_SECONDS
    while True:
        try:
            return server.probe(1.0)
        except OSError:
            if runtime.now() > until:
                raise
            runtime.sleep(0.1)
