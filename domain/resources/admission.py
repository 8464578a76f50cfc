"""Admission: can this run go, in one answer with every reason.

A run that cannot go is skipped, not failed; and an operator who reads why wants all of it, not what happened to be
checked first. All of it, and each once: what only follows from something that is named already (the breaker and the
queue of a pool that is down, the level that its outage makes, another job that waits for it too) is no reason of its
own. A full pool is no reason by itself, since its queue has an order and an end; a queue so long that the run would
only time out in it is one.

>>> from domain.resources.levels import Level
>>> full = InForce(Level.FULL, frozenset())
>>> pools = {"browser": Pool(3, waiting=9, crowd=6), "database": Pool(10)}
>>> candidate = Candidate(Traits(Kind.SCRAPING, browser=True), priority=1, budget=Budget(1, 1))
>>> for reason in admit(candidate, Situation(full, pools, paused="by the operator")).reasons:
...     print(reason.why, "|", reason.text)
paused | paused by the operator
pool | browser: 9 wait already for its 3 units; this run would only time out
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum

from domain.jobs.spec import Holds, Kind
from domain.resources.effects import Effects, Goes, InForce, Paused, Traits, Waits, on_job, without

# What a job may hold at once is said in its spec; the ledgers' side calls it a budget.
Budget = Holds

MAY_BE_MISSING = frozenset({"redis", "model"})
"""A run goes without these: it gets no cache, or templates. See `Candidate.needs`."""


class Why(StrEnum):
    """The kinds of reason: few and fixed, so that they can label a metric."""

    PAUSED = "paused"
    FLAG = "flag"
    LEVEL = "level"
    DEPENDENCY = "dependency"
    BREAKER = "breaker"
    POOL = "pool"
    BUDGET = "budget"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why not, for a metric and for people."""

    why: Why
    text: str


@dataclass(frozen=True, slots=True)
class Pool:
    """One resource. down: why it is not up, if it is not. breaker: why its breaker permits no call, if it does not.

    held: why the operator lets nobody have it, if so. opening: it has not been up yet since the boot.
    crowd: with this many waiting, a run that is not of priority 0 is not sent to wait with them.
    """

    capacity: int
    waiting: int = 0
    crowd: int = 1_000_000
    down: str | None = None
    opening: bool = False
    breaker: str | None = None
    held: str | None = None

    def is_out(self) -> bool:
        """Whether nobody can have it now."""
        return self.opening or any(why is not None for why in (self.down, self.breaker, self.held))


@dataclass(frozen=True, slots=True)
class Dependency:
    """A job that this one requires. needed: without it, skip; otherwise run on what is there.

    waits_for: resources that are out, and that it cannot do without either.
    """

    job: str
    needed: bool
    unhealthy: str | None = None
    waits_for: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A run that wants to go. needs: resources that it cannot go without although others can. memory: bytes."""

    traits: Traits
    priority: int
    budget: Budget
    needs: frozenset[str] = frozenset()
    memory: int = 0


@dataclass(frozen=True, slots=True)
class Situation:
    """What there is. pools: by resource. memory_free: bytes below the limit, None if there is no limit.

    background_stopped: memory's last measure. flags: the settings that forbid this job, a sentence each. paused: by
    whom or why.
    """

    in_force: InForce
    pools: Mapping[str, Pool]
    dependencies: tuple[Dependency, ...] = ()
    flags: tuple[str, ...] = ()
    paused: str | None = None
    memory_free: int | None = None
    background_stopped: bool = False


@dataclass(frozen=True, slots=True)
class Admitted:
    """The run may go. budget: what it may hold now. missing: what it goes without, a sentence each."""

    budget: Budget
    effects: Effects
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """The run may not go, for all of these reasons."""

    reasons: tuple[Reason, ...]

    def __str__(self) -> str:
        return "; ".join(reason.text for reason in self.reasons)


def admit(candidate: Candidate, situation: Situation) -> Admitted | Skipped:
    """Whether the run can go now, and all that is against it."""
    effects = on_job(situation.in_force, candidate.traits)
    budget = replace(candidate.budget, database=0) if effects.database_waived else candidate.budget
    missing: list[str] = []
    by_pools = _by_pools(candidate, budget, situation, missing)
    named = frozenset(by_pools)
    reasons = [
        *_by_order(situation),
        *_by_level(candidate, situation, named),
        *_by_dependencies(situation, named, missing),
        *(reason for found in by_pools.values() for reason in found),
        *_by_memory(candidate, situation),
    ]
    return Skipped(tuple(reasons)) if reasons else Admitted(budget, effects, tuple(missing))


def _by_order(situation: Situation) -> list[Reason]:
    return [
        *([Reason(Why.PAUSED, f"paused {situation.paused}")] if situation.paused is not None else []),
        *(Reason(Why.FLAG, flag) for flag in situation.flags),
    ]


def _by_level(candidate: Candidate, situation: Situation, named: frozenset[str]) -> list[Reason]:
    """named: the resources whose outage is a reason already. What the level is by these alone is none."""
    match on_job(without(situation.in_force, named), candidate.traits).verdict:
        case Goes():
            return []
    match on_job(situation.in_force, candidate.traits).verdict:
        case Goes():
            return []
        case Waits(reason) | Paused(reason):
            return [Reason(Why.LEVEL, reason)]


def _by_dependencies(situation: Situation, named: frozenset[str], missing: list[str]) -> list[Reason]:
    reasons = []
    for dependency in situation.dependencies:
        if dependency.unhealthy is None:
            continue
        if not dependency.needed:
            missing.append(f"without {dependency.job}: {dependency.unhealthy}")
        elif not dependency.waits_for & named:
            reasons.append(Reason(Why.DEPENDENCY, f"needs {dependency.job}: {dependency.unhealthy}"))
    return reasons


def _by_pools(
    candidate: Candidate, budget: Budget, situation: Situation, missing: list[str]
) -> dict[str, list[Reason]]:
    reasons = {}
    for field in fields(budget):
        resource, units = field.name, getattr(budget, field.name)
        if not units:
            continue
        against = _by_pool(resource, units, situation.pools.get(resource), candidate.priority)
        if resource in MAY_BE_MISSING - candidate.needs:
            missing += (f"without {reason.text}" for reason in against)
        elif against:
            reasons[resource] = against
    return reasons


def _by_pool(resource: str, units: int, pool: Pool | None, priority: int) -> list[Reason]:
    """The operator's order, and the first of what can be the matter: the rest would follow from it."""
    if pool is None:
        return [Reason(Why.POOL, f"{resource}: there is none")]
    order = [Reason(Why.BREAKER, f"{resource}: {pool.held}")] if pool.held is not None else []
    return [*order, *_fault(resource, units, pool, priority)]


def _fault(resource: str, units: int, pool: Pool, priority: int) -> list[Reason]:
    if pool.down is not None:
        return [Reason(Why.POOL, f"{resource}: down ({pool.down})")]
    if pool.opening:
        return [Reason(Why.POOL, f"{resource}: opening")]
    if pool.breaker is not None:
        return [Reason(Why.BREAKER, f"{resource}: {pool.breaker}")]
    if units > pool.capacity:
        text = f"{resource}: the job's budget is {units}, and there are only {pool.capacity} now"
        return [Reason(Why.BUDGET, text)]
    if priority > 0 and pool.waiting >= pool.crowd and pool.held is None:
        text = f"{resource}: {pool.waiting} wait already for its {pool.capacity} units; this run would only time out"
        return [Reason(Why.POOL, text)]
    return []


def _by_memory(candidate: Candidate, situation: Situation) -> list[Reason]:
    if situation.background_stopped and candidate.traits.kind is Kind.BACKGROUND:
        return [Reason(Why.MEMORY, "memory is nearly used up: background work is stopped")]
    free = situation.memory_free
    # One that names no need of its own runs also past the limit, or whoever could relieve it would wait for relief.
    if free is not None and candidate.memory and candidate.memory > free:
        text = f"memory: it needs {candidate.memory >> 20} MiB and {max(0, free) >> 20} MiB are left below the limit"
        return [Reason(Why.MEMORY, text)]
    return []
