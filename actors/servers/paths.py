"""Where the embedded servers keep their data and their sockets."""

import hashlib
import os
import stat
from pathlib import Path

SOCKET_LIMIT = 107  # bytes of a Unix socket's path, unix(7)
LONGEST_SOCKET = len("/postgres/.s.PGSQL.5432")
LOG_LIMIT = 5_000_000  # bytes
OUTSIDE = (Path("/tmp"), Path("/var/tmp"), Path("/run"), Path("/dev/shm"))  # for sockets: the first that can be had


class BadPlace(Exception):
    """A directory cannot be used. The text says why, and what to do."""


def socket_home(home: Path) -> Path:
    """The directory of Roost's sockets: in `home` where their paths can stand there, else a fixed one elsewhere.

    A path may be too long for the kernel, and to Postgres and its clients a comma parts two of them. Nothing is made
    here: whoever asks where a running Roost listens gets the same answer. Raises BadPlace where there is no room.
    """
    inside = home / "run"
    if len(os.fsencode(inside)) + LONGEST_SOCKET <= SOCKET_LIMIT and "," not in str(inside):
        return inside
    owner = home.stat().st_uid if home.exists() else os.geteuid()  # root may ask for somebody's
    name = f"roost-{owner}-{hashlib.sha256(os.fsencode(home)).hexdigest()[:12]}"
    for made in (place / name for place in OUTSIDE):
        if _is_of(owner, made):
            return made
    for place in OUTSIDE:
        if os.access(place, os.W_OK | os.X_OK) and not os.path.lexists(place / name):
            return place / name
    raise BadPlace(
        f"{inside}: sockets cannot stand there (over {SOCKET_LIMIT} bytes with their names, or a comma), and none of "
        f"{', '.join(map(str, OUTSIDE))} can be written. Give ROOST_HOME a shorter path"
    )


def make_socket_home(home: Path) -> Path:
    """The same, made where it is missing. Its owner alone writes there; others pass, since servers run as another."""
    found = socket_home(home)
    found.mkdir(mode=0o755, parents=True, exist_ok=True)
    if found.parent != home and not _is_of(os.geteuid(), found):
        raise BadPlace(f"{found}: not a directory of ours alone. Remove it, or give another ROOST_HOME")
    return found


def _is_of(owner: int, directory: Path) -> bool:
    """Whether it is a directory that nobody but this user can have put something in."""
    try:
        found = directory.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == owner and not found.st_mode & 0o022


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
        try:
            os.chown(directory, uid, gid)
        except OSError as error:
            raise BadPlace(
                f"{directory}: cannot be given to user {uid}, as whom its server runs ({error.strerror}). "
                "Run Roost as an ordinary user, or give a ROOST_HOME on another disk"
            ) from error
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
