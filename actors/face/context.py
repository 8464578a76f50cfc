"""What the pages, the metrics and the operator's commands are made from: all there is to look at, in one value.

None of it asks an actor anything: it is read from the board and the directory, so that a busy or dead actor delays no
answer.
"""

import dataclasses
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

from actors.core.system import System
from actors.face.http.web import Requests
from actors.face.log_book import LogBook
from domain.setting_types import Secret
from domain.settings import Settings

DEEPEST = 8


@dataclass(frozen=True, slots=True)
class AppContext:
    """One process, to look at.

    instance: this home's id, the same after a restart. started: monotonic seconds of the runtime.
    leave: asks the process to end in order, with the reason.
    """

    system: System
    settings: Settings
    book: LogBook
    home: Path
    instance: str
    started: float
    leave: Callable[[str], None]
    requests: Requests = field(default_factory=Requests)

    def uptime(self) -> float:
        """Real seconds since the start."""
        return self.system.runtime.now() - self.started

    def pid(self) -> int:
        """The process."""
        return os.getpid()


def iso(seconds: float) -> str:
    """Unix seconds as people and programs read them: 2026-03-01T07:30:00Z."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def plain(value: Any, depth: int = 0) -> Any:
    """Any snapshot as JSON takes it: data classes as objects, secrets masked, the unknown as its text."""
    if depth > DEEPEST:
        return "…"
    match value:
        case None | bool() | int() | str():
            return value.value if isinstance(value, Enum) else value
        case float():
            return round(value, 3) if value == value and abs(value) != float("inf") else None
        case Enum():
            return plain(value.value, depth + 1)
        case Secret():
            return str(value)
        case Mapping():
            return {str(key): plain(item, depth + 1) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(item, depth + 1) for item in value]
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {
                column.name: plain(getattr(value, column.name), depth + 1) for column in dataclasses.fields(value)
            }
    return str(value)
