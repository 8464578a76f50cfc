"""How the system is, as it hangs on the board under `health` and `memory`."""

from dataclasses import dataclass
from typing import Any

from actors.core.base import Actor
from actors.core.board import Key, Keys
from actors.core.lifecycle import SystemMessage
from actors.core.sender import Asker, Teller
from domain.resources.effects import InForce
from domain.resources.levels import Level
from domain.resources.memory import MemoryAdvice, State

FULL = InForce(Level.FULL, frozenset())


@dataclass(frozen=True, slots=True)
class ComponentView:
    """One component. since: monotonic seconds of the last change. heard: of the last word from it."""

    name: str
    healthy: bool
    detail: str
    since: float
    heard: float


@dataclass(frozen=True, slots=True)
class HealingView:
    """One component under treatment, or lately healed. attempts: steps taken. last: of them, with its outcome."""

    component: str
    attempts: int
    last: str
    ended: bool


@dataclass(frozen=True, slots=True)
class HealthView:
    """The level in force, why it is so, and the components.

    in_force: the level, and the components that count as failed. since: calendar seconds of the level's last change.
    pinned: the operator's reason, None without a pin. reasons: why it is not full, one line each.
    """

    in_force: InForce = FULL
    since: float = 0.0
    pinned: str | None = None
    memory_high: bool = False
    reasons: tuple[str, ...] = ()
    components: tuple[ComponentView, ...] = ()
    healing: tuple[HealingView, ...] = ()

    @property
    def level(self) -> str:
        """The level's name, as people write it: full, reduced, minimal, emergency."""
        return self.in_force.level.name.lower()

    def component(self, name: str) -> ComponentView | None:
        """The component of that name, if it was ever heard of."""
        return next((component for component in self.components if component.name == name), None)


@dataclass(frozen=True, slots=True)
class MemoryView:
    """Memory of the whole process tree. used, limit: bytes. parts: bytes by part, the largest first.

    private: bytes of it that Python, driver and browser had each for itself.

    state: what the rule goes on from at the next reading.
    """

    used: int
    limit: int
    advice: MemoryAdvice
    state: State
    parts: tuple[tuple[str, int], ...]
    at: float  # calendar seconds
    private: int

    @property
    def free(self) -> int:
        """Bytes below the limit; negative above it."""
        return self.limit - self.used


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that the startup check looked at. detail: one line."""

    name: str
    up: bool
    detail: str


@dataclass(frozen=True, slots=True)
class StartupView:
    """The startup check's verdict. asked: what was asked for, to heal what was not up. at: calendar seconds."""

    at: float
    parts: tuple[Part, ...]
    asked: tuple[str, ...] = ()
    reminders: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[Part, ...]:
        """What is not up."""
        return tuple(part for part in self.parts if not part.up)


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


MIB = 1 << 20


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


HEALTH = Key("health", HealthView())
MEMORY: Key[MemoryView | None] = Key("memory", None)
STARTUP: Key[StartupView | None] = Key("startup", None)
REPORT = Keys[ComponentReport]("report:")


def report(by: Actor, component: str, healthy: bool, detail: str) -> None:
    """Say it. detail: one line for people."""
    said = ComponentReport(component, healthy, detail)
    by.put_up(REPORT(component), said)
    by.tell("health", said)


def report_component(by: Teller, component: str, healthy: bool, detail: str) -> bool:
    """As `report`, by whoever has no board to hang it on."""
    return by.tell("health", ComponentReport(component, healthy, detail))


def report_memory(by: Teller, view: MemoryView) -> bool:
    """What was measured."""
    return by.tell("health", MemoryIs(view))


def report_startup(by: Teller, view: StartupView) -> bool:
    """What the startup check found."""
    return by.tell("health", StartupIs(view))


def pin(by: Asker, level: str, who: str, timeout: float) -> str:
    """Hold this level. Returns its name. Raises CallerError where there is none of that name."""
    return str(by.ask("health", Pin(level, who), timeout))


def unpin(by: Asker, timeout: float) -> str:
    """Let the components decide again. Returns the level's name."""
    return str(by.ask("health", Unpin(), timeout))
