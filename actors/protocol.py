"""The messages that cross floors, and the reasons for which an actor ends.

Supervisors, actors and the operator's tools all speak these; messages of one actor alone stand beside that actor.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actors.base import Actor


class SystemMessage:
    """What travels in the system lane of a mailbox: read before any user message, never refused for want of room."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Normal:
    """The actor ended itself, its work being done."""

    def __str__(self) -> str:
        return "normal"


@dataclass(frozen=True, slots=True)
class Shutdown:
    """The actor was asked to stop, or ended itself on purpose with this reason."""

    why: str = ""

    def __str__(self) -> str:
        return f"shutdown: {self.why}" if self.why else "shutdown"


@dataclass(frozen=True, slots=True)
class Crashed:
    """A handler raised what it did not expect."""

    error: BaseException

    def __str__(self) -> str:
        return f"crashed: {type(self.error).__name__}: {self.error}"


@dataclass(frozen=True, slots=True)
class Killed:
    """The incarnation was abandoned: it did not stop in its shutdown time, or hung, and is fenced."""

    why: str

    def __str__(self) -> str:
        return f"killed: {self.why}"


@dataclass(frozen=True, slots=True)
class NoProcess:
    """There was no such actor when somebody asked to watch it."""

    def __str__(self) -> str:
        return "no process"


ExitReason = Normal | Shutdown | Crashed | Killed | NoProcess


@dataclass(frozen=True, slots=True)
class Stop(SystemMessage):
    """End after the handler at work. Goes before every user message."""

    reason: ExitReason = Shutdown()


@dataclass(frozen=True, slots=True)
class Ping(SystemMessage):
    """Are you serving? The answer is `Pong`."""


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to `Ping`."""

    name: str
    generation: int


@dataclass(frozen=True, slots=True)
class Exit(SystemMessage):
    """To the supervisor: your child has ended, and will do nothing more."""

    name: str
    generation: int
    reason: ExitReason


@dataclass(frozen=True, slots=True)
class Down(SystemMessage):
    """To whoever monitors it: this incarnation has ended."""

    name: str
    generation: int
    reason: ExitReason


@dataclass(frozen=True, slots=True)
class LevelChanged(SystemMessage):
    """The health actor's broadcast. level: a name of DESIGN's four; effects come with `domain.resources.levels`."""

    level: Any


@dataclass(frozen=True, slots=True)
class ComponentReport:
    """To `health`: how a component is. Pushed at every change and every 10 s.

    component: "database", "redis", "browser", "model", "journal", "lane" …. detail: one line for people.
    """

    component: str
    healthy: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class TaskDone:
    """A task of yours (`Actor.task`) returned."""

    label: str
    value: Any


@dataclass(frozen=True, slots=True)
class TaskFailed:
    """A task of yours (`Actor.task`) raised."""

    label: str
    error: BaseException


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long a child's restart waits: `min · factor^n` up to `max` seconds, with full jitter, reset after quiet."""

    min_seconds: float = 0.1
    max_seconds: float = 30.0
    factor: float = 2.0
    reset_after: float = 60.0


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What a supervisor needs to know of a child; OTP's words and defaults, in threads' terms.

    id: the child's name in its supervisor and in the directory.
    start: makes the actor object (not yet running): `lambda: MyActor(...)`.
    restart: permanent, transient (restarted only after an abnormal end) or temporary (never).
    shutdown: seconds to stop in, before it is fenced; None is infinity; 0 fences at once (OTP's brutal_kill).
    hang_limit: seconds one handler may run before the incarnation counts as hung; None: no limit.
    """

    id: str
    start: "Callable[[], Actor]"
    restart: str = "permanent"
    shutdown: float | None = 5.0
    type: str = "worker"
    significant: bool = False
    backoff: Backoff | None = None
    hang_limit: float | None = 30.0


@dataclass(frozen=True, slots=True)
class StartChild:
    """To a supervisor: start this child too. Answered when it is ready or has failed."""

    spec: ChildSpec


@dataclass(frozen=True, slots=True)
class TerminateChild:
    """To a supervisor: stop this child; it stays known, but for a temporary one."""

    id: str


@dataclass(frozen=True, slots=True)
class RestartChild:
    """To a supervisor: start this child again, which was terminated."""

    id: str
