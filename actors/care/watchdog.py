"""Sees that the jobs run: nudges the one that does not, then restarts its actor, then calls a person.

What counts as trouble, and how long each step is given, are rules of `domain.jobs.health`. It lives outside `work`,
so that what stops the jobs does not stop it.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from actors.core.base import Actor
from actors.core.board import Key
from actors.core.supervision import Restart
from actors.protocol import alerts
from actors.protocol.health import HEALTH
from actors.protocol.jobs import JOB, Gated, Running, nudge
from domain.calendar import MINUTE
from domain.jobs.health import Escalation, Finding, Step, Trouble, escalated, findings

log = logging.getLogger("roost.care")

EVERY = MINUTE  # calendar
AT_LEAST = 5.0  # real seconds between looks, however fast the calendar runs
PATIENCE = 3 * MINUTE  # calendar, that each step is given, and the job's deadline at least
GRACE = 10.0  # real seconds past its deadline that a run's own job actor has to end it
JOBS = "jobs"  # their supervisor


@dataclass(frozen=True, slots=True)
class Look:
    """To itself: see how the jobs are."""


@dataclass(frozen=True, slots=True)
class WatchdogState:
    """On the board under "watchdog". looked_at: calendar seconds. troubles: (job, trouble, last step taken)."""

    looked_at: float
    troubles: tuple[tuple[str, str, str], ...]


WATCHDOG: Key[WatchdogState | None] = Key("watchdog", None)


class WatchdogActor(Actor):
    """Looks at every job once a minute."""

    def __init__(self, names: Sequence[str], boot: float) -> None:
        """names: all jobs there must be. boot: calendar seconds."""
        super().__init__()
        self.names = tuple(names)
        self.boot = boot
        self.escalations: dict[str, Escalation] = {}

    def on_start(self) -> None:
        self._wind()

    def receive(self, message: Any) -> Any:
        match message:
            case Look():
                self._wind()
                if not self.system.in_transit:  # else jobs end, or have not begun, and nothing is wrong with that
                    self._look()
            case _:
                return super().receive(message)

    def _wind(self) -> None:
        self.timer("look", max(AT_LEAST, self.system.runtime.real_seconds(EVERY)), Look())

    def _look(self) -> None:
        troubles = []
        for name in self.names:
            found = self._findings(name)
            if found:
                self._escalate(name, found)
                troubles.append((name, ", ".join(finding.trouble.value for finding in found), self._step(name)))
            elif self.escalations.pop(name, None) is not None or self._was_told_of(name):
                alerts.clear_alert(self, f"job:{name}")
        self.put_up(WATCHDOG, WatchdogState(self.calendar(), tuple(troubles)))

    def _was_told_of(self, name: str) -> bool:
        """Whether an alert of an earlier life stands, and the job has succeeded in this one."""
        snapshot, standing = self.system.board[JOB(name)], self.system.board[alerts.ALERTS].standing
        return (
            snapshot is not None and snapshot.succeeded > 0 and any(alert.key == f"job:{name}" for alert in standing)
        )

    def _findings(self, name: str) -> tuple[Finding, ...]:
        snapshot = self.system.board[JOB(name)]
        now = self.calendar()
        if snapshot is None:
            return (Finding(name, Trouble.SILENT, now - self.boot),) if now - self.boot > PATIENCE else ()
        health = self.system.board.get(HEALTH)
        level_changed = self.boot if health is None else health.since
        monotonic = self.now() - (GRACE if isinstance(snapshot.state, Running) else 0.0)
        found = findings(snapshot.spec, snapshot.record(), self.boot, level_changed, now, monotonic, self._speed())
        if isinstance(snapshot.state, Gated):
            # It is due and says why it may not run: neither a nudge nor a restart can change that.
            return tuple(finding for finding in found if finding.trouble is not Trouble.OVERDUE)
        return found

    def _escalate(self, name: str, found: tuple[Finding, ...]) -> None:
        patience = max(PATIENCE, max(AT_LEAST, self._deadline(name)) * self._speed())
        step = escalated(self.escalations.get(name), self.calendar(), patience)
        if step is None:
            return
        self.escalations[name] = step
        what = "; ".join(f"{finding.trouble.value} by {finding.by:.0f} s" for finding in found)
        log.warning("job %s is %s: %s", name, what, step.step.value)
        match step.step:
            case Step.NUDGE:
                nudge(self, name, "watchdog")
            case Step.RESTART:
                self.tell(JOBS, Restart(f"job:{name}"))
            case Step.ALERT:
                text = f"job {name} is {what}; a nudge and a restart of its actor did not help"
                alerts.raise_alert(self, f"job:{name}", text)

    def _step(self, name: str) -> str:
        return self.escalations[name].step.value

    def _deadline(self, name: str) -> float:
        snapshot = self.system.board[JOB(name)]
        return 0.0 if snapshot is None else snapshot.spec.deadline

    def _speed(self) -> float:
        """Calendar seconds in a real one."""
        return 1.0 / self.system.runtime.real_seconds(1.0)
