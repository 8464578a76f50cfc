"""Putting a backup back, while no Roost runs: into the database of the settings, or into the home's own.

The embedded server is started for it as its actor would start it, and ended again.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from actors.core.runtime import Runtime
from actors.servers.postgres_server import CannotStart, PostgresServer
from actors.servers.processes import ServerProcess, kill_leftovers, last_words, log_size
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
    logged, ended = log_size(command.log), threading.Event()

    def run() -> None:
        try:
            process.run(command, lambda pid: None)
        finally:
            ended.set()

    runtime.spawn("restore/postgres", run)
    try:
        yield _url(server, runtime, ended.is_set, lambda: last_words(command.log, logged))
    finally:
        process.stop(server.stop_steps)


def _url(server: PostgresServer, runtime: Runtime, ended: Callable[[], bool], why: Callable[[], str]) -> str:
    until = runtime.now() + START_SECONDS
    while True:
        over = ended()  # asked before the probe: one that has just ended does not answer either
        try:
            return server.probe(1.0)
        except OSError:
            if over:
                raise CannotStart(f"the embedded Postgres does not start: {why()}") from None
            if runtime.now() > until:
                raise
            runtime.sleep(0.1)
