"""The account's lane: one writer an account, however many Roosts share the database.

A lease in Postgres of 30 s, renewed every 10; who cannot have it stands by and asks again. Losing the lane stops new
claims and nothing else: what is claimed may be published until the claim ends, whatever becomes of lane and database,
and the token that each claim carries refuses whoever acts on an older one.
"""

import logging
from dataclasses import dataclass
from typing import Any

from actors.base import NO_REPLY, Actor
from actors.future import CallerError, Future
from actors.protocol import ComponentReport, TaskDone, TaskFailed
from actors.resources.client import Leases
from domain.resources.admission import Budget
from store import lane as store

log = logging.getLogger("roost.lane")

RENEW_EVERY = 10.0
ASK_AGAIN = 5.0
CALL_SECONDS = 8.0  # a renewal that takes longer has failed, and there is time for another within the lease


@dataclass(frozen=True, slots=True)
class Holding:
    """The lane is ours. until: monotonic seconds. stopped: why the site refuses the account, if it does."""

    lane: store.Lane
    until: float
    stopped: str | None


@dataclass(frozen=True, slots=True)
class StandingBy:
    """It is not ours. why: one line."""

    why: str


LaneState = Holding | StandingBy


@dataclass(frozen=True, slots=True)
class ClearStop:
    """A person says that the account may act again. The answer comes once it is written: whether it was stopped."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """Time to renew, or to ask again."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """What the database said. until: monotonic seconds."""

    lease: store.Held | store.Refused | store.Free
    stopped: str | None
    until: float


class LaneActor(Actor):
    """Keeps the lane, or stands by for it. Its state is on the board under "lane"."""

    def __init__(self, account: str, owner: str) -> None:
        """owner: this instance's id, the same after a restart, so that its claims are its own still."""
        super().__init__()
        self.account = account
        self.owner = owner
        self.state: LaneState = StandingBy("not asked yet")
        self.clearing: list[Future] = []

    def on_start(self) -> None:
        self._become(self.state)
        self.tell(self.name, _Turn())

    def receive(self, message: Any) -> Any:
        match message:
            case _Turn():
                self.task("lease", self._ask)
            case TaskDone("lease", heard):
                self._heard(heard)
            case TaskFailed("lease", error):
                self._unheard(error)
            case ClearStop() if self.asker is not None:
                self.clearing.append(self.asker)
                self.task("clear", self._clear)
                return NO_REPLY
            case TaskDone("clear", was_stopped):
                self.reply(self.clearing.pop(0), was_stopped)
                self.tell(self.name, _Turn())
            case TaskFailed("clear", error):
                self.refuse(self.clearing.pop(0), CallerError(f"the account's stop is not cleared: {error}"))
            case _:
                return super().receive(message)
        return None

    def _ask(self) -> _Heard:
        """In a task: renew the lease, or ask for it."""
        runtime = self.system.runtime
        began = runtime.now()
        with self._leases().database(wait=CALL_SECONDS, hold=CALL_SECONDS) as connection:
            match self.state:
                case Holding(lane):
                    lease = store.renew(connection, lane, real_now=runtime.wall())
                case StandingBy():
                    lease = store.acquire(connection, self.account, self.owner, real_now=runtime.wall())
            stopped = store.stopped(connection, self.account)
        return _Heard(lease, stopped.reason if stopped else None, began + store.LEASE_SECONDS)

    def _clear(self) -> bool:
        with self._leases().database(wait=CALL_SECONDS, hold=CALL_SECONDS) as connection:
            return store.clear_stop(connection, self.account)

    def _leases(self) -> Leases:
        return Leases(self.system, holder=self.name, job="lane", priority=0, budget=Budget(database=1))

    def _heard(self, heard: _Heard) -> None:
        match heard.lease:
            case store.Held(token):
                self._become(Holding(store.Lane(self.account, self.owner, token), heard.until, heard.stopped))
                self.after(RENEW_EVERY, _Turn())
            case store.Refused(owner):
                self._become(StandingBy(f"held by instance {owner}"))
                self.after(ASK_AGAIN, _Turn())
            case store.Free():
                self._become(StandingBy("given up by whoever took it from us"))
                self.tell(self.name, _Turn())

    def _unheard(self, error: BaseException) -> None:
        match self.state:
            case Holding(until=until) if self.now() >= until:
                self._become(StandingBy(f"not renewed in time: {error}"))
            case Holding():
                log.warning("the lane was not renewed, and holds a while longer: %s", error)
            case StandingBy():
                self._become(StandingBy(f"the database did not answer: {error}"))
        self.after(ASK_AGAIN, _Turn())

    def _become(self, state: LaneState) -> None:
        if type(state) is not type(self.state) or self.system.board.get(self.name) is None:
            log.info("lane: %s", state)
        self.state = state
        self.system.board.put(self.name, state)
        match state:
            case Holding(stopped=None):
                self.tell("health", ComponentReport("lane", healthy=True, detail="held"))
            case Holding(stopped=reason):
                self.tell(
                    "health", ComponentReport("lane", healthy=False, detail=f"the account is stopped: {reason}")
                )
            case StandingBy(why):
                self.tell("health", ComponentReport("lane", healthy=False, detail=f"standing by: {why}"))
