"""The send boundary of one post: what must be true at the last moment before the request leaves the browser."""

from collections.abc import Callable

from actors.protocol.journal import Arm
from actors.publishing.account_stop import stopped
from actors.publishing.async_ask import asked
from actors.publishing.crash_points import passing
from actors.publishing.send_checks import switches
from actors.scheduling.run_context import RunContext
from domain.publishing.caps import is_approved
from domain.settings import SHADOW
from social.site import NotArmed
from store.journal import Armed
from store.posts import Post


class Boundary:
    """Awaited by the page driver in the browser's own thread.

    asked: the journal was asked to arm, so it may do so even if nobody waited for its answer. armed: it did. shadow:
    nothing is sent in this mode.
    """

    def __init__(self, ctx: RunContext, post: Post, refused: Callable[[], str | None]) -> None:
        """refused: why the caps forbid it at this moment, if they do."""
        self.ctx = ctx
        self.post = post
        self.refused = refused
        self.asked = False
        self.answered = False
        self.armed = False
        self.shadow = False

    async def arm(self) -> None:
        """Returns once the intent is on the disk. Raises NotArmed where nothing may be sent."""
        passing("composed", self.ctx.settings.crash_at)
        if self.ctx.settings.mode == SHADOW:
            self.shadow = True
            raise NotArmed("MODE=shadow: nothing is sent")
        if (why := self._barred() or self.refused()) is not None:
            raise NotArmed(why)
        self.asked = True
        answer = await asked(self.ctx, "journal", Arm(self.post, self.ctx.actor_name))
        self.answered = True
        if not isinstance(answer, Armed):
            raise NotArmed(answer.why)
        self.armed = True
        passing("armed", self.ctx.settings.crash_at)

    def _barred(self) -> str | None:
        """Why this post may not be sent, as things are at this moment."""
        allowed = switches(self.ctx.settings)
        if not self.ctx.flags_known():
            return "what the operator set before is not known yet"
        if not allowed.permitted:
            return "this site must not be automated: SITE_AUTOMATION_PERMITTED is not set"
        if not allowed.posting:
            return "POSTING_DISABLED was set meanwhile"
        if self.post.kind == "reply" and not allowed.replies:
            return "REPLIES=off was set meanwhile"
        if self.post.kind == "reply" and not is_approved(self.post.approval, allowed):
            return "REPLIES=approval was set meanwhile, and nobody has approved this reply"
        if self.post.thread_position == 0 and not allowed.threads:
            return "THREADS=no was set meanwhile"  # one that has begun is finished
        if (reason := stopped(self.ctx)) is not None:
            return f"the account is stopped: {reason}"
        return None
