"""The listeners of the process: its home, its lock, the port and the admin socket.

`main` opens them before anything else starts, and hands the open sockets to the actors behind them. So what cannot
work is said at once in one line, and a restart of the web or admin actor neither refuses a caller nor loses the port
to somebody else: callers wait in the kernel's queue.
"""

import errno
import fcntl
import os
import socket
import stat
from pathlib import Path

LONGEST_SOCKET = 107  # bytes of a Unix socket's path, unix(7)
BACKLOG = 128
TEMPORARY = (Path("/tmp"), Path("/var/tmp"))


class StartupError(Exception):
    """A door cannot be opened. The text says what, why and what to do."""


def make_home(path: str) -> Path:
    """The home directory, absolute, made for its owner alone where it is missing. Raises StartupError."""
    home = Path(path).expanduser().absolute()
    try:
        if not home.exists():
            home.mkdir(parents=True)
            home.chmod(0o700)
        trial = home / f".trial.{os.getpid()}"
        try:
            trial.write_bytes(bytes(4096))
        finally:
            trial.unlink(missing_ok=True)
    except OSError as error:
        raise StartupError(cannot_write(home, error)) from error
    return home


def temporary(home: Path, wanted: str | None) -> Path:
    """Where what this process starts puts its temporary files: Chromium does not start without a place for them.

    wanted: TMPDIR. The first that can be written of that, the usual ones, and one in the home. Raises StartupError.
    """
    for place in (Path(wanted) if wanted else TEMPORARY[0], *TEMPORARY):
        if place.is_dir() and os.access(place, os.W_OK | os.X_OK):
            return place
    inside = home / "tmp"
    try:
        inside.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StartupError(cannot_write(inside, error)) from error
    return inside


def cannot_write(path: Path, error: OSError) -> str:
    """What to say when something cannot be written."""
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            todo = "Make room on that disk, or set ROOST_HOME to a directory on another."
        case errno.EACCES | errno.EPERM | errno.EROFS:
            todo = "Give this user the right to write there, or set ROOST_HOME to a directory where it has it."
        case errno.EEXIST | errno.ENOTDIR:
            todo = "Something that is no directory stands there: move it away, or set ROOST_HOME to another path."
        case _:
            todo = "Set ROOST_HOME to a directory that can be written."
    return f"home {path}: cannot be written ({error.strerror}). {todo}"


def lock_home(home: Path) -> int:
    """Take the home for this process until it ends, however it ends. Returns the lock's file descriptor.

    Raises StartupError if another Roost lives there, naming its pid.
    """
    path = home / "roost.lock"
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StartupError(cannot_write(home, error)) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = os.pread(lock, 20, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(lock)
        raise StartupError(
            f"home {home}: another Roost (pid {pid}) runs there. "
            "Stop it (`python main.py ctl shutdown`), or set ROOST_HOME to another directory."
        ) from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock


def open_port(host: str, port: int) -> socket.socket:
    """A listening TCP socket.

    Raises StartupError where the port is taken, may not be had, or the address is not ours.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise StartupError(_port_trouble(host, port, error)) from error
    return listener


def _port_trouble(host: str, port: int, error: OSError) -> str:
    match error:
        case OSError(errno=errno.EADDRINUSE):
            why, todo = (
                "another program listens there",
                "Stop it, or set PORT to another (PORT=0 takes any free one).",
            )
        case OSError(errno=errno.EACCES):
            why, todo = "this user may not listen there", "Set PORT to one above 1023."
        case OSError(errno=errno.EADDRNOTAVAIL) | socket.gaierror():
            why, todo = "this machine has no such address", "Set HOST to 127.0.0.1, or to 0.0.0.0 for every address."
        case _:
            why, todo = str(error.strerror), "Set HOST and PORT to what this machine can listen on."
    return f"port {port} of {host}: cannot listen, since {why}. {todo}"


def open_admin(path: Path) -> socket.socket:
    """A listening Unix socket of mode 0660 in a directory of mode 0750. Raises StartupError.

    A socket that a killed Roost left is replaced; one that somebody listens on is not.
    """
    if len(os.fsencode(path)) > LONGEST_SOCKET:
        raise StartupError(
            f"admin socket {path}: its path has {len(os.fsencode(path))} bytes, the kernel takes {LONGEST_SOCKET}. "
            "Set ADMIN_SOCKET to a shorter path, such as /run/roost/admin.sock."
        )
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if not path.parent.exists():
            path.parent.mkdir(parents=True)
            path.parent.chmod(0o750)
        _clear_stale(path)
        listener.bind(str(path))
        path.chmod(0o660)  # before listen: until then nobody can connect
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise StartupError(
            f"admin socket {path}: cannot be made ({error.strerror}). "
            "Set ADMIN_SOCKET to a path in a directory that this user may write."
        ) from error
    except StartupError:
        listener.close()
        raise
    return listener


def _clear_stale(path: Path) -> None:
    """Remove what a killed Roost left at `path`. Raises StartupError if it is somebody's."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise StartupError(
            f"admin socket {path}: a file that is no socket stands there. Move it, or set ADMIN_SOCKET."
        )
    trial = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        trial.settimeout(1.0)
        trial.connect(str(path))
    except ConnectionRefusedError:
        path.unlink()
    except OSError as error:
        raise StartupError(
            f"admin socket {path}: another program's, which does not answer ({error}). "
            "Stop that program, or set ADMIN_SOCKET to another path."
        ) from error
    else:
        raise StartupError(
            f"admin socket {path}: another program listens there. Stop it, or set ADMIN_SOCKET to another path."
        )
    finally:
        trial.close()
