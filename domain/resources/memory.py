"""Memory: what to give up as the container's limit comes near, since the kernel gives up everything.

Three thresholds, as shares of the limit; each adds to the one before:

* 85 %: one browser context fewer is lent.
* 92 %: another one fewer, the browser is recycled (a heavy page's memory comes back only so), one level down.
* 96 %: background work stops.

Weighing is dear, so it is done once a minute, and a page of 1,500 posts takes 100 MB within two seconds. Between two
weighings the browser's actor glances at what its processes have for themselves, and `given_up` says which leases end
at once.

A threshold that was crossed counts until the share is 3 points below it, so that nothing flaps at its edge; and the
browser is recycled when 92 % is crossed, then no oftener than every 2 minutes while it stays above.

>>> state, advice = after(State(), used=470, limit=500, contexts=3, now=0.0)
>>> advice
MemoryAdvice(stage=<Stage.SHORT: 2>, contexts=1, recycle=True, level_pressure=True, stop_background=False)
>>> after(state, used=450, limit=500, contexts=3, now=60.0)[1].recycle
False
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from domain.resources.leases import Lease


class Stage(IntEnum):
    """How short memory is."""

    ENOUGH = 0
    TIGHT = 1
    SHORT = 2
    CRITICAL = 3


THRESHOLDS = ((Stage.TIGHT, 0.85), (Stage.SHORT, 0.92), (Stage.CRITICAL, 0.96))
HYSTERESIS = 0.03
RECYCLE_EVERY = 120.0
SHORTEST = 0.25  # seconds: two glances that a busy machine brings together tell nothing of the pace between them
AHEAD = 1.0  # seconds: to the next glance, and until a page that is closed has given its memory back
POSTING = "posting"  # the category that goes last: a send that is cut off leaves a post unknown


@dataclass(frozen=True, slots=True)
class State:
    """What was decided last. recycled_at: monotonic seconds of the last recycling, None while memory is not short."""

    stage: Stage = Stage.ENOUGH
    recycled_at: float | None = None


@dataclass(frozen=True, slots=True)
class MemoryAdvice:
    """What to do. contexts: how many to lend. recycle: the browser, now. level_pressure: one level down."""

    stage: Stage
    contexts: int
    recycle: bool
    level_pressure: bool
    stop_background: bool


def after(state: State, used: int, limit: int, contexts: int, now: float) -> tuple[State, MemoryAdvice]:
    """The state and the advice after one reading.

    used, limit: of the whole tree of processes and of the container, in the same unit. contexts: how many browser
    contexts there are with enough memory. now: monotonic seconds. Raises ValueError if the limit is not above 0.
    """
    if limit <= 0:
        raise ValueError(f"memory: a limit of {limit} is none; set MEMORY_LIMIT_MB, or do not ask for advice")
    stage = _stage(state.stage, used / limit)
    short = stage >= Stage.SHORT
    recycle = short and (state.recycled_at is None or now - state.recycled_at >= RECYCLE_EVERY)
    advice = MemoryAdvice(
        stage=stage,
        contexts=min(contexts, max(1, contexts - min(stage, Stage.SHORT))),
        recycle=recycle,
        level_pressure=short,
        stop_background=stage is Stage.CRITICAL,
    )
    recycled_at = now if recycle else state.recycled_at if short else None
    return State(stage, recycled_at), advice


@dataclass(frozen=True, slots=True)
class Glance:
    """What is looked at between two weighings.

    used: about how many bytes, all in all. private: how many of them the processes have each for itself, which is
    seen and not reckoned. at: monotonic seconds.
    """

    used: int
    private: int
    at: float


def given_up(before: Glance | None, now: Glance, limit: int, lent: Sequence[Lease]) -> tuple[Lease, ...]:
    """The leases to end at once, by what will be used in a moment if it goes on as since the glance before.

    One from 92 % of the limit on, two from 96 %, all from 100 %. The least important goes first, and of these the
    newest; posting's only where the limit is really reached, since a page that merely starts grows fast too.
    """
    pace = 0.0 if before is None else max(0.0, (now.private - before.private) / max(now.at - before.at, SHORTEST))
    share = (now.used + pace * AHEAD) / limit
    number = len(lent) if share >= 1.0 else max(0, _stage(Stage.ENOUGH, share) - Stage.TIGHT)
    order = sorted(lent, key=lambda lease: (lease.request.category == POSTING, -lease.request.priority, -lease.token))
    return tuple(lease for lease in order if lease.request.category != POSTING or now.used >= limit)[:number]


def _stage(before: Stage, share: float) -> Stage:
    """The highest stage whose threshold is reached, or was and is not yet left by the hysteresis."""
    reached = [
        stage for stage, threshold in THRESHOLDS if share >= threshold - (HYSTERESIS if stage <= before else 0.0)
    ]
    return max(reached, default=Stage.ENOUGH)
