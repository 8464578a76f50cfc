"""What the optimizer may turn, how far, and how fast: small steps between fixed bounds, never to and fro.

A knob follows a target that evidence sets. It moves only where the target is further away than a dead band, by one
step at most, and then rests; to turn back on its last move it takes twice the dead band (a Schmitt trigger). So noise
that is smaller than the dead band moves nothing, and a constant target is approached from one side.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.calendar import DAY, HOUR
from domain.content.topics import BUCKETS

FLOOR = "exploration_floor"
POSTS_A_DAY = "posts_a_day"
REVERSAL = 2.0  # times the dead band, to move the other way than last time


@dataclass(frozen=True, slots=True)
class Knob:
    """One knob. dead, step: in its own unit, or as a natural logarithm where it turns by ratio.

    rest: calendar seconds between moves. whole: its values are whole numbers.
    """

    name: str
    low: float
    high: float
    default: float
    dead: float
    step: float
    rest: float
    by_ratio: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a knob stands. moved_at: calendar seconds of its last move; direction: of that, -1 or 1; 0: none."""

    value: float
    moved_at: float | None = None
    direction: int = 0


@dataclass(frozen=True, slots=True)
class Target:
    """Where evidence would have a knob. evidence: numbers, as JSON can hold them."""

    knob: str
    value: float
    evidence: Mapping[str, Any] = field(default_factory=dict)


def hour_weight(bucket: int) -> str:
    """The name of the knob of an hour bucket."""
    return f"hour_weight_{bucket}"


KNOBS: Mapping[str, Knob] = {
    knob.name: knob
    for knob in (
        # Below 2 % no off-policy estimate is possible, above 20 % every fifth post is a guess.
        Knob(FLOOR, 0.02, 0.20, 0.05, dead=0.015, step=0.02, rest=6 * HOUR),
        # The caps allow six; the optimizer may only ask for fewer.
        Knob(POSTS_A_DAY, 3.0, 6.0, 6.0, dead=0.5, step=1.0, rest=DAY, whole=True),
        *(
            Knob(hour_weight(bucket), 0.5, 2.0, 1.0, dead=0.10, step=0.18, rest=6 * HOUR, by_ratio=True)
            for bucket in range(BUCKETS)
        ),
    )
}


def moved(knob: Knob, setting: Setting, target: float, now: float) -> float | None:
    """The knob's next value, or None where it stays. now: calendar seconds. Raises ValueError on a target of NaN."""
    if math.isnan(target):
        raise ValueError(f"{knob.name}: its target is not a number; mend the evidence it was made from")
    if setting.moved_at is not None and now - setting.moved_at < knob.rest:
        return None
    way = _scale(knob, _bounded(knob, target)) - _scale(knob, setting.value)
    direction = 1 if way > 0 else -1
    dead = knob.dead * (REVERSAL if setting.direction == -direction else 1.0)
    if abs(way) <= dead:
        return None
    return _bounded(knob, _unscale(knob, _scale(knob, setting.value) + direction * min(knob.step, abs(way))))


def in_force(stored: Mapping[str, float]) -> Mapping[str, float]:
    """Every knob's value: the stored one, within bounds whoever stored it, else its default."""
    return {name: _bounded(knob, stored.get(name, knob.default)) for name, knob in KNOBS.items()}


def hour_weights(values: Mapping[str, float]) -> Mapping[int, float]:
    """The weights by hour bucket."""
    return {bucket: values[hour_weight(bucket)] for bucket in range(BUCKETS)}


def _bounded(knob: Knob, value: float) -> float:
    inside = min(knob.high, max(knob.low, value)) if math.isfinite(value) else knob.default
    return float(round(inside)) if knob.whole else inside


def _scale(knob: Knob, value: float) -> float:
    return math.log(value) if knob.by_ratio else value


def _unscale(knob: Knob, value: float) -> float:
    return math.exp(value) if knob.by_ratio else value
