"""Restart intensity: how often a supervisor restarts before it gives up, since what fails at once again is not mended
by restarting it.

OTP's rule (`add_restart` in https://github.com/erlang/otp/blob/master/lib/stdlib/src/supervisor.erl): of the restarts
so far keep those that are not older than the period, add this one, and go on while there are no more than the
intensity. The period's edge is inclusive, and an intensity of 0 makes the first restart the end.

>>> limit = Intensity(restarts=2, period=5.0)
>>> history = ()
>>> for now in (0.0, 1.0, 5.0):
...     decision = limit.after_restart(history, now)
...     history = decision.history
...     print(type(decision).__name__, history)
GoOn (0.0,)
GoOn (0.0, 1.0)
GiveUp (0.0, 1.0, 5.0)
"""

from dataclasses import dataclass

History = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class GoOn:
    """Restart. history: what to bring next time."""

    history: History


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Too many restarts: the supervisor ends. history: the restarts that did it, this one last."""

    history: History


@dataclass(frozen=True, slots=True)
class Intensity:
    """At most `restarts` within `period` seconds, edges included. Raises ValueError if OTP would refuse it."""

    restarts: int
    period: float

    def __post_init__(self) -> None:
        if self.restarts < 0 or self.period <= 0:
            raise ValueError(f"{self}: restarts must be 0 or more, and the period above 0 seconds")

    def after_restart(self, history: History, now: float) -> GoOn | GiveUp:
        """What a restart at `now` (monotonic seconds) means. history: monotonic seconds of those before, oldest
        first."""
        recent = (*(moment for moment in history if moment >= now - self.period), now)
        return GoOn(recent) if len(recent) <= self.restarts else GiveUp(recent)
