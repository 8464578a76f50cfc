"""The ledger: who holds which unit of a resource, who waits, and what ends.

Exhaustion has to be a queue with an order, a reason and an end; a silent wait is what stops everything at once. The
ledger is the only one who decides that, and it decides by value: each method takes the monotonic time, changes the
books, and returns the decisions that its actor then carries out.

Order: those who belong to a reserve before those who borrow it (`domain.resources.reserves`); among these, priority
and then age. Aging is linear, so a request's place never has to be computed again: the rank is its arrival plus its
priority times a step, and the step is such that a priority 10 ranks before every priority 0 that comes
`starvation_seconds` after it.

A unit is lent again only when its close is known: by `release`, or by `closed` after a revocation. In between it is
quarantined. `reconcile` gives back those that the backend does not count any more.

>>> from domain.resources.leases import Request
>>> from domain.resources.reserves import database_policy
>>> ledger = Ledger(database_policy(), caps={"learn": 1}, first_token=7)
>>> wish = Request("r1", holder="learn-1", job="learn", priority=2, category="", wait_until=5.0, hold_seconds=10.0)
>>> [granted] = ledger.request(wish, now=0.0)
>>> granted.lease.token, granted.lease.unit, ledger.next_event()
(7, 0, 8.0)
>>> ledger.tick(now=8.0)[0].left                   # a warning, at 80 % of the hold
2.0
>>> str(ledger.tick(now=10.0)[0].cause)            # it did not come back
'hold deadline'
>>> ledger.statistics(10.0).quarantined            # nobody gets the unit before its close is confirmed
1
>>> ledger.closed(7, now=10.1)
()
>>> ledger.statistics(10.1).idle
10
"""

import itertools
import math
from bisect import insort
from collections import Counter
from collections.abc import Mapping

from domain.resources.division import Division
from domain.resources.leases import (
    Cause,
    Decision,
    Drained,
    Drift,
    Ended,
    Granted,
    Lease,
    Refused,
    Request,
    Revoke,
    Stale,
    Statistics,
    Warned,
)
from domain.resources.reserves import LOWEST_PRIORITY, Policy, Route

Decisions = tuple[Decision, ...]


class _Waiting:
    __slots__ = ("request", "route", "since")

    def __init__(self, request: Request, route: Route, since: float) -> None:
        self.request = request
        self.route = route
        self.since = since


class _Held:
    """A unit that is not idle: lent, or not known to be closed. `charge`: the reserve it counts in."""

    __slots__ = ("charge", "lease", "route", "warn_at")

    def __init__(self, lease: Lease, route: Route, charge: int, warn_at: float) -> None:
        self.lease = lease
        self.route = route
        self.charge = charge
        self.warn_at = warn_at


class Ledger:
    """The books of one resource. Not thread-safe: one actor owns it. Time must not go back between calls."""

    def __init__(self, policy: Policy, caps: Mapping[str, int], first_token: int = 1) -> None:
        """caps: the most units a job may hold at once; a job without one may hold all. first_token: above every
        token that was given before a restart."""
        self.policy = policy
        self._caps = dict(caps)
        self._next_token = first_token
        self._aging_step = policy.starvation_seconds / LOWEST_PRIORITY
        self._arrivals = 0
        self._queue: list[tuple[float, int, _Waiting]] = []
        self._waiting: dict[str, tuple[float, int, _Waiting]] = {}
        self._held: dict[int, _Held] = {}
        self._tokens: dict[str, int] = {}
        self._quarantine: dict[int, _Held] = {}
        self._by_job: Counter[str] = Counter()
        self._draining: str | None = None
        self._drained = False
        self._alarm = math.inf
        self._granted = self._ended = self._revoked = self._refused = 0
        self._capacity = policy.capacity
        self._idle = list(range(policy.capacity - 1, -1, -1))
        self._division = Division(policy, policy.capacity)

    # Asking and giving back

    def request(self, request: Request, now: float) -> Decisions:
        """Grants the request, refuses it, or lets it wait (an empty answer). One that came already: nothing new."""
        if request.request_id in self._waiting or request.request_id in self._tokens:
            return ()
        if (reason := self._never(request)) is not None:
            return (self._refuse(request, *reason, waited=0.0),)
        route = self._division.route(request.category, request.priority)
        cap = self._caps.get(request.job)
        if self._idle and (cap is None or self._by_job[request.job] < cap) and self._division.has_room(route):
            return (self._grant(request, route, now, now),)
        if request.wait_until <= now:
            return (self._refuse(request, Cause.WAIT_DEADLINE, self._exhausted(0.0), 0.0),)
        self._arrivals += 1
        entry = (now + request.priority * self._aging_step, self._arrivals, _Waiting(request, route, now))
        insort(self._queue, entry)
        self._waiting[request.request_id] = entry
        if request.wait_until < self._alarm:
            self._alarm = request.wait_until
        return ()

    def cancel(self, request_id: str, now: float) -> Decisions:
        """The requester no longer wants it: it leaves the queue, or its lease, granted meanwhile but unused, ends."""
        entry = self._waiting.get(request_id)
        if entry is not None:
            return (self._dequeue(entry, Cause.CANCELLED, "cancelled by the requester", now),)
        token = self._tokens.get(request_id)
        return () if token is None else self.release(token, now)

    def release(self, token: int, now: float, *, closed: bool = True) -> Decisions:
        """The holder gives the lease back. closed=False: its unit is still being closed, so quarantine it."""
        held = self._held.pop(token, None)
        if held is None:
            return (Stale(token),)
        self._forget(held.lease.request)
        self._ended += 1
        ended = Ended(held.lease, now - held.lease.granted_at)
        if closed:
            self._give_back(held)
        else:
            self._quarantine[token] = held
        return (ended, *self._fill(now))

    def closed(self, token: int, now: float) -> Decisions:
        """The unit of a lease that is over is closed for certain: it can be lent again."""
        held = self._quarantine.pop(token, None)
        if held is None:
            return (Stale(token),)
        self._give_back(held)
        return self._fill(now)

    # Taking

    def revoke(self, token: int, reason: str, now: float) -> Decisions:
        """Takes one lease."""
        held = self._held.get(token)
        if held is None:
            return (Stale(token),)
        return (self._take(held, Cause.REVOKED, reason, now), *self._fill(now))

    def revoke_all(self, reason: str, now: float) -> Decisions:
        """Takes every lease, as when the backend has gone. The queue stays: drain first to refuse it."""
        taken = tuple(self._take(held, Cause.REVOKED, reason, now) for held in list(self._held.values()))
        return (*taken, *self._fill(now))

    def holder_died(self, holder: str, now: float) -> Decisions:
        """Takes all that the holder has, and refuses all that it waits for."""
        waiting = [entry for entry in self._queue if entry[2].request.holder == holder]
        holding = [held for held in self._held.values() if held.lease.request.holder == holder]
        if not waiting and not holding:
            return ()
        reason = f"{self.policy.resource}: {holder} died"
        refused = tuple(self._dequeue(entry, Cause.HOLDER_DIED, reason, now) for entry in waiting)
        taken = tuple(self._take(held, Cause.HOLDER_DIED, reason, now) for held in holding)
        return (*refused, *taken, *self._fill(now))

    # The pool itself

    def resize(self, capacity: int, now: float) -> Decisions:
        """There are to be `capacity` units from now on. Those in use beyond it go when they come back."""
        if capacity < 0:
            raise ValueError(f"{self.policy.resource}: {capacity} units cannot be; give 0 or more")
        self._capacity = capacity
        in_use = self._in_use()
        taken = {held.lease.unit for held in in_use}
        free = (unit for unit in itertools.count() if unit not in taken)
        self._idle = list(itertools.islice(free, max(0, capacity - len(in_use))))[::-1]
        self._division = Division(self.policy, capacity)
        for held in in_use:
            held.route = self._division.route(held.lease.request.category, held.lease.request.priority)
            held.charge = self._division.take(held.route)
        for _, _, waiting in self._queue:
            waiting.route = self._division.route(waiting.request.category, waiting.request.priority)
        return self._fill(now)

    def drain(self, reason: str, now: float) -> Decisions:
        """Refuses all who wait and all who come, until `reopen`. Leases run on; `Drained` says that none is left."""
        self._draining, self._drained = reason, False
        text = self._closed_text(reason)
        refused = tuple(self._dequeue(entry, Cause.DRAINING, text, now) for entry in tuple(self._queue))
        return (*refused, *self._fill(now))

    def reopen(self) -> None:
        """Lends again after a drain."""
        self._draining = None

    def reconcile(self, backend_taken: int, now: float) -> Decisions:
        """Compares with the backend's own count of units taken: lent (though perhaps not opened yet), or not closed.

        What the backend no longer counts cannot be open: as many quarantined units come back, oldest first.
        """
        stuck = max(0, backend_taken - len(self._held))
        known = len(self._quarantine)
        for token in list(self._quarantine)[: max(0, known - stuck)]:
            self._give_back(self._quarantine.pop(token))
        drift = (Drift(backend_taken, len(self._held) + known),) if stuck > known else ()
        return (*drift, *self._fill(now))

    # Time

    def next_event(self) -> float | None:
        """When to call `tick` next (monotonic seconds), None if nothing can fall due. It may prove to be too early:
        a timer that was set for it need not be moved when the lease behind it ends."""
        return None if self._alarm == math.inf else self._alarm

    def tick(self, now: float) -> Decisions:
        """Warns, revokes and refuses whatever is due."""
        if now < self._alarm:
            return ()
        decisions: list[Decision] = []
        for held in list(self._held.values()):
            lease = held.lease
            if lease.hold_until <= now:
                hold = lease.hold_until - lease.granted_at
                reason = (
                    f"{self.policy.resource}: {lease.request.job} held a {self.policy.unit} for over {hold:.1f} s"
                )
                decisions.append(self._take(held, Cause.HOLD_DEADLINE, reason, now))
            elif held.warn_at <= now:
                held.warn_at = math.inf
                decisions.append(Warned(lease, lease.hold_until - now))
        late = [entry for entry in self._queue if entry[2].request.wait_until <= now]
        decisions += [
            self._dequeue(entry, Cause.WAIT_DEADLINE, self._exhausted(now - entry[2].since), now) for entry in late
        ]
        decisions += self._fill(now)  # a revoked lease of a job at its cap makes room for another of its requests
        self._alarm = min(
            (
                *(min(held.warn_at, held.lease.hold_until) for held in self._held.values()),
                *(waiting.request.wait_until for _, _, waiting in self._queue),
            ),
            default=math.inf,
        )
        return tuple(decisions)

    # Looking

    def holds(self, token: int) -> bool:
        """Whether the lease with this token is in force."""
        return token in self._held

    def leases(self) -> tuple[Lease, ...]:
        """Every lease in force, oldest first."""
        return tuple(held.lease for held in self._held.values())

    def quarantined(self) -> tuple[Lease, ...]:
        """The last lease of each unit whose close is not confirmed, oldest first."""
        return tuple(held.lease for held in self._quarantine.values())

    def waiting(self) -> tuple[Request, ...]:
        """Every request that waits, in the order of its rank."""
        return tuple(waiting.request for _, _, waiting in self._queue)

    def statistics(self, now: float) -> Statistics:
        """The ledger at this moment."""
        return Statistics(
            capacity=self._capacity,
            in_use=len(self._held),
            idle=len(self._idle),
            waiting=len(self._queue),
            quarantined=len(self._quarantine),
            draining=self._draining is not None,
            by_job=self._jobs(),
            longest_wait=max((now - waiting.since for _, _, waiting in self._queue), default=0.0),
            granted=self._granted,
            ended=self._ended,
            revoked=self._revoked,
            refused=self._refused,
        )

    # Inside

    def _never(self, request: Request) -> tuple[Cause, str] | None:
        """Why waiting would be in vain."""
        name = self.policy.resource
        if self._draining is not None:
            return Cause.DRAINING, self._closed_text(self._draining)
        if not self._division.serves(request.category, request.priority):
            kept = ", ".join(reserve.name for reserve in self.policy.reserves)
            return Cause.CATEGORY, (
                f"{name}: no reserve ({kept}) serves category {request.category!r} of job {request.job!r}. "
                "Give the job one of the categories."
            )
        cap = self._caps.get(request.job)
        if cap is None or self._by_job[request.job] < cap:
            return None
        own = [lease for lease in self.leases() if lease.request.job == request.job]
        if all(lease.request.holder == request.holder for lease in own):
            return Cause.BUDGET, (
                f"{name}: {request.holder} holds {len(own)} and job {request.job!r} has a budget of {cap}. "
                "Release one first, or raise the job's budget."
            )
        return None

    def _next(self, now: float) -> tuple[float, int, _Waiting] | None:
        """Who is served next, if anyone can be."""
        room = self._division.room()
        borrower = None
        for entry in self._queue:
            route = entry[2].route
            if route.home & room:
                if self._may_have(entry[2].request, now):
                    return entry
            elif borrower is None and route.borrowed & room and self._may_have(entry[2].request, now):
                borrower = entry
        return borrower

    def _may_have(self, request: Request, now: float) -> bool:
        cap = self._caps.get(request.job)
        return request.wait_until > now and (cap is None or self._by_job[request.job] < cap)

    def _fill(self, now: float) -> Decisions:
        """Serves whoever can be served now."""
        if self._draining is not None:
            if self._held or self._quarantine or self._drained:
                return ()
            self._drained = True
            return (Drained(),)
        granted: list[Decision] = []
        while self._queue and self._idle and (entry := self._next(now)) is not None:
            self._queue.remove(entry)
            waiting = entry[2]
            del self._waiting[waiting.request.request_id]
            granted.append(self._grant(waiting.request, waiting.route, waiting.since, now))
        return tuple(granted)

    def _grant(self, request: Request, route: Route, since: float, now: float) -> Granted:
        hold = min(request.hold_seconds, self.policy.longest_hold)
        lease = Lease(self._next_token, self._idle.pop(), request, now, now + hold)
        warn_at = now + hold * self.policy.warn_share
        self._held[lease.token] = _Held(lease, route, self._division.take(route), warn_at)
        self._tokens[request.request_id] = lease.token
        self._next_token += 1
        self._by_job[request.job] += 1
        self._granted += 1
        if warn_at < self._alarm:
            self._alarm = warn_at
        return Granted(lease, now - since)

    def _refuse(self, request: Request, cause: Cause, reason: str, waited: float) -> Refused:
        self._refused += 1
        return Refused(request, cause, reason, waited)

    def _dequeue(self, entry: tuple[float, int, _Waiting], cause: Cause, reason: str, now: float) -> Refused:
        waiting = entry[2]
        self._queue.remove(entry)
        del self._waiting[waiting.request.request_id]
        return self._refuse(waiting.request, cause, reason, now - waiting.since)

    def _take(self, held: _Held, cause: Cause, reason: str, now: float) -> Revoke:
        lease = held.lease
        del self._held[lease.token]
        self._quarantine[lease.token] = held
        self._forget(lease.request)
        self._revoked += 1
        return Revoke(lease, cause, reason, now - lease.granted_at)

    def _forget(self, request: Request) -> None:
        """The request's lease is over."""
        del self._tokens[request.request_id]
        self._by_job[request.job] -= 1

    def _give_back(self, held: _Held) -> None:
        """The unit is idle again, or gone if the pool has shrunk."""
        if len(self._idle) + len(self._held) + len(self._quarantine) < self._capacity:
            self._idle.append(held.lease.unit)
        self._division.give_back(held, self._in_use)

    def _in_use(self) -> tuple[_Held, ...]:
        return (*self._held.values(), *self._quarantine.values())

    def _jobs(self) -> tuple[tuple[str, int], ...]:
        return tuple(sorted(((job, n) for job, n in self._by_job.items() if n), key=lambda pair: (-pair[1], pair[0])))

    def _closed_text(self, reason: str) -> str:
        return f"{self.policy.resource}: lends nothing now ({reason}). Try again later."

    def _exhausted(self, waited: float) -> str:
        jobs = ", ".join(f"{count} {job}" for job, count in self._jobs()) or "none"
        closing = f"; {len(self._quarantine)} being closed" if self._quarantine else ""
        return (
            f"{self.policy.resource}: no {self.policy.unit} in {waited:.1f} s ({len(self._held)} of {self._capacity} "
            f"in use: {jobs}{closing}; {len(self._queue)} waiting). {self.policy.remedy}"
        )
