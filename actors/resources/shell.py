"""ResourceActor: what all resources have in common, so that each of them is a short file.

The ledger decides who gets a unit, the breaker whether anyone may, the backend does the work in threads of its own or
in the holder's. This actor carries messages between them and blocks for none of them. While the backend opens,
requests wait (to their own deadline), since it is mostly a matter of a second; while it is down they are refused at
once, with the reason.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actors.base import NO_REPLY
from actors.future import Future
from actors.protocol import Down, ExitReason, TaskDone, TaskFailed
from actors.resources.loans import (
    Acquire,
    Backend,
    LeaseRefused,
    Loan,
    Release,
    Resize,
    ResourceState,
    Revoke,
    SetBreaker,
    Shelf,
)
from actors.resources.tally import pairs
from actors.resources.upkeep import UP, Upkeep
from domain.resources import breaker, leases
from domain.resources.ledger import Decisions, Ledger
from domain.resources.reserves import Policy

log = logging.getLogger("roost.resources")

BREAKER_OPEN = "breaker open"


@dataclass(frozen=True, slots=True)
class _Tick:
    pass


class ResourceActor(Upkeep):
    """One shared resource. A subclass says how its backend is made (`make_backend`)."""

    def __init__(self, policy: Policy, caps: Mapping[str, int], guard: breaker.Policy, shelf: Shelf) -> None:
        """caps: units that a job may hold at once, by job. shelf: one for all incarnations of this actor."""
        super().__init__(shelf)
        self.policy = policy
        # Above every token of an earlier incarnation or process: nobody grants a million leases a second.
        self.ledger = Ledger(policy, caps, first_token=int(self.system.runtime.wall() * 1e6))
        self.guard_policy = guard
        self.guard: breaker.State = breaker.CLOSED
        self.units = policy.capacity  # how many memory allows
        self.requests = 0
        self.askers: dict[str, Future] = {}
        self.loans: dict[int, Loan] = {}
        self.permits: dict[str, breaker.Permitted] = {}  # by request
        self.watched: set[str] = set()
        self.alarm: float | None = None

    def receive(self, message: Any) -> Any:
        match message:
            case Acquire():
                return self._acquire(message)
            case Release():
                self._released(message)
            case Down(name=holder):
                self.watched.discard(holder)
                self.decide(self.ledger.holder_died(holder, self.now()))
            case _Tick():
                self.alarm = None
                self.decide(self.ledger.tick(self.now()))
            case Revoke(token, reason):
                self.decide(self.ledger.revoke(token, reason, self.now()))
            case Resize(units):
                self._resize(units)
            case SetBreaker(state, reason):
                self._set_breaker(state, reason)
            case TaskDone(label) if label.startswith("close "):
                self.decide(self.ledger.closed(int(label.removeprefix("close ")), self.now()))
            case TaskFailed(label, error) if label.startswith("close "):
                self._not_closed(label, error)
            case _:
                return super().receive(message)
        return None

    def terminate(self, reason: ExitReason) -> None:
        for loan in self.loans.values():
            loan.end(f"{self.name}: its actor ends ({reason})")
        super().terminate(reason)

    # leases

    def _acquire(self, wish: Acquire) -> Any:
        asker, now = self.asker, self.now()
        if asker is None:
            return None
        self.guard, permit = breaker.try_acquire_permission(self.guard, now, self.guard_policy)
        if isinstance(permit, breaker.NotPermitted):
            self.tally.refused(wish.job, BREAKER_OPEN)
            self.show_soon()
            reason = f"{self.name}: its breaker is {permit.reason}. It tries again by itself."
            asker.fail(LeaseRefused(reason, BREAKER_OPEN))
            return None
        self.requests += 1
        request = leases.Request(
            request_id=str(self.requests),
            holder=wish.holder,
            job=wish.job,
            priority=wish.priority,
            category=wish.category,
            wait_until=wish.wait_until,
            hold_seconds=wish.hold_seconds,
        )
        self.askers[request.request_id] = asker
        self.permits[request.request_id] = permit
        if wish.holder not in self.watched:
            self.watched.add(wish.holder)
            self.monitor(wish.holder)
        self.decide(self.ledger.request(request, now))
        return None if asker.settled() else NO_REPLY

    def decide(self, decisions: Decisions) -> None:
        """Carry out what the ledger decided, and look when it wants to be asked next."""
        for decision in decisions:
            match decision:
                case leases.Granted(lease, waited):
                    self._grant(lease, waited)
                case leases.Refused(request, cause, reason):
                    self._refuse(request, cause, reason)
                case leases.Ended(lease, held):
                    self.loans.pop(lease.token, None)
                    self.tally.ended(lease.request.job, held)
                case leases.Revoke(lease, cause, reason, held):
                    self._take(lease, cause, reason, held)
                case leases.Warned(lease, left):
                    self.tally.warned(lease.request.job)
                    log.warning("%s: %s has %.1f s left of its lease", self.name, lease.request.holder, left)
                case leases.Drift(backend, ledger):
                    self.fault("drift")
                    log.error("%s: the backend counts %d units out, the ledger %d", self.name, backend, ledger)
                case leases.Stale() | leases.Drained():
                    pass
        self._set_alarm()
        self.show_soon()

    def _grant(self, lease: leases.Lease, waited: float) -> None:
        request = lease.request
        asker = self.askers.pop(request.request_id, None)
        loan = self.backend.lend(lease) if self.backend is not None else None
        self.tally.granted(request.job, waited)
        if asker is not None and loan is not None:
            self.loans[lease.token] = loan
            if self.reply(asker, loan):
                return
            loan.give_back()  # nobody waits for it any more
        self._free_permit(request)
        self.decide(self.ledger.release(lease.token, self.now()))

    def _refuse(self, request: leases.Request, cause: leases.Cause, reason: str) -> None:
        self._free_permit(request)
        self.tally.refused(request.job, cause.value)
        asker = self.askers.pop(request.request_id, None)
        if asker is not None:
            self.refuse(asker, LeaseRefused(reason, cause.value))

    def _take(self, lease: leases.Lease, cause: leases.Cause, reason: str, held: float) -> None:
        self._free_permit(lease.request)
        self.tally.revoked(lease.request.job, cause.value, held)
        log.warning("%s: lease %d of %s taken: %s", self.name, lease.token, lease.request.holder, reason)
        loan = self.loans.pop(lease.token, None)
        if loan is None:
            self.decide(self.ledger.closed(lease.token, self.now()))
            return
        loan.end(reason)
        self.task(f"close {lease.token}", loan.close)

    def _released(self, release: Release) -> None:
        loan = self.loans.get(release.token)
        now = self.now()
        if loan is not None:
            self._judge(release, loan.lease, now)
            if not release.closed:
                self.task(f"close {release.token}", loan.close)
        self.decide(self.ledger.release(release.token, now, closed=release.closed))

    def _judge(self, release: Release, lease: leases.Lease, now: float) -> None:
        """What the end of a lease says of the backend."""
        permit = self.permits.pop(lease.request.request_id, None)
        if permit is None:
            return
        seconds = now - lease.granted_at
        if release.fault is not None:
            self.guard = breaker.on_error(self.guard, permit, seconds, now, self.guard_policy, self.chance)
            self.fault("reported by a holder")
            self.look(probe=False)
        elif release.used:
            self.guard = breaker.on_success(self.guard, permit, seconds, now, self.guard_policy, self.chance)
        else:
            self.guard = breaker.release_permission(self.guard, permit)

    def _free_permit(self, request: leases.Request) -> None:
        permit = self.permits.pop(request.request_id, None)
        if permit is not None:
            self.guard = breaker.release_permission(self.guard, permit)

    def _not_closed(self, label: str, error: BaseException) -> None:
        """The unit stays in quarantine, until the backend counts it no more or is rebuilt."""
        self.fault("not closed")
        log.error("%s: %s is not confirmed (%s): quarantined", self.name, label, error)
        if len(self.ledger.quarantined()) >= max(1, self.units) and self.state is UP:
            self.rebuild(f"every unit is in quarantine; the last: {error}")

    def _set_alarm(self) -> None:
        due = self.ledger.next_event()
        if due is not None and (self.alarm is None or due < self.alarm):
            self.alarm = due
            self.set_timer("tick", max(0.0, due - self.now()), _Tick())

    # upkeep

    def lend_nothing(self) -> None:
        self.decide(self.ledger.resize(0, self.now()))

    def take_all(self, reason: str) -> None:
        self.decide(self.ledger.revoke_all(reason, self.now()))

    def refuse_all(self, reason: str) -> None:
        self.decide(self.ledger.drain(reason, self.now()))

    def lend_again(self) -> None:
        now = self.now()
        self.guard = breaker.probe_succeeded(self.guard, now)
        self.ledger.reopen()
        self.decide(self.ledger.reconcile(0, now))
        self.decide(self.ledger.resize(self.units, now))

    def compare(self, backend: Backend, probe: bool) -> None:
        now = self.now()
        if probe:
            self.guard = breaker.probe_succeeded(self.guard, now)
        self.decide(self.ledger.reconcile(backend.taken(), now))

    def _resize(self, units: int) -> None:
        self.units = max(0, min(units, self.most_units()))
        if self.state is UP:
            self.decide(self.ledger.resize(self.units, self.now()))

    def most_units(self) -> int:
        """How many are configured."""
        return self.policy.capacity

    def _set_breaker(self, state: str, reason: str) -> None:
        match state:
            case "open":
                self.guard = breaker.forced_open(reason)
            case "closed":
                self.guard = breaker.forced_closed(reason)
            case _:
                self.guard = breaker.reset()
        self.show()

    # telling

    def healthy(self) -> bool:
        """Up, answering, and not held off by its breaker."""
        return super().healthy() and not isinstance(self.guard, breaker.Open | breaker.ForcedOpen)

    def snapshot(self) -> ResourceState:
        now = self.now()
        books, guard = self.ledger.statistics(now), breaker.statistics(self.guard, now)
        return ResourceState(
            name=self.name,
            state=self.state,
            healthy=self.healthy(),
            detail=self.detail,
            limit=self.most_units(),
            capacity=books.capacity,
            in_use=books.in_use,
            idle=books.idle,
            waiting=books.waiting,
            quarantined=books.quarantined,
            by_job=books.by_job,
            longest_wait=books.longest_wait,
            granted=books.granted,
            ended=books.ended,
            revoked=books.revoked,
            refused=books.refused,
            ended_by=pairs(self.tally.ended_by),
            refused_by=pairs(self.tally.refused_by),
            jobs=self.tally.jobs(),
            builds=self.builds,
            faults=pairs(self.tally.faults),
            breaker=guard.state,
            breaker_retry_at=guard.retry_at,
            breaker_opened_times=guard.opened_times,
            breaker_overdue=guard.overdue,
        )
