"""Quota: how much of the model may be used per minute and per day.

A provider counts requests and tokens in a sliding minute, and money has an end each day. What a call will use is only
known afterwards, so a call reserves an estimate and settles it with what it really took; a call that never settles
keeps its estimate, which errs on the safe side.

>>> quota = Quota(Limits(requests_per_minute=2, tokens_per_minute=1000, dollars_per_day=1.0))
>>> first = quota.reserve("a", tokens=600, dollars=0.4, now=0.0, day=20)
>>> quota.reserve("b", tokens=600, dollars=0.1, now=1.0, day=20)
Exhausted(what='tokens per minute', retry_at=60.0)
>>> quota.settle("a", tokens=100, dollars=0.9)
>>> quota.reserve("b", tokens=600, dollars=0.2, now=3.0, day=20)
Exhausted(what='dollars per day', retry_at=None)
>>> quota.reserve("b", tokens=600, dollars=0.2, now=4.0, day=21)
Reserved(call='b')
>>> quota.spent_before(21, 0.3), round(quota.spent(), 2)
(None, 0.5)
"""

from dataclasses import dataclass

MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """The most in any 60 seconds (monotonic), and in one calendar day."""

    requests_per_minute: int
    tokens_per_minute: int
    dollars_per_day: float


@dataclass(frozen=True, slots=True)
class Reserved:
    """The call may be made. Settle it afterwards."""

    call: str


@dataclass(frozen=True, slots=True)
class Exhausted:
    """It may not. retry_at: monotonic seconds when it could; None: not before the next day."""

    what: str
    retry_at: float | None


@dataclass(slots=True)
class _Call:
    at: float
    tokens: int
    dollars: float


class Quota:
    """The books of one model. Not thread-safe. Time must not go back between calls."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._recent: dict[str, _Call] = {}  # of the last minute, oldest first
        self._open: dict[str, _Call] = {}  # not settled
        self._day = -1
        self._spent = 0.0

    def spent_before(self, day: int, dollars: float) -> None:
        """What others spent of this calendar day (its number), as a process before this one did: comes on top."""
        self._begin(day)
        if day == self._day:
            self._spent += dollars

    def reserve(self, call: str, tokens: int, dollars: float, now: float, day: int) -> Reserved | Exhausted:
        """Whether a call of about this size may be made now. day: number of the calendar day."""
        self._begin(day)
        self._recent = {name: one for name, one in self._recent.items() if one.at > now - MINUTE}
        if self.spent() + dollars > self.limits.dollars_per_day:
            return Exhausted("dollars per day", None)
        used = list(self._recent.values())
        if len(used) >= self.limits.requests_per_minute:
            return Exhausted("requests per minute", used[0].at + MINUTE)
        total = sum(one.tokens for one in used)
        if used and total + tokens > self.limits.tokens_per_minute:  # one call alone is never too large to begin
            for one in used:
                total -= one.tokens
                if total + tokens <= self.limits.tokens_per_minute or total == 0:
                    return Exhausted("tokens per minute", one.at + MINUTE)
        self._recent[call] = self._open[call] = _Call(now, tokens, dollars)
        return Reserved(call)

    def settle(self, call: str, tokens: int, dollars: float) -> None:
        """What the call really took; 0 for one that was not answered. Nothing happens for one that is not known."""
        made = self._open.pop(call, None)
        if made is not None:
            made.tokens, made.dollars = tokens, dollars
            self._spent += dollars

    def _begin(self, day: int) -> None:
        if day > self._day:
            self._day, self._spent = day, 0.0

    def shares(self, now: float, day: int) -> tuple[tuple[str, float], ...]:
        """How much of each limit is used, 0 to 1, reservations included; named as in `Exhausted`."""
        recent = [one for one in self._recent.values() if one.at > now - MINUTE]
        used = (
            ("requests per minute", len(recent), self.limits.requests_per_minute),
            ("tokens per minute", sum(one.tokens for one in recent), self.limits.tokens_per_minute),
            ("dollars per day", self.spent() if day == self._day else 0.0, self.limits.dollars_per_day),
        )
        return tuple((what, min(1.0, amount / limit) if limit else 1.0) for what, amount, limit in used)

    def spent(self) -> float:
        """Dollars of this calendar day, reservations included."""
        return self._spent + sum(one.dollars for one in self._open.values())
