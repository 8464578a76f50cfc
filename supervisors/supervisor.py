"""A supervisor: starts its children in order, restarts those that end when they should not, stops them in reverse.

    flags = Flags("rest_for_one", intensity=3, period=10)
    children = (
        ChildSpec(id="database", start=lambda: DatabaseActor(settings)),
        supervisor_spec("work", Flags(), (ChildSpec(id="jobs", start=JobsActor), ...)),
    )
    root = System(ThreadedRuntime()).start("root", lambda: Supervisor(flags, children), timeout=None)
    root.ended.get()                                # waits for the end of the tree, and returns its reason

    system.ask("root", WhichChildren(), timeout=1)
    system.ask("root", StartChild(spec), timeout=30)   # and the other questions in `actors/protocol.py`
    system.board[SUPERVISOR("root")]                # a SupervisorSnapshot, without asking
    system.stop_and_wait(root, timeout=60)

Words and semantics are those of OTP's `supervisor` (docs/supervision.md has every case). Beyond it: a restart may
back off (`ChildSpec.backoff`), and a supervisor may cool down at its limit instead of ending (`Flags.cool_down`).
"""

from collections.abc import Sequence
from typing import Any

from actors.core.directory import NameTaken
from actors.core.foreign import as_text
from actors.core.lifecycle import ExitReason
from actors.core.supervision import (
    SUPERVISOR,
    AlreadyPresent,
    AlreadyStarted,
    ChildSpec,
    DeleteChild,
    Done,
    FaultySpec,
    Ignored,
    NotFound,
    Restart,
    RestartChild,
    StartChild,
    Started,
    StartError,
    StillRestarting,
    StillRunning,
    TerminateChild,
)
from actors.core.system import StartFailed
from supervisors.decisions import affected
from supervisors.specs import Flags, check, spec_faults
from supervisors.supervisor_base import Child, SupervisorBase


class ChildDidNotStart(Exception):
    """A supervisor did not start, since this child did not. `__cause__` is why."""


def supervisor_spec(id: str, flags: Flags, children: Sequence[ChildSpec], **more: Any) -> ChildSpec:
    """The spec of a supervisor within a supervisor: it is given all the time that its children need to stop."""
    return ChildSpec(
        id=id, start=lambda: Supervisor(flags, children), **{"type": "supervisor", "shutdown": None, **more}
    )


class Supervisor(SupervisorBase):
    """one_for_one, one_for_all or rest_for_one."""

    def __init__(self, flags: Flags, children: Sequence[ChildSpec]) -> None:
        """Raises: Faulty, with all that is wrong with them."""
        check(flags, children)
        super().__init__(flags, flags.strategy)
        self._specs = tuple(children)

    def on_start(self) -> None:
        """Start the children in order; if one fails, stop those before it in reverse and fail with its cause."""
        for spec in self._specs:
            child = self.children[spec.id] = Child(spec)
            match self.start_one(child):
                case Ignored() if spec.restart == "temporary":
                    del self.children[spec.id]
                case StartError(_, cause) as failure:
                    self.report_failed_start(child, failure)
                    self._stop_in_reverse(list(self.children.values()))
                    raise ChildDidNotStart(
                        f"{self.name}: its child {spec.id} did not start: {as_text(cause)}"
                    ) from cause
            self.show(child)

    def terminate(self, reason: ExitReason) -> None:
        self._stop_in_reverse(list(self.children.values()))
        self.system.board.take_down(SUPERVISOR(self.name))

    def receive(self, message: Any) -> Any:
        match message:
            case StartChild(spec):
                return self._start_child(spec)
            case TerminateChild(id):
                return self._terminate_child(id)
            case RestartChild(id):
                return self._restart_child(id)
            case Restart(id):
                return self._restart_anew(id)
            case DeleteChild(id):
                return self._delete_child(id)
            case _:
                return super().receive(message)

    # the strategy

    def attempt(self, child: Child) -> None:
        """Start it, and whomever the strategy takes with it; at the first that fails, try again by a message."""
        for one in self.take_down_with(child):
            if isinstance(result := self.start_one(one), StartError):
                self.restarting(one)
                self.report_failed_start(one, result)
                break
        if self.strategy != "one_for_one":  # `child` itself is shown by whoever calls this
            self.show(*self._group(child))

    def take_down_with(self, child: Child) -> list[Child]:
        """Stop, in reverse, all that a restart of `child` takes with it. Returns who is to be started, in order."""
        group = self._group(child)
        self._stop_in_reverse(group)
        for one in group:
            self.forget(one)
        if self.strategy != "one_for_one":
            self.show(*group)
        return [one for one in group if one.spec.restart != "temporary"]

    def forget(self, child: Child) -> None:
        if child.spec.restart == "temporary":
            del self.children[child.spec.id]

    def in_order(self) -> list[Child]:
        """OTP keeps the ids of static children in the order in which it ends them."""
        return list(reversed(self.children.values()))

    def _group(self, child: Child) -> list[Child]:
        if self.strategy == "one_for_one":
            return [child]  # said here too, so that a restart costs the same with a thousand siblings
        return [self.children[id] for id in affected(self.strategy, list(self.children), child.spec.id)]

    def _stop_in_reverse(self, children: Sequence[Child]) -> None:
        for child in reversed(children):
            self.stop_one(child)

    # what it is asked

    def _start_child(self, spec: ChildSpec) -> object:
        if faults := spec_faults(spec, self.flags.auto_shutdown):
            return FaultySpec(tuple(faults))
        known = self.find_child(spec.id)
        if known is not None:
            return AlreadyPresent(spec.id) if known.actor is None else AlreadyStarted(spec.id, known.actor.generation)
        child = Child(spec)
        result = self.start_one(child)
        match result:
            case StartError(_, StartFailed(__cause__=NameTaken(generation=holder))):
                return AlreadyStarted(spec.id, holder)
            case StartError():
                return result
            case Ignored() if spec.restart == "temporary":
                return result
        self.children[spec.id] = child
        self.show(child)
        return result

    def _terminate_child(self, id: str) -> Done | NotFound:
        child = self.find_child(id)
        if child is None:
            return NotFound(id)
        self.stop_one(child)
        child.down_since = None  # nobody waits for it
        self.forget(child)
        self.show(child)
        return Done()

    def _restart_child(self, id: str) -> Started | Ignored | StartError | StillRunning | StillRestarting | NotFound:
        child = self.find_child(id)
        match None if child is None else child.state:
            case "running":
                return StillRunning(id)
            case "restarting":
                return StillRestarting(id)
            case _ if child is None:
                return NotFound(id)
        result = self.start_one(child)
        self.show(child)
        return result

    def _restart_anew(self, id: str) -> Started | Ignored | StartError | StillRestarting | NotFound:
        child = self.find_child(id)
        if child is None:
            return NotFound(id)
        if child.state == "restarting":
            return StillRestarting(id)
        self.stop_one(child)
        child.down_since = None  # by order: it is not one of the restarts that are counted and shown
        self.forget(child)
        result = self.start_one(child) if id in self.children else NotFound(id)
        if isinstance(result, StartError):
            self.restarting(child)
            self.report_failed_start(child, result)
        self.show(child)
        return result

    def _delete_child(self, id: str) -> Done | StillRunning | StillRestarting | NotFound:
        child = self.find_child(id)
        match None if child is None else child.state:
            case "running":
                return StillRunning(id)
            case "restarting":
                return StillRestarting(id)
            case _ if child is None:
                return NotFound(id)
        del self.children[id]
        self.show(child)
        return Done()
