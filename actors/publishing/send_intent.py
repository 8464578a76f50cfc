"""The send boundary of one post: what must be true at the last moment before the request leaves the browser."""

import os
import signal

from actors.protocol.journal import Arm
from actors.publishing.async_ask import asked
from actors.publishing.send_checks import SendChecks
from domain.publishing.attempts import Intent
from domain.settings import SHADOW
from social.site import NotArmed
from store.journal import Armed


class SendIntent:
    """Awaited by the page driver in the browser's own thread. state: how far it came."""

    def __init__(self, checks: SendChecks) -> None:
        self.checks = checks
        self.state = Intent.NONE

    def clicked(self) -> None:
        """The button is about to be pressed: what nobody sees from here on is not known to be unsent."""
        self.state = Intent.CLICKED

    async def arm(self) -> None:
        """Returns once the intent is on the disk. Raises NotArmed where nothing may be sent."""
        ctx = self.checks.ctx
        self.state = Intent.NONE  # the request is held at the boundary
        passing("composed", ctx.settings.crash_at)
        if ctx.settings.mode == SHADOW:
            self.state = Intent.SHADOW
            raise NotArmed("MODE=shadow: nothing is sent")
        if (why := self.checks.refused()) is not None:
            raise NotArmed(why)
        self.state = Intent.ASKED
        answer = await asked(ctx, "journal", Arm(self.checks.post, ctx.actor_name))
        if not isinstance(answer, Armed):
            self.state = Intent.NONE
            raise NotArmed(answer.why)
        self.state = Intent.ARMED
        passing("armed", ctx.settings.crash_at)


def passing(edge: str, crash_at: str | None) -> None:
    """Die here, with SIGKILL, if `CRASH_AT` (sandbox only) asks for it, so that a test can show what a restart makes
    of it. edge: one of `domain.publishing.edges`.
    """
    if edge == crash_at:
        os.kill(os.getpid(), signal.SIGKILL)
