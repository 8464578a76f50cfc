"""Everything of pykka that is private, overridden or called in one place: an actor of Roost is a pykka actor.

Whoever knows pykka knows these: `start()`, a ref with `tell`, `ask`, `proxy`, `stop` and `is_alive`, futures,
`ActorRegistry`, `on_start`, `on_receive`, `on_stop`, `on_failure`. What differs lies below that: inbox, loop, thread
and answer are ours, since pykka's loop leaves an actor alive with half a state when an ask fails, and drops what
waits when it dies. Where that shows, docs/supervision.md has a row with the reason. What is overridden or called here
is what `tests/actors/test_pykka.py` pins down.
"""

import queue
import sys
import threading
import weakref
from collections.abc import Callable
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, overload
from uuid import UUID

import pykka
from pykka.messages import ProxyCall, ProxyGetAttr, ProxySetAttr, _ActorStop

from actors.core.foreign import guarded, type_name
from actors.core.future import ActorDead, AskTimeout, Future, Refused
from actors.core.mailbox import CAPACITY, Envelope, FullPolicy, Mailbox

if TYPE_CHECKING:
    from actors.core.system import System

A = TypeVar("A", bound="PykkaActor")
T = TypeVar("T")

STOP = _ActorStop()
PYKKA_MESSAGES = frozenset({_ActorStop, ProxyCall, ProxyGetAttr, ProxySetAttr})

_constructing = threading.local()  # a subclass's constructor is free, so name and system reach ours by the thread
_numbers = count()
_default_system: "list[Callable[[], System]]" = []


def live_by_default_in(system: "Callable[[], System]") -> None:
    """Say where an actor lives that is started by its class's `start()`. Said by `system.py`, which lies above."""
    _default_system[:] = [system]


class PykkaActor(pykka.ThreadingActor):
    """A pykka actor whose inbox, loop and thread are ours."""

    use_daemon_thread: ClassVar[bool] = True  # one live non-daemon actor would keep the process for ever
    mailbox_capacity: ClassVar[int] = CAPACITY  # user messages
    mailbox_full: ClassVar[FullPolicy] = "refuse"
    actor_inbox: Any
    name: str
    generation: int
    system: "System"
    ended: Future
    stopping = False  # it has begun to end
    standalone = False  # started by its class's `start()`

    def __init__(self) -> None:
        # Not pykka's own: an id, an event and a ref for each actor cost more than all that we use of them.
        place = getattr(_constructing, "place", None)
        if place is None:
            place = f"{type(self).__name__}-{next(_numbers)}", _default_system[0]()
        self.name, self.system = place
        self.actor_inbox = Mailbox(self.system.runtime, self.mailbox_capacity, self.mailbox_full, self.name)

    @cached_property
    def _actor_ref(self) -> "PykkaRef[Any]":  # type: ignore[override]
        return PykkaRef(self)

    @cached_property
    def actor_urn(self) -> str:  # type: ignore[override]
        """pykka's id of this incarnation, made when somebody asks for it."""
        return UUID(hex=self.system.runtime.new_id(), version=4).urn

    @cached_property
    def actor_stopped(self) -> "_Stopped":  # type: ignore[override]
        """pykka's sign that it takes no more messages."""
        return _Stopped(self)

    def note_stopping(self) -> None:
        """It has begun to end: it is alive no more for its refs, and the registry knows it no more."""
        if self.stopping:
            return
        self.stopping = True
        if "_actor_ref" in vars(self):  # without a ref it was never there; to look costs as much as there are refs
            guarded(pykka.ActorRegistry.unregister, self._actor_ref)

    def _start_actor_loop(self) -> None:
        """Called by pykka's `start()`, which has made and registered it. It returns when `on_start` is over."""
        self.standalone = True
        self.system.begin(self, timeout=None)  # type: ignore[arg-type] # whoever is started is an `Actor`

    def _stop(self) -> None:
        """Called by pykka's `_handle_receive` when its stop message is at the head of the inbox."""
        self.end()

    def end(self) -> None:
        """See `Actor.end`."""
        raise NotImplementedError


class PykkaRef(pykka.ActorRef[A]):
    """pykka's ref to one incarnation. A name (`System.tell`) outlives a restart; a ref does not."""

    def __init__(self, actor: A) -> None:
        super().__init__(actor)
        self._name, self._system, self._ended = actor.name, actor.system, actor.ended

    def tell(self, message: Any) -> None:
        """Send it, and wait for nothing.

        Raises: pykka.ActorDeadError; Refused, where the mailbox has no room (pykka's would wait).
        """
        refusal = self._system.deliver(self.actor_inbox, self._name, Envelope(message))  # type: ignore[arg-type]
        if refusal is not None:
            raise self._refused(refusal)

    @overload
    def ask(self, message: Any, *, block: Literal[False], timeout: float | None = None) -> pykka.Future[Any]: ...
    @overload
    def ask(self, message: Any, *, block: Literal[True], timeout: float | None = None) -> Any: ...
    @overload
    def ask(self, message: Any, *, block: bool = True, timeout: float | None = None) -> Any: ...
    def ask(self, message: Any, *, block: bool = True, timeout: float | None = None) -> Any:
        """Send it, and wait for the answer, or get the future of it where `block` is False.

        Raises: pykka.ActorDeadError, pykka.Timeout, Refused, or what the handler raised: that has ended the actor.
        """
        answer = Future(self._system.runtime, self._name)
        refusal = self._system.deliver(self.actor_inbox, self._name, Envelope(message, answer))  # type: ignore[arg-type]
        if refusal is not None:
            answer.fail(self._refused(refusal))
        return _answer_of(answer, timeout) if block else PykkaFuture(answer)

    @overload
    def stop(self, *, block: Literal[True], timeout: float | None = None) -> bool: ...
    @overload
    def stop(self, *, block: Literal[False], timeout: float | None = None) -> pykka.Future[bool]: ...
    @overload
    def stop(self, *, block: bool = True, timeout: float | None = None) -> Any: ...
    def stop(self, *, block: bool = True, timeout: float | None = None) -> Any:
        """End it behind what waits in its mailbox. True when it has ended, clean-up and all; False if it had before.

        Raises: pykka.Timeout, where it has not ended in time; it ends nevertheless.
        """
        result: PykkaFuture[bool] = PykkaFuture()
        if self._system.deliver(self.actor_inbox, self._name, Envelope(STOP), own=True) is None:  # type: ignore[arg-type]
            result.set_get_hook(self._await_end)
        else:
            result.set(False)
        return result.get(timeout=timeout) if block else result

    def _await_end(self, timeout: float | None) -> bool:
        if not self._ended.wait(timeout):
            raise pykka.Timeout(f"{timeout} seconds")
        return True

    def _refused(self, refusal: str) -> Exception:
        if refusal == "mailbox full":
            return Refused(f"{self._name}: its mailbox is full; ask again later")
        return pykka.ActorDeadError(f"{self} not found")


class PykkaFuture(pykka.ThreadingFuture[T]):
    """pykka's future of an answer, or, without one, just pykka's future (what `map`, `join` and the others make)."""

    def __init__(self, answer: Future | None = None) -> None:
        super().__init__()
        self._answer = answer

    def get(self, *, timeout: float | None = None) -> Any:
        """As pykka documents it: a time-out gives nothing up, and one may ask again."""
        answer = self._answer
        if answer is None or self._get_hook is not None:
            return super().get(timeout=timeout)
        if not answer.wait(timeout):
            raise pykka.Timeout(f"{timeout} seconds")
        return _answer_of(answer, None)

    def set(self, value: Any = None) -> None:
        """Raises: queue.Full, if there is an answer."""
        if self._answer is None:
            super().set(value)
        elif not self._answer.set(value):
            raise queue.Full

    def set_exception(self, exc_info: Any = None) -> None:
        """Raises: queue.Full, if there is an answer."""
        if self._answer is None:
            super().set_exception(exc_info)
            return
        error = (exc_info or sys.exc_info())[1]
        if not self._answer.fail(error or ValueError("set_exception() without an exception")):
            raise queue.Full

    def set_get_hook(self, func: Callable[[float | None], T]) -> None:
        """Raises: queue.Full, if there is an answer."""
        if self._answer is not None and self._answer.settled():
            raise queue.Full
        super().set_get_hook(func)


class _Stopped:
    """`threading.Event` as far as pykka uses it, without an event for each actor."""

    def __init__(self, actor: PykkaActor) -> None:
        self._actor = weakref.ref(actor)  # a ref keeps no dead actor alive
        self._ended = actor.ended

    def is_set(self) -> bool:
        actor = self._actor()
        return actor is None or actor.stopping

    def wait(self, timeout: float | None = None) -> bool:
        return self._ended.wait(timeout)


def _answer_of(answer: Future, timeout: float | None) -> Any:
    """The answer, with the errors that pykka documents."""
    try:
        return answer.get(timeout)
    except ActorDead as dead:
        error = dead.__cause__
        if isinstance(error, Exception):
            raise error from None
        raise pykka.ActorDeadError(str(dead)) from None
    except AskTimeout:
        if not answer.given_up:
            raise
        raise pykka.Timeout(f"{timeout} seconds") from None


def construct(make: Callable[[], A], name: str, system: "System") -> A:
    """Make the actor object `name`, not yet running, with an inbox of the system's runtime.

    Raises: what `make` raises; TypeError, if it makes no new actor.
    """
    outer = getattr(_constructing, "place", None)
    _constructing.place = name, system
    try:
        actor = make()
    finally:
        _constructing.place = outer
    if not issubclass(type(actor), PykkaActor) or actor.system is not system or actor.name != name or actor.stopping:
        raise TypeError(f"its start made no new actor, but {type_name(actor)}")
    return actor
