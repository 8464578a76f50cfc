"""A dynamic supervisor: children come while it runs, in any number, and go for good when they end.

    runs = DynamicSupervisor(Flags(intensity=10, period=60), max_children=50)
    system.tell("runs", StartChild(ChildSpec(id="run:plan:7", start=..., restart="temporary")))   # or by ask
    system.ask("runs", TerminateChild("run:plan:7"), timeout=10)

    fetchers = DynamicSupervisor(template=lambda url: ChildSpec(id=f"fetch:{url}", start=lambda: Fetcher(url)))
    system.ask("fetchers", StartFromTemplate(("https://…",)), timeout=10)

Semantics are those of OTP's `simple_one_for_one` and of Elixir's `DynamicSupervisor`; a child is known by its name.
"""

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

from actors.core.directory import NameTaken
from actors.core.foreign import as_repr, as_text, guarded
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
    NotForDynamic,
    NotFound,
    Restart,
    RestartChild,
    SpecFault,
    StartChild,
    Started,
    StartError,
    StartFromTemplate,
    TerminateChild,
    TooManyChildren,
)
from actors.core.system import StartFailed
from supervisors.decisions import is_ordered
from supervisors.specs import Faulty, Flags, flag_faults, spec_faults
from supervisors.supervisor_base import Child, SupervisorBase

DEFAULT_FLAGS = Flags()


class DynamicSupervisor(SupervisorBase):
    """one_for_one over children that were not known before."""

    def __init__(
        self,
        flags: Flags = DEFAULT_FLAGS,
        max_children: int | None = None,
        template: Callable[..., ChildSpec] | None = None,
    ) -> None:
        """max_children: None is no limit. template: makes a spec from the arguments of `StartFromTemplate`.

        Raises: Faulty, with all that is wrong with the flags.
        """
        faults = flag_faults(flags)
        if flags.strategy != "one_for_one":
            faults.append(SpecFault("invalid_strategy", flags.strategy))
        if faults:
            raise Faulty(faults)
        super().__init__(flags, "dynamic")
        self._max_children = max_children
        self._template = template

    def on_start(self) -> None:
        self.show()

    def terminate(self, reason: ExitReason) -> None:
        """Ask all to stop at once, then wait for each until its own time, counted from the same moment, is over."""
        running = [(child, child.actor) for child in self.children.values() if child.actor is not None]
        unordered: Counter[str] = Counter()
        began = self.now()
        for child, actor in running:
            if child.spec.shutdown != 0:
                self.system.ask_to_stop(actor)
        for child, actor in sorted(running, key=lambda one: math.inf if (s := one[0].spec.shutdown) is None else s):
            ended = self.system.await_end(actor, child.spec.shutdown, since=began)
            if not is_ordered(child.spec.restart, child.spec.shutdown, ended):
                unordered[as_text(ended)] += 1
        for why, number in unordered.items():  # one line a reason: there may be thousands of children
            self.report("shutdown error", f"{number} of {len(running)} children", why)
        self.system.board.take_down(SUPERVISOR(self.name))

    def receive(self, message: Any) -> Any:
        match message:
            case StartChild(spec):
                return self._start_child(spec)
            case StartFromTemplate(arguments):
                return self._start_from_template(arguments)
            case TerminateChild(id):
                return self._terminate_child(id)
            case RestartChild() | Restart() | DeleteChild():
                return NotForDynamic()
            case _:
                return super().receive(message)

    def in_order(self) -> list[Child]:
        """By incarnation, oldest first, and behind them those that restart: OTP's order of pids."""
        return sorted(self.children.values(), key=lambda child: child.state == "restarting")

    def attempt(self, child: Child) -> None:
        match self.start_one(child):
            case Started():
                self.children[child.spec.id] = self.children.pop(child.spec.id)  # a new incarnation, the youngest
            case Ignored():
                self.forget(child)
            case StartError() as failure:
                self.restarting(child)
                self.report_failed_start(child, failure)

    def take_down_with(self, child: Child) -> list[Child]:
        return [child]

    def forget(self, child: Child) -> None:
        self.children.pop(child.spec.id, None)

    def _start_from_template(self, arguments: tuple[Any, ...]) -> object:
        specs: list[ChildSpec] = []
        template = self._template
        if template is not None:
            error = guarded(lambda: specs.append(template(*arguments)))
            if error is not None:
                failure = StartFailed(f"{self.name}: its template made no child: {as_repr(error)}")
                failure.__cause__ = error
                return StartError("", failure)
        return self._start_child(specs[0] if specs else None)

    def _start_child(self, spec: ChildSpec | None) -> object:
        if faults := spec_faults(spec, self.flags.auto_shutdown):
            return FaultySpec(tuple(faults))
        assert spec is not None
        if (known := self.find_child(spec.id)) is not None:
            return AlreadyPresent(spec.id) if known.actor is None else AlreadyStarted(spec.id, known.actor.generation)
        if self._max_children is not None and len(self.children) >= self._max_children:
            return TooManyChildren(self._max_children)
        child = Child(spec)
        result = self.start_one(child)
        match result:
            case Started():
                self.children[spec.id] = child
                self.show(child)
            case StartError(_, StartFailed(__cause__=NameTaken(generation=holder))):
                return AlreadyStarted(spec.id, holder)
        return result

    def _terminate_child(self, id: str) -> Done | NotFound:
        child = self.find_child(id)
        if child is None:
            return NotFound(id)
        self.stop_one(child)
        self.forget(child)
        self.show(child)
        return Done()
