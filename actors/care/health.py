"""How the whole is: components say how they are, the level follows, and all who work are told.

The level is `domain.resources.levels`' to decide, what is tried with an ill component `domain.resources.healing`'s
(see `actors/care/healer.py`). Here: who was heard of and when, the timer of the settle time, and the broadcast.
"""

import logging
from dataclasses import dataclass, replace
from typing import Any

from actors.care.healer import Healer, StepOver, StepTaken
from actors.core.base import Actor
from actors.core.future import CallerError
from actors.protocol.health import (
    HEALTH,
    MEMORY,
    REPORT,
    STARTUP,
    ComponentReport,
    ComponentView,
    HealthView,
    LevelChanged,
    MemoryIs,
    Pin,
    StartupIs,
    Subscribe,
    Unpin,
)
from actors.protocol.jobs import JOB
from actors.protocol.resources import check, resources
from domain.resources import levels
from domain.resources.effects import InForce, in_force
from domain.resources.levels import RESOURCES, Level

log = logging.getLogger("roost.care")

PROBE_EVERY = 5.0
ASK_AFTER = 15.0  # seconds of silence, then it is asked for a sign of life
SILENT_AFTER = 30.0  # seconds of silence, then it counts as unhealthy
OPENS_FOR = 30.0  # seconds that a component which was never well may take, before it is treated as ill


@dataclass(frozen=True, slots=True)
class Probe:
    """To itself: who has been silent?"""


@dataclass(frozen=True, slots=True)
class Settle:
    """To itself: a settle time is over; the level may rise."""


class HealthActor(Actor):
    """Takes reports, keeps the level, tells everybody."""

    def on_start(self) -> None:
        self.state = levels.State()
        self.components: dict[str, ComponentView] = {}
        self.subscribers: dict[str, None] = {}
        self.been_well: set[str] = set()
        self.force: InForce | None = None
        self.since = self.calendar()
        self.healer = Healer(self)
        self._take_up()
        self._decide()
        self.timer("probe", PROBE_EVERY, Probe())

    def receive(self, message: Any) -> Any:
        match message:
            case ComponentReport(component, healthy, detail):
                self._heard(component, healthy, detail)
            case Probe():
                self._probe()
            case Settle():
                self._decide()
            case MemoryIs(view):
                self.put_up(MEMORY, view)
                self._learn(levels.MemoryHigh(view.advice.level_pressure))
            case StartupIs(found):
                self.put_up(STARTUP, found)
            case Pin(name, by):
                return self._pin(name, by)
            case Unpin():
                self._learn(levels.Unpinned())
                return self._view().level
            case Subscribe(name):
                self.subscribers[name] = None
                self.tell(name, LevelChanged(self.force))
            case StepTaken() | StepOver():
                self.healer.receive(message)
                self._show()
            case _:
                return super().receive(message)

    # what is heard

    def _take_up(self) -> None:
        """After a restart: the pin stays, and what hangs on the board need not be reported again first."""
        before = self.system.board[HEALTH]
        if before.pinned is not None:
            self.state = levels.after(self.state, levels.Pinned(before.in_force.level, before.pinned), self.now())
        for name, state in resources(self.system.board).items():
            self._note(name, state.healthy, state.detail)
        for said in self.system.board.under(REPORT).values():
            self._note(said.component, said.healthy, said.detail)

    def _heard(self, component: str, healthy: bool, detail: str) -> None:
        self._note(component, healthy, detail)
        self._decide()

    def _note(self, component: str, healthy: bool, detail: str) -> None:
        now = self.now()
        before = self.components.get(component)
        changed = before is None or before.healthy != healthy
        since = now if changed or before is None else before.since
        self.components[component] = ComponentView(component, healthy, detail, since, heard=now)
        if healthy:
            self.been_well.add(component)
        opens = (
            component not in self.been_well
        )  # it counts as down anyhow, and is neither news nor in need of healing
        if not opens:
            self.state = levels.after(self.state, levels.Report(component, healthy), now)
        if changed:
            log.log(logging.INFO if healthy or opens else logging.WARNING, "%s: %s", component, detail)
            if healthy:
                self.healer.is_well(component)
            elif not opens:
                self.healer.is_ill(component)

    def _probe(self) -> None:
        self.timer("probe", PROBE_EVERY, Probe())
        now = self.now()
        for component in list(self.components.values()):
            silence = now - component.heard
            if silence >= SILENT_AFTER and component.healthy and not self._is_a_job(component.name):
                self._note(component.name, False, f"silent for {silence:.0f} s")
                # A remark of ours is no word of its own.
                self.components[component.name] = replace(self.components[component.name], heard=component.heard)
            elif silence >= ASK_AFTER and component.name in RESOURCES:
                check(self, component.name)
            if not component.healthy and now - component.since >= OPENS_FOR:
                self.healer.is_ill(component.name)
        self._decide()

    def _is_a_job(self, component: str) -> bool:
        """A job speaks of itself at its own pace, so its silence says nothing."""
        return self.system.board[JOB(component)] is not None

    # the level

    def _learn(self, event: levels.Event) -> None:
        self.state = levels.after(self.state, event, self.now())
        self._decide()

    def _pin(self, name: str, by: str) -> str:
        try:
            level = Level[name.upper()]
        except KeyError:
            known = ", ".join(level.name.lower() for level in Level)
            raise CallerError(f"there is no level {name!r}: say one of {known}") from None
        self._learn(levels.Pinned(level, f"pinned by {by}"))
        return self._view().level

    def _decide(self) -> None:
        now = self.now()
        force = in_force(self.state, now)
        before, self.force = self.force, force
        if before is None or force.level is not before.level:
            self.since = self.calendar()
            fell = before is not None and force.level.value < before.level.value
            log.log(
                logging.WARNING if fell else logging.INFO,
                "level %s%s",
                force.level.name.lower(),
                _why(self._reasons(force)),
            )
        self._show()
        if force != before:
            self._broadcast(force)
        change = levels.next_change(self.state, now)
        if change is None:
            self.cancel_timer("settle")
        else:
            self.timer("settle", change - now, Settle())

    def _broadcast(self, force: InForce) -> None:
        jobs = [entry.name for entry in self.system.directory.registrations() if entry.name.startswith("job:")]
        for name in (*jobs, *self.subscribers):
            self.tell(name, LevelChanged(force))

    # the board

    def _reasons(self, force: InForce) -> tuple[str, ...]:
        reasons = []
        for name in sorted(force.failed):
            component = self.components.get(name)
            if component is None:
                reasons.append(f"{name}: not heard of yet")
            elif component.healthy:
                reasons.append(f"{name}: well again, and settling")
            else:
                reasons.append(f"{name}: {component.detail}")
        if not isinstance(self.state.memory, levels.Up):
            reasons.append("memory is short: one level down")
        if self.state.pin is not None:
            reasons.append(self.state.pin.reason)
        return tuple(reasons)

    def _view(self) -> HealthView:
        force = self.force or in_force(self.state, self.now())
        return HealthView(
            in_force=force,
            since=self.since,
            pinned=self.state.pin.reason if self.state.pin is not None else None,
            memory_high=not isinstance(self.state.memory, levels.Up),
            reasons=self._reasons(force),
            components=tuple(self.components[name] for name in sorted(self.components)),
            healing=self.healer.views(),
        )

    def _show(self) -> None:
        self.put_up(HEALTH, self._view())


def _why(reasons: tuple[str, ...]) -> str:
    return f" ({'; '.join(reasons)})" if reasons else ""
