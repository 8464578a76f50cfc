"""Calendar time: the clock that schedules, ages, caps and the audience go by.

It runs `speed` times as fast as the real one, so that a day on the sandbox passes in 24 minutes. Pure: the caller
brings the real time. Roost and the sandbox are two processes and must agree, so the anchor is a value that is
written down once and read by both.
"""

from dataclasses import dataclass

MINUTE = 60.0
HOUR = 3600.0
DAY = 86400.0


def minutes(count: float) -> float:
    """`count` minutes in seconds."""
    return count * MINUTE


def hours(count: float) -> float:
    """`count` hours in seconds."""
    return count * HOUR


def days(count: float) -> float:
    """`count` days in seconds."""
    return count * DAY


@dataclass(frozen=True, slots=True)
class Anchor:
    """One moment named in both times.

    real: Unix seconds of the machine's clock. calendar: Unix seconds of the calendar at that moment.
    speed: calendar seconds per real second, above 0.
    """

    real: float
    calendar: float
    speed: float

    def at(self, real: float) -> float:
        """The calendar time (Unix seconds) at the real time `real` (Unix seconds)."""
        return self.calendar + (real - self.real) * self.speed

    def with_speed(self, speed: float, real: float) -> "Anchor":
        """The anchor that goes on from here at another speed, without a jump."""
        return Anchor(real=real, calendar=self.at(real), speed=speed)

    def real_seconds(self, calendar_seconds: float) -> float:
        """How many real seconds a span of the calendar takes."""
        return calendar_seconds / self.speed
