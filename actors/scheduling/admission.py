"""May this job run now? Everything that could be against it, in one answer, from what hangs on the board.

Nobody is asked, so nobody is waited for: a snapshot that is a moment old is good enough, since the lease that
follows is decided by the resource itself. The rule is `domain.resources.admission`'s; here its facts are gathered.
"""

from collections.abc import Mapping

from actors.core.system import System
from actors.protocol.account import LANE, StandingBy
from actors.protocol.health import HEALTH, MEMORY
from actors.protocol.jobs import JOB
from actors.protocol.resources import ResourceState, resources
from domain.jobs.health import Healthy, Unhealthy, health
from domain.jobs.spec import Holds, JobSpec, Kind, Requirement
from domain.resources.admission import Admitted, Candidate, Dependency, Pool, Situation, Skipped, admit
from domain.resources.effects import Effects, Traits, on_job

CONTEXT = 40 << 20  # bytes: a browser context with a page of 50 posts
CROWD = 3  # runs waiting for each unit of a pool, from which on another one would only time out with them


def traits(spec: JobSpec) -> Traits:
    """What of a job the rules of levels look at."""
    browser, database = spec.holds.browser > 0, "database" in spec.needs
    return Traits(spec.kind, browser=browser, database=database, publishes=spec.publishes)


def effects(system: System, spec: JobSpec) -> Effects:
    """What the level in force means for the job."""
    return on_job(system.board[HEALTH].in_force, traits(spec))


def look(system: System, spec: JobSpec, boot: float, paused_by: str | None = None) -> Admitted | Skipped:
    """Whether a run may start now. boot: calendar seconds. paused_by: who keeps the job from running, if anyone."""
    memory = system.board[MEMORY]
    situation = Situation(
        in_force=system.board[HEALTH].in_force,
        pools=_pools(system, spec.holds),
        dependencies=tuple(_dependency(system, required, boot) for required in spec.requirements),
        flags=_standing_by(system, spec),
        paused=None if paused_by is None else f"by {paused_by}",
        memory_free=None if memory is None else memory.free,
        background_stopped=memory is not None and memory.advice.stop_background,
    )
    return admit(Candidate(traits(spec), spec.priority, spec.holds, frozenset(spec.needs), _memory(spec)), situation)


def _memory(spec: JobSpec) -> int:
    """Bytes that a run will take. Critical ones go past the limit as well: all is for them, or they relieve it."""
    return 0 if spec.kind is Kind.CRITICAL else spec.holds.browser * CONTEXT


def _standing_by(system: System, spec: JobSpec) -> tuple[str, ...]:
    """Who stands by for another instance does not act for the account: it opens no page and asks no model for it.

    What publishes goes on: it has claims of its own to end, and takes no new ones without the lane.
    """
    lane = system.board[LANE]
    acts = spec.holds.browser or spec.holds.model
    if spec.publishes or not acts or not isinstance(lane, StandingBy) or lane.holder is None:
        return ()
    return (f"standing by: instance {lane.holder} acts for the account",)


def _dependency(system: System, required: Requirement, boot: float) -> Dependency:
    snapshot = system.board[JOB(required.job)]
    verdict: Healthy | Unhealthy = Unhealthy("it is not there")
    out: frozenset[str] = frozenset()
    if snapshot is not None:
        since = system.board[HEALTH].since
        verdict = health(required.job, snapshot.record(), boot, since, system.runtime.calendar())
        out = frozenset(name for name, pool in _pools(system, snapshot.spec.holds).items() if pool.is_out())
    unhealthy = verdict.reason if isinstance(verdict, Unhealthy) else None
    return Dependency(required.job, required.needed, unhealthy, out)


def _pools(system: System, holds: Holds) -> Mapping[str, Pool]:
    now = system.runtime.now()
    return {
        name: Pool(
            capacity=state.capacity,
            waiting=state.waiting,
            crowd=CROWD * max(1, state.capacity),
            down=state.detail if state.state == "down" else None,
            opening=state.state == "opening" and not state.builds,
            breaker=_against(state, now),
            held="the operator holds its breaker open" if state.breaker == "forced_open" else None,
        )
        for name, state in resources(system.board).items()
        if getattr(holds, name)
    }


def _against(state: ResourceState, now: float) -> str | None:
    """Why the breaker permits nothing. One due for a trial permits the run: its first call is that trial."""
    match state.breaker:
        case "open" if state.breaker_retry_at is not None and state.breaker_retry_at > now:
            return f"its breaker is open for another {state.breaker_retry_at - now:.0f} s"
        case _:
            return None
