"""The deep check: every component, every pool, how the jobs do and why they fail; kept as one record."""

from dataclasses import asdict
from typing import Any

from actors.account import journal
from actors.protocol.health import HEALTH
from actors.protocol.jobs import JOB
from actors.protocol.resources import ResourceState, check, rebuild, resource, set_breaker
from actors.scheduling.outcome import Outcome
from actors.scheduling.run_actor import Job
from actors.scheduling.run_context import RunContext
from domain.calendar import DAY, minutes
from domain.jobs.spec import Holds, JobSpec, Kind
from domain.jobs.success import Verdict, judged
from domain.resources.levels import RESOURCES
from store import health, runs
from store.health import HealthRecord
from store.sql import Connection

BREAKER_OVERDUE = 120.0  # seconds without the trial that was due: something asks for the resource and never reports


class HealthMonitor(Job):
    """Looks at everything, asks for healing where it is needed, and writes down what it found."""

    spec = JobSpec(
        "health_monitor", every=minutes(15), priority=1, kind=Kind.CRITICAL, holds=Holds(database=1), deadline=60.0
    )

    def run(self, ctx: RunContext) -> Outcome:
        resources = self.resources(ctx)
        healed = self.heal(ctx, resources)
        if ctx.effects.database_waived:
            record = self.record(ctx, resources, healed, (), ())
            journal.append(ctx, (f"health/{record.at:.3f}", record))
        else:
            with ctx.database() as connection:
                verdicts, patterns = self.jobs(ctx, connection)
                record = self.record(ctx, resources, healed, verdicts, patterns)
                health.record(connection, record)
        ill = list(record.payload["problems"])
        return Outcome(done=1, of=1, note="; ".join(ill) or "all well", detail={"problems": ill})

    def resources(self, ctx: RunContext) -> dict[str, ResourceState]:
        found = {name: ctx.board(resource(name)) for name in RESOURCES}
        return {name: state for name, state in found.items() if state is not None}

    def heal(self, ctx: RunContext, resources: dict[str, ResourceState]) -> list[str]:
        """What no component says of itself: a breaker that waits for nothing, units that never came back."""
        asked = []
        for name, state in resources.items():
            check(ctx, name)
            if state.breaker_overdue > BREAKER_OVERDUE and state.waiting:
                asked.append(f"{name}: its breaker's trial is {state.breaker_overdue:.0f} s overdue; reset")
                set_breaker(ctx, name, "auto", "its trial was overdue")
            if state.state == "up" and state.quarantined and state.quarantined >= state.capacity:
                asked.append(f"{name}: all {state.quarantined} units are in quarantine; rebuilt")
                rebuild(ctx, name, "every unit is in quarantine")
        return asked

    def jobs(
        self, ctx: RunContext, connection: Connection
    ) -> tuple[tuple[Verdict, ...], tuple[tuple[str, str, int], ...]]:
        """How each job did in the last day, and why the runs failed that did."""
        since = ctx.calendar() - DAY
        counts = runs.counts(connection, since=since)
        ended = {job: (each.succeeded, each.failed) for job, each in counts.items()}
        scraping = {each.name for each in ctx.boards(JOB) if each.spec.kind is Kind.SCRAPING}
        return judged(ended, scraping), runs.failures(connection, since=since)

    def record(
        self,
        ctx: RunContext,
        resources: dict[str, ResourceState],
        healed: list[str],
        verdicts: tuple[Verdict, ...],
        patterns: tuple[tuple[str, str, int], ...],
    ) -> HealthRecord:
        view = ctx.board(HEALTH)
        problems = [
            *view.reasons,
            *healed,
            *(verdict.text for verdict in verdicts if not verdict.good),
            *(f"{name}: breaker {state.breaker}" for name, state in resources.items() if state.breaker != "closed"),
        ]
        payload: dict[str, Any] = {
            "problems": problems,
            "components": {each.name: {"healthy": each.healthy, "detail": each.detail} for each in view.components},
            "pools": {
                name: {"in_use": state.in_use, "capacity": state.capacity, "waiting": state.waiting}
                for name, state in resources.items()
            },
            "jobs": [asdict(verdict) for verdict in verdicts],
            "failures": [{"job": job, "reason": reason, "times": times} for job, reason, times in patterns],
        }
        return HealthRecord(ctx.calendar(), ctx.instance, view.level, not problems, payload)
