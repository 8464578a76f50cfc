"""Is the site's session still good? It is looked at, and never renewed: Roost does not log in."""

from actors.protocol import account
from actors.protocol.alerts import clear_alert
from actors.publishing.account_stop import SESSION_ALERT, stop_account, stopped
from actors.scheduling.outcome import Outcome
from actors.scheduling.run_actor import Job
from actors.scheduling.run_context import RunContext
from domain.calendar import minutes
from domain.jobs.spec import Holds, JobSpec, Kind
from domain.publishing.stops import ends_by_proof
from social.site import UNUSABLE, Unproven

LOOK_SECONDS = 30.0
ASK_SECONDS = 20.0  # the lane writes to Postgres before it answers
UNPROVEN_LOOKS = 2  # in a row: one may be the site's bad moment


class SessionMonitor(Job):
    """Stops the account and tells a person when the session has ended, or when nothing proves that it has not.

    Takes the alert back when one is good.
    """

    spec = JobSpec(
        "session_monitor",
        every=minutes(10),
        priority=1,
        kind=Kind.CRITICAL,
        holds=Holds(browser=1),
        offset=minutes(3),
        deadline=120.0,
        browser_seconds=LOOK_SECONDS + 20.0,  # and the context, where the machine is slow
    )

    def __init__(self) -> None:
        self.unproven = 0  # looks in a row that showed neither who is signed in nor a known wall

    def run(self, ctx: RunContext) -> Outcome:
        try:
            with ctx.browser() as browser:
                handle = browser.run(ctx.site.session, timeout=LOOK_SECONDS)
        except UNUSABLE as error:
            self.unproven = 0
            stop_account(ctx, error)
            # The look itself went well, and this is what it saw.
            return Outcome(done=1, of=1, note=f"the session is not good: {error}", detail={"good": False})
        except Unproven as error:
            self.unproven += 1
            if self.unproven < UNPROVEN_LOOKS:
                raise
            stop_account(ctx, error)
            return Outcome(done=1, of=1, note=f"nobody knows who is signed in: {error}", detail={"good": False})
        self.unproven = 0
        clear_alert(ctx, SESSION_ALERT)
        reason = stopped(ctx)
        if reason is not None and ends_by_proof(reason):
            account.clear_stop(ctx, timeout=ASK_SECONDS)
        return Outcome(done=1, of=1, note=f"signed in as @{handle}", detail={"good": True})
