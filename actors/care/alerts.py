"""What a person should know of, once each: said in the log, and kept on the board until it is over.

Most of it is told by others; that a pool is nearly used up is seen here. What is not over is in the journal too, so
that a restart does not make it forgotten: whoever told it tells that it is over, also in a later life.
"""

import logging
from dataclasses import asdict, dataclass
from typing import Any

from actors.care.pool_pressure import Crowds
from actors.core.base import Actor
from actors.core.lifecycle import TaskDone, TaskFailed
from actors.protocol import journal
from actors.protocol.alerts import ALERTS, Alert, AlertsState, Clear, Raise
from store.journal import Cached

log = logging.getLogger("roost.alerts")

KEPT = 50
LOOK_EVERY = 10.0
CACHE = "alerts"  # the journal's key
POOL = "pool:"


@dataclass(frozen=True, slots=True)
class _Look:
    """Time to see how full the pools are."""


class AlertsActor(Actor):
    """Keeps the alerts. A new incarnation goes on with those on the board and in the journal."""

    def on_start(self) -> None:
        self.recalled = False
        state = self.system.board[ALERTS]
        self.standing = {alert.key: alert for alert in state.standing}
        self.past = state.past
        self.usage = state.usage
        self.early: set[str] = set()  # what was told to be over before the journal has told of it
        self.crowds = Crowds(self._crowded(), self.now())
        self._show()
        self._recall()
        self.timer("look", LOOK_EVERY, _Look())

    def receive(self, message: Any) -> Any:
        match message:
            case Raise(key, text):
                self._raise(key, text)
            case Clear(key):
                self._clear(key)
            case _Look():
                self.timer("look", LOOK_EVERY, _Look())
                self._recall()
                self._look()
            case TaskDone("recall", cached):
                self._on_recalled(cached)
            case TaskFailed("recall", error):
                log.debug("what the journal knows of alerts is not known, and asked again: %s", error)
            case _:
                return super().receive(message)
        self._show()
        return None

    def _raise(self, key: str, text: str) -> None:
        known = self.standing.get(key)
        if known is not None:
            self.standing[key] = Alert(key, text, known.since, known.times + 1)
            return
        log.error("ALERT %s: %s", key, text)
        self.standing[key] = Alert(key, text, self.calendar())
        self._remember()

    def _clear(self, key: str) -> None:
        alert = self.standing.pop(key, None)
        if not self.recalled:
            self.early.add(key)
        if alert is None:
            return
        log.warning("over %s: %s", key, alert.text)
        self.past = (*self.past, Alert(key, alert.text, alert.since, alert.times, self.calendar()))[-KEPT:]
        self._remember()

    # pools

    def _look(self) -> None:
        usages = self.crowds.look(self.system.board, self.now())
        for name, usage in usages.items():
            key = POOL + name
            if usage.crowded and key not in self.standing:
                self._raise(key, f"{name}: {usage.mean:.0%} in use for minutes. `ctl pools` tells who has it")
            elif not usage.crowded and key in self.standing:
                self._clear(key)
        self.usage = tuple((name, usage.mean) for name, usage in usages.items())

    def _crowded(self) -> frozenset[str]:
        return frozenset(key.removeprefix(POOL) for key in self.standing if key.startswith(POOL))

    # earlier lives

    def _recall(self) -> None:
        if not self.recalled:
            self.request("recall", "journal", journal.Recall(CACHE))

    def _on_recalled(self, cached: Cached | None) -> None:
        if self.recalled:
            return
        self.recalled = True
        kept = [Alert(**each) for each in cached.value] if cached is not None else []
        before = {alert.key: alert for alert in kept if alert.key not in self.early}
        self.standing = {**before, **self.standing}
        self.crowds = Crowds(self._crowded(), self.now())
        if kept:
            self._remember()

    def _remember(self) -> None:
        if self.recalled:  # else what was kept would be lost
            journal.remember_later(self, CACHE, [asdict(alert) for alert in self.standing.values()])

    # the board

    def _show(self) -> None:
        self.put_up(ALERTS, AlertsState(tuple(self.standing.values()), self.past, self.usage))
