"""Healing: what to try next with a component that is ill, from the mildest to the most drastic.

One rule for all: retry → rebuild → restart its actor → restart its group, each a few times, backed off. It never
stops trying, since nobody is there at night; but what has been through its whole plan is rebuilt again and again
rather than taking its neighbours down each time, and the operator is told.

What answers by itself and only has its breaker open is treated as that, and mildly: a breaker ends its opening by
itself, so a restart would heal nothing. A session is no fault: logging in by itself is what gets an account locked,
so the session's monitor stops the account and tells a person.

>>> escalation = begin(ComponentFault.REDIS, now=0.0)
>>> chance = random.Random(1)
>>> for _ in range(8):
...     escalation = after_failure(escalation, "refused", escalation.due, chance)
>>> print(*(attempt.step for attempt in escalation.recent), next_step(escalation))
retry retry rebuild rebuild restart actor restart group rebuild rebuild rebuild
>>> escalation.exhausted
True
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from domain.backoff import Backoff


class ComponentFault(StrEnum):
    """What can be ill: a resource by its name, or BREAKER, where it answers and what is asked of it fails."""

    DATABASE = "database"
    REDIS = "redis"
    BROWSER = "browser"
    MODEL = "model"
    BREAKER = "breaker"


class Step(StrEnum):
    """What can be done, the mildest first. REBUILD is: close all, wait, open anew, test."""

    RETRY = "retry"
    REBUILD = "rebuild"
    RESTART_ACTOR = "restart actor"
    RESTART_GROUP = "restart group"


@dataclass(frozen=True, slots=True)
class Plan:
    """How one kind of fault is treated. rest_seconds: between closing all and opening anew in a rebuild."""

    steps: tuple[Step, ...]
    then: Step
    rest_seconds: float = 0.0


_R, _B, _A, _G = Step.RETRY, Step.REBUILD, Step.RESTART_ACTOR, Step.RESTART_GROUP

PLANS: Mapping[ComponentFault, Plan] = MappingProxyType(
    {
        ComponentFault.DATABASE: Plan((_R, _R, _B, _B, _A, _G), then=_B, rest_seconds=5.0),
        ComponentFault.REDIS: Plan((_R, _R, _B, _B, _A, _G), then=_B, rest_seconds=1.0),
        ComponentFault.BROWSER: Plan((_R, _B, _B, _A, _G), then=_B, rest_seconds=10.0),
        # Nothing of ours is broken when the model's API is away, and nothing else should suffer for it.
        ComponentFault.MODEL: Plan((_R, _R, _R, _B, _A), then=_R),
        # A new pool or browser may be what it needs, and is tried once.
        ComponentFault.BREAKER: Plan((_R, _R, _R, _B), then=_R),
    }
)

BETWEEN_STEPS = Backoff(least=0.5, base=1.0, most=30.0)
"""Short enough that what comes back is noticed well within two minutes."""

REMEMBERED = 20


@dataclass(frozen=True, slots=True)
class Attempt:
    """One step that did not help. at: monotonic seconds."""

    at: float
    step: Step
    outcome: str


@dataclass(frozen=True, slots=True)
class Escalation:
    """One illness under treatment. began, due: monotonic seconds; due is when the next step may be taken.

    attempts: how many steps were taken. recent: the last of them, oldest first.
    """

    fault: ComponentFault
    began: float
    due: float
    attempts: int = 0
    recent: tuple[Attempt, ...] = ()

    @property
    def exhausted(self) -> bool:
        """Whether the plan has been gone through: the operator should know."""
        return self.attempts >= len(PLANS[self.fault].steps)


def begin(fault: ComponentFault, now: float) -> Escalation:
    """Treatment begins, its first step due at once."""
    return Escalation(fault, began=now, due=now)


def diagnosed(escalation: Escalation, fault: ComponentFault) -> Escalation:
    """The escalation for what it is by now: another fault has another plan, which begins anew."""
    return escalation if escalation.fault is fault else replace(escalation, fault=fault, attempts=0)


def next_step(escalation: Escalation) -> Step:
    """What to do when `escalation.due` has come."""
    plan = PLANS[escalation.fault]
    return plan.then if escalation.exhausted else plan.steps[escalation.attempts]


def after_failure(escalation: Escalation, outcome: str, now: float, chance: random.Random) -> Escalation:
    """The step did not help. outcome: what happened, for people."""
    attempts = escalation.attempts + 1
    tried = Attempt(now, next_step(escalation), outcome)
    return replace(
        escalation,
        due=now + BETWEEN_STEPS.seconds(attempts, chance),
        attempts=attempts,
        recent=(*escalation.recent, tried)[-REMEMBERED:],
    )


@dataclass(frozen=True, slots=True)
class Recovered:
    """An illness that is over. by: the step that helped, None if it got well by itself."""

    fault: ComponentFault
    began: float
    ended: float
    attempts: int
    by: Step | None


def after_success(escalation: Escalation, step: Step | None, now: float) -> Recovered:
    """It is well. step: the one that helped; None if it got well by itself."""
    attempts = escalation.attempts + (step is not None)
    return Recovered(escalation.fault, escalation.began, now, attempts, step)


def remember(history: tuple[Recovered, ...], healed: Recovered) -> tuple[Recovered, ...]:
    """The history with one more illness, as much of it as is kept."""
    return (*history, healed)[-REMEMBERED:]
