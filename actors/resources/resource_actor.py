"""ResourceActor: what all resources have in common, so that each of them is a short file.

A lease is had by message: a `Request` asks, the answer is the lease or a refusal, `Release` gives it back. The lease
broker keeps the books (`actors.resources.lease_broker`), in this actor's thread and nowhere else. The backend does
the work in threads of its own or in the holder's. What takes time (opening, closing, checking) is a task, so this
actor blocks for none of it. While the backend opens, requests wait (to their own deadline), since it is mostly a
matter of a second; while it is down they are refused at once, with the reason.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actors.core.future import CallerError
from actors.core.lifecycle import Down, ExitReason, TaskDone, TaskFailed
from actors.protocol.resources import ListLeases, Resize, ResourceState, Revoke, SetBreaker
from actors.resources.backend_lifecycle import UP, BackendLifecycle
from actors.resources.backend_slot import BackendSlot
from actors.resources.lease import Backend, Lease, Release
from actors.resources.lease_broker import LeaseBroker
from actors.resources.usage_counters import pairs
from domain.resources import breaker, leases
from domain.resources.ledger import Ledger
from domain.resources.reserves import Policy

log = logging.getLogger("roost.resources")


@dataclass(frozen=True, slots=True)
class _Tick:
    pass


class ResourceActor(BackendLifecycle):
    """One shared resource. A subclass says how its backend is made (`make_backend`)."""

    def __init__(self, policy: Policy, caps: Mapping[str, int], guard: breaker.Policy, slot: BackendSlot) -> None:
        """caps: units that a job may hold at once, by job. slot: one for all incarnations of this actor."""
        super().__init__(slot)
        self.policy = policy
        # Above every token of an earlier incarnation or process: nobody grants a million leases a second.
        self.ledger = Ledger(policy, caps, first_token=int(self.system.runtime.wall() * 1e6))
        self.ledger.resize(0, self.now())  # whoever comes before there is a backend waits for it
        self.broker = LeaseBroker(self.name, self.system.runtime, self.ledger, guard, self)
        self.units = policy.capacity  # how many memory allows
        self._closing: dict[int, Lease] = {}  # by token: leases that are over, whose units are being closed
        self._unclosed: set[int] = set()  # tokens of leases whose units would not close

    def on_start(self) -> None:
        earlier, self.slot.broker = self.slot.broker, self.broker
        if earlier is not None:
            self.broker.succeed(earlier)
        super().on_start()

    def receive(self, message: Any) -> Any:
        match message:
            case leases.Request():
                if self.asker is None:
                    raise CallerError(f"{self.name}: a lease is asked for, and not told")
                return self.broker.request(message, self.asker)
            case Release():
                self._released(message)
            case leases.NextUse():
                self.broker.carry_out(self.ledger.expect(message, self.now()))
            case Down(name=holder):
                self.broker.holder_died(holder)
            case _Tick():
                self.broker.tick()
            case ListLeases():
                return self.broker.list()
            case Revoke(token, reason):
                return self.broker.revoke((token,), reason)
            case Resize(units):
                self._resize(units)
            case SetBreaker(state, reason):
                self._set_breaker(state, reason)
            case TaskDone(label) if label.startswith("close "):
                self._closed(int(label.removeprefix("close ")))
            case TaskFailed(label, error) if label.startswith("close "):
                self._not_closed(int(label.removeprefix("close ")), error)
            case _:
                return super().receive(message)
        return None

    def terminate(self, reason: ExitReason) -> None:
        self.broker.close(f"its actor ends ({reason})")
        super().terminate(reason)

    # for the broker

    def lend(self, terms: leases.Lease) -> Lease:
        """See `Owner`. There is a backend: without one the ledger has no units."""
        assert self.backend is not None
        return self.backend.lend(terms)

    def wake_at(self, when: float) -> None:
        """See `Owner`."""
        self.timer("tick", max(0.0, when - self.now()), _Tick())

    def taken(self, lease: Lease, reason: str) -> None:
        """See `Owner`."""
        log.warning("%s: lease %d of %s taken: %s", self.name, lease.token, lease.terms.request.holder, reason)
        lease.end(reason)
        self._close(lease)

    def returned(self, lease: Lease) -> None:
        """See `Owner`."""
        lease.backend.leases.pop(lease.token, None)

    def noted(self, decision: leases.Warned | leases.Drift) -> None:
        """See `Owner`."""
        match decision:
            case leases.Warned(terms, left):
                log.warning("%s: %s has %.1f s left of its lease", self.name, terms.request.holder, left)
            case leases.Drift(backend, ledger):
                self.fault("drift")
                log.error("%s: the backend counts %d units out, the ledger %d", self.name, backend, ledger)

    # leases

    def _released(self, release: Release) -> None:
        lease = self.broker.release(release)
        if lease is None:
            return  # taken meanwhile
        if not release.closed:
            self._close(lease)
        if release.fault is not None:
            self.fault("reported by a holder")
            self.look(probe=False)

    def _close(self, lease: Lease) -> None:
        self._closing[lease.token] = lease
        self.task(f"close {lease.token}", lease.close)

    def _closed(self, token: int) -> None:
        self.returned(self._closing.pop(token))
        self.broker.carry_out(self.ledger.closed(token, self.now()))

    def _not_closed(self, token: int, error: BaseException) -> None:
        """The unit stays in quarantine, until the backend counts it no more or is rebuilt."""
        self._closing.pop(token)
        self.fault("not closed")
        log.error("%s: the unit of lease %d is not closed (%s): quarantined", self.name, token, error)
        self._unclosed.add(token)
        self._see_to_quarantine()

    def _see_to_quarantine(self) -> None:
        """Where all that could be lent would not close, only a new backend helps; once nobody uses the old one."""
        self._unclosed &= {terms.token for terms in self.ledger.quarantined()}
        if len(self._unclosed) >= max(1, self.units) and not self.ledger.leases() and self.state is UP:
            self.rebuild("every unit is in quarantine: none would close")

    # the backend's life

    def lend_nothing(self) -> None:
        self.broker.carry_out(self.ledger.resize(0, self.now()))

    def take_all(self, reason: str) -> None:
        self.broker.carry_out(self.ledger.revoke_all(reason, self.now()))

    def refuse_all(self, reason: str) -> None:
        self.broker.carry_out(self.ledger.drain(reason, self.now()))

    def lend_again(self) -> None:
        now = self.now()
        if self.check_is_probe:
            self.broker.guard = breaker.probe_succeeded(self.broker.guard, now)
        self.ledger.reopen()
        self.broker.carry_out(self.ledger.reconcile(0, now))
        self.broker.carry_out(self.ledger.resize(self.units, now))

    def compare(self, backend: Backend, probe: bool) -> None:
        now = self.now()
        if probe:
            self.broker.guard = breaker.probe_succeeded(self.broker.guard, now)
        self.broker.carry_out(self.ledger.reconcile(backend.taken(), now))

    def _resize(self, units: int) -> None:
        self.units = max(0, min(units, self.most_units()))
        if self.state is UP:
            self.broker.carry_out(self.ledger.resize(self.units, self.now()))
            self._see_to_quarantine()

    def _answered(self, detail: str) -> None:
        super()._answered(detail)
        self._see_to_quarantine()

    def most_units(self) -> int:
        """How many are configured."""
        return self.policy.capacity

    def _set_breaker(self, state: str, reason: str) -> None:
        match state:
            case "open":
                self.broker.guard = breaker.forced_open(reason)
            case "closed":
                self.broker.guard = breaker.forced_closed(reason)
            case _:
                self.broker.guard = breaker.reset()
        self.show()

    # telling

    def healthy(self) -> bool:
        """Up, answering, and not held off by its breaker.

        One that waits for its trial counts as well, or nobody would come to make it; but where no check speaks for
        the holders' calls, only the trial itself can tell.
        """
        held_off = breaker.Open | breaker.ForcedOpen
        if not self.check_is_probe:
            held_off |= breaker.HalfOpen
        return super().healthy() and not isinstance(self.broker.guard, held_off)

    def snapshot(self) -> ResourceState:
        now, usage = self.now(), self.broker.usage
        books, guard = self.ledger.statistics(now), breaker.statistics(self.broker.guard, now)
        granted, ended, revoked, refused = usage.totals()
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
            granted=granted,
            ended=ended,
            revoked=revoked,
            refused=refused,
            ended_by=pairs(usage.ended_by),
            refused_by=pairs(usage.refused_by),
            jobs=usage.jobs(),
            builds=self.builds,
            faults=pairs(self.faults),
            breaker=guard.state,
            breaker_retry_at=guard.retry_at,
            breaker_opened_times=guard.opened_times,
            breaker_overdue=guard.overdue,
        )
