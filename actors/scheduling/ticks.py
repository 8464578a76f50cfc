"""When a job's next tick is, and the timer for it: `domain.jobs.schedule` with a clock."""

import random
from dataclasses import dataclass

from actors.core.base import Actor
from actors.protocol.jobs import Due
from domain.jobs.schedule import Tick, first_tick, next_tick, retimed, sooner
from domain.jobs.spec import JobSpec

TICK = "tick"  # the owner's timer


@dataclass(frozen=True, slots=True)
class Place:
    """A job's place in the boot round.

    boot: calendar seconds. offset: seconds after it of the first start. step: seconds; a start that is put off goes
    to the nearest multiple of it, so that browser jobs go on missing each other. 0: to any moment.
    """

    boot: float
    offset: float
    step: float = 0.0


class Ticks:
    """The next tick of one job. It comes to the owner as `Due`, by one timer: one that was rescheduled is silent."""

    def __init__(self, owner: Actor, spec: JobSpec, place: Place, rng: random.Random) -> None:
        self._owner = owner
        self._spec = spec
        self._place = place
        self._rng = rng
        self.next: Tick | None = None

    def first(self, last_start: float | None, interval: float) -> None:
        """After a boot. last_start: calendar seconds, in an earlier life."""
        place = self._place
        self._set(first_tick(self._spec, place.boot, place.offset, last_start, interval, self._rng, place.step))

    def after(self, grid: float, interval: float, not_before: float = 0.0) -> None:
        """The one after `grid` that is still to come: none for a job that runs once. not_before: calendar seconds."""
        earliest = max(self._owner.calendar(), not_before)
        self._set(None if self._spec.once else next_tick(grid, interval, earliest, self._rng))

    def retime(self, grid: float | None, interval: float) -> None:
        """The interval in force has changed: the next tick counts from the last one, by the new interval."""
        if grid is not None and not self._spec.once:
            self._set(retimed(grid, interval, self._owner.calendar(), self._rng))

    def at_latest(self, seconds: float, interval: float) -> None:
        """In so many calendar seconds, if the next tick is later."""
        at = self._owner.calendar() + seconds
        if self.next is not None and at < self.next.at:
            self._set(sooner(self.next, interval, at))

    def put_off(self, seconds: float) -> None:
        """The tick that has just come, comes again in so many real seconds."""
        self._owner.timer(TICK, seconds, Due())

    def _set(self, tick: Tick | None) -> None:
        self.next = tick
        if tick is None:
            self._owner.cancel_timer(TICK)
        else:
            wait = max(0.0, tick.at - self._owner.calendar())
            self._owner.timer(TICK, self._owner.system.runtime.real_seconds(wait), Due())
