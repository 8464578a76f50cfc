"""When a job is due: stagger at boot, jitter, catch-up after downtime, and the interval in force.

All times are calendar seconds. A job keeps two of them for its next run: the place on its own grid, which does not
drift, and the moment it starts, which is the grid plus jitter.
"""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.jobs.spec import JobSpec

SLOT = 30.0  # between dependent jobs of the boot round that share no browser
JITTER_SHARE = 0.02
JITTER_MOST = 10.0


@dataclass(frozen=True, slots=True)
class Tick:
    """A job's next start.

    grid: its place without jitter, from which the one after is counted. at: when to start (never before `grid`).
    missed: grid places that passed unused before it (downtime, or a run that took longer than the interval).
    extra: it comes between two grid places, since a run asked for it; `grid` is then the place before it.
    """

    grid: float
    at: float
    missed: int = 0
    extra: bool = False


def interval_in_force(every: float, factor: float, override: float | None) -> float:
    """Seconds between starts now: the operator's interval if there is one, else `every`, times the level's factor.

    Raises ValueError on an interval or a factor that is not above 0.
    """
    interval = every if override is None else override
    if not (interval > 0 and factor > 0):
        raise ValueError(f"an interval and its factor must be above 0, not {interval:g} s and {factor:g}")
    return interval * factor


def boot_offsets(order: Sequence[JobSpec]) -> Mapping[str, float]:
    """Seconds after boot of each job's first start: never before what it requires, browser jobs never together.

    order: as from `graph.validated`. Browser jobs get places that differ modulo the greatest common divisor of their
    intervals, so that at full level their grids never meet at all, not only in the first round. Of the places that
    are left, a job gets the one with most time between its hold and those of its category, which share a reserve with
    it: wherever their grids come close, one is done before the next begins, if there is any place for that.
    """
    browser, common = _browser_jobs(order), common_interval(order)
    free = set(range(len(browser)))  # a browser job's phase is k * common / len(browser), a different k each
    placed: list[JobSpec] = []
    offsets: dict[str, float] = {}
    for spec in order:
        earliest = max([spec.offset, *(offsets[required.job] + SLOT for required in spec.requirements)])
        if spec in browser:
            mates = [other for other in placed if other.category == spec.category]
            places = {k: _next_of_phase(k * common / len(browser), common, earliest) for k in free}
            phase = max(
                places,
                key=lambda k: (
                    _shortest_pause(spec, places[k], mates, offsets),
                    _shortest_pause(spec, places[k], placed, offsets),
                    -places[k],
                ),
            )
            free.remove(phase)
            placed.append(spec)
            earliest = places[phase]
        offsets[spec.name] = earliest
    return offsets


def boot_steps(order: Sequence[JobSpec]) -> Mapping[str, int]:
    """Seconds by whose multiples the first start of each browser job may be moved, so that its grid stays as far from
    those of its category as `boot_offsets` has put it, and meets none. A divisor of its interval."""
    browser, common = _browser_jobs(order), common_interval(order)
    return {
        spec.name: math.lcm(
            common,
            *(_meeting(spec, other) for other in browser if other is not spec and other.category == spec.category),
        )
        for spec in browser
    }


def common_interval(order: Sequence[JobSpec]) -> int:
    """The greatest common divisor (seconds) of the intervals of browser jobs; 0 where there are none.

    Any start may be moved by a multiple of it, and none meets another for that.
    """
    return math.gcd(*(_whole(spec) for spec in _browser_jobs(order)))


def _whole(spec: JobSpec) -> int:
    return max(1, round(spec.every))


def _meeting(one: JobSpec, other: JobSpec) -> int:
    """Two grids are as far apart as their offsets, modulo this (seconds)."""
    return math.gcd(_whole(one), _whole(other))


def _shortest_pause(spec: JobSpec, place: float, others: Sequence[JobSpec], offsets: Mapping[str, float]) -> float:
    """Seconds between the end of one's hold and the start of the other where they come closest; below 0 where they
    may overlap. To the millisecond, so that no rounding decides between places that are alike."""
    shortest = math.inf
    for other in others:
        meeting = _meeting(spec, other)
        after = (place - offsets[other.name]) % meeting
        shortest = min(shortest, after - other.browser_seconds, meeting - after - spec.browser_seconds)
    return round(shortest, 3)


def _browser_jobs(order: Sequence[JobSpec]) -> list[JobSpec]:
    return [spec for spec in order if spec.holds.browser and not spec.once]


def _next_of_phase(phase: float, period: float, earliest: float) -> float:
    return phase + math.ceil(max(0.0, earliest - phase) / period) * period


def first_tick(
    spec: JobSpec,
    boot: float,
    offset: float,
    last_start: float | None,
    interval: float,
    rng: random.Random,
    step: float = 0.0,
) -> Tick:
    """The first start after boot: as its interval says if it ran before, else after its offset.

    However much was missed while Roost was down, it is made up for by one run.
    last_start: when it last ran in an earlier life, if known. step: where it waits longer than its offset, then by
    the nearest multiple of this, as `boot_steps` says: half a step sooner or later than its interval would have it.
    """
    earliest = boot + offset
    if last_start is None or spec.once:
        return _jittered(earliest, interval, 0, rng)
    wait = max(0.0, last_start + interval - earliest)
    missed = max(0, math.floor((boot - last_start) / interval))
    return _jittered(earliest + (math.floor(wait / step + 0.5) * step if step else wait), interval, missed, rng)


def next_tick(grid: float, interval: float, now: float, rng: random.Random) -> Tick:
    """The start after the one at `grid`: the first place still to come; the places before it count as missed."""
    steps = max(1, math.floor((now - grid) / interval) + 1)
    place = grid + steps * interval
    if place <= now:  # rounding of large floats
        place, steps = place + interval, steps + 1
    return _jittered(place, interval, steps - 1, rng)


def sooner(following: Tick, interval: float, at: float) -> Tick:
    """An extra start before the next one on the grid, which stays where it is. at: calendar seconds."""
    return Tick(following.grid if following.extra else following.grid - interval, at, extra=True)


def retimed(last_grid: float, interval: float, now: float, rng: random.Random) -> Tick:
    """The next start after the interval in force changed: counted from the last one, and at once if that is past."""
    return _jittered(max(now, last_grid + interval), interval, 0, rng)


def jitter_most(interval: float) -> float:
    """The most seconds that jitter adds to a start."""
    return min(interval * JITTER_SHARE, JITTER_MOST)


def _jittered(place: float, interval: float, missed: int, rng: random.Random) -> Tick:
    return Tick(place, place + rng.uniform(0.0, jitter_most(interval)), missed)
