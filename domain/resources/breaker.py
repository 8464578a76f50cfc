"""Circuit breaker: stop calling what keeps failing, and find out by itself when to call again.

Pure: the caller brings the time, and chance for the jitter. It cannot stay open for ever, because `Open` carries its
own end, and the one call that `HalfOpen` lets through carries its own too: a trial that never reports only makes room
for another. Nothing here blocks, so no call is made under a lock.

States and words follow resilience4j (https://resilience4j.readme.io/docs/circuitbreaker): a call asks
`try_acquire_permission`, and reports `on_success`, `on_error`, or `release_permission` if it said nothing about the
callee. Different here: failures in a row open it too, and the window opens it as soon as it holds half its size in
failures, without waiting to be full.

>>> chance = random.Random(1)
>>> policy = Policy(failures_in_row=2, jitter=0.0)
>>> state, call = try_acquire_permission(CLOSED, 0.0, policy)
>>> for moment in (1.0, 2.0):
...     state = on_error(state, call, 0.1, moment, policy, chance)
>>> state
Open(since=2.0, until=17.0, opened_times=1)
>>> try_acquire_permission(state, 3.0, policy)[1]
NotPermitted(reason='open for another 14.0 s', retry_at=17.0)
>>> state, trial = try_acquire_permission(state, 17.0, policy)
>>> on_success(state, trial, 0.1, 17.1, policy, chance) == CLOSED
True
"""

import math
import random
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Policy:
    """When it opens, and for how long.

    failures_in_row: opens at this many. window: how many of the last calls are remembered. window_failures,
    window_slow: opens at this many failed or slow ones among them. slow_seconds: a call this long is slow, and so is
    one that was given up at its caller's own deadline; infinity: none ever is.
    open_seconds: the first opening; each further one without a success between is twice as long, up to
    longest_open_seconds. jitter: each opening is longer or shorter by up to this part, so that breakers that opened
    together do not try together. trial_seconds: how long the call in half-open keeps its place.
    """

    failures_in_row: int = 5
    window: int = 20
    window_failures: int = 10
    window_slow: int = 10
    slow_seconds: float = 30.0
    open_seconds: float = 15.0
    longest_open_seconds: float = 60.0
    jitter: float = 0.1
    trial_seconds: float = 30.0

    def opening(self, times: int, chance: random.Random) -> float:
        """Seconds of the opening number `times` (from 1) in a row."""
        seconds = min(self.longest_open_seconds, self.open_seconds * 2.0 ** min(times - 1, 60))
        return seconds * chance.uniform(1.0 - self.jitter, 1.0 + self.jitter)


PUBLISHING = Policy(failures_in_row=15, window=40, window_failures=20, window_slow=40)
"""For publishing itself: a post that fails is rare and costly to stop for, so it tolerates more."""


@dataclass(frozen=True, slots=True)
class Window:
    """The last calls, one bit each, the newest lowest."""

    calls: int = 0
    failed: int = 0
    slow: int = 0

    def with_call(self, size: int, *, failed: bool, slow: bool) -> "Window":
        """The window after one more call."""
        mask = (1 << size) - 1
        return Window(
            calls=min(size, self.calls + 1),
            failed=(self.failed << 1 | failed) & mask,
            slow=(self.slow << 1 | slow) & mask,
        )


@dataclass(frozen=True, slots=True)
class Closed:
    """Every call goes."""

    in_row: int = 0
    window: Window = Window()


@dataclass(frozen=True, slots=True)
class Open:
    """No call goes until `until` (monotonic seconds). opened_times: in a row, without a success between."""

    since: float
    until: float
    opened_times: int


@dataclass(frozen=True, slots=True)
class Trial:
    """The one call that half-open lets through. until: when its place is free again, reported or not.

    `began` is also its name: no two that could still report begin at one moment.
    """

    began: float
    until: float


@dataclass(frozen=True, slots=True)
class HalfOpen:
    """One call at a time goes, to see."""

    since: float
    opened_times: int
    trial: Trial | None = None


@dataclass(frozen=True, slots=True)
class ForcedOpen:
    """The operator lets no call go, until the operator ends it."""

    reason: str


@dataclass(frozen=True, slots=True)
class ForcedClosed:
    """The operator lets every call go, whatever comes of it (resilience4j's DISABLED)."""

    reason: str


State = Closed | Open | HalfOpen | ForcedOpen | ForcedClosed
CLOSED = Closed()


@dataclass(frozen=True, slots=True)
class Permitted:
    """The call goes. Report its end with this value. trial: when it began, if it is a trial."""

    trial: float | None = None


@dataclass(frozen=True, slots=True)
class NotPermitted:
    """The call must not be made. retry_at: monotonic seconds, None if only the operator can tell."""

    reason: str
    retry_at: float | None


_ORDINARY = Permitted()


def try_acquire_permission(state: State, now: float, policy: Policy) -> tuple[State, Permitted | NotPermitted]:
    """Whether a call may be made now, and the state that this leaves."""
    match state:
        case Closed() | ForcedClosed():
            return state, _ORDINARY
        case ForcedOpen(reason):
            return state, NotPermitted(f"held open by the operator: {reason}", None)
        case Open(until=until) if now < until:
            return state, NotPermitted(f"open for another {until - now:.1f} s", until)
        case Open(until=until, opened_times=times):
            return try_acquire_permission(HalfOpen(until, times), now, policy)
        case HalfOpen(trial=Trial(until=until)) if now < until:
            return state, NotPermitted("a trial call is under way", until)
        case HalfOpen():
            return replace(state, trial=Trial(now, now + policy.trial_seconds)), Permitted(now)


def on_success(
    state: State, call: Permitted, seconds: float, now: float, policy: Policy, chance: random.Random
) -> State:
    """The call ended well, after so many seconds. A slow one counts as such, and in half-open opens again."""
    slow = seconds >= policy.slow_seconds
    if isinstance(state, Closed) and not (slow or state.in_row):
        seen = state.window
        if seen.calls == policy.window and not (seen.failed or seen.slow):
            return state  # all is well, as nearly always: one good call more changes nothing
    match state:
        case Closed(window=window):
            return _judged(Closed(0, window.with_call(policy.window, failed=False, slow=slow)), now, policy, chance)
        case HalfOpen(opened_times=times, trial=Trial(began)) if began == call.trial:
            return _opened(times + 1, now, policy, chance) if slow else CLOSED
    return state  # a call that began before it opened, or a trial that was given up: too old to tell anything


def on_error(
    state: State, call: Permitted, seconds: float, now: float, policy: Policy, chance: random.Random
) -> State:
    """The call failed, after so many seconds, by a fault of the callee."""
    match state:
        case Closed(in_row, window):
            after = window.with_call(policy.window, failed=True, slow=seconds >= policy.slow_seconds)
            return _judged(Closed(in_row + 1, after), now, policy, chance)
        case HalfOpen(opened_times=times, trial=Trial(began)) if began == call.trial:
            return _opened(times + 1, now, policy, chance)
    return state


def on_overrun(state: State, call: Permitted, now: float, policy: Policy, chance: random.Random) -> State:
    """The call was given up at its caller's own deadline, without an answer: slow, however short that deadline."""
    if policy.slow_seconds == math.inf:
        return release_permission(state, call)
    match state:
        case Closed(in_row, window):
            after = window.with_call(policy.window, failed=False, slow=True)
            return _judged(Closed(in_row, after), now, policy, chance)
        case HalfOpen(opened_times=times, trial=Trial(began)) if began == call.trial:
            return _opened(times + 1, now, policy, chance)
    return state


def release_permission(state: State, call: Permitted) -> State:
    """The call was not made, or ended for a reason of the caller's own: it tells nothing, but its place is free."""
    match state:
        case HalfOpen(trial=Trial(began)) if began == call.trial:
            return replace(state, trial=None)
    return state


def probe_succeeded(state: State, now: float) -> State:
    """A health probe reached the callee: an opening ends now, and the next call is the trial."""
    match state:
        case Open(opened_times=times):
            return HalfOpen(now, times)
    return state


def forced_open(reason: str) -> State:
    """By order of the operator no call goes."""
    return ForcedOpen(reason)


def forced_closed(reason: str) -> State:
    """By order of the operator every call goes."""
    return ForcedClosed(reason)


def reset() -> State:
    """As new: the operator's order ends, and what was remembered is forgotten."""
    return CLOSED


def _judged(state: Closed, now: float, policy: Policy, chance: random.Random) -> State:
    if (
        state.in_row >= policy.failures_in_row
        or state.window.failed.bit_count() >= policy.window_failures
        or state.window.slow.bit_count() >= policy.window_slow
    ):
        return _opened(1, now, policy, chance)
    return state


def _opened(times: int, now: float, policy: Policy, chance: random.Random) -> Open:
    return Open(now, now + policy.opening(times, chance), times)


@dataclass(frozen=True, slots=True)
class Statistics:
    """A breaker at one moment.

    state: closed, open, half_open, forced_open or forced_closed. calls, failed, slow: in the window.
    retry_at: when a call would be let through (monotonic seconds); None if now, or if only the operator can tell.
    overdue: seconds for which calls could have gone and none was tried; alarm on it, since somebody should call.
    """

    state: str
    calls: int = 0
    failed: int = 0
    slow: int = 0
    in_row: int = 0
    opened_times: int = 0
    retry_at: float | None = None
    overdue: float = 0.0


def statistics(state: State, now: float) -> Statistics:
    """The breaker at this moment. An opening whose time has passed reads as half-open: so it will be when asked."""
    match state:
        case Closed(in_row, window):
            failed, slow = window.failed.bit_count(), window.slow.bit_count()
            return Statistics("closed", window.calls, failed, slow, in_row)
        case Open(until=until, opened_times=times) if now < until:
            return Statistics("open", opened_times=times, retry_at=until)
        case Open(until=until, opened_times=times):
            return Statistics("half_open", opened_times=times, overdue=now - until)
        case HalfOpen(opened_times=times, trial=Trial(until=until)) if now < until:
            return Statistics("half_open", opened_times=times, retry_at=until)
        case HalfOpen(since=since, opened_times=times, trial=trial):
            return Statistics("half_open", opened_times=times, overdue=now - (trial.until if trial else since))
        case ForcedOpen():
            return Statistics("forced_open")
        case ForcedClosed():
            return Statistics("forced_closed")
