"""One server process: started, waited for, ended; and what an earlier Roost may have left of it.

The thread that starts a process also waits for it, so that the parent-death signal (see `launch`), which follows the
*thread*, cannot come while Roost lives.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from actors.core.runtime import Runtime

LAUNCHER = Path(__file__).with_name("launch.py")
SWEEP_SECONDS = 5.0
MOST_WORDS = 4_000  # bytes of a log in which the reason of an end is looked for
ERROR = re.compile(r"\b(FATAL|PANIC|error)\b", re.IGNORECASE)  # hints and farewells may follow it


@dataclass(frozen=True, slots=True)
class Command:
    """What to run.

    argv: program (absolute) and arguments; they are world-readable, so no secret in them. directory: where it runs.
    log: file its output is appended to. account: (uid, gid) to run as; None: as Roost. reach: what that user must be
    able to read.
    """

    argv: tuple[str, ...]
    directory: Path
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    account: tuple[int, int] | None = None
    reach: tuple[str, ...] = ()

    def launched(self) -> list[str]:
        """The whole command line, launcher included."""
        uid, gid = self.account or (os.geteuid(), os.getegid())
        launcher = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), str(uid), str(gid)]
        return [*launcher, *self.reach, "--", *self.argv]


class ServerProcess:
    """At most one process of one server. `run` belongs to the waiting thread, the rest to its owner."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._changed = runtime.condition()
        self._process: subprocess.Popen[bytes] | None = None
        self._cancelled = False

    def run(self, command: Command, launched: Callable[[int], None]) -> int | None:
        """Start it, say its pid, wait for its end. Returns its exit code (below 0: a signal); None if cancelled."""
        with self._changed:
            if self._cancelled:
                return None
            with command.log.open("ab") as log:
                process = self._process = subprocess.Popen(
                    command.launched(),
                    cwd=command.directory,
                    env={**os.environ, **command.environment},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # Ctrl-C in the terminal is for Roost, which then stops it in order
                )
        launched(process.pid)
        return process.wait()

    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def stop(self, steps: tuple[tuple[int, float], ...]) -> None:
        """Send each signal in turn and give it so many seconds; in the end SIGKILL. It does not start again."""
        with self._changed:
            self._cancelled = True
            process = self._process
        if process is None:
            return
        for number, seconds in (*steps, (signal.SIGKILL, SWEEP_SECONDS)):
            process.send_signal(number)
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                continue
            return

    def kill(self) -> None:
        """SIGKILL, without waiting; `run` returns."""
        if self._process is not None:
            self._process.kill()


def leftovers(directory: Path, marker: str) -> list[int]:
    """Pids of processes that work in `directory` and have `marker` in their command line."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            inside = os.readlink(f"/proc/{entry}/cwd") == str(directory)
            if inside and marker in Path(f"/proc/{entry}/cmdline").read_text(errors="replace"):
                found.append(int(entry))
        except OSError:
            continue  # gone meanwhile, or somebody else's
    return found


def kill_leftovers(directory: Path, marker: str, runtime: Runtime) -> int:
    """Kill what an earlier life left running in `directory`, and wait until it is gone. Returns how many there were.

    Raises TimeoutError if one does not go.
    """
    first = left = leftovers(directory, marker)
    deadline = runtime.now() + SWEEP_SECONDS
    while left:
        if runtime.now() > deadline:
            raise TimeoutError(f"process {left[0]} of an earlier run is still in {directory}: end it by hand")
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        runtime.sleep(0.02)
        left = leftovers(directory, marker)
    return len(first)


def log_size(log: Path) -> int:
    """How much is in a server's log already, of earlier lives."""
    return log.stat().st_size if log.exists() else 0


def last_words(log: Path, since: int) -> str:
    """Why a server ended, as far as its log says: the last line with an error, else the last line; may be empty.

    since: the log's size before it was started. What others wrote before is no reason of this one's.
    """
    try:
        with log.open("rb") as file:
            file.seek(max(since, log.stat().st_size - MOST_WORDS))
            lines = file.read().decode(errors="replace").split("\n")
    except OSError:
        return ""
    last_first = [line.strip() for line in reversed(lines) if line.strip()]
    return next(filter(ERROR.search, last_first), last_first[0] if last_first else "")
