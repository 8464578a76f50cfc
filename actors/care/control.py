"""What the health actor can be told and asked."""

from dataclasses import dataclass

from actors.care.view import MemoryView, StartupView


@dataclass(frozen=True, slots=True)
class Pin:
    """Hold this level, whatever the components say, until `Unpin`. level: a name, as `full`. Answer: its name."""

    level: str
    by: str = "operator"


@dataclass(frozen=True, slots=True)
class Unpin:
    """Let the components decide again. Answer: the level's name."""


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Tell `LevelChanged` to the actor of this name too, at every change; job actors need not ask."""

    name: str


@dataclass(frozen=True, slots=True)
class MemoryIs:
    """From the memory monitor: what it measured, and what follows. It hangs on the board under "memory" from then."""

    view: MemoryView


@dataclass(frozen=True, slots=True)
class StartupIs:
    """From the startup check: what it found. It hangs on the board under "startup" from then."""

    view: StartupView
