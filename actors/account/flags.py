"""The flags' actor: what the operator changed while Roost runs, in force at once and after every restart.

A change is on the board first, so that the next look at it counts, then in the journal, so that it holds with
Postgres away, and in Postgres, where other instances find it. Which of two values of a flag is in force is decided by
the time of the change alone, so it does not matter by which way it came. Until the journal or Postgres has told what
was set before, the flags are not known, and nothing is published.

What the operator orders of a breaker is kept in the same way. Publishing reads its order where the flags are shown; a
resource is told of its own when that changes, and again whenever it is found not to follow it: it was not there, or
began anew.
"""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

from actors.core.base import NO_REPLY, Actor
from actors.core.future import CallerError, CannotAnswer, Future
from actors.core.lifecycle import TaskDone, TaskFailed
from actors.protocol import jobs, journal
from actors.protocol.account import FLAGS, AreKept, FlagSet, FlagsState, KeepJob, OrderBreaker, SetFlag, newest
from actors.protocol.resources import is_well, resource, set_breaker
from actors.resources.client import Leases
from domain import flags as rules
from domain.flags import BreakerOrder
from domain.resources.admission import Budget
from domain.setting_types import InvalidSetting
from domain.settings import Settings, shown
from store import flags as store
from store.flags import Flag
from store.journal import Cached

log = logging.getLogger("roost.flags")

CACHE = "flags"  # the journal's key
LOOK_EVERY = 10.0  # seconds between looks at what other instances have set
LOOK_SOON = 1.0  # the same, until it is known what was set before
CALL_SECONDS = 8.0
STEP = 0.001  # calendar seconds by which a change is later than the one it replaces, at least


@dataclass(frozen=True, slots=True)
class _Look:
    """Time to read what is in Postgres."""


@dataclass(frozen=True)
class _Keep:
    """A request to the journal: this change. asker: who is told of it; None: nobody."""

    flag: Flag
    asker: Future | None


@dataclass(frozen=True)
class _Kept:
    """A request to the journal, which takes its messages in order: its answer says that it has those before it."""

    asker: Future


class FlagsActor(Actor):
    """Owns the flags. A new incarnation goes on with those on the board."""

    def __init__(self, settings: Settings) -> None:
        """settings: as the environment has them."""
        super().__init__()
        self.settings = settings
        self.flags: dict[str, Flag] = {}
        self.known = False
        self.reading = False

    def on_start(self) -> None:
        before = self.system.board.get(FLAGS)
        if before is not None:
            self.flags, self.known = dict(before.flags), before.known
        self._show()
        self.request("recall", "journal", journal.Recall(CACHE))
        self.timer("look", LOOK_SOON, _Look())

    def receive(self, message: Any) -> Any:
        match message:
            case SetFlag(name, text, by):
                return self._set(name, text, by)
            case KeepJob(job, control, by):
                flag = self._flag(rules.job_flag(job), rules.as_value(control), by)
                self._take({flag.name: flag}, tell_jobs=False)
                self._keep(flag, None)
            case OrderBreaker(name, order, by):
                return self._order(name, order, by)
            case AreKept() if self.asker is not None:
                self.request(_Kept(self.asker), "journal", journal.Recall(CACHE))
                return NO_REPLY
            case TaskDone(_Kept(asker)):
                self.reply(asker, True)
            case TaskFailed(_Kept(asker), error):
                self.refuse(asker, CannotAnswer(f"the journal cannot keep it: {error}"))
            case TaskDone(_Keep(flag, asker)):
                self._on_kept(flag, asker, None)
            case TaskFailed(_Keep(flag, asker), error):
                self._on_kept(flag, asker, error)
            case TaskDone("recall", cached):
                self._on_recalled(cached)
            case TaskFailed("recall", error):
                log.info("what the journal knows of flags is not known: %s", error)
            case _Look():
                self._look()
            case TaskDone("read", found):
                self._on_read(found)
            case TaskFailed("read", error):
                self.reading = False
                log.debug("flags are not read from Postgres: %s", error)
            case TaskDone("write"):
                pass
            case TaskFailed("write", error):
                log.info("flags reach Postgres later: %s", error)
            case _:
                return super().receive(message)
        return None

    # changes

    def _set(self, name: str, text: str, by: str) -> Any:
        try:
            value = rules.parsed(name, text)
        except InvalidSetting as wrong:
            raise CallerError(f"{name}={text[:60]}: {wrong.why}. {wrong.fix}") from None
        _, problems = rules.in_force(self.settings, {**self._values(), name: value})
        for problem in problems:
            if problem.name == name:
                raise CallerError(str(problem))
        flag = self._flag(name, value, by)
        log.warning("%s=%s, by %s", name, "default" if value is None else shown(value), by)
        self._take({name: flag}, tell_jobs=False)
        self._keep(flag, self.asker)
        return NO_REPLY if self.asker is not None else None

    def _order(self, name: str, order: BreakerOrder | None, by: str) -> Any:
        flag = self._flag(rules.breaker_flag(name), rules.order_as_value(order), by)
        self._take({flag.name: flag}, tell_jobs=False)
        self._keep(flag, self.asker)
        return NO_REPLY if self.asker is not None else None

    def _flag(self, name: str, value: Any, by: str) -> Flag:
        """A change made now: later than the one before it, also where the calendar began anew."""
        before = self.flags.get(name)
        return Flag(name, value, max(self.calendar(), before.at + STEP if before else 0.0), by)

    def _keep(self, flag: Flag, asker: Future | None) -> None:
        self._remember()
        entry = (f"flag/{flag.name}/{flag.at:.3f}", flag)
        self.request(_Keep(flag, asker), "journal", journal.Append((entry,)))
        self._write((flag,))

    def _on_kept(self, flag: Flag, asker: Future | None, error: BaseException | None) -> None:
        if error is not None:
            log.warning("%s is in force, and not in the journal: %s", flag.name, error)
        if asker is not None:
            self.reply(asker, FlagSet(flag, kept=error is None))

    # what was set before, and elsewhere

    def _on_recalled(self, cached: Cached | None) -> None:
        if cached is not None:
            self.known = True
            self._take({each["name"]: Flag(**each) for each in cached.value})

    def _look(self) -> None:
        self.timer("look", LOOK_EVERY if self.known else LOOK_SOON, _Look())
        self._remind()
        if not self.reading and is_well(self.system.board, "database"):
            self.reading = True
            self.task("read", self._read)

    def _read(self) -> dict[str, Flag]:
        with self._leases().database(wait=CALL_SECONDS, hold=CALL_SECONDS) as connection:
            return store.every(connection)

    def _on_read(self, found: dict[str, Flag]) -> None:
        self.reading = False
        news = not self.known
        self.known = True
        missing = tuple(flag for name, flag in self.flags.items() if name not in found or found[name].at < flag.at)
        if missing:
            self._write(missing)
        if self._take(found) or news:
            self._remember()

    def _write(self, flags: tuple[Flag, ...]) -> None:
        """To Postgres, soon; what does not get there now is found missing at the next look."""

        def write() -> None:
            with self._leases().database(wait=CALL_SECONDS, hold=CALL_SECONDS) as connection:
                for flag in flags:
                    store.put(connection, flag)

        if is_well(self.system.board, "database"):
            self.task("write", write)

    def _remember(self) -> None:
        kept = [asdict(flag) for flag in self.flags.values()]
        journal.remember_later(self, CACHE, kept)

    # the board

    def _take(self, found: Mapping[str, Flag], tell_jobs: bool = True) -> bool:
        """Take over what is newer than what is here. Returns whether anything was."""
        before, self.flags = self.flags, newest(self.flags, found)
        changed = [name for name, flag in self.flags.items() if before.get(name) != flag]
        self._show()
        values = {name: self.flags[name].value for name in changed}
        for name, order in rules.breaker_orders(values).items():
            self._tell_resource(name, order)
        if tell_jobs:
            for job, control in rules.controls(values).items():
                if self.system.directory.whereis(f"job:{job}") is not None:
                    jobs.control(self, job, control)
        return bool(changed)

    def _remind(self) -> None:
        """Tell the resources whose breakers are not as ordered."""
        for name, order in rules.breaker_orders(self._values()).items():
            state = self.system.board[resource(name)]
            if state is not None and not _follows(state.breaker, order):
                self._tell_resource(name, order)

    def _tell_resource(self, name: str, order: BreakerOrder | None) -> None:
        if self.system.directory.whereis(name) is not None:
            state, reason = ("auto", "the order is over") if order is None else (order.state, order.reason)
            set_breaker(self, name, state, reason)

    def _values(self) -> dict[str, Any]:
        return {name: flag.value for name, flag in self.flags.items()}

    def _show(self) -> None:
        problems = tuple(str(problem) for problem in rules.in_force(self.settings, self._values())[1])
        if problems and problems != self.system.board[FLAGS].problems:
            log.error("flags that are not obeyed: %s", "; ".join(problems))
        self.put_up(FLAGS, FlagsState(self.known, MappingProxyType(dict(self.flags)), problems))

    def _leases(self) -> Leases:
        return Leases(self.system, holder=self.name, job="flags", priority=0, budget=Budget(database=1))


def _follows(breaker: str, order: BreakerOrder | None) -> bool:
    """Whether a breaker in this state is as ordered; without an order it may be as it likes, but not held."""
    return breaker == f"forced_{order.state}" if order is not None else not breaker.startswith("forced_")
