"""What an exception of a run means for another attempt. The one place where the kinds of errors are told apart."""

from actors.core.future import AskError, CallerError
from actors.protocol.resources import LeaseEnded, LeaseRefused
from actors.scheduling.outcome import RunFailed
from domain.jobs.retries import Failure
from social import site
from store.errors import StoreError, is_away


def failure_of(error: BaseException) -> Failure | None:
    """The kind of failure, or None for what nobody foresaw: a crash."""
    match error:
        case RunFailed():
            return error.failure
        case site.SessionExpired():
            return Failure.SESSION_EXPIRED
        case site.AccountLocked() | site.Restricted() | site.WrongLanguage():
            return Failure.ACCOUNT_LOCKED
        case site.Rejected():
            return Failure.REFUSED_CONTENT
        case site.RateLimited():
            return Failure.RATE_LIMITED
        case site.Missing():
            return Failure.MISSING
        case site.SiteTimeout():
            return Failure.TIMED_OUT
        case site.SiteError():
            return Failure.PAGE_BROKEN
        case AskError() | LeaseRefused() | LeaseEnded() | StoreError():
            return Failure.UNAVAILABLE
        case CallerError():
            # The answer to the run's own ask. Left to rise it would pass for the run's answer, and the run live on.
            return Failure.CRASHED
        case TimeoutError():
            return Failure.TIMED_OUT
        case _:
            return Failure.UNAVAILABLE if is_away(error) else None
