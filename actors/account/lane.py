"""The account's lane: one writer an account, however many Roosts share the database.

A lease in Postgres of 30 s, renewed every 10; who cannot have it stands by and asks again. Losing the lane stops new
claims and nothing else: what is claimed may be published until the claim ends, whatever becomes of lane and database,
and the token that each claim carries refuses whoever acts on an older one. At an ordered end the lane is given up,
once the work has ended and while there is a database still, so that another instance need not wait for it to run out.

A stop of the account (the site refused it) is known here at once and kept in the journal, so that it holds before
Postgres has it and after a restart without Postgres. Only a person ends it.
"""

import logging
from dataclasses import dataclass, replace
from typing import Any

from actors.core.base import NO_REPLY, Actor
from actors.core.future import CannotAnswer, Future
from actors.core.lifecycle import ExitReason, Shutdown, TaskDone, TaskFailed
from actors.protocol import alerts, journal
from actors.protocol.account import LANE, ClearStop, Holding, LaneState, StandingBy, StopAccount
from actors.protocol.health import report
from actors.protocol.resources import is_well, resource
from actors.resources.client import Leases
from domain.resources.admission import Budget
from store import lane as store
from store.journal import Cached

log = logging.getLogger("roost.lane")

RENEW_EVERY = 10.0
ASK_AGAIN = 5.0
LOOK_EVERY = 0.25  # a glance at the board, while there is no database to ask
STOP = "account_stopped"  # the journal's key
ALERT = "account"
END_SECONDS = 1.5  # at the end, which as a whole has less than 10
CALL_SECONDS = 8.0  # a renewal that takes longer has failed, and there is time for another within the lease


@dataclass(frozen=True, slots=True)
class _Turn:
    """Time to renew, or to ask again."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """What the database said. until: monotonic seconds. told: the stop that it was told of before it was asked."""

    lease: store.Held | store.Refused | store.Free
    stopped: str | None
    until: float
    told: StopAccount | None


class LaneActor(Actor):
    """Keeps the lane, or stands by for it. Its state is on the board under "lane"."""

    def __init__(self, account: str, owner: str) -> None:
        """owner: this instance's id, the same after a restart, so that its claims are its own still."""
        super().__init__()
        self.account = account
        self.owner = owner
        self.state: LaneState = StandingBy("not asked yet")
        self.clearing: list[Future] = []
        self.pending: StopAccount | None = None  # a stop that Postgres may not have heard of yet

    def on_start(self) -> None:
        self._become(self.state)
        self.request("recall", "journal", journal.Recall(STOP))
        self._turn_in(0.0)

    def receive(self, message: Any) -> Any:
        match message:
            case _Turn() if isinstance(self.state, StandingBy) and not is_well(self.system.board, "database"):
                self._stand_by_for_the_database()
            case _Turn():
                self.task("lease", self._ask)
            case TaskDone("recall", Cached(value=dict() as stop)):
                self._take_stop(StopAccount(**stop))
            case TaskDone("recall"):
                pass  # it was not stopped
            case TaskFailed("recall", error):
                log.info("whether the account was stopped, the journal cannot say: %s", error)
            case TaskDone("lease", heard):
                self._heard(heard)
            case TaskFailed("lease", error):
                self._unheard(error)
            case ClearStop() if self.asker is not None:
                self.clearing.append(self.asker)
                self.task("clear", self._clear)
                return NO_REPLY
            case StopAccount():
                self._take_stop(message)
            case TaskDone("clear", was_stopped):
                self.reply(self.clearing.pop(0), was_stopped or self.state.stopped is not None)
                self._cleared()
            case TaskFailed("clear", error):
                self.refuse(self.clearing.pop(0), CannotAnswer(f"the account's stop is not cleared: {error}"))
            case _:
                return super().receive(message)
        return None

    def terminate(self, reason: ExitReason) -> None:
        match self.state, reason:
            case Holding(lane), Shutdown() if is_well(self.system.board, "database"):
                self._give_up(lane)

    def _give_up(self, lane: store.Lane) -> None:
        try:
            with self._leases().database(wait=END_SECONDS, hold=END_SECONDS) as connection:
                store.release(connection, lane)
        except Exception as error:  # noqa: BLE001 - whatever it is, the lease ends by itself
            log.warning("the lane is not given up, and is free in %.0f s: %s", store.LEASE_SECONDS, error)
        else:
            log.info("lane: given up")

    def _ask(self) -> _Heard:
        """In a task: renew the lease, or ask for it."""
        runtime = self.system.runtime
        began, pending = runtime.now(), self.pending
        with self._leases().database(wait=CALL_SECONDS, hold=CALL_SECONDS) as connection:
            match self.state:
                case Holding(lane):
                    lease = store.renew(connection, lane, real_now=runtime.wall())
                case StandingBy():
                    lease = store.acquire(connection, self.account, self.owner, real_now=runtime.wall())
            if pending is not None:
                store.stop(connection, self.account, pending.reason, now=pending.at)
            stopped = store.stopped(connection, self.account)
        return _Heard(lease, stopped.reason if stopped else None, began + store.LEASE_SECONDS, pending)

    def _clear(self) -> bool:
        with self._leases().database(wait=CALL_SECONDS, hold=CALL_SECONDS) as connection:
            return store.clear_stop(connection, self.account, now=self.system.runtime.calendar())

    def _leases(self) -> Leases:
        return Leases(self.system, holder=self.name, job="lane", priority=0, budget=Budget(database=1))

    # stops

    def _take_stop(self, stop: StopAccount) -> None:
        self.pending = self.pending or stop
        self._become(replace(self.state, stopped=self.state.stopped or stop.reason))

    def _cleared(self) -> None:
        self.pending = None
        self._become(replace(self.state, stopped=None))
        self._turn_in(0.0)

    # the lease

    def _heard(self, heard: _Heard) -> None:
        if heard.told == self.pending:
            self.pending = None  # Postgres has it, or knows better
        stopped = heard.stopped or (self.pending.reason if self.pending else None)
        match heard.lease:
            case store.Held(token):
                self._become(Holding(store.Lane(self.account, self.owner, token), heard.until, stopped))
                self._turn_in(RENEW_EVERY)
            case store.Refused(owner):
                self._become(StandingBy(f"held by instance {owner}", stopped, owner))
                self._turn_in(ASK_AGAIN)
            case store.Free():
                self._become(StandingBy("given up by whoever took it from us", stopped))
                self._turn_in(0.0)

    def _unheard(self, error: BaseException) -> None:
        stopped = self.state.stopped
        match self.state:
            case Holding(until=until) if self.now() >= until:
                self._become(StandingBy(f"not renewed in time: {error}", stopped))
            case Holding():
                log.warning("the lane was not renewed, and holds a while longer: %s", error)
            case StandingBy():
                self._become(StandingBy(f"the database did not answer: {error}", stopped))
        self._turn_in(ASK_AGAIN)

    def _stand_by_for_the_database(self) -> None:
        state = self.system.board[resource("database")]
        why = "not asked yet" if state is None else f"the database is not up ({state.detail})"
        if (said := StandingBy(why, self.state.stopped)) != self.state:
            self._become(said)
        self._turn_in(LOOK_EVERY)

    def _turn_in(self, seconds: float) -> None:
        """The next turn, in place of one that was to come."""
        self.timer("turn", seconds, _Turn())

    # the board

    def _become(self, state: LaneState) -> None:
        if type(state) is not type(self.state) or self.system.board.get(LANE) is None:
            log.info("lane: %s", _said(state))
        if state.stopped != self.state.stopped:
            self._tell_of_stop(state.stopped)
        self.state = state
        self.put_up(LANE, state)
        match state:
            case Holding(stopped=None):
                report(self, "lane", True, "held")
            case Holding(stopped=reason):
                report(self, "lane", False, f"the account is stopped: {reason}")
            case StandingBy(why):
                report(self, "lane", False, f"standing by: {why}")

    def _tell_of_stop(self, reason: str | None) -> None:
        kept = None if reason is None else {"reason": reason, "at": self.calendar()}
        journal.remember_later(self, STOP, kept)
        if reason is None:
            alerts.clear_alert(self, ALERT)
        else:
            text = f"the account is stopped ({reason}). `ctl account` tells more, `ctl account resume` lets it go on"
            alerts.raise_alert(self, ALERT, text)


def _said(state: LaneState) -> str:
    match state:
        case Holding(lane):
            return f"held for @{lane.account}, token {lane.token}"
        case StandingBy(why):
            return f"standing by: {why}"
