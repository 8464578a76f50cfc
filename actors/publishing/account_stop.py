"""When the site refuses the account, nothing more is done for it until a person has seen to it.

Said to the journal, from which Postgres learns it, and to the lane, so that it holds at once, with Postgres away too.
"""

from actors.account import journal
from actors.protocol import account
from actors.protocol.account import LANE
from actors.protocol.alerts import raise_alert
from actors.scheduling.run_context import RunContext
from domain.publishing import stops
from social.site import SessionExpired, SiteError, Unproven, WrongLanguage
from store.writes import AccountStopped

SESSION_ALERT = "session"


def stop_account(ctx: RunContext, error: SiteError) -> None:
    """Stop the account for what the site said or did not say, and tell a person."""
    kind = _kind(error)
    reason = stops.reason_for(str(error), kind)
    ctx.log.error("the account is stopped: %s", reason)
    if kind in (stops.SESSION, stops.UNPROVEN):
        raise_alert(ctx, SESSION_ALERT, f"{error} Roost never logs in by itself.")
    at = ctx.calendar()
    account.stop_account(ctx, reason, at)
    journal.append(ctx, (f"stop/{ctx.new_id()}", AccountStopped(ctx.settings.account, reason, at)))


def _kind(error: SiteError) -> str:
    match error:
        case SessionExpired():
            return stops.SESSION
        case Unproven():
            return stops.UNPROVEN
        case WrongLanguage():
            return stops.LANGUAGE
    return stops.LOCKED


def stopped(ctx: RunContext) -> str | None:
    """Why the account is stopped, as far as anybody here knows."""
    return ctx.board(LANE).stopped
