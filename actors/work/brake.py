"""When publishing itself keeps failing, it rests; so does a site that asks for patience.

One for each job that publishes, kept by the job from run to run: the breaker (`domain.resources.breaker.PUBLISHING`,
which tolerates more than a resource's, since a failed post is rare and dear to stop for), and how often a post could
not be sent, so that one that never can does not keep the browser from those behind it.
"""

import random
from collections import Counter
from dataclasses import dataclass, field

from domain.resources import breaker
from domain.resources.breaker import PUBLISHING, NotPermitted, Open, Permitted, State

PATIENCE = 60.0  # real seconds that publishing rests when the site has asked for patience
TRIES = 3  # runs in which a post may fail to be sent before others go first


@dataclass(slots=True)
class Brake:
    """Used by one run at a time."""

    chance: random.Random = field(default_factory=lambda: random.Random(0))
    state: State = breaker.CLOSED
    tries: Counter[int] = field(default_factory=Counter)

    def permission(self, now: float) -> Permitted | NotPermitted:
        """Whether a post may be tried now (monotonic seconds). Report its end by one of the next three."""
        self.state, answer = breaker.try_acquire_permission(self.state, now, PUBLISHING)
        return answer

    def against(self, now: float) -> str | None:
        """Why nothing is to be tried now."""
        match self.state:
            case Open(until=until) if now < until:
                return f"publishing rests for another {until - now:.0f} s"
        return None

    def went_well(self, call: Permitted, post_id: int, seconds: float, now: float) -> None:
        """It was published."""
        self.tries.pop(post_id, None)
        self.state = breaker.on_success(self.state, call, seconds, now, PUBLISHING, self.chance)

    def failed(self, call: Permitted, seconds: float, now: float) -> None:
        """The page, the browser or the site failed."""
        self.state = breaker.on_error(self.state, call, seconds, now, PUBLISHING, self.chance)

    def told_nothing(self, call: Permitted) -> None:
        """It ended for a reason of the post's own, or of ours."""
        self.state = breaker.release_permission(self.state, call)

    def be_patient(self, now: float) -> None:
        """The site asked for it: another request would only make it worse."""
        times = self.state.opened_times if isinstance(self.state, Open) else 0
        self.state = Open(now, now + PATIENCE, times + 1)

    def unsent(self, post_id: int) -> bool:
        """The post could not be sent, definitely. True: once more than others should wait for."""
        self.tries[post_id] += 1
        if self.tries[post_id] < TRIES:
            return False
        del self.tries[post_id]
        return True
