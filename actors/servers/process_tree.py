"""Processes as /proc shows them: whose child is whose, and ending them for certain."""

import ctypes
import os
import signal
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PR_GET_CHILD_SUBREAPER = 37


@dataclass(frozen=True, slots=True)
class Process:
    """One process; `started` (clock ticks since boot) tells it from a later one with the same pid."""

    pid: int
    parent: int
    group: int
    started: int
    state: str
    name: str


def look(pid: int) -> Process | None:
    """The process with this pid, or None if there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    name, _, rest = text.partition("(")[2].rpartition(")")
    fields = rest.split()  # from field 3 (state) on, proc(5)
    return Process(pid, int(fields[1]), int(fields[2]), int(fields[19]), fields[0], name)


def command_line(pid: int) -> str:
    """What it was started with, in one line; empty if it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
    except OSError:
        return ""


def everybody() -> list[Process]:
    """All processes that can be seen."""
    found = (look(int(entry)) for entry in os.listdir("/proc") if entry.isdigit())
    return [process for process in found if process is not None]


def descendants(pid: int) -> list[Process]:
    """Children, their children, and so on."""
    by_parent: dict[int, list[Process]] = {}
    for process in everybody():
        by_parent.setdefault(process.parent, []).append(process)
    found, todo = [], [pid]
    while todo:
        below = by_parent.get(todo.pop(), [])
        found += below
        todo += [process.pid for process in below]
    return found


def kill(processes: Iterable[Process]) -> None:
    """SIGKILL to each that still is the one meant, and to the group of each that leads one."""
    for process in processes:
        now = look(process.pid)
        same = now is not None and now.started == process.started
        with suppress(ProcessLookupError, PermissionError):
            if process.group == process.pid:
                os.killpg(process.group, signal.SIGKILL)  # its members may outlive it
            elif same:
                os.kill(process.pid, signal.SIGKILL)


class MemoryMeter:
    """Weighs some processes and all below them, roughly and often: only those that are new are asked for a parent."""

    def __init__(self) -> None:
        self._parents: dict[int, int] = {}

    def private(self, above: Collection[int], beside: Collection[int] = ()) -> int:
        """Bytes that the processes `above` and all below them have in memory each for itself (statm of proc(5)).

        beside: processes that do not count, nor what is below them.
        """
        there = [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]
        self._parents = {pid: self._parents.get(pid) or _parent(pid) for pid in there}
        return sum(_private(pid) for pid in there if self._belongs(pid, above, beside))

    def _belongs(self, pid: int, above: Collection[int], beside: Collection[int]) -> bool:
        while pid not in above:
            if pid in beside:
                return False
            pid = self._parents.get(pid, 0)
            if pid == 0:
                return False
        return True


def _parent(pid: int) -> int:
    process = look(pid)
    return 0 if process is None else process.parent


def _private(pid: int) -> int:
    try:
        resident, shared = Path(f"/proc/{pid}/statm").read_text().split()[1:3]
    except OSError:
        return 0  # it has ended
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")


def adopts_orphans() -> bool:
    """Whether orphans become this process's children: it is PID 1, or a subreaper (prctl(2))."""
    found = ctypes.c_int(0)
    ctypes.CDLL(None, use_errno=True).prctl(PR_GET_CHILD_SUBREAPER, ctypes.byref(found), 0, 0, 0)
    return os.getpid() == 1 or found.value != 0


class Reaper:
    """Collects orphans' zombies where they come to Roost, as in a container, where it is PID 1: nobody else does.

    Its own children are collected by whoever started them, at once; so what is a zombie at two looks is an orphan.
    """

    def __init__(self) -> None:
        self._needed = adopts_orphans()
        self._seen: set[tuple[int, int]] = set()

    def reap(self) -> int:
        """One look. Returns how many were collected."""
        if not self._needed:
            return 0
        own = os.getpid()
        zombies = {(one.pid, one.started) for one in everybody() if one.parent == own and one.state == "Z"}
        due = zombies & self._seen
        self._seen = zombies - due
        for pid, _ in due:
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        return len(due)
