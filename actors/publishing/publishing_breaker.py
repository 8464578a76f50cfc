"""When publishing itself keeps failing, it rests; so does a site that asks for patience.

One for each job that publishes, kept by the job from run to run: the breaker (`domain.resources.breaker.PUBLISHING`,
which tolerates more than a resource's, since a failed post is rare and dear to stop for), and how often a post could
not be sent, so that one that never can does not keep the browser from those behind it.
"""

import random
from collections import Counter
from dataclasses import dataclass, field

from actors.protocol import account, alerts
from actors.protocol.health import report_component
from actors.scheduling.run_context import RunContext
from domain.flags import BreakerOrder
from domain.resources import breaker
from domain.resources.breaker import (
    PUBLISHING,
    Closed,
    ForcedClosed,
    ForcedOpen,
    HalfOpen,
    NotPermitted,
    Open,
    Permitted,
    State,
)

PATIENCE = 60.0  # real seconds that publishing rests at least when the site has asked for patience
MOST_PATIENCE = 3600.0  # however long it asks for


@dataclass(slots=True)
class PublishingBreaker:
    """Used by one run at a time. told: whether it was well, as last said to others. why: it opened, if failures did
    it."""

    chance: random.Random = field(default_factory=lambda: random.Random(0))
    state: State = breaker.CLOSED
    tries: Counter[int] = field(default_factory=Counter)
    told: bool | None = None
    why: str = ""

    def obey(self, order: BreakerOrder | None) -> None:
        """What the operator orders goes first; the end of an order is a new beginning."""
        match order:
            case BreakerOrder("open", reason):
                self.state = breaker.forced_open(reason)
            case BreakerOrder(reason=reason):
                self.state = breaker.forced_closed(reason)
            case None if isinstance(self.state, ForcedOpen | ForcedClosed):
                self.state = breaker.reset()

    def permission(self, now: float) -> Permitted | NotPermitted:
        """Whether a post may be tried now (monotonic seconds). Report its end by one of the next three."""
        self.state, answer = breaker.try_acquire_permission(self.state, now, PUBLISHING)
        return answer

    def blocked_reason(self, now: float) -> str | None:
        """Why nothing is to be tried now."""
        match self.state:
            case Open(until=until) if now < until:
                return f"publishing rests for another {until - now:.0f} s"
            case ForcedOpen(reason):
                return f"publishing is held by the operator: {reason}"
        return None

    def trouble(self) -> str | None:
        """One line for people, None where all is well."""
        match self.state:
            case ForcedOpen(reason):
                return f"publishing is held by the operator: {reason}"
            case Open() | HalfOpen() if self.why:
                return f"publishing rests between trials: {self.why}"
        return None

    def obey_order(self, ctx: RunContext) -> None:
        """Do as the operator orders by now."""
        self.obey(ctx.breaker_order(account.PUBLISHING))
        self.tell(ctx)

    def tell(self, ctx: RunContext) -> None:
        """Say it once that publishing rests, and once that it does not any more."""
        name, trouble = ctx.spec.name, self.trouble()
        if (trouble is None) is self.told:
            return
        self.told = trouble is None
        report_component(ctx, name, trouble is None, trouble or "publishes")
        key = f"publishing:{name}"
        if trouble is None:
            alerts.clear_alert(ctx, key)
        else:
            alerts.raise_alert(ctx, key, f"{name}: {trouble}")

    def went_well(self, call: Permitted, post_id: int, seconds: float, now: float) -> None:
        """It was published."""
        self.why = ""
        self.tries.pop(post_id, None)
        self.state = breaker.on_success(self.state, call, seconds, now, PUBLISHING, self.chance)

    def failed(self, call: Permitted, why: str, seconds: float, now: float) -> None:
        """The page, the browser or the site failed."""
        self.why = why
        self.state = breaker.on_error(self.state, call, seconds, now, PUBLISHING, self.chance)

    def release(self, call: Permitted) -> None:
        """It ended for a reason of the post's own, or of ours."""
        self.state = breaker.release_permission(self.state, call)

    def be_patient(self, now: float, seconds: float = 0.0) -> None:
        """The site asked for it: another request would only make it worse. An order of the operator stands.

        seconds: how long it asked for (real), where it said.
        """
        if isinstance(self.state, ForcedOpen | ForcedClosed):
            return
        if isinstance(self.state, Closed):
            self.why = ""  # a site that is asked less often is no trouble
        times = self.state.opened_times if isinstance(self.state, Open) else 0
        self.state = Open(now, now + min(max(seconds, PATIENCE), MOST_PATIENCE), times + 1)

    def tried(self, post_id: int, tries: int) -> None:
        """The post could not be sent in so many runs so far; 0 where they count no longer."""
        if tries:
            self.tries[post_id] = tries
        else:
            self.tries.pop(post_id, None)
