"""Watches memory, and has something given up before the kernel takes all."""

from actors.care.memory_usage import Limits, Weight, container_limit, pressing, weigh
from actors.protocol.health import MEMORY, MIB, MemoryView, report_memory
from actors.protocol.resources import recycle_browser, renew_browser, resize_browser, resource
from actors.protocol.servers import SERVER
from actors.scheduling.outcome import Outcome
from actors.scheduling.run_actor import Job
from actors.scheduling.run_context import RunContext
from domain.calendar import minutes
from domain.jobs.spec import JobSpec, Kind
from domain.resources import memory
from domain.resources.memory import MemoryAdvice, Stage, State

SOON = 5.0  # real seconds


class MemoryMonitor(Job):
    """Weighs the process tree, and tells the browser and the health actor what follows."""

    spec = JobSpec("memory_monitor", every=minutes(1), priority=1, kind=Kind.CRITICAL, deadline=30.0, attempts=1)

    def run(self, ctx: RunContext) -> Outcome:
        weight = self.weight(ctx)
        used, limit = pressing(weight, Limits(ctx.settings.memory_limit_mb * MIB, container_limit()))
        state, advice = self.judge(ctx, used, limit)
        self.act(ctx, advice)
        parts = tuple(sorted(weight.parts.items(), key=lambda part: -part[1]))
        report_memory(ctx, MemoryView(used, limit, advice, state, parts, ctx.calendar(), weight.private))
        note = f"{used // MIB} of {limit // MIB} MiB: {advice.stage.name.lower()}"
        again_in = SOON * ctx.settings.speed if self.browser_is_to_come(ctx) else None
        return Outcome(done=1, of=1, note=note, again_in=again_in)

    def browser_is_to_come(self, ctx: RunContext) -> bool:
        """Whether it was not weighed with the rest: what its processes share is not seen between two weighings."""
        browser = ctx.board(resource("browser"))
        return browser is not None and browser.state == "opening"

    def weight(self, ctx: RunContext) -> Weight:
        return weigh([state.pid for state in ctx.boards(SERVER) if state.pid])

    def judge(self, ctx: RunContext, used: int, limit: int) -> tuple[State, MemoryAdvice]:
        before = ctx.board(MEMORY)
        state = State() if before is None else before.state
        return memory.after(state, used, limit, ctx.settings.browser_contexts, ctx.now())

    def act(self, ctx: RunContext, advice: MemoryAdvice) -> None:
        resize_browser(ctx, advice.contexts)
        if advice.recycle:
            ctx.log.warning("memory is %s: the browser is recycled", advice.stage.name.lower())
            recycle_browser(ctx, "memory is short")
        elif advice.stage is not Stage.ENOUGH:
            renew_browser(ctx, "memory is tight")  # a browser grows with its use; before it must be taken
