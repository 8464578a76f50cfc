"""Looks around once, when the boot has had its time: who is up, who needs help, and what a person should remember."""

from dataclasses import asdict

from actors.account import journal
from actors.core.supervision import SUPERVISOR, RestartChild
from actors.jobs import names
from actors.protocol.health import HEALTH, Part, StartupView, report_startup
from actors.protocol.jobs import JOB
from actors.protocol.resources import check, rebuild, resource
from actors.protocol.servers import SERVER
from actors.publishing.reconciliation import database_is_away
from actors.scheduling.outcome import Outcome
from actors.scheduling.run_actor import Job
from actors.scheduling.run_context import RunContext
from domain.calendar import hours
from domain.jobs.spec import Holds, JobSpec, Kind
from domain.resources.levels import RESOURCES
from store import health
from store.health import HealthRecord

COMPONENTS = ("database", "redis", "browser", "journal", "lane")
HEAL_SECONDS = 15.0  # real, between asking for healing and the second look
LABEL = "label the account as automated in its settings on the site, if that has not been done"


class StartupCheck(Job):
    """Every component's state after boot. Asks for healing, looks again, and says its verdict."""

    spec = JobSpec(
        "startup_check",
        every=hours(24),
        priority=1,
        kind=Kind.CRITICAL,
        holds=Holds(database=1),
        offset=30.0,
        deadline=90.0,
        attempts=1,
        once=True,
    )

    def run(self, ctx: RunContext) -> Outcome:
        asked = self._heal(ctx)
        if asked:
            ctx.sleep(HEAL_SECONDS)
        reminders = () if ctx.settings.on_sandbox else (LABEL,)
        verdict = StartupView(ctx.calendar(), self._look(ctx), asked, reminders)
        report_startup(ctx, verdict)
        said = self._said(ctx, verdict)  # before it is on record: it has one attempt, and the record may fail
        self._record(ctx, verdict)
        return said

    def _look(self, ctx: RunContext) -> tuple[Part, ...]:
        view = ctx.board(HEALTH)
        parts = []
        for name in COMPONENTS:
            found = view.component(name)
            parts.append(Part(name, found.healthy, found.detail) if found else Part(name, False, "not heard of yet"))
        parts.append(self._model(ctx))
        parts += [Part(f"server {state.name}", state.up, state.detail) for state in ctx.boards(SERVER)]
        begun = [ctx.board(JOB(name)) is not None for name in names()]
        parts.append(Part("jobs", all(begun), f"{sum(begun)} of {len(begun)} have begun"))
        parts += [Part(f"actor {child}", False, why) for _, child, why in self._fallen(ctx)]
        return tuple(parts)

    def _model(self, ctx: RunContext) -> Part:
        state = ctx.board(resource("model"))
        if ctx.settings.openai_api_key is None:
            return Part("model", True, "none: content comes from templates")
        if state is not None:
            return Part("model", state.healthy, state.detail)
        return Part("model", False, "not heard of yet")

    def _fallen(self, ctx: RunContext) -> list[tuple[str, str, str]]:
        """Supervised actors that do not run: supervisor, name and why."""
        return [
            (snapshot.name, child.id, f"{child.state}; its last end: {child.last_reason}")
            for snapshot in ctx.boards(SUPERVISOR)
            if snapshot.name != "runs"
            for child in snapshot.children
            if child.state != "running"
        ]

    def _heal(self, ctx: RunContext) -> tuple[str, ...]:
        """What is not up and has a cure: a backend is opened anew, an actor that was left down is started."""
        asked = []
        for name in RESOURCES:
            state = ctx.board(resource(name))
            if state is None or state.healthy:
                continue
            if name == "model" and ctx.settings.openai_api_key is None:
                continue
            if state.state == "down":
                asked.append(f"{name}: open it anew ({state.detail})")
                rebuild(ctx, name, "the startup check found it down")
            else:
                asked.append(f"{name}: look at it ({state.detail})")
                check(ctx, name)
        for supervisor, child, why in self._fallen(ctx):
            asked.append(f"{child}: start it ({why})")
            ctx.tell(supervisor, RestartChild(child))
        return tuple(asked)

    def _record(self, ctx: RunContext, verdict: StartupView) -> None:
        level = ctx.board(HEALTH).level
        payload = {"startup": asdict(verdict)}
        record = HealthRecord(verdict.at, ctx.instance, level, not verdict.missing, payload)
        try:
            if not ctx.effects.database_waived:
                with ctx.database(wait=5.0) as connection:
                    health.record(connection, record)
                return
        except Exception as error:
            if not database_is_away(error):
                raise
            ctx.log.info("the startup check's record goes to the journal: %s", error)
        journal.append(ctx, (f"health/{record.at:.3f}", record))

    def _said(self, ctx: RunContext, verdict: StartupView) -> Outcome:
        missing = "; ".join(f"{part.name}: {part.detail}" for part in verdict.missing)
        said = f"startup check: NOT UP: {missing}" if missing else "startup check: everything is up"
        if verdict.asked:
            said += f" (asked for: {'; '.join(verdict.asked)})"
        ctx.log.log(30 if missing else 20, "%s", said)
        for reminder in verdict.reminders:
            ctx.log.warning("reminder: %s", reminder)
        good = len(verdict.parts) - len(verdict.missing)
        return Outcome(done=good, of=len(verdict.parts), note=said.removeprefix("startup check: "))
