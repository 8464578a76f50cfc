"""Becomes a server process that cannot outlive Roost. Run as a script: `launch.py PARENT UID GID REACH… -- COMMAND…`.

A server would survive a SIGKILLed Roost, so the kernel is asked to kill it when the thread that started it ends
(prctl(2), PR_SET_PDEATHSIG). That must be asked in the new process itself, and after it has changed its user; doing
so between fork and exec of a process with threads is what `subprocess` warns of. So this small script runs in between
and then becomes the server: no process more, and nothing of Roost is imported.

SIGKILL, since a stopped server would sit on any milder signal; Postgres and Redis are built to be killed.

As root it changes to UID first (Postgres refuses root). Where that user may not reach the REACH paths, say because
the project lies in /root, it keeps one capability that lets it (capabilities(7), ambient set); nothing is chmodded.
Opening a file heeds that capability, while access(2) forgets it for whoever is not root, and Postgres asks access(2)
whether its own programs can be run. With SECBIT_NO_SETUID_FIXUP it is not forgotten.
"""

import ctypes
import os
import signal
import sys
from pwd import getpwuid

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_GET_SECUREBITS = 27
PR_SET_SECUREBITS = 28
SECBIT_NO_SETUID_FIXUP = 1 << 2
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAPABILITY_VERSION_3 = 0x20080522
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2


def main(arguments: list[str]) -> None:
    """Change the user, ask for the signal, become the command."""
    parent, uid, gid = (int(number) for number in arguments[:3])
    end = arguments.index("--")
    reach, command = arguments[3:end], arguments[end + 1 :]
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() == 0 and uid != 0:
        become(libc, uid, gid, reach)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("its Roost ended before it began")
    try:
        os.execv(command[0], command)
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


def become(libc: ctypes.CDLL, uid: int, gid: int, reach: list[str]) -> None:
    """Drop root for good, except for what is needed to reach the paths."""
    libc.prctl(PR_SET_SECUREBITS, libc.prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) | SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)  # for a root that may not set the bits above
    try:
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    except OSError as error:
        sys.exit(f"this root may not become {named(uid)} ({error.strerror}). Run Roost as an ordinary user")
    for capabilities in (0, 1 << CAP_DAC_READ_SEARCH, 1 << CAP_DAC_OVERRIDE):
        keep(libc, capabilities)
        if all(os.access(path, os.R_OK | os.X_OK) for path in reach):
            return
    keep(libc, 0)
    sys.exit(
        f"{named(uid)} may not use {next(filter(None, map(closed, reach)), reach)}, and this root has no capability "
        "to let it (CAP_DAC_OVERRIDE, CAP_SETPCAP). Open that to everybody, move the project, or run Roost as an "
        "ordinary user"
    )


def named(uid: int) -> str:
    """The user, for people."""
    try:
        return f"user {getpwuid(uid).pw_name}"
    except KeyError:
        return f"user {uid}"


def closed(path: str) -> str | None:
    """What stops this user on the way to `path`, from the root down; None if nothing does."""
    above = os.path.dirname(path)
    if above != path and (found := closed(above)) is not None:
        return found
    if os.access(path, os.X_OK):
        return None
    try:
        found_there = os.stat(path)
    except OSError as error:
        return f"{path} ({error.strerror})"
    return f"{path} (mode {found_there.st_mode & 0o7777:04o}, of {named(found_there.st_uid)})"


def keep(libc: ctypes.CDLL, capabilities: int) -> None:
    """Have these capabilities, also after exec, if they are permitted at all; the permitted set stays as it is."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)()
    libc.capget(header, data)
    data[0], data[2] = capabilities, capabilities
    libc.capset(header, data)
    for number in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        if capabilities >> number & 1:
            libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0)


if __name__ == "__main__":
    main(sys.argv[1:])
