"""Everything of pykka that is private and that we cannot do without, in one place.

pykka gives us the actor object, its ref and its proxy; its own loop, inbox, future and registry do not fit (an ask's
failure leaves the actor alive with half a state, queued messages vanish at death, the registry is a list). What is
overridden or called here is what `tests/actors/test_parts.py` pins down.
"""

import threading
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import pykka

from actors.core.mailbox import CAPACITY, FullPolicy, Mailbox

if TYPE_CHECKING:
    from actors.core.system import System

A = TypeVar("A", bound="PykkaActor")

_constructing = threading.local()  # a subclass's constructor is free, so name and system reach ours by the thread


class PykkaActor(pykka.ThreadingActor):
    """A pykka actor whose inbox, loop and thread are ours. It can only be made inside `construct`."""

    use_daemon_thread: ClassVar[bool] = True  # one live non-daemon actor would keep the process for ever
    mailbox_capacity: ClassVar[int] = CAPACITY  # user messages
    mailbox_full: ClassVar[FullPolicy] = "refuse"
    actor_inbox: Any
    name: str
    generation: int
    system: "System"

    def __init__(self) -> None:
        # Not pykka's own: an id, an event and a ref for each actor cost more than all that we use of them.
        if not hasattr(_constructing, "system"):
            raise TypeError(f"{type(self).__name__}: an actor is made by its system or supervisor, from a ChildSpec")
        self.name, self.system = _constructing.name, _constructing.system
        self.actor_inbox = Mailbox(self.system.runtime, self.mailbox_capacity, self.mailbox_full, self.name)

    @cached_property
    def _actor_ref(self) -> pykka.ActorRef[Any]:  # type: ignore[override]
        return pykka.ActorRef(self)

    @cached_property
    def actor_urn(self) -> str:  # type: ignore[override]
        """pykka's id of this incarnation."""
        return f"urn:roost:{self.name}:{self.generation}"

    @cached_property
    def actor_stopped(self) -> threading.Event:  # type: ignore[override]
        """pykka's sign that it has stopped. Nobody of ours waits for it: see `Actor.ended`."""
        return threading.Event()

    def _start_actor_loop(self) -> None:
        raise TypeError("an actor of Roost is started by its system or a supervisor, not by pykka's start()")


def construct(make: Callable[[], A], name: str, system: "System") -> A:
    """Make the actor object `name`, not yet running, with an inbox of the system's runtime."""
    _constructing.name, _constructing.system = name, system
    try:
        return make()
    finally:
        del _constructing.name, _constructing.system
