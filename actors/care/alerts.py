"""What a person should know of, once each: said in the log, and kept on the board until it is over."""

import logging
from dataclasses import dataclass
from typing import Any

from actors.base import Actor

log = logging.getLogger("roost.alerts")

KEPT = 50


@dataclass(frozen=True, slots=True)
class Raise:
    """Something a person should know. key: what it is about; the same key again is the same alert. text: one line."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Clear:
    """It is over."""

    key: str


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert. since, over: calendar seconds; over is None while it lasts. times: raised so often."""

    key: str
    text: str
    since: float
    times: int = 1
    over: float | None = None


@dataclass(frozen=True, slots=True)
class AlertsState:
    """On the board under "alerts", the newest last. standing: those not over."""

    standing: tuple[Alert, ...] = ()
    past: tuple[Alert, ...] = ()


class AlertsActor(Actor):
    """Keeps the alerts. A new incarnation goes on with those on the board."""

    def on_start(self) -> None:
        before = self.system.board.get(self.name)
        before = before if isinstance(before, AlertsState) else AlertsState()
        self.standing = {alert.key: alert for alert in before.standing}
        self.past = before.past
        self._show()

    def receive(self, message: Any) -> Any:
        match message:
            case Raise(key, text) if key in self.standing:
                known = self.standing[key]
                self.standing[key] = Alert(key, text, known.since, known.times + 1)
            case Raise(key, text):
                log.error("ALERT %s: %s", key, text)
                self.standing[key] = Alert(key, text, self.calendar())
            case Clear(key) if key in self.standing:
                alert = self.standing.pop(key)
                log.warning("over %s: %s", key, alert.text)
                over = Alert(key, alert.text, alert.since, alert.times, self.calendar())
                self.past = (*self.past, over)[-KEPT:]
            case Clear():
                return None
            case _:
                return super().receive(message)
        self._show()
        return None

    def _show(self) -> None:
        self.system.board.put(self.name, AlertsState(tuple(self.standing.values()), self.past))
