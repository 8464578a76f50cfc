"""What the alerts' actor can be told, and how it looks on the board."""

from dataclasses import dataclass

from actors.core.board import Key
from actors.core.sender import Teller


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
    """On the board under "alerts", the newest last. standing: those not over.

    usage: of each pool, the smoothed share of it that is in use.
    """

    standing: tuple[Alert, ...] = ()
    past: tuple[Alert, ...] = ()
    usage: tuple[tuple[str, float], ...] = ()


ALERTS = Key("alerts", AlertsState())


def raise_alert(by: Teller, key: str, text: str) -> bool:
    """Have a person told, as `Raise` has it."""
    return by.tell("alerts", Raise(key, text))


def clear_alert(by: Teller, key: str) -> bool:
    """It is over, if it stood."""
    return by.tell("alerts", Clear(key))
