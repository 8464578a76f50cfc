"""BackendLifecycle: a resource's backend is opened, checked, rebuilt, and what is known of it told.

    opening ──opened──▶ up ──two checks fail, or it says that it is gone──▶ opening …
       └──fails──▶ down ──backoff──▶ opening

Nothing of it blocks: opening, closing and checking are tasks. Each backend has a number (`build`), so that news of an
earlier one can be told apart.
"""

import logging
from abc import abstractmethod
from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar

from actors.core.base import Actor
from actors.core.lifecycle import ExitReason, TaskDone, TaskFailed
from actors.protocol.health import report_component
from actors.protocol.resources import Check, Rebuild, resource
from actors.protocol.servers import ServerDown, ServerUp
from actors.resources.backend_slot import BackendSlot, Place
from actors.resources.lease import Backend, BackendFault, BackendGone, Broken
from domain.backoff import Backoff

log = logging.getLogger("roost.resources")

CHECK_EVERY = 10.0
CHECK_AGAIN = 1.0
CHECKS_MISSED = 2  # in a row, then it is rebuilt
SHOW_EVERY = 0.05  # the board's snapshot may be this old while leases come and go by the thousand
RETRY = Backoff(base=0.5, most=15.0)

OPENING, UP, DOWN = "opening", "up", "down"


@dataclass(frozen=True, slots=True)
class _Open:
    pass


@dataclass(frozen=True, slots=True)
class _CheckDue:
    pass


@dataclass(frozen=True, slots=True)
class _Pulse:
    pass


@dataclass(frozen=True, slots=True)
class _Show:
    pass


class BackendLifecycle(Actor):
    """Keeps one backend up. What that means for leases is the subclass' (the five methods under "for leases").

    check_is_probe: whether a check calls what the holders call, so that its success speaks for them.
    """

    check_is_probe: ClassVar[bool] = True

    def __init__(self, slot: BackendSlot) -> None:
        """slot: one for all incarnations of this actor."""
        super().__init__()
        self.slot = slot
        self.chance = self.system.runtime.random(f"resource:{self.name}")
        self.state = OPENING
        self.detail = "not opened yet"
        self.answering = False
        self.renewing = False
        self.backend: Backend | None = None
        self.build = 0
        self.builds = 0  # backends that did open
        self.failures = 0  # to open, in a row
        self.missed = 0  # checks in a row
        self.checking = False
        self.probing = False
        self.faults: Counter[str] = Counter()  # by kind
        self._showing = False
        self._told: tuple[bool, str] | None = None

    # for subclasses

    @abstractmethod
    def make_backend(self, build: int) -> Backend:
        """A backend, not opened. In a task's thread; raises with the reason if there is nothing to open."""

    @abstractmethod
    def snapshot(self) -> Any:
        """What hangs on the board."""

    def checked(self) -> None:
        """A check went well: a moment for whatever a subclass does now and then."""

    # for leases

    @abstractmethod
    def lend_nothing(self) -> None:
        """There is nothing to lend for a moment: requests wait."""

    @abstractmethod
    def take_all(self, reason: str) -> None:
        """Every lease is over."""

    @abstractmethod
    def refuse_all(self, reason: str) -> None:
        """There is nothing to lend until further notice: requests are refused."""

    @abstractmethod
    def lend_again(self) -> None:
        """The backend is new and good."""

    @abstractmethod
    def compare(self, backend: Backend, probe: bool) -> None:
        """The backend has answered. probe: and that speaks for what holders do with it."""

    # messages

    def on_start(self) -> None:
        self.lend_nothing()
        self._open()
        self._pulse()

    def receive(self, message: Any) -> Any:
        match message:
            case _Show():
                self._showing = False
                self.show()
            case _Pulse():
                self._pulse()
            case _Open():
                self._open()
            case ServerUp() if self.failures:
                self._open()
            case ServerDown(name, why) if self.state is UP:
                self.fault("gone")
                self.rebuild(f"{name}: {why}")
            case TaskDone(label, (backend, detail)) if label == f"open {self.build}":
                self._opened(backend, detail)
            case TaskFailed(label, error) if label == f"open {self.build}":
                self._not_opened(str(error) or repr(error))
            case Check():
                self.look(probe=False)
            case _CheckDue():
                self.look(probe=True)
            case TaskDone(label, detail) if label == f"check {self.build}":
                self._answered(detail)
            case TaskFailed(label, error) if label == f"check {self.build}":
                self._unanswered(error)
            case BackendGone(build, why) if build == self.build and self.state is UP:
                self.fault("gone")
                self.rebuild(why)
            case BackendFault(build, kind) if build == self.build:
                self.fault(kind)
            case Rebuild(why, rest):
                self.rebuild(why, rest)
            case TaskDone() | TaskFailed() | BackendGone() | BackendFault():
                pass  # of an earlier backend
            case ServerUp() | ServerDown():
                pass  # of an earlier backend, or nothing new
            case _:
                return super().receive(message)
        return None

    def terminate(self, reason: ExitReason) -> None:
        self.slot.claim((self.generation + 1, 0))  # what opens yet comes too late
        self.slot.clear()
        self.state, self.answering, self.renewing, self.detail = DOWN, False, False, f"stopped ({reason})"
        self.show()

    # the backend

    def rebuild(self, why: str, rest_seconds: float = 0.0, renewing: bool = False) -> None:
        """Close all, wait, open anew. Requests wait meanwhile.

        renewing: it was well, and is opened anew on purpose: it counts as well until it does not open.
        """
        self.renewing = renewing
        log.log(logging.INFO if renewing else logging.WARNING, "%s: rebuilt: %s", self.name, why)
        self.lend_nothing()
        self.take_all(f"{self.name}: rebuilt, since {why}")
        self._open(rest_seconds, why)

    def look(self, probe: bool) -> None:
        """Check the backend. probe: it is the regular check, which may end an opening of the breaker; one that a
        fault asked for may not, or the opening would be over as it begins."""
        backend = self.backend
        if backend is None or self.checking:
            return
        self.checking = True
        self.probing = probe and self.check_is_probe
        self.task(f"check {self.build}", backend.check)

    def fault(self, kind: str) -> None:
        """Count one. kind: few and fixed."""
        self.faults[kind] += 1
        self.show_soon()

    def _open(self, rest_seconds: float = 0.0, why: str = "") -> None:
        self.build += 1
        self.cancel_timer("open")
        self.cancel_timer("check")
        self.backend = None
        self.answering = self.checking = False
        if self.state is not DOWN:  # down stays so until it is really up: those who ask are refused at once
            self.state = OPENING
            self.lend_nothing()
        self._become(self.state, f"opening, since {why}" if why else "opening")
        place = (self.generation, self.build)
        self.slot.claim(place)
        self.task(f"open {self.build}", lambda: self._build(place, rest_seconds))

    def _build(self, place: Place, rest_seconds: float) -> tuple[Backend, str]:
        """In a task: whatever was there goes first, so that there are never two. Raises Superseded where another
        build, or another incarnation's, began meanwhile: then nothing of this one is left."""
        self.slot.clear()
        if rest_seconds:
            self.system.runtime.sleep(rest_seconds)
            self.slot.check(place)
        backend = self.make_backend(place[1])
        try:
            self.slot.put(place, backend)
            detail = backend.open()
            self.slot.check(place)  # one that was closed while it opened may be open all the same
        except BaseException:
            backend.close()
            raise
        return backend, detail

    def _opened(self, backend: Backend, detail: str) -> None:
        self.renewing = False
        self.backend = backend
        self.builds += 1
        self.failures = self.missed = 0
        self.answering = True
        self.lend_again()
        self._become(UP, detail)
        self.timer("check", CHECK_EVERY, _CheckDue())

    def _not_opened(self, why: str) -> None:
        self.renewing = False
        self.failures += 1
        self.faults["not opened"] += 1
        wait = RETRY.ceiling(self.failures)
        self._become(DOWN, why)
        self.refuse_all(why)
        self.timer("open", wait * self.chance.uniform(0.8, 1.2), _Open())

    def _answered(self, detail: str) -> None:
        self.checking = False
        self.missed = 0
        self.answering = True
        if self.backend is not None:
            self.compare(self.backend, self.probing)
        self._become(UP, detail)
        self.timer("check", CHECK_EVERY, _CheckDue())
        self.checked()

    def _unanswered(self, error: BaseException) -> None:
        why = str(error) or repr(error)
        self.checking = self.answering = False
        self.missed += 1
        self.faults["no answer"] += 1
        if self.missed >= CHECKS_MISSED or isinstance(error, Broken):
            self.missed = 0
            self.rebuild(f"it does not answer ({why})")
            return
        self._become(self.state, f"does not answer: {why}")
        self.timer("check", CHECK_AGAIN, _CheckDue())

    # telling

    def healthy(self) -> bool:
        """Up and answering, or about to be again."""
        return self.renewing or (self.state is UP and self.answering)

    def show(self) -> None:
        """Put what is known on the board, and tell health if it is news."""
        if self._showing:  # that is done herewith
            self._showing = False
            self.cancel_timer("show")
        self.put_up(resource(self.name), self.snapshot())  # first: who hears of it looks there for more
        if (self.healthy(), self.detail) != self._told:
            self._tell_health()

    def _tell_health(self) -> None:
        self._told = (self.healthy(), self.detail)
        report_component(self, self.name, *self._told)

    def show_soon(self) -> None:
        """Show, but not for each of a thousand changes."""
        if not self._showing:
            self._showing = True
            self.timer("show", SHOW_EVERY, _Show())

    def _become(self, state: str, detail: str) -> None:
        self.state, self.detail = state, detail
        self.show()

    def _pulse(self) -> None:
        self._tell_health()
        self.timer("pulse", CHECK_EVERY, _Pulse())
