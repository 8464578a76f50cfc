"""How an actor lives and ends: the system messages, and the reasons of an end.

Every actor speaks these, supervised or not.
"""

from dataclasses import dataclass
from typing import Any

from actors.core.foreign import as_text, type_name


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
        return f"crashed: {type_name(self.error)}: {as_text(self.error)}"


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
class TaskDone:
    """A task of yours (`Actor.task`) returned, or a request (`Actor.request`) was answered."""

    label: Any
    value: Any


@dataclass(frozen=True, slots=True)
class TaskFailed:
    """A task of yours (`Actor.task`) raised, or a request (`Actor.request`) has no answer, or an error for one."""

    label: Any
    error: BaseException
