"""ResourceActor: what all resources have in common, so that each of them is a short file.

The ledger decides who gets a unit, the breaker whether anyone may, and the desk is where holders ask them, in their
own threads (`actors.resources.lease_broker`). The backend does the work in threads of its own or in the holder's.
This actor sees to what takes time or comes unasked: deadlines, deaths, revocations, what did not close, upkeep; it
blocks for none of them. While the backend opens, requests wait (to their own deadline), since it is mostly a matter
of a second; while it is down they are refused at once, with the reason.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actors.core.lifecycle import Down, ExitReason, TaskDone, TaskFailed
from actors.protocol.resources import Resize, ResourceState, Revoke, SetBreaker
from actors.resources.backend_lifecycle import UP, BackendLifecycle
from actors.resources.lease import Backend, BackendSlot, Loan, Release
from actors.resources.lease_broker import Desk
from actors.resources.usage_counters import pairs
from domain.resources import breaker, leases
from domain.resources.ledger import Decisions, Ledger
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
        self.desk = Desk(self.name, self.system.runtime, self.ledger, guard, slot.tally, self)
        self.units = policy.capacity  # how many memory allows
        self._unclosed: set[int] = set()  # tokens of leases whose units would not close
        self.ended.on_settled(lambda _: self.desk.close("its actor has ended"))  # also where it was abandoned

    def on_start(self) -> None:
        earlier, self.slot.desk = self.slot.desk, self.desk
        if earlier is not None:
            self.desk.succeed(earlier)
        super().on_start()

    def receive(self, message: Any) -> Any:
        match message:
            case Release():
                self._released(message)
            case Down(name=holder):
                self.desk.holder_died(holder)
            case _Tick():
                self.desk.tick()
            case Revoke(token, reason):
                self.desk.move(lambda now: self.ledger.revoke(token, reason, now))
            case Resize(units):
                self._resize(units)
            case SetBreaker(state, reason):
                self._set_breaker(state, reason)
            case TaskDone(label) if label.startswith("close "):
                token = int(label.removeprefix("close "))
                self.desk.move(lambda now: self.ledger.closed(token, now))
            case TaskFailed(label, error) if label.startswith("close "):
                self._not_closed(label, error)
            case _:
                return super().receive(message)
        return None

    def terminate(self, reason: ExitReason) -> None:
        self.desk.close(f"its actor ends ({reason})")
        super().terminate(reason)

    # for the desk

    def lend(self, lease: leases.Lease) -> Loan:
        """See `Owner`. There is a backend: without one the ledger has no units."""
        assert self.backend is not None
        return self.backend.lend(lease)

    def wake_at(self, when: float) -> None:
        """See `Owner`."""
        self.set_timer("tick", max(0.0, when - self.now()), _Tick())

    def watch(self, holder: str) -> None:
        """See `Owner`."""
        self.monitor(holder)

    def unwatch(self, holder: str) -> None:
        """See `Owner`."""
        self.demonitor(holder)

    def taken(self, loan: Loan | None, lease: leases.Lease, reason: str) -> None:
        """See `Owner`."""
        log.warning("%s: lease %d of %s taken: %s", self.name, lease.token, lease.request.holder, reason)
        if loan is None:
            self.desk.move(lambda now: self.ledger.closed(lease.token, now))
            return
        loan.end(reason)
        self.task(f"close {lease.token}", loan.close)

    def noted(self, decision: leases.Warned | leases.Drift) -> None:
        """See `Owner`."""
        match decision:
            case leases.Warned(lease, left):
                log.warning("%s: %s has %.1f s left of its lease", self.name, lease.request.holder, left)
            case leases.Drift(backend, ledger):
                self.fault("drift")
                log.error("%s: the backend counts %d units out, the ledger %d", self.name, backend, ledger)

    # leases

    def _released(self, release: Release) -> None:
        """A lease ended, but not as it should."""
        loan = self.desk.loan(release.token)
        if loan is None:
            return  # taken meanwhile

        def what(now: float) -> Decisions:
            self.desk.judge(loan.lease, release.fault, release.used, now)
            return self.ledger.release(release.token, now, closed=release.closed)

        if not release.closed:
            self.task(f"close {release.token}", loan.close)
        self.desk.move(what)
        if release.fault is not None:
            self.fault("reported by a holder")
            self.look(probe=False)

    def _not_closed(self, label: str, error: BaseException) -> None:
        """The unit stays in quarantine, until the backend counts it no more or is rebuilt."""
        self.fault("not closed")
        log.error("%s: %s is not confirmed (%s): quarantined", self.name, label, error)
        self._unclosed.add(int(label.removeprefix("close ")))
        self._see_to_quarantine()

    def _see_to_quarantine(self) -> None:
        """Where all that could be lent would not close, only a new backend helps; once nobody uses the old one."""
        with self.desk.lock:
            self._unclosed &= {lease.token for lease in self.ledger.quarantined()}
            in_use = self.ledger.leases()
        if len(self._unclosed) >= max(1, self.units) and not in_use and self.state is UP:
            self.rebuild("every unit is in quarantine: none would close")

    # upkeep

    def lend_nothing(self) -> None:
        self.desk.move(lambda now: self.ledger.resize(0, now))

    def take_all(self, reason: str) -> None:
        self.desk.move(lambda now: self.ledger.revoke_all(reason, now))

    def refuse_all(self, reason: str) -> None:
        self.desk.move(lambda now: self.ledger.drain(reason, now))

    def lend_again(self) -> None:
        def what(now: float) -> Decisions:
            if self.check_is_probe:
                self.desk.guard = breaker.probe_succeeded(self.desk.guard, now)
            self.ledger.reopen()
            return (*self.ledger.reconcile(0, now), *self.ledger.resize(self.units, now))

        self.desk.move(what)

    def compare(self, backend: Backend, probe: bool) -> None:
        def what(now: float) -> Decisions:
            if probe:
                self.desk.guard = breaker.probe_succeeded(self.desk.guard, now)
            return self.ledger.reconcile(backend.taken(), now)

        self.desk.move(what)

    def _resize(self, units: int) -> None:
        self.units = max(0, min(units, self.most_units()))
        if self.state is UP:
            self.desk.move(lambda now: self.ledger.resize(self.units, now))
            self._see_to_quarantine()

    def _answered(self, detail: str) -> None:
        super()._answered(detail)
        self._see_to_quarantine()

    def most_units(self) -> int:
        """How many are configured."""
        return self.policy.capacity

    def _set_breaker(self, state: str, reason: str) -> None:
        with self.desk.lock:
            match state:
                case "open":
                    self.desk.guard = breaker.forced_open(reason)
                case "closed":
                    self.desk.guard = breaker.forced_closed(reason)
                case _:
                    self.desk.guard = breaker.reset()
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
        return super().healthy() and not isinstance(self.desk.guard, held_off)

    def snapshot(self) -> ResourceState:
        now = self.now()
        with self.desk.lock:
            books, guard = self.ledger.statistics(now), breaker.statistics(self.desk.guard, now)
            tally = self.desk.tally
            granted, ended, revoked, refused = tally.totals()
            jobs, ended_by, refused_by = tally.jobs(), pairs(tally.ended_by), pairs(tally.refused_by)
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
            ended_by=ended_by,
            refused_by=refused_by,
            jobs=jobs,
            builds=self.builds,
            faults=pairs(self.faults),
            breaker=guard.state,
            breaker_retry_at=guard.retry_at,
            breaker_opened_times=guard.opened_times,
            breaker_overdue=guard.overdue,
        )
