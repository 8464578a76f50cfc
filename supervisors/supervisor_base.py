"""What every supervisor does with its children, whatever its strategy: start, stop, watch, remember, and show them.

`supervisor.py` and `dynamic.py` decide when; here is how. A child that runs past its hang limit is asked to stop,
then fenced; either way its `Exit` comes, and the strategy goes on from there as after a crash.
"""

import logging
from abc import abstractmethod
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any, ClassVar

from actors.core.base import Actor, Ignore
from actors.core.foreign import as_text, guarded, report
from actors.core.lifecycle import Crashed, Exit, ExitReason, Killed, Shutdown, SystemMessage
from actors.core.statistics import Histogram
from actors.core.supervision import (
    SUPERVISOR,
    ChildCounts,
    ChildInfo,
    ChildSpec,
    CountChildren,
    GetChildSpec,
    Ignored,
    NotFound,
    RestartRecord,
    Started,
    StartError,
    SupervisorSnapshot,
    WhichChild,
    WhichChildren,
)
from actors.core.system import StartFailed
from supervisors.decisions import After, after_exit, hung, is_ordered, is_reported, kind_of, shuts_down
from supervisors.intensity import Restarts
from supervisors.specs import Flags

log = logging.getLogger("roost.supervisors")

HISTORY = 50


@dataclass(frozen=True, slots=True)
class TryAgain:
    """To myself: the restart of this child is due."""

    id: str
    waited: bool = False  # the intensity has counted it already


@dataclass(frozen=True, slots=True)
class LookAtHandlers(SystemMessage):
    """To myself: has a child's handler run for too long?"""


@dataclass(frozen=True, slots=True)
class FenceIfStill(SystemMessage):
    """To myself: the hung incarnation was asked to stop; if it still lives, abandon it."""

    id: str
    generation: int


class Child:
    """One child of a supervisor: its spec, and how it stands."""

    __slots__ = (
        "actor",
        "down_since",
        "failures",
        "last_kind",
        "last_reason",
        "restarts",
        "since",
        "spec",
        "state",
    )

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self.state = "undefined"  # or running, restarting
        self.actor: Actor | None = None
        self.since = 0.0  # monotonic: when the present incarnation, or the last, began to serve
        self.failures = 0  # in a row, for the backoff
        self.restarts = 0
        self.last_reason: str | None = None  # in words: the reason itself would keep the dead actor's frames alive
        self.last_kind = "start failed"
        self.down_since: float | None = None  # monotonic: since when it owes a restart

    def info(self) -> ChildInfo:
        """As others see it."""
        generation = None if self.actor is None else self.actor.generation
        return ChildInfo(self.spec.id, self.spec.type, self.state, generation, self.restarts, self.last_reason)


def _error_of(reason: ExitReason) -> BaseException | None:
    return reason.error if isinstance(reason, Crashed) else None


class SupervisorBase(Actor):
    """The base of supervisors."""

    has_children: ClassVar[bool] = True

    def __init__(self, flags: Flags, strategy: str) -> None:
        super().__init__()
        self.flags = flags
        self.strategy = strategy
        self.children: dict[str, Child] = {}  # in start order
        self._recent = Restarts()
        self._chance = self.system.runtime.random(f"supervisor:{self.name}")
        self._shown: dict[str, ChildInfo] = {}
        self._history: deque[RestartRecord] = deque(maxlen=HISTORY)
        self._restart_counts: Counter[tuple[str, str]] = Counter()
        self._restart_seconds = Histogram()
        self._restart_seconds_shown = tuple(self._restart_seconds.cumulated())  # most changes are no restarts
        self._look_at: float | None = None
        self._cooling_until: float | None = None

    def receive(self, message: Any) -> Any:
        match message:
            case Exit(name, generation, reason):
                child = self.find_child(name)
                if child is not None and child.actor is not None and child.actor.generation == generation:
                    self._note_end(child, reason)
                    self._ended_by_itself(child, reason)
                    self.show(child)
                    self._report_crash(child, reason)
            case TryAgain(id, waited):
                child = self.children[id]
                self._cooling_until = None
                self.attempt(child) if waited else self._restart(child, lived=0.0)
                self.show(child)
            case LookAtHandlers():
                self._look_at = None
                self._look_at_handlers()
            case FenceIfStill(id, generation):
                child = self.children.get(id)
                if child is not None and child.actor is not None and child.actor.generation == generation:
                    self.system.fence(child.actor, "it hung in a handler, and did not stop")
            case WhichChildren():
                return tuple(child.info() for child in self.in_order())
            case WhichChild(id):
                return NotFound(id) if (child := self.find_child(id)) is None else child.info()
            case CountChildren():
                return self.counts()
            case GetChildSpec(id):
                return NotFound(id) if (child := self.find_child(id)) is None else child.spec
            case _:
                return super().receive(message)
        return None

    # for the two kinds of supervisor

    @abstractmethod
    def attempt(self, child: Child) -> None:
        """Restart it now, with whomever the strategy takes with it; what fails is `restarting`."""

    @abstractmethod
    def take_down_with(self, child: Child) -> list[Child]:
        """Stop whomever a restart of `child` takes with it. Returns who is to be started then, in order."""

    @abstractmethod
    def forget(self, child: Child) -> None:
        """It has ended and is not to be restarted: drop what is not kept of it."""

    @abstractmethod
    def in_order(self) -> list[Child]:
        """The children as `which_children` lists them."""

    def find_child(self, id: str) -> Child | None:
        """The child of that id. Whoever asks may have put anything there: what cannot be looked up is nobody's id."""
        found: list[Child | None] = []
        guarded(lambda: found.append(self.children.get(id)))
        return found[0] if found else None

    def counts(self) -> ChildCounts:
        """OTP's `count_children`."""
        children = self.children.values()
        supervisors = sum(child.spec.type == "supervisor" for child in children)
        active = sum(child.state == "running" for child in children)
        return ChildCounts(len(children), active, supervisors, len(children) - supervisors)

    # a child has ended

    def _ended_by_itself(self, child: Child, reason: ExitReason) -> None:
        if after_exit(child.spec.restart, reason) is After.RESTART:
            self._restart(child, lived=self.now() - child.since)
            return
        child.down_since = None
        self.forget(child)
        if shuts_down(self.flags.auto_shutdown, child.spec, self.children.values()):
            self.end(Shutdown(f"significant child {child.spec.id} ended"))

    def _restart(self, child: Child, lived: float) -> None:
        """Count the restart against the intensity, then do it: now, after its backoff, after cooling down, or not."""
        flags, now = self.flags, self.now()
        child.failures = 1 if lived >= child.spec.reset_after else child.failures + 1
        self._recent = self._recent.with_one(now, flags.period)
        if self._recent.within(flags.intensity):
            backoff = child.spec.backoff
            wait = 0.0 if backoff is None else backoff.seconds(child.failures, self._chance)
        elif flags.cool_down is not None:
            wait, self._recent = flags.cool_down, Restarts()
            self._cooling_until = now + wait
            limit = f"over {flags.intensity} restarts in {flags.period:g} s"
            self.report(f"leaves it down for {wait:g} s", f"child {child.spec.id}", limit)
        else:
            child.state = "undefined"
            limit = f"over {flags.intensity} restarts in {flags.period:g} s, the last of {child.spec.id}"
            self.report("gives up", f"child {child.spec.id}", limit)
            self.end(Shutdown(limit))
            return
        if wait > 0:
            self.take_down_with(child)
            self.restarting(child, wait)
        else:
            self.attempt(child)

    # starting and stopping one

    def start_one(self, child: Child) -> Started | Ignored | StartError:
        """Start it and wait for its handshake; its state is what the answer says."""
        spec = child.spec
        self.cancel_timer(("restart", spec.id))
        limit = None if spec.type == "supervisor" else spec.start_limit
        try:
            actor = self.system.start(spec.id, spec.start, supervisor=self.name, timeout=limit)
        except Ignore:
            child.state, child.actor, child.down_since = "undefined", None, None
            return Ignored(spec.id)
        except StartFailed as failure:
            child.state, child.actor = "undefined", None
            return StartError(spec.id, failure)
        child.state, child.actor, child.since = "running", actor, self.now()
        if child.down_since is not None:
            self._note_restart(child, actor.generation)
        self._watch_handlers_of(child)
        return Started(spec.id, actor.generation, actor.info)

    def stop_one(self, child: Child) -> None:
        """Stop it if it runs; cancel its restart if one is due."""
        if child.actor is not None:
            reason = self.system.stop_and_wait(child.actor, child.spec.shutdown)
            self._note_end(child, reason)
            if not is_ordered(child.spec.restart, child.spec.shutdown, reason):
                self.report("shutdown error", f"child {child.spec.id}", as_text(reason), error=_error_of(reason))
        self.cancel_timer(("restart", child.spec.id))
        child.state = "undefined"

    def restarting(self, child: Child, wait: float = 0.0) -> None:
        """Mark it so, and tell myself to try again, after `wait` seconds."""
        child.state, child.actor = "restarting", None
        self.timer(("restart", child.spec.id), wait, TryAgain(child.spec.id, waited=wait > 0))

    def _note_end(self, child: Child, reason: ExitReason) -> None:
        child.state, child.actor = "undefined", None
        child.last_reason, child.last_kind = as_text(reason), kind_of(reason)
        child.down_since = self.now()

    def _note_restart(self, child: Child, generation: int) -> None:
        seconds = self.now() - (child.down_since or 0.0)
        child.down_since = None
        child.restarts += 1
        self._restart_counts[child.spec.id, child.last_kind] += 1
        self._restart_seconds.add(seconds)
        self._restart_seconds_shown = tuple(self._restart_seconds.cumulated())
        self._history.append(
            RestartRecord(self.system.runtime.wall(), child.spec.id, child.last_reason or "", generation, seconds)
        )

    def _report_crash(self, child: Child, reason: ExitReason) -> None:
        """Logged after the restart, and after whoever waited for it: a traceback takes as long as a restart, and
        whoever formats it holds the interpreter."""
        if is_reported(child.spec.restart, reason):
            self.system.runtime.give_way()
            text = "%s: child %s ended (%s); now %s"
            words = (self.name, child.spec.id, as_text(reason), child.state)
            report(log, logging.ERROR, text, *words, error=_error_of(reason))

    def report_failed_start(self, child: Child, failure: StartError) -> None:
        """It did not start; what comes of that is the caller's."""
        self.report("start error", f"child {child.spec.id}", as_text(failure.cause))

    def report(self, context: str, offender: str, reason: str, error: BaseException | None = None) -> None:
        """OTP's supervisor report: in what context, who, and why."""
        report(log, logging.ERROR, "%s: %s: %s (%s)", self.name, context, offender, reason, error=error)

    # hung children

    def _watch_handlers_of(self, child: Child) -> None:
        if child.spec.type == "worker" and child.spec.hang_limit is not None:
            self._look_no_later_than(self.now() + child.spec.hang_limit)

    def _look_no_later_than(self, when: float) -> None:
        if self._look_at is None or when < self._look_at:
            self._look_at = when
            self.timer("look at handlers", when - self.now(), LookAtHandlers())

    def _look_at_handlers(self) -> None:
        watched = [
            (child, child.spec.hang_limit, child.actor)
            for child in self.children.values()
            if child.actor is not None and child.spec.type == "worker" and child.spec.hang_limit is not None
        ]
        over, next_look = hung([(limit, actor.handling_since) for _, limit, actor in watched], self.now())
        for index in over:
            child, limit, actor = watched[index]
            self.system.ask_to_stop(actor, Killed(f"one handler ran for over {limit:g} s"))
            grace = limit if child.spec.shutdown is None else child.spec.shutdown
            self.after(grace, FenceIfStill(child.spec.id, actor.generation))
        if next_look is not None:
            self._look_no_later_than(next_look)

    # showing

    def show(self, *changed: Child) -> None:
        """Put the present state on the board. changed: the children that are not as they were shown."""
        for child in changed:
            if child.spec.id in self.children:
                self._shown[child.spec.id] = child.info()
            else:
                self._shown.pop(child.spec.id, None)
        snapshot = SupervisorSnapshot(
            name=self.name,
            strategy=self.strategy,
            children=tuple(self._shown.values()),
            history=tuple(self._history),
            restarts=tuple((id, kind, number) for (id, kind), number in self._restart_counts.items()),
            restart_seconds=self._restart_seconds_shown,
            cooling_until=self._cooling_until,
        )
        self.put_up(SUPERVISOR(self.name), snapshot)
