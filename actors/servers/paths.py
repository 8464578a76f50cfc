"""Where the embedded servers keep their data and their sockets."""

import hashlib
import os
import stat
from pathlib import Path

SOCKET_LIMIT = 107  # bytes of a Unix socket's path, unix(7)
LONGEST_SOCKET = len("/postgres/.s.PGSQL.5432")
LOG_LIMIT = 5_000_000  # bytes


class BadPlace(Exception):
    """A directory cannot be used. The text says why, and what to do."""


def socket_home(home: Path) -> Path:
    """A directory of Roost's own whose sockets have paths short enough: in `home`, else a fixed one under /tmp.

    Raises BadPlace if the one under /tmp is somebody else's.
    """
    inside = home / "run"
    if len(os.fsencode(inside)) + LONGEST_SOCKET <= SOCKET_LIMIT:
        inside.mkdir(mode=0o755, parents=True, exist_ok=True)
        return inside
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    outside = Path(f"/tmp/roost-{os.geteuid()}-{digest}")
    outside.mkdir(mode=0o755, exist_ok=True)
    found = outside.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise BadPlace(f"{outside}: not a directory of ours alone. Remove it, or give ROOST_HOME a shorter path")
    return outside


def private(directory: Path, account: tuple[int, int] | None = None) -> Path:
    """The directory, made where it is missing, for its owner alone.

    account: (uid, gid) of the owner; None: Roost's own. Raises BadPlace if somebody else owns it.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    uid, gid = account or (os.geteuid(), os.getegid())
    owner = directory.stat().st_uid
    if owner != uid:
        if os.geteuid() != 0:
            raise BadPlace(f"{directory}: belongs to user {owner}. Run as that user, or give another ROOST_HOME")
        os.chown(directory, uid, gid)
    directory.chmod(0o700)
    return directory


def log_file(home: Path, name: str) -> Path:
    """Where a server's output goes; one earlier file is kept, so that it does not grow for ever."""
    logs = home / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"{name}.log"
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))
    return log
