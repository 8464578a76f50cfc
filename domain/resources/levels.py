"""Levels: how degraded the system is, from how its components are.

Pure: `after` takes the state, what happened and when; `level` reads it. Down at once, up only when what was down has
been well for the settle time, so that a component that comes and goes does not make every job come and go with it.
What a level means for a job is in `domain.resources.effects`.

>>> state = State()
>>> for component in COMPONENTS:
...     state = after(state, Report(component, healthy=True), now=0.0)
>>> level(state, 0.0).name
'FULL'
>>> state = after(state, Report(REDIS, healthy=False), now=1.0)
>>> level(state, 1.0).name, level(after(state, MemoryHigh(True), 2.0), 2.0).name
('REDUCED', 'MINIMAL')
>>> state = after(state, Report(REDIS, healthy=True), now=5.0)
>>> level(state, 24.9).name, next_change(state, 24.9), level(state, 25.0).name
('REDUCED', 25.0, 'FULL')
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType

DATABASE = "database"
REDIS = "redis"
BROWSER = "browser"
MODEL = "model"
RESOURCES = (DATABASE, REDIS, BROWSER, MODEL)  # what is lent, in boot order; `Holds` has a field for each
COMPONENTS = (DATABASE, REDIS, BROWSER)
SETTLE_SECONDS = 20.0


class Level(Enum):
    """The degradation level; its value is the health that it stands for."""

    FULL = 1.0
    REDUCED = 0.7
    MINIMAL = 0.3
    EMERGENCY = 0.1

    def lower(self) -> "Level":
        """One level down; the lowest stays."""
        levels = list(Level)
        return levels[min(levels.index(self) + 1, len(levels) - 1)]


@dataclass(frozen=True, slots=True)
class Up:
    """Well. since: monotonic seconds of the first good report. settled_at: when it counts."""

    since: float
    settled_at: float


@dataclass(frozen=True, slots=True)
class Down:
    """Not well, or not heard of yet."""


@dataclass(frozen=True, slots=True)
class Unheard(Down):
    """Not heard of since the boot: counts as down, but its first good report counts at once."""


Condition = Up | Down


@dataclass(frozen=True, slots=True)
class Pin:
    """The operator's level, whatever the components say."""

    level: Level
    reason: str


def _unheard() -> Mapping[str, Condition]:
    return MappingProxyType({component: Unheard() for component in COMPONENTS})


@dataclass(frozen=True, slots=True)
class State:
    """What is known. memory: Up while there is enough of it."""

    conditions: Mapping[str, Condition] = field(default_factory=_unheard)
    memory: Condition = Up(0.0, 0.0)
    pin: Pin | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """How a component is. Other components than `COMPONENTS` (the model, say) move no level."""

    component: str
    healthy: bool


@dataclass(frozen=True, slots=True)
class MemoryHigh:
    """Memory is (or is no more) so short that it counts one level; see `domain.resources.memory`."""

    high: bool


@dataclass(frozen=True, slots=True)
class Pinned:
    """The operator pins a level."""

    level: Level
    reason: str


@dataclass(frozen=True, slots=True)
class Unpinned:
    """The operator lets the components decide again."""


Event = Report | MemoryHigh | Pinned | Unpinned


def after(state: State, event: Event, now: float) -> State:
    """The state after one event at `now` (monotonic seconds)."""
    match event:
        case Report(component, healthy) if component in state.conditions:
            told = _told(state.conditions[component], healthy, now)
            return replace(state, conditions=MappingProxyType({**state.conditions, component: told}))
        case Report():
            return state
        case MemoryHigh(high):
            return replace(state, memory=_told(state.memory, not high, now))
        case Pinned(level, reason):
            return replace(state, pin=Pin(level, reason))
        case Unpinned():
            return replace(state, pin=None)


def _told(condition: Condition, healthy: bool, now: float) -> Condition:
    match condition:
        case _ if not healthy:
            return Down()
        case Unheard():
            return Up(now, now)
        case Down():
            return Up(now, now + SETTLE_SECONDS)
    return condition


def failed(state: State, now: float) -> frozenset[str]:
    """The components that count as failed: down, or up again for less than the settle time."""
    return frozenset(name for name, condition in state.conditions.items() if not _counts_as_up(condition, now))


def by_components(failed: frozenset[str]) -> Level:
    """The level that these failures alone make."""
    if DATABASE in failed:
        return Level.EMERGENCY
    if {REDIS, BROWSER} <= failed:
        return Level.MINIMAL
    return Level.REDUCED if failed else Level.FULL


def level(state: State, now: float) -> Level:
    """The level in force at `now` (monotonic seconds)."""
    if state.pin is not None:
        return state.pin.level
    own = by_components(failed(state, now))
    return own if _counts_as_up(state.memory, now) else own.lower()


def next_change(state: State, now: float) -> float | None:
    """When the level may next rise by itself (monotonic seconds), None if only an event can change it."""
    times = [
        condition.settled_at
        for condition in (*state.conditions.values(), state.memory)
        if isinstance(condition, Up) and condition.settled_at > now
    ]
    return min(times, default=None)


def _counts_as_up(condition: Condition, now: float) -> bool:
    return isinstance(condition, Up) and now >= condition.settled_at
