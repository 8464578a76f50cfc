"""The lease broker: the books of one resource, and who is to be told what of them.

Ledger, breaker, counters, leases in force and whoever waits for one: all of it belongs to the resource's actor, whose
thread alone comes here, so nothing is locked and every change is the effect of one message. The pure rules decide
(`domain.resources.ledger`, `domain.resources.breaker`); here their decisions become answers, ends and counts.
"""

import math
from typing import Protocol

from actors.core.base import NO_REPLY
from actors.core.future import Future
from actors.core.runtime import Runtime
from actors.protocol.resources import LeaseInfo, LeaseList, LeaseRefused, RequestInfo
from actors.resources.lease import Lease, Release
from actors.resources.usage_counters import UsageCounters
from domain.resources import breaker, leases
from domain.resources.ledger import Decisions, Ledger

BREAKER_OPEN = "breaker open"
ACTOR_ENDED = "actor ended"

ORDINARY = breaker.Permitted()


class Owner(Protocol):
    """What a broker needs of its actor."""

    def lend(self, terms: leases.Lease) -> Lease:
        """A lease of one unit of the backend."""

    def reply(self, asker: Future, value: object) -> bool:
        """Answer a request that has waited. Returns False if its asker has given up."""

    def wake_at(self, when: float) -> None:
        """Have the ledger's clock looked at then (monotonic seconds)."""

    def show_soon(self) -> None:
        """The books have changed."""

    def monitor(self, name: str) -> None:
        """Be told of this holder's death."""

    def demonitor(self, name: str) -> None:
        """No longer: it holds nothing and waits for nothing."""

    def taken(self, lease: Lease, reason: str) -> None:
        """The lease is over: end it, and have its unit closed."""

    def returned(self, lease: Lease) -> None:
        """Its unit is back."""

    def noted(self, decision: leases.Warned | leases.Drift) -> None:
        """Something to tell people."""


class LeaseBroker:
    """Ledger, breaker, counters and leases of one resource."""

    def __init__(self, name: str, runtime: Runtime, ledger: Ledger, policy: breaker.Policy, owner: Owner) -> None:
        self.name = name
        self.ledger = ledger
        self.guard: breaker.State = breaker.CLOSED
        self.usage = UsageCounters()
        self.never: LeaseRefused | None = None  # why nothing is ever lent, where that is so
        self._now = runtime.now
        self._policy = policy
        self._rng = runtime.random(f"breaker:{name}")
        self._owner = owner
        self._askers: dict[str, Future] = {}  # by request: whoever waits
        self._leases: dict[int, Lease] = {}  # by token: those in force
        self._trials: dict[str, breaker.Permitted] = {}  # by request; of the others there is nothing to remember
        self._holders: dict[str, int] = {}  # how much each has and waits for: it is watched meanwhile
        self._alarm = math.inf

    # what holders say

    def request(self, request: leases.Request, asker: Future) -> object:
        """The answer: a lease, a refusal, or NO_REPLY where it has to wait."""
        now = self._now()
        if self.never is not None:
            return self.never
        if not isinstance(self.guard, breaker.Closed):  # which lets every call go
            refused = self._ask_permission(request, now)
            if refused is not None:
                return refused
        decisions = self.ledger.request(request, now)
        answer: object = NO_REPLY
        if not decisions:
            self._askers[request.request_id] = asker
            self._watch(request.holder)
        else:
            match decisions[0]:
                case leases.Granted(terms):
                    answer = self._lent(terms, 0.0)
                    self._watch(request.holder)
                case leases.Refused(_, cause, reason):
                    answer = self._refused(request, cause, reason)
        self._changed()
        return answer

    def release(self, release: Release) -> Lease | None:
        """A holder is done. Returns its lease; None if that was taken meanwhile."""
        lease = self._leases.get(release.token)
        if lease is None:
            return None
        now = self._now()
        self._over(lease, release.fault, release.used, now, back=release.closed)
        self.carry_out(self.ledger.release(release.token, now, closed=release.closed))
        return lease

    def holder_died(self, holder: str) -> None:
        """Nothing is lent to it any more."""
        self.carry_out(self.ledger.holder_died(holder, self._now()))

    # what its actor says

    def carry_out(self, decisions: Decisions) -> None:
        """Do what the ledger has decided, and what it decides because of that."""
        left = list(decisions)  # what comes of them is done after them
        for decision in left:
            match decision:
                case leases.Granted(terms, waited):
                    left.extend(self._hand_over(terms, waited))
                case leases.Ended(terms, held):
                    self.usage.ended(terms.request.job, held)
                case leases.Refused(request, cause, reason):
                    self._turn_away(request, cause, reason)
                case leases.Revoke(terms, cause, reason, held):
                    self._take(terms, cause, reason, held)
                case leases.Warned(terms) as warning:
                    self.usage.warned(terms.request.job)
                    self._owner.noted(warning)
                case leases.Drift() as drift:
                    self._owner.noted(drift)
                case leases.Stale() | leases.Drained():
                    pass
        self._changed()

    def tick(self) -> None:
        """The time that `wake_at` was told has come."""
        self._alarm = math.inf
        decisions = self.ledger.tick(self._now())
        if decisions:
            self.carry_out(decisions)
        else:  # as for most: the lease that it was set for has come back
            self._look_ahead()

    def revoke(self, tokens: "tuple[int, ...]", reason: str) -> bool:
        """Take these leases. Returns whether any of them was in force."""
        now = self._now()
        in_force = [token for token in tokens if token in self._leases]
        for token in in_force:
            self.carry_out(self.ledger.revoke(token, reason, now))
        return bool(in_force)

    def succeed(self, earlier: "LeaseBroker") -> None:
        """Go on where the incarnation before was: what failed, fails still, an order stands, and jobs come when they
        have said.

        One that was abandoned has ended nothing: its leases end here.
        """
        self.guard, self.usage = earlier.guard, earlier.usage.copy()
        now = self._now()
        for use in earlier.ledger.expected():
            self.ledger.expect(use, now)
        self._end_all(earlier, "its actor was restarted", now)

    def close(self, why: str) -> None:
        """The actor ends: so does every lease. Whoever waits learns it from the actor's own end."""
        now = self._now()
        self._end_all(self, why, now)
        self._leases.clear()
        self._trials.clear()
        self.ledger.drain(why, now)

    def _end_all(self, broker: "LeaseBroker", why: str, now: float) -> None:
        """Every lease and trial of that broker is over, by these books. One that was abandoned may still change its
        own, so copies are gone through."""
        for permit in list(broker._trials.values()):
            self.guard = breaker.release_permission(self.guard, permit)
        for lease in list(broker._leases.values()):
            self.usage.revoked(lease.terms.request.job, ACTOR_ENDED, now - lease.terms.granted_at)
            lease.end(f"{self.name}: {why}")

    # looking

    def waited_for(self) -> bool:
        """Whether anybody waits for a unit."""
        return bool(self._askers)

    def list(self) -> LeaseList:
        """Every lease in force and every request that waits."""
        now = self._now()
        return LeaseList(
            leases=tuple(
                LeaseInfo(
                    terms.token,
                    self.name,
                    terms.request.holder,
                    terms.request.job,
                    terms.request.category,
                    now - terms.granted_at,
                    max(0.0, terms.hold_until - now),
                )
                for terms in self.ledger.leases()
            ),
            waiting=tuple(
                RequestInfo(self.name, each.holder, each.job, each.priority, each.category, each.wait_until - now)
                for each in self.ledger.waiting()
            ),
        )

    # inside

    def _ask_permission(self, request: leases.Request, now: float) -> LeaseRefused | None:
        self.guard, permit = breaker.try_acquire_permission(self.guard, now, self._policy)
        if isinstance(permit, breaker.NotPermitted):
            self.usage.refused(request.job, BREAKER_OPEN)
            self._owner.show_soon()
            return LeaseRefused(
                f"{self.name}: its breaker is {permit.reason}. It tries again by itself.", BREAKER_OPEN
            )
        if permit.trial is not None:
            self._trials[request.request_id] = permit
        return None

    def _lent(self, terms: leases.Lease, waited: float) -> Lease:
        lease = self._leases[terms.token] = self._owner.lend(terms)
        self.usage.granted(terms.request.job, waited)
        return lease

    def _hand_over(self, terms: leases.Lease, waited: float) -> Decisions:
        lease = self._lent(terms, waited)
        if self._owner.reply(self._askers.pop(terms.request.request_id), lease):
            return ()
        now = self._now()  # it has given up: the next one has it
        self._over(lease, None, used=False, now=now, back=True)
        return self.ledger.release(terms.token, now)

    def _over(self, lease: Lease, fault: str | None, used: bool, now: float, back: bool) -> None:
        del self._leases[lease.token]
        self._judge(lease.terms, fault, used, now)
        self._unwatch(lease.terms.request.holder)
        if back:
            self._owner.returned(lease)

    def _refused(self, request: leases.Request, cause: leases.Cause, reason: str) -> LeaseRefused:
        self._free_permit(request)
        self.usage.refused(request.job, cause.value)
        return LeaseRefused(reason, cause.value)

    def _turn_away(self, request: leases.Request, cause: leases.Cause, reason: str) -> None:
        refused = self._refused(request, cause, reason)
        self._owner.reply(self._askers.pop(request.request_id), refused)
        self._unwatch(request.holder)

    def _take(self, terms: leases.Lease, cause: leases.Cause, reason: str, held: float) -> None:
        lease = self._leases.pop(terms.token)
        if cause is leases.Cause.HOLD_DEADLINE:
            self._judge(terms, lease.fault, True, max(terms.hold_until, terms.granted_at + held))
        else:
            self._free_permit(terms.request)
        self.usage.revoked(terms.request.job, cause.value, held)
        self._unwatch(terms.request.holder)
        self._owner.taken(lease, reason)

    def _judge(self, terms: leases.Lease, fault: str | None, used: bool, now: float) -> None:
        """Have the breaker learn what the end of a lease says of the backend."""
        permit = self._trials.pop(terms.request.request_id, ORDINARY)
        seconds = now - terms.granted_at
        if fault is not None:
            self.guard = breaker.on_error(self.guard, permit, seconds, now, self._policy, self._rng)
        elif not used:
            self.guard = breaker.release_permission(self.guard, permit)
        elif now < terms.hold_until:
            self.guard = breaker.on_success(self.guard, permit, seconds, now, self._policy, self._rng)
        else:  # its holder was at it to the end of its time, waiting for what is slow
            self.guard = breaker.on_overrun(self.guard, permit, now, self._policy, self._rng)

    def _free_permit(self, request: leases.Request) -> None:
        permit = self._trials.pop(request.request_id, None)
        if permit is not None:
            self.guard = breaker.release_permission(self.guard, permit)

    def _watch(self, holder: str) -> None:
        count = self._holders.get(holder, 0)
        self._holders[holder] = count + 1
        if not count:
            self._owner.monitor(holder)

    def _unwatch(self, holder: str) -> None:
        count = self._holders.pop(holder) - 1
        if count:
            self._holders[holder] = count
        else:
            self._owner.demonitor(holder)

    def _changed(self) -> None:
        self._look_ahead()
        self._owner.show_soon()

    def _look_ahead(self) -> None:
        if self.ledger.alarm < self._alarm:
            self._alarm = self.ledger.alarm
            self._owner.wake_at(self._alarm)
