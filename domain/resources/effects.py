"""Effects: what a level does to a job; the table of levels, as rules.

Each level adds to the ones above it, as far as failed components are behind them. A level that memory or the pin
makes has the effects of its own row alone, and of that only what does not speak of a failed component: with Redis
well there is no reason to go without the cache. A pin above what the components would make lifts their effects: the
operator has decided; what is really broken still refuses by itself.

Where several rows slow the same job the largest factor counts, they do not multiply.

>>> now = InForce(Level.EMERGENCY, frozenset({"database"}))
>>> posting = Traits(Kind.CRITICAL, browser=True, publishes="posts")
>>> effects = on_job(now, posting)
>>> effects.interval_factor, effects.verdict, effects.from_journal, effects.database_waived
(3.0, Goes(), True, True)
>>> on_job(now, Traits(Kind.NORMAL)).verdict
Paused(reason='emergency: critical jobs only')
>>> on_job(now, Traits(Kind.CRITICAL, database=True)).verdict
Paused(reason='emergency: it can do nothing without the database')
"""

from dataclasses import dataclass, replace

from domain.jobs.spec import Kind
from domain.publishing.claims import PostStream
from domain.resources.levels import BROWSER, DATABASE, REDIS, Level, State, by_components, failed, level


@dataclass(frozen=True, slots=True)
class InForce:
    """What is broadcast to every job: the level, and the components that count as failed."""

    level: Level
    failed: frozenset[str]


WELL = InForce(Level.FULL, frozenset())


def in_force(state: State, now: float) -> InForce:
    """The level and what is behind it, at `now` (monotonic seconds)."""
    return InForce(level(state, now), failed(state, now))


def without(now: InForce, named: frozenset[str]) -> InForce:
    """What would be in force without the failures of these components. A level that something else makes stays.

    >>> without(InForce(Level.EMERGENCY, frozenset({"database", "redis"})), frozenset({"database"})).level.name
    'REDUCED'
    >>> without(InForce(Level.MINIMAL, frozenset({"browser"})), frozenset({"browser"})).level.name  # by a pin, say
    'MINIMAL'
    """
    left = now.failed - named
    return InForce(by_components(left) if now.level is by_components(now.failed) else now.level, left)


@dataclass(frozen=True, slots=True)
class Traits:
    """What of a job a level looks at.

    browser: whether its runs use one. database: whether they can do nothing without one. publishes: what they send.
    """

    kind: Kind
    browser: bool = False
    database: bool = False
    publishes: PostStream | None = None


@dataclass(frozen=True, slots=True)
class Goes:
    """Its runs may start."""


@dataclass(frozen=True, slots=True)
class Waits:
    """Its ticks are coalesced into one run, once what it needs is back."""

    reason: str


@dataclass(frozen=True, slots=True)
class Paused:
    """It does not run at this level."""

    reason: str


Verdict = Goes | Waits | Paused


@dataclass(frozen=True, slots=True)
class Effects:
    """What holds for one job now.

    interval_factor: its interval is this many times as long. cache: whether there is one. from_journal: posting takes
    the batch that the journal has claimed. templates: content comes from templates, not from the model.
    database_waived: it runs without the database part of its budget, and writes to the journal; not for a job that
    can do nothing so.
    """

    interval_factor: float = 1.0
    verdict: Verdict = Goes()
    cache: bool = True
    from_journal: bool = False
    templates: bool = False
    database_waived: bool = False


def on_job(now: InForce, job: Traits) -> Effects:
    """The effects of what is in force on this job."""
    effects = Effects()
    for row in _rows(now):
        match row:
            case Level.REDUCED:
                effects = _reduced(effects, now.failed, job)
            case Level.MINIMAL:
                effects = _minimal(effects, job)
            case Level.EMERGENCY:
                effects = _emergency(effects, now.failed, job)
    return effects


def _rows(now: InForce) -> tuple[Level, ...]:
    """The rows of the table that apply: those that failures are behind, and that of the level itself."""
    if now == WELL:
        return ()
    levels = list(Level)
    down_to = min(levels.index(by_components(now.failed)), levels.index(now.level))
    return (*levels[1 : down_to + 1], *([now.level] if levels.index(now.level) > down_to else []))


def _reduced(effects: Effects, failed: frozenset[str], job: Traits) -> Effects:
    effects = replace(effects, cache=REDIS not in failed)
    if job.kind is not Kind.CRITICAL:
        effects = _slower(effects, 1.5)
    if BROWSER in failed and job.browser:
        effects = replace(effects, verdict=Waits("the browser is down: runs wait until it is back"))
    return effects


def _minimal(effects: Effects, job: Traits) -> Effects:
    match job.kind:
        case Kind.SCRAPING:
            return _slower(effects, 3.0)
        case Kind.BACKGROUND:
            return replace(effects, verdict=Paused("minimal: background jobs are paused"))
    return effects


def _emergency(effects: Effects, failed: frozenset[str], job: Traits) -> Effects:
    if job.kind is not Kind.CRITICAL:
        return replace(effects, verdict=Paused("emergency: critical jobs only"))
    effects = replace(effects, templates=True, database_waived=not job.database)
    if job.database and DATABASE in failed:
        return replace(effects, verdict=Paused("emergency: it can do nothing without the database"))
    match job.publishes:
        case "posts":
            return _slower(replace(effects, from_journal=True), 3.0)
        case "replies":
            return replace(effects, verdict=Paused("emergency: no replies"))
    return effects


def _slower(effects: Effects, factor: float) -> Effects:
    return replace(effects, interval_factor=max(effects.interval_factor, factor))
