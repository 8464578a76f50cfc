"""Embedded servers: each an OS process that an actor starts, watches and starts again.

They stand in for what is not configured, so that one command on a fresh machine gives a whole Roost. A server that
cannot start leaves its actor up in the state *down*, with the reason on the board, and is tried again with backoff.
One that runs but does not answer (stopped, hung) is killed, and so started again.
"""

import signal
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from actors.core.base import Actor
from actors.core.lifecycle import ExitReason, TaskDone, TaskFailed
from actors.core.runtime import Runtime
from actors.protocol.health import report
from actors.protocol.servers import SERVER, ServerDown, ServerState, ServerUp
from actors.servers.processes import Command, ServerProcess, kill_leftovers, last_words, log_size
from domain.backoff import Backoff

START_SECONDS = 60.0  # from launch to the first answer; a crash recovery of Postgres is in it
READY_EVERY = 0.05
PROBE_EVERY = 5.0
PROBE_TIMEOUT = 3.0
PROBES_MISSED = 3  # then it is killed
BACKOFF = Backoff(least=0.2, base=0.2, most=15.0)
RESET_AFTER = 30.0  # seconds of life after which a failure counts as the first again

Steps = tuple[tuple[int, float], ...]


class Server(Protocol):
    """What the actor must know of one kind of server. All of it may block; none of it runs in a handler."""

    name: str
    data: Path  # where its processes work, and no others
    marker: str  # part of every command line of its processes
    stop_steps: Steps  # signals to end it with, and seconds for each

    def prepare(self, runtime: Runtime) -> Command:
        """Make everything ready for a start. Raises with the reason if it cannot start."""

    def probe(self, timeout: float) -> str:
        """Ask it for a sign of life. Returns its URL; raises OSError if it does not answer."""


@dataclass(frozen=True, slots=True)
class _Launched:
    life: tuple[int, int]
    pid: int


@dataclass(frozen=True, slots=True)
class _Ended:
    code: int | None
    last_words: str
    lived: float


@dataclass(frozen=True, slots=True)
class _Start:
    pass


@dataclass(frozen=True, slots=True)
class _Probe:
    pass


class ServerActor(Actor):
    """Owns one server's process."""

    def __init__(self, server: Server, needed_by: tuple[str, ...]) -> None:
        """needed_by: the actors that are told `ServerUp` and `ServerDown`."""
        super().__init__()
        self.server = server
        self.needed_by = needed_by
        self.process: ServerProcess | None = None
        self.lives = 0
        self.failures = 0  # in a row, without a long life between
        self.missed = 0  # probes in a row
        self.state = ServerState(server.name)

    def on_start(self) -> None:
        self._show(self.state)
        self._launch()

    def receive(self, message: Any) -> Any:
        match message:
            case _Start():
                self._launch()
            case _Launched(life, pid) if life == self._life():
                self._show(replace(self.state, pid=pid, detail="started, does not answer yet"))
                process = self.process
                assert process is not None
                self.task(f"ready {self.lives}", lambda: self._await_answer(process))
            case TaskDone(label, url) if label == f"ready {self.lives}":
                if url:
                    self._up(url)
            case _Probe():
                self.task(f"probe {self.lives}", lambda: self.server.probe(PROBE_TIMEOUT))
            case TaskDone(label) if label == f"probe {self.lives}":
                self.missed = 0
                self._report()
                self.timer("probe", PROBE_EVERY, _Probe())
            case TaskFailed(label, error) if label in (f"probe {self.lives}", f"ready {self.lives}"):
                self._missed(label, error)
            case TaskDone(label, _Ended() as ended) if label == f"life {self.lives}":
                self._gone(self._why(ended), ended.lived)
            case TaskFailed(label, error) if label == f"life {self.lives}":
                self._gone(f"cannot start: {error}", 0.0)
            case TaskDone() | TaskFailed() | _Launched():
                pass  # of an earlier life
            case _:
                return super().receive(message)
        return None

    def terminate(self, reason: ExitReason) -> None:
        if self.process is not None:
            self.process.stop(self.server.stop_steps)
        self._show(replace(self.state, up=False, pid=0, detail=f"stopped ({reason})"))

    # lives

    def _launch(self) -> None:
        self.lives += 1
        self.missed = 0
        self.process = process = ServerProcess(self.system.runtime)
        life = self._life()
        self.task(f"life {self.lives}", lambda: self._one_life(process, life))

    def _one_life(self, process: ServerProcess, life: tuple[int, int]) -> _Ended:
        """One life of the server, in a thread that lasts as long as its process."""
        kill_leftovers(self.server.data, self.server.marker, self.system.runtime)
        command = self.server.prepare(self.system.runtime)
        began, logged = self.now(), log_size(command.log)
        code = process.run(command, lambda pid: self._announce(_Launched(life, pid)))
        return _Ended(code, last_words(command.log, logged), self.now() - began)

    def _announce(self, launched: _Launched) -> None:
        self.tell(self.name, launched)

    def _await_answer(self, process: ServerProcess) -> str:
        deadline = self.now() + START_SECONDS
        while process.alive():
            try:
                return self.server.probe(PROBE_TIMEOUT)
            except OSError:
                if self.now() > deadline:
                    raise
            self.system.runtime.sleep(READY_EVERY)
        return ""  # it has ended, which its own thread reports

    def _up(self, url: str) -> None:
        self._show(replace(self.state, up=True, url=url, detail="answers"))
        for name in self.needed_by:
            self.tell(name, ServerUp(self.server.name, url))
        self.timer("probe", PROBE_EVERY, _Probe())

    def _missed(self, label: str, error: BaseException) -> None:
        assert self.process is not None
        self.missed += 1
        if label.startswith("probe") and self.missed < PROBES_MISSED:
            self.timer("probe", PROBE_EVERY, _Probe())
            return
        self._down(f"does not answer ({error}): killed, to be started again", pid=self.state.pid)
        self.process.kill()  # its end is reported as any other

    def _gone(self, why: str, lived: float) -> None:
        self.cancel_timer("probe")
        self.failures = 1 if lived >= RESET_AFTER else self.failures + 1
        wait = BACKOFF.ceiling(self.failures)
        detail = f"{why}; started again in {wait:.1f} s"
        self._down(detail, pid=0)
        self._show(replace(self.state, restarts=self.state.restarts + 1))
        self.timer("start", wait, _Start())

    def _down(self, why: str, pid: int) -> None:
        was_up = self.state.up
        self._show(replace(self.state, up=False, pid=pid, detail=why))
        if was_up:  # it may be up again before anybody else notices
            for name in self.needed_by:
                self.tell(name, ServerDown(self.server.name, why))

    def _why(self, ended: _Ended) -> str:
        if ended.code is None:
            return "start cancelled"
        how = f"killed by {signal.Signals(-ended.code).name}" if ended.code < 0 else f"ended with code {ended.code}"
        return f"{how}: {ended.last_words}" if ended.code > 0 and ended.last_words else how

    def _life(self) -> tuple[int, int]:
        return (self.generation, self.lives)

    # telling

    def _show(self, state: ServerState) -> None:
        self.state = state
        self.put_up(SERVER(self.server.name), state)
        self._report()

    def _report(self) -> None:
        report(self, self.name, self.state.up, self.state.detail)


def absolute(home: str) -> Path:
    """ROOST_HOME as servers see it, whatever their working directory."""
    return Path(home).expanduser().absolute()
