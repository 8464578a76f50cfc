"""Is the site's session still good? It is looked at, and never renewed: Roost does not log in."""

from actors.protocol.alerts import Clear
from actors.publishing.account_stop import SESSION_ALERT, stop_account
from actors.scheduling.outcome import Outcome
from actors.scheduling.run_actor import Job
from actors.scheduling.run_context import RunContext
from domain.calendar import minutes
from domain.jobs.spec import Holds, JobSpec, Kind
from social.site import AccountLocked, SessionExpired

LOOK_SECONDS = 30.0


class SessionMonitor(Job):
    """Stops the account and tells a person when the session has ended, and takes the alert back when one is good."""

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

    def run(self, ctx: RunContext) -> Outcome:
        try:
            with ctx.browser() as browser:
                handle = browser.run(ctx.site.session, timeout=LOOK_SECONDS)
        except (SessionExpired, AccountLocked) as error:
            stop_account(ctx, error)
            # The look itself went well, and this is what it saw.
            return Outcome(done=1, of=1, note=f"the session is not good: {error}", detail={"good": False})
        ctx.tell("alerts", Clear(SESSION_ALERT))
        return Outcome(done=1, of=1, note=f"signed in as @{handle}", detail={"good": True})
