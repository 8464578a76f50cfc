"""The ledger: who holds which unit of a resource, who waits, and what ends.

Exhaustion has to be a queue with an order, a reason and an end; a silent wait is what stops everything at once. The
ledger is the only one who decides that, and it decides by value: each method takes the monotonic time, changes the
books, and returns the decisions that its actor then carries out.

Who is next is the queue's to say (`domain.resources.queue`), and in which reserve a unit counts the division's
(`domain.resources.division`).

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
    NextUse,
    Refused,
    Request,
    Revoke,
    Stale,
    Statistics,
    Warned,
)
from domain.resources.queue import Place, Queue, Share
from domain.resources.reserves import Policy

Decisions = tuple[Decision, ...]


class Ledger:
    """The books of one resource. Not thread-safe: one actor owns it. Time must not go back between calls."""

    def __init__(self, policy: Policy, caps: Mapping[str, int], first_token: int = 1) -> None:
        """caps: the most units a job may hold at once; a job without one may hold all. first_token: above every
        token that was given before a restart."""
        self.policy = policy
        self._caps = dict(caps)
        self._next_token = first_token
        self._first_token = first_token
        self._shares: dict[str, Share] = {}
        self._queue = Queue(policy.starvation_seconds)
        self._asked: dict[str, Place] = {}  # by request: those who wait, and those who hold
        self._held: dict[int, Place] = {}  # by token
        self._quarantine: dict[int, Place] = {}
        self._next_uses: dict[str, NextUse] = {}  # by job
        self._draining: str | None = None
        self._drained = False
        self.alarm = math.inf  # as `next_event`, or infinity
        self._ended = self._revoked = self._refused = 0
        self._capacity = policy.capacity
        self._surplus = 0  # units in use that are gone when they come back
        self._idle = list(range(policy.capacity - 1, -1, -1))
        self._division = Division(policy, policy.capacity)

    # Asking and giving back

    def request(self, request: Request, now: float) -> Decisions:
        """Grants the request, refuses it, or lets it wait (an empty answer). One that came already: nothing new."""
        if request.request_id in self._asked:
            return ()
        share = self._shares.get(request.job) or self._share(request.job)
        may_have = share.in_use < share.cap
        claim = self._division.claim(request.category, request.priority)
        if (not may_have or not claim.serves or self._draining is not None) and (reason := self._never(request)):
            return (self._refuse(request, *reason, waited=0.0),)
        place = Place(request, claim, share, now)
        if (
            may_have
            and self._idle
            and (
                (claim.home | claim.borrowed) & self._division.room or place.fits_before_next_use(self._division, now)
            )
        ):
            self._asked[request.request_id] = place
            return (self._grant(place, now),)
        if request.wait_until <= now:
            return (self._refuse(request, Cause.WAIT_DEADLINE, self._exhausted(0.0), 0.0),)
        self._asked[request.request_id] = place
        self._queue.join(place)
        if request.wait_until < self.alarm:
            self.alarm = request.wait_until
        return ()

    def cancel(self, request_id: str, now: float) -> Decisions:
        """The requester no longer wants it: it leaves the queue, or its lease, granted meanwhile but unused, ends."""
        place = self._asked.get(request_id)
        if place is None:
            return ()
        if place.waits:
            return (self._dequeue(place, Cause.CANCELLED, "cancelled by the requester", now),)
        return self.release(place.lease.token, now)

    def release(self, token: int, now: float, *, closed: bool = True) -> Decisions:
        """The holder gives the lease back. closed=False: its unit is still being closed, so quarantine it."""
        held = self._held.pop(token, None)
        if held is None:
            return (Stale(token),)
        del self._asked[held.request.request_id]
        held.share.in_use -= 1
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

    def expect(self, use: NextUse, now: float) -> Decisions:
        """A job says when it will ask next, instead of what it said before. Until then the reserves that it belongs
        to may be backfilled, as far as nobody else who belongs to them comes earlier. Where nobody has said anything,
        none is."""
        self._next_uses[use.job] = use
        self._look_ahead()
        return self._fill(now)

    def expected(self) -> tuple[NextUse, ...]:
        """What each job has said last."""
        return tuple(self._next_uses.values())

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
        waiting = [place for place in self._queue if place.request.holder == holder]
        holding = [held for held in self._held.values() if held.request.holder == holder]
        if not waiting and not holding:
            return ()
        reason = f"{self.policy.resource}: {holder} died"
        refused = tuple(self._dequeue(place, Cause.HOLDER_DIED, reason, now) for place in waiting)
        taken = tuple(self._take(held, Cause.HOLDER_DIED, reason, now) for held in holding)
        return (*refused, *taken, *self._fill(now))

    # The pool itself

    def resize(self, capacity: int, now: float) -> Decisions:
        """There are to be `capacity` units from now on. Those in use beyond it go when they come back."""
        if capacity < 0:
            raise ValueError(f"{self.policy.resource}: {capacity} units cannot be; give 0 or more")
        self._capacity = capacity
        in_use = (*self._held.values(), *self._quarantine.values())
        taken = {held.lease.unit for held in in_use}
        free = (unit for unit in itertools.count() if unit not in taken)
        self._idle = list(itertools.islice(free, max(0, capacity - len(in_use))))[::-1]
        self._surplus = max(0, len(in_use) - capacity)
        self._division = Division(self.policy, capacity)
        for place in (*in_use, *self._queue):
            place.claim = self._division.claim(place.request.category, place.request.priority)
        self._look_ahead()
        for held in in_use:
            self._division.take(held.claim, now, held.lease.hold_until - now)
        return self._fill(now)

    def drain(self, reason: str, now: float) -> Decisions:
        """Refuses all who wait and all who come, until `reopen`. Leases run on; `Drained` says that none is left."""
        self._draining, self._drained = reason, False
        text = self._closed_text(reason)
        refused = tuple(self._dequeue(place, Cause.DRAINING, text, now) for place in tuple(self._queue))
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
        return None if self.alarm == math.inf else self.alarm

    def tick(self, now: float) -> Decisions:
        """Warns, revokes and refuses whatever is due."""
        if now < self.alarm:
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
        decisions += [
            self._dequeue(place, Cause.WAIT_DEADLINE, self._exhausted(now - place.since), now)
            for place in tuple(self._queue)
            if place.request.wait_until <= now
        ]
        decisions += self._fill(now)  # a revoked lease of a job at its cap makes room for another of its requests
        self.alarm = min(
            (
                *(min(held.warn_at, held.lease.hold_until) for held in self._held.values()),
                *(place.request.wait_until for place in self._queue),
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
        return tuple(place.request for place in self._queue)

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
            longest_wait=max((now - place.since for place in self._queue), default=0.0),
            granted=self._next_token - self._first_token,
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
        if not self._division.claim(request.category, request.priority).serves:
            kept = ", ".join(reserve.name for reserve in self.policy.reserves)
            return Cause.CATEGORY, (
                f"{name}: no reserve ({kept}) serves category {request.category!r} of job {request.job!r}. "
                "Give the job one of the categories."
            )
        share = self._share(request.job)
        if share.in_use < share.cap:
            return None
        own = [lease for lease in self.leases() if lease.request.job == request.job]
        if all(lease.request.holder == request.holder for lease in own):
            return Cause.BUDGET, (
                f"{name}: {request.holder} holds {len(own)} and job {request.job!r} has a budget of {share.cap}. "
                "Release one first, or raise the job's budget."
            )
        return None

    def _look_ahead(self) -> None:
        earliest: dict[int, float] = {}
        for use in self._next_uses.values():
            home = self._division.claim(use.category, use.priority).home
            for number in range(len(self.policy.reserves)):
                if home >> number & 1:
                    earliest[number] = min(use.at, earliest.get(number, math.inf))
        for number in range(len(self.policy.reserves)):
            self._division.next_use[number] = earliest.get(number, -math.inf)

    def _share(self, job: str) -> Share:
        share = self._shares.get(job)
        if share is None:
            share = self._shares[job] = Share(self._caps.get(job, math.inf))
        return share

    def _fill(self, now: float) -> Decisions:
        """Serves whoever can be served now."""
        if self._draining is not None:
            if self._held or self._quarantine or self._drained:
                return ()
            self._drained = True
            return (Drained(),)
        granted: list[Decision] = []
        while self._idle and (place := self._queue.pop(self._division, now)) is not None:
            granted.append(self._grant(place, now))
        return tuple(granted)

    def _grant(self, place: Place, now: float) -> Granted:
        request, token = place.request, self._next_token
        self._next_token = token + 1
        hold = request.hold_seconds
        if hold > self.policy.longest_hold:
            hold = self.policy.longest_hold
        lease = place.lease = Lease(token, self._idle.pop(), request, now, now + hold)
        self._division.take(place.claim, now, hold)
        place.warn_at = now + hold * self.policy.warn_share
        place.share.in_use += 1
        self._held[token] = place
        if place.warn_at < self.alarm:
            self.alarm = place.warn_at
        return Granted(lease, now - place.since)

    def _refuse(self, request: Request, cause: Cause, reason: str, waited: float) -> Refused:
        self._refused += 1
        return Refused(request, cause, reason, waited)

    def _dequeue(self, place: Place, cause: Cause, reason: str, now: float) -> Refused:
        self._queue.leave(place)
        del self._asked[place.request.request_id]
        return self._refuse(place.request, cause, reason, now - place.since)

    def _take(self, held: Place, cause: Cause, reason: str, now: float) -> Revoke:
        lease = held.lease
        del self._held[lease.token]
        self._quarantine[lease.token] = held
        del self._asked[held.request.request_id]
        held.share.in_use -= 1
        self._revoked += 1
        return Revoke(lease, cause, reason, now - lease.granted_at)

    def _give_back(self, held: Place) -> None:
        """The unit is idle again, or gone if the pool has shrunk."""
        if self._surplus:
            self._surplus -= 1
        else:
            self._idle.append(held.lease.unit)
        self._division.give_back(held.claim)

    def _jobs(self) -> tuple[tuple[str, int], ...]:
        used = ((job, share.in_use) for job, share in self._shares.items() if share.in_use)
        return tuple(sorted(used, key=lambda pair: (-pair[1], pair[0])))

    def _closed_text(self, reason: str) -> str:
        return f"{self.policy.resource}: lends nothing now ({reason}). Try again later."

    def _exhausted(self, waited: float) -> str:
        jobs = ", ".join(f"{count} {job}" for job, count in self._jobs()) or "none"
        closing = f"; {len(self._quarantine)} being closed" if self._quarantine else ""
        return (
            f"{self.policy.resource}: no {self.policy.unit} in {waited:.1f} s ({len(self._held)} of {self._capacity} "
            f"in use: {jobs}{closing}; {len(self._queue)} waiting). {self.policy.remedy}"
        )
