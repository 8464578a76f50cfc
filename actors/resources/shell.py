"""ResourceActor: what all resources have in common, so that each of them is a short file.

The ledger decides who gets a unit, the breaker whether anyone may, the backend does the work in threads of its own or
in the holder's. This actor carries messages between them and blocks for none of them:

    opening ──opened──▶ up ──check fails twice, or it says that it is gone──▶ opening …
       └──fails──▶ down ──backoff──▶ opening

While it opens, requests wait (to their own deadline), since it is mostly a matter of a second; while it is down they
are refused at once, with the reason.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actors.base import NO_REPLY, Actor
from actors.future import Future
from actors.ground.servers import ServerUp
from actors.protocol import Backoff, ComponentReport, Down, ExitReason, TaskDone, TaskFailed
from actors.resources.loans import (
    Acquire,
    Backend,
    BackendFault,
    BackendGone,
    Broken,
    Check,
    LeaseRefused,
    Loan,
    Rebuild,
    Release,
    Resize,
    ResourceState,
    Revoke,
    SetBreaker,
    Shelf,
)
from actors.resources.tally import Tally, pairs
from actors.runtime import Timer
from domain.resources import breaker, leases
from domain.resources.ledger import Decisions, Ledger
from domain.resources.reserves import Policy

log = logging.getLogger("roost.resources")

CHECK_EVERY = 10.0
CHECK_AGAIN = 1.0
CHECKS_MISSED = 2  # in a row, then it is rebuilt
SHOW_EVERY = 0.05  # the board's snapshot may be this old while leases come and go by the thousand
RETRY = Backoff(min_seconds=0.5, max_seconds=15.0)
BREAKER_OPEN = "breaker open"

OPENING, UP, DOWN = "opening", "up", "down"


@dataclass(frozen=True, slots=True)
class _Tick:
    pass


@dataclass(frozen=True, slots=True)
class _Show:
    pass


@dataclass(frozen=True, slots=True)
class _Open:
    build: int


@dataclass(frozen=True, slots=True)
class _CheckDue:
    build: int


@dataclass(frozen=True, slots=True)
class _Pulse:
    pass


class ResourceActor(Actor):
    """One shared resource. A subclass says how its backend is made (`make_backend`)."""

    def __init__(self, policy: Policy, caps: Mapping[str, int], guard: breaker.Policy, shelf: Shelf) -> None:
        """caps: units that a job may hold at once, by job. shelf: one for all incarnations of this actor."""
        super().__init__()
        self.policy = policy
        # Above every token of an earlier incarnation or process: nobody grants a million leases a second.
        self.ledger = Ledger(policy, caps, first_token=int(self.system.runtime.wall() * 1e6))
        self.guard_policy = guard
        self.guard: breaker.State = breaker.CLOSED
        self.chance = self.system.runtime.random(f"breaker:{self.name}")
        self.shelf = shelf
        self.units = policy.capacity  # how many memory allows
        self.state = OPENING
        self.detail = "not opened yet"
        self.answering = False
        self.backend: Backend | None = None
        self.build = 0  # number of the backend, so that news of an earlier one can be told apart
        self.builds = 0  # backends that were opened
        self.failures = 0  # to open, in a row
        self.missed = 0  # checks in a row
        self.checking = False
        self.next_check: Timer | None = None
        self.next_pulse: Timer | None = None
        self.requests = 0
        self.askers: dict[str, Future] = {}
        self.loans: dict[int, Loan] = {}
        self.permits: dict[str, breaker.Permitted] = {}  # by request
        self.watched: set[str] = set()
        self.tally = Tally()
        self.alarm: tuple[float, Timer] | None = None
        self.showing = False
        self.told: tuple[bool, str] | None = None

    def make_backend(self, build: int) -> Backend:
        """A backend, not opened. In a task's thread; raises with the reason if there is nothing to open."""
        raise NotImplementedError

    # messages

    def on_start(self) -> None:
        self.ledger.resize(0, self.now())
        self._open()
        self._pulse()

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
            case _Show():
                self.showing = False
                self._show()
            case _Pulse():
                self._pulse()
            case Revoke(token, reason):
                self.decide(self.ledger.revoke(token, reason, self.now()))
            case Resize(units):
                self._resize(units)
            case SetBreaker(state, reason):
                self._set_breaker(state, reason)
            case _:
                return self._of_the_backend(message)
        return None

    def _of_the_backend(self, message: Any) -> Any:
        match message:
            case _Open(build) if build == self.build and self.state is not UP:
                self._open()
            case ServerUp() if self.state is DOWN or (self.state is OPENING and self.failures):
                self._open()
            case TaskDone(label, built) if label == f"open {self.build}":
                self._opened(built)
            case TaskFailed(label, error) if label == f"open {self.build}":
                self._not_opened(str(error) or repr(error))
            case Check():
                self._check()
            case _CheckDue(build) if build == self.build:
                self._check()
            case TaskDone(label, detail) if label == f"check {self.build}":
                self._answered(detail)
            case TaskFailed(label, error) if label == f"check {self.build}":
                self._unanswered(error)
            case BackendGone(build, why) if build == self.build and self.state is UP:
                self.fault("gone")
                self.rebuild(why)
            case BackendFault(build, kind) if build == self.build:
                self.fault(kind)
                self._show_soon()
            case Rebuild(why, rest):
                self.rebuild(why, rest)
            case TaskDone(label) if label.startswith("close "):
                self.decide(self.ledger.closed(int(label.removeprefix("close ")), self.now()))
            case TaskFailed(label, error) if label.startswith("close "):
                self._not_closed(label, error)
            case TaskDone() | TaskFailed() | BackendGone() | BackendFault() | _Open() | _CheckDue() | ServerUp():
                pass  # of an earlier backend, or nothing new
            case _:
                return super().receive(message)
        return None

    def terminate(self, reason: ExitReason) -> None:
        for loan in self.loans.values():
            loan.end(f"{self.name}: its actor ends ({reason})")
        for timer in (self.next_check, self.next_pulse):
            if timer is not None:
                timer.cancel()
        self.shelf.clear()
        self.state, self.answering, self.detail = DOWN, False, f"stopped ({reason})"
        self._show()

    # leases

    def _acquire(self, wish: Acquire) -> Any:
        asker, now = self.asker, self.now()
        if asker is None:
            return None
        self.guard, permit = breaker.try_acquire_permission(self.guard, now, self.guard_policy)
        if isinstance(permit, breaker.NotPermitted):
            self._count_refused(wish.job, BREAKER_OPEN)
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
        self._arm()
        self._show_soon()

    def _grant(self, lease: leases.Lease, waited: float) -> None:
        request = lease.request
        asker = self.askers.pop(request.request_id, None)
        loan = self.backend.lend(lease) if self.backend is not None else None
        self.tally.granted(request.job, waited)
        if asker is not None and loan is not None:
            self.loans[lease.token] = loan
            if self.reply(asker, loan):
                return
        self._free_permit(request)  # nobody waits for it any more
        self.decide(self.ledger.release(lease.token, self.now()))

    def _refuse(self, request: leases.Request, cause: leases.Cause, reason: str) -> None:
        self._free_permit(request)
        self._count_refused(request.job, cause.value)
        asker = self.askers.pop(request.request_id, None)
        if asker is not None:
            self.refuse(asker, LeaseRefused(reason, cause.value))

    def _take(self, lease: leases.Lease, cause: leases.Cause, reason: str, held: float) -> None:
        self.tally.revoked(lease.request.job, cause.value, held)
        self._free_permit(lease.request)
        log.warning("%s: lease %d of %s taken: %s", self.name, lease.token, lease.request.holder, reason)
        loan = self.loans.pop(lease.token, None)
        if loan is None:
            self.decide(self.ledger.closed(lease.token, self.now()))
            return
        loan.end(reason)
        self.task(f"close {lease.token}", loan.close)

    def _released(self, release: Release) -> None:
        loan = self.loans.get(release.token)
        permit = self.permits.pop(loan.lease.request.request_id, None) if loan is not None else None
        now = self.now()
        decisions = self.ledger.release(release.token, now, closed=release.closed)
        if loan is not None and not release.closed:
            self.task(f"close {release.token}", loan.close)
        if loan is not None and permit is not None:
            self._judge(release, loan, permit, now)
        self.decide(decisions)

    def _judge(self, release: Release, loan: Loan, permit: breaker.Permitted, now: float) -> None:
        seconds = now - loan.lease.granted_at
        if release.fault is not None:
            self.guard = breaker.on_error(self.guard, permit, seconds, now, self.guard_policy, self.chance)
            self.fault("reported by a holder")
            self._check()
        elif release.used:
            self.guard = breaker.on_success(self.guard, permit, seconds, now, self.guard_policy, self.chance)
        else:
            self.guard = breaker.release_permission(self.guard, permit)

    def _free_permit(self, request: leases.Request) -> None:
        permit = self.permits.pop(request.request_id, None)
        if permit is not None:
            self.guard = breaker.release_permission(self.guard, permit)

    def _count_refused(self, job: str, cause: str) -> None:
        self.tally.refused(job, cause)
        self._show_soon()

    def _not_closed(self, label: str, error: BaseException) -> None:
        """The unit stays in quarantine, until the backend counts it no more or is rebuilt."""
        self.fault("not closed")
        log.error("%s: %s is not confirmed (%s): quarantined", self.name, label, error)
        if len(self.ledger.quarantined()) >= max(1, self.units) and self.state is UP:
            self.rebuild(f"every unit is in quarantine; the last: {error}")

    def _arm(self) -> None:
        due = self.ledger.next_event()
        if due is None or (self.alarm is not None and self.alarm[0] <= due):
            return
        if self.alarm is not None:
            self.alarm[1].cancel()
        self.alarm = (due, self.after(max(0.0, due - self.now()), _Tick()))

    # the backend

    def rebuild(self, why: str, rest_seconds: float = 0.0) -> None:
        """Close all, wait, open anew. Requests wait meanwhile."""
        log.warning("%s: rebuilt: %s", self.name, why)
        self.decide(self.ledger.resize(0, self.now()))
        self.decide(self.ledger.revoke_all(f"{self.name}: rebuilt, since {why}", self.now()))
        self._open(rest_seconds, why)

    def fault(self, kind: str) -> None:
        """Count one. kind: few and fixed."""
        self.tally.faults[kind] += 1

    def _open(self, rest_seconds: float = 0.0, why: str = "") -> None:
        self.build += 1
        self.backend = None
        self.answering = self.checking = False
        if self.state is not DOWN:  # down stays so until it is really up: those who ask are refused at once
            self.state = OPENING
            self.decide(self.ledger.resize(0, self.now()))
        self._become(self.state, f"opening, since {why}" if why else "opening")
        build = self.build
        self.task(f"open {build}", lambda: self._build(build, rest_seconds))

    def _build(self, build: int, rest_seconds: float) -> tuple[Backend, str]:
        """In a task: whatever was there goes first, so that there are never two."""
        self.shelf.clear()
        if rest_seconds:
            self.system.runtime.sleep(rest_seconds)
        backend = self.make_backend(build)
        self.shelf.put(backend)
        try:
            return backend, backend.open()
        except BaseException:
            backend.close()
            raise

    def _opened(self, built: tuple[Backend, str]) -> None:
        self.backend, detail = built
        now = self.now()
        self.builds += 1
        self.failures = self.missed = 0
        self.answering = True
        self.guard = breaker.probe_succeeded(self.guard, now)
        self.ledger.reopen()
        self.decide(self.ledger.reconcile(0, now))
        self.decide(self.ledger.resize(self.units, now))
        self._become(UP, detail)
        self._check_in(CHECK_EVERY)

    def _not_opened(self, why: str) -> None:
        self.failures += 1
        self.fault("not opened")
        wait = min(RETRY.max_seconds, RETRY.min_seconds * RETRY.factor ** min(self.failures - 1, 30))
        wait *= self.chance.uniform(0.8, 1.2)
        self._become(DOWN, why)
        self.decide(self.ledger.drain(why, self.now()))
        self.after(wait, _Open(self.build))

    def _check(self) -> None:
        backend = self.backend
        if backend is None or self.checking:
            return
        self.checking = True
        self.task(f"check {self.build}", backend.check)

    def _check_in(self, seconds: float) -> None:
        if self.next_check is not None:
            self.next_check.cancel()
        self.next_check = self.after(seconds, _CheckDue(self.build))

    def _answered(self, detail: str) -> None:
        self.checking = False
        self.missed = 0
        self.answering = True
        self.guard = breaker.probe_succeeded(self.guard, self.now())
        if self.backend is not None:
            self.decide(self.ledger.reconcile(self.backend.taken(), self.now()))
        self._become(UP, detail)
        self._check_in(CHECK_EVERY)
        self.checked()

    def checked(self) -> None:
        """A check went well: a moment for whatever a subclass does now and then."""

    def _unanswered(self, error: BaseException) -> None:
        why = str(error) or repr(error)
        self.checking = False
        self.missed += 1
        self.answering = False
        self.fault("no answer")
        if self.missed >= CHECKS_MISSED or isinstance(error, Broken):
            self.missed = 0
            self.rebuild(f"it does not answer ({why})")
            return
        self._become(self.state, f"does not answer: {why}")
        self._check_in(CHECK_AGAIN)

    def _resize(self, units: int) -> None:
        self.units = max(0, min(units, self.policy.capacity))
        if self.state is UP:
            self.decide(self.ledger.resize(self.units, self.now()))

    def _set_breaker(self, state: str, reason: str) -> None:
        match state:
            case "open":
                self.guard = breaker.forced_open(reason)
            case "closed":
                self.guard = breaker.forced_closed(reason)
            case _:
                self.guard = breaker.reset()
        self._tell_health()
        self._show()

    # telling

    def healthy(self) -> bool:
        """Up, answering, and not held off by its breaker."""
        shut = isinstance(self.guard, breaker.Open | breaker.ForcedOpen)
        return self.state is UP and self.answering and not shut

    def _become(self, state: str, detail: str) -> None:
        self.state, self.detail = state, detail
        self._tell_health()
        self._show()

    def _pulse(self) -> None:
        self.told = None
        self._tell_health()
        self._show()
        self.next_pulse = self.after(CHECK_EVERY, _Pulse())

    def _tell_health(self) -> None:
        news = (self.healthy(), self.detail)
        if news != self.told:
            self.told = news
            self.tell("health", ComponentReport(self.name, *news))

    def _show_soon(self) -> None:
        if not self.showing:
            self.showing = True
            self.after(SHOW_EVERY, _Show())

    def _show(self) -> None:
        now = self.now()
        books, guard = self.ledger.statistics(now), breaker.statistics(self.guard, now)
        self._tell_health()
        snapshot = ResourceState(
            name=self.name,
            state=self.state,
            healthy=self.healthy(),
            detail=self.detail,
            limit=self.policy.capacity,
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
        self.system.board.put(self.name, snapshot)
