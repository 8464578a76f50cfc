"""The desk of a resource: where its ledger is asked, in the thread of whoever asks.

A lease by message costs two changes of thread before anything is borrowed, which halves what 33 threads get out of
ten connections. So what is decided at once is decided here, under one lock that is never held over anything that
waits: a request, and a unit that comes back as it should. All else (deadlines, deaths, revocations, what did not
close, what failed) comes to the actor by message, and from there to the same ledger under the same lock.

A desk belongs to one incarnation of its actor, and closes with it: whoever waits is told to ask the next one.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Protocol

from actors.core.future import ActorDead, AskTimeout
from actors.core.runtime import Gate, Runtime
from actors.protocol.resources import LeaseRefused
from actors.resources.lease import Loan
from actors.resources.usage_counters import Tally
from domain.resources import breaker, leases
from domain.resources.ledger import Decisions, Ledger

BREAKER_OPEN = "breaker open"
ACTOR_ENDED = "actor ended"
ANSWER_SECONDS = 5.0  # beyond the wait deadline, for the refusal itself to arrive

ORDINARY = breaker.Permitted()

Effect = Callable[[], None]


class Owner(Protocol):
    """What a desk needs of its actor. The first three are called with the desk's lock held, in any thread."""

    def lend(self, lease: leases.Lease) -> Loan:
        """A loan of one unit of the backend."""

    def wake_at(self, when: float) -> None:
        """Have the ledger's clock looked at then (monotonic seconds)."""

    def show_soon(self) -> None:
        """The books have changed."""

    def watch(self, holder: str) -> None:
        """Be told of this holder's death."""

    def unwatch(self, holder: str) -> None:
        """No longer."""

    def taken(self, loan: Loan | None, lease: leases.Lease, reason: str) -> None:
        """End the loan and close its unit. In the actor's own thread."""

    def noted(self, decision: leases.Warned | leases.Drift) -> None:
        """Something to tell people. In the actor's own thread."""


class Desk:
    """Ledger, breaker and loans of one resource, for any thread."""

    def __init__(
        self, name: str, runtime: Runtime, ledger: Ledger, guard: breaker.Policy, tally: Tally, owner: Owner
    ) -> None:
        self.name = name
        self.ledger = ledger
        self.lock = runtime.condition(f"the desk of {name}")
        self.guard: breaker.State = breaker.CLOSED
        self.tally = tally
        self.never: LeaseRefused | None = None  # why nothing is ever lent, where that is so
        self._runtime = runtime
        self._now = runtime.now
        self._policy = guard
        self._chance = runtime.random(f"breaker:{name}")
        self._owner = owner
        self._closed: str | None = None
        self._requests = 0
        self._askers: dict[str, Gate] = {}  # the answer is left there with the lock held
        self._loans: dict[int, Loan] = {}
        self._trials: dict[str, breaker.Permitted] = {}  # by request; of the others there is nothing to remember
        self._watched: set[str] = set()
        self._alarm = math.inf

    # for holders, in their threads

    def borrow(
        self, holder: str, job: str, priority: int, category: str, wait_until: float, hold_seconds: float
    ) -> Loan:
        """One unit. Waits for it until `wait_until`. Words as in `domain.resources.leases.Request`.

        Raises: LeaseRefused; ActorDead where another incarnation should be asked; ValueError as the Request does.
        """
        now = self._now()
        self.lock.acquire()
        try:
            if self._closed is not None:
                raise ActorDead(f"{self.name}: {self._closed}; it may be restarting, ask again in a moment")
            if self.never is not None:
                raise LeaseRefused(str(self.never), self.never.cause)
            self._requests += 1
            name = str(self._requests)
            request = leases.Request(name, holder, job, priority, category, wait_until, hold_seconds)
            if not isinstance(self.guard, breaker.Closed):  # which lets every call go
                self._ask_permission(name, job, now)
            if new := holder not in self._watched:
                self._watched.add(holder)
            decisions = self.ledger.request(request, now)
            gate, answer = None, None
            if decisions:
                answer = self._answered(request, decisions[0])
            else:
                gate = self._askers[name] = self._runtime.gate(self.name, "a unit of")
            if self.ledger.alarm < self._alarm:
                self._look_ahead()
            self._owner.show_soon()
        finally:
            self.lock.release()
        if new:
            self._owner.watch(holder)
        if gate is not None:
            answer = self._wait(name, gate, wait_until)
        if isinstance(answer, Exception):
            raise answer
        assert answer is not None
        return answer

    def give_back(self, loan: Loan, used: bool) -> None:
        """The holder is done, and its unit in order: back with the backend, or to be passed on to who is next.

        used: False if it was never tried.
        """
        now = self._now()
        handed: list[Effect] = []
        self.lock.acquire()
        try:
            if self._loans.pop(loan.token, None) is None:
                return  # it was taken, and its unit is closed by whoever took it
            loan.pass_on(now)
            self.judge(loan.lease, None, used, now)
            for decision in self.ledger.release(loan.token, now):  # as `_book` does, but once for every lease
                if isinstance(decision, leases.Granted):
                    handed.append(self._hand_over(decision.lease, decision.waited))
                elif isinstance(decision, leases.Ended):
                    self.tally.ended(decision.lease.request.job, decision.held)
            if self.ledger.alarm < self._alarm:
                self._look_ahead()
            self._owner.show_soon()
        finally:
            self.lock.release()
        for effect in handed:
            effect()

    def forget(self, holder: str) -> None:
        """It holds nothing, and ends: there is nothing to be learnt from its death."""
        with self.lock:
            self._watched.discard(holder)
        self._owner.unwatch(holder)

    def _wait(self, name: str, gate: Gate, wait_until: float) -> Loan | Exception:
        """The answer that somebody writes, or that there is none."""
        timeout = max(0.0, wait_until - self._now()) + ANSWER_SECONDS
        if not gate.wait(timeout) and self._gives_up(name):
            return AskTimeout(f"{self.name}: a unit: none in {timeout:g} s")
        answer: Loan | Exception = gate.answer
        return answer

    def _gives_up(self, name: str) -> bool:
        """Whether it still waited, as it does not any more."""
        with self.lock:
            if self._askers.pop(name, None) is None:
                return False  # answered in the last moment
            self._book(self.ledger.cancel(name, self._now()))
        return True

    # for the actor

    def move(self, what: Callable[[float], Decisions]) -> None:
        """Change the books, and carry out what follows. what: given the time, asks the ledger."""
        with self.lock:
            effects = self._book(what(self._now()))
        for effect in effects:
            effect()

    def tick(self) -> None:
        """The time that `wake_at` was told has come."""

        def what(now: float) -> Decisions:
            self._alarm = math.inf
            return self.ledger.tick(now)

        self.move(what)

    def holder_died(self, holder: str) -> None:
        """Nothing is lent to it any more."""

        def what(now: float) -> Decisions:
            self._watched.discard(holder)
            return self.ledger.holder_died(holder, now)

        self.move(what)

    def loan(self, token: int) -> Loan | None:
        """The loan with this token, if it is in force."""
        return self._loans.get(token)

    def judge(self, lease: leases.Lease, fault: str | None, used: bool, now: float) -> None:
        """Have the breaker learn what the end of a lease says of the backend. With the lock held."""
        permit = self._trials.pop(lease.request.request_id, ORDINARY)
        seconds = now - lease.granted_at
        if fault is not None:
            self.guard = breaker.on_error(self.guard, permit, seconds, now, self._policy, self._chance)
        elif not used:
            self.guard = breaker.release_permission(self.guard, permit)
        elif now < lease.hold_until:
            self.guard = breaker.on_success(self.guard, permit, seconds, now, self._policy, self._chance)
        else:  # its holder was at it to the end of its time, waiting for what is slow
            self.guard = breaker.on_overrun(self.guard, permit, now, self._policy, self._chance)

    def succeed(self, earlier: "Desk") -> None:
        """Go on with the breaker of the incarnation before: what failed, fails still, and an order stands."""
        earlier.close("its actor was restarted")
        self.guard = earlier.guard

    def waited_for(self) -> bool:
        """Whether anybody waits for a unit."""
        return bool(self._askers)

    def close(self, why: str) -> None:
        """Lend nothing more: whoever waits or comes is told to ask the next incarnation."""
        with self.lock:
            if self._closed is not None:
                return
            self._closed = why
            askers, self._askers = list(self._askers.values()), {}
            loans, self._loans = list(self._loans.values()), {}
            now = self._now()
            for permit in self._trials.values():
                self.guard = breaker.release_permission(self.guard, permit)
            self._trials.clear()
            self.ledger.drain(why, now)  # it grants nothing more, to whom nobody would give it
            for loan in loans:
                self.tally.revoked(loan.lease.request.job, ACTOR_ENDED, now - loan.lease.granted_at)
            for asker in askers:
                asker.answer = ActorDead(f"{self.name}: {why}; it may be restarting, ask again in a moment")
        for asker in askers:
            asker.open()
        for loan in loans:
            loan.end(f"{self.name}: {why}")

    # inside, with the lock held

    def _ask_permission(self, name: str, job: str, now: float) -> None:
        self.guard, permit = breaker.try_acquire_permission(self.guard, now, self._policy)
        if isinstance(permit, breaker.NotPermitted):
            self.tally.refused(job, BREAKER_OPEN)
            self._owner.show_soon()
            raise LeaseRefused(
                f"{self.name}: its breaker is {permit.reason}. It tries again by itself.", BREAKER_OPEN
            )
        if permit.trial is not None:
            self._trials[name] = permit

    def _book(self, decisions: Decisions) -> list[Effect]:
        """Write down what the ledger decided. Returns what is to be done about it without the lock."""
        effects: list[Effect] = []
        for decision in decisions:
            match decision:
                case leases.Ended(lease, held):
                    if self._loans.pop(lease.token, None) is not None:
                        self.tally.ended(lease.request.job, held)
                case leases.Granted(lease, waited):
                    effects.append(self._hand_over(lease, waited))
                case leases.Refused(request, cause, reason):
                    effects.append(self._turn_away(request, cause, reason))
                case leases.Revoke(lease, cause, reason, held):
                    effects.append(self._take(lease, cause, reason, held))
                case leases.Warned(lease):
                    self.tally.warned(lease.request.job)
                    effects.append(partial(self._owner.noted, decision))
                case leases.Drift():
                    effects.append(partial(self._owner.noted, decision))
                case leases.Stale() | leases.Drained():
                    pass
        if self.ledger.alarm < self._alarm:
            self._look_ahead()
        self._owner.show_soon()
        return effects

    def _answered(self, request: leases.Request, decision: leases.Decision) -> Loan | Exception:
        if isinstance(decision, leases.Granted):
            return self._lent(decision.lease, 0.0)
        assert isinstance(decision, leases.Refused)
        return self._refused(request, decision.cause, decision.reason)

    def _lent(self, lease: leases.Lease, waited: float) -> Loan:
        loan = self._loans[lease.token] = self._owner.lend(lease)
        self.tally.granted(lease.request.job, waited)
        return loan

    def _hand_over(self, lease: leases.Lease, waited: float) -> Effect:
        asker = self._askers.pop(lease.request.request_id)
        asker.answer = self._lent(lease, waited)
        return asker.open

    def _refused(self, request: leases.Request, cause: leases.Cause, reason: str) -> LeaseRefused:
        self._free_permit(request)
        self.tally.refused(request.job, cause.value)
        return LeaseRefused(reason, cause.value)

    def _turn_away(self, request: leases.Request, cause: leases.Cause, reason: str) -> Effect:
        refused = self._refused(request, cause, reason)
        asker = self._askers.pop(request.request_id, None)
        if asker is None:
            return _nothing  # it has given up
        asker.answer = refused
        return asker.open

    def _take(self, lease: leases.Lease, cause: leases.Cause, reason: str, held: float) -> Effect:
        loan = self._loans.pop(lease.token, None)
        if cause is leases.Cause.HOLD_DEADLINE:
            self.judge(
                lease, None if loan is None else loan.fault, True, max(lease.hold_until, lease.granted_at + held)
            )
        else:
            self._free_permit(lease.request)
        if loan is not None:
            self.tally.revoked(lease.request.job, cause.value, held)
        return lambda: self._owner.taken(loan, lease, reason)

    def _free_permit(self, request: leases.Request) -> None:
        permit = self._trials.pop(request.request_id, None)
        if permit is not None:
            self.guard = breaker.release_permission(self.guard, permit)

    def _look_ahead(self) -> None:
        self._alarm = self.ledger.alarm
        self._owner.wake_at(self._alarm)


def _nothing() -> None:
    """What is to be done where nothing is."""
