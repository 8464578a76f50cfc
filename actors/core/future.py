"""The place where one answer arrives, once.

First come, first set: whatever settles it later (an answer after the time-out, a second failure) changes nothing.
Settling and giving up exclude each other, so that a message whose asker has given up is not executed later.
"""

import logging
from collections.abc import Callable
from typing import Any

from actors.core.foreign import guarded, report
from actors.core.runtime import Gate, Runtime

log = logging.getLogger("roost.actors")


class AskError(Exception):
    """An ask that got no answer. The text says who was asked and why there is none."""


class ActorDead(AskError):
    """There is nobody to ask: dead, restarting, fenced, or it ended before it came to the message."""


class AskTimeout(AskError):
    """No answer in time. The message, if it is still queued, will not be executed."""


class Refused(AskError):
    """The mailbox had no room."""


class CannotAnswer(AskError):
    """Raise it in a handler that cannot do now what it was asked: it is the answer, and the actor lives on."""


class CallerError(Exception):
    """Raise it in a handler for a mistake of the *asker*: it is their answer, and the actor lives on."""


class Future:
    """One answer, set once, waited for by at most a few.

    Without a lock: settling begins with a `pop`, which only one can do, and whoever waits leaves something to be
    opened before it looks whether the answer is there. A thread that waits is woken once and takes nothing more, so
    an answer costs one change of thread.
    """

    __slots__ = ("_error", "_once", "_owed_by", "_runtime", "_settled", "_to_open", "_value", "given_up")

    def __init__(self, runtime: Runtime, owed_by: str = "") -> None:
        """owed_by: the name of the actor that is to answer, for reports of who waits for whom."""
        self._runtime = runtime
        self._owed_by = owed_by
        self._once = [None]
        self._settled = False
        self._to_open: list[Gate | _Callback] = []
        self._value: Any = None
        self._error: BaseException | None = None
        self.given_up = False

    def set(self, value: Any = None) -> bool:
        """Settle it with an answer. Returns False if it was settled or given up before."""
        return self._settle(value, None)

    def fail(self, error: BaseException) -> bool:
        """Settle it with an error, which `get` raises. Returns False if it was settled or given up before."""
        return self._settle(None, error)

    def get(self, timeout: float | None = None, what: str = "an answer") -> Any:
        """Wait for the answer, at most `timeout` seconds (None: as long as it takes).

        Raises: AskTimeout, naming `what`; or whatever it was failed with.
        """
        if not self._settled and not self.wait(timeout):
            given_up = AskTimeout(f"{what}: none in {timeout:g} s")
            if not self._settle(None, given_up, given_up=True):
                self.wait()  # the answer comes at this very moment
        if self._error is not None:
            raise self._error
        return self._value

    def wait(self, timeout: float | None = None) -> bool:
        """As `get`, but without giving up, and without the answer. Returns whether it is settled."""
        if self._settled:
            return True
        gate = self._runtime.gate(self._owed_by, "an answer of")
        self._to_open.append(gate)
        if not self._settled:
            gate.wait(timeout)
        return self._settled

    def settled(self) -> bool:
        """Whether an answer, an error or a time-out is in."""
        return self._settled

    def on_settled(self, callback: Callable[["Future"], None]) -> None:
        """Call `callback(self)` once it is settled, in the thread that settles it: at once if it is already.

        What it raises is logged and ends nobody: that thread is most often another actor's.
        """
        self._to_open.append(_Callback(self, callback))
        if self._settled:
            self._open_all()

    def _settle(self, value: Any, error: BaseException | None, given_up: bool = False) -> bool:
        try:
            self._once.pop()
        except IndexError:
            return False
        self._value, self._error, self.given_up = value, error, given_up
        self._settled = True
        if self._to_open:
            self._open_all()
        return True

    def _open_all(self) -> None:
        to_open = self._to_open
        while to_open:
            try:
                one = to_open.pop(0)
            except IndexError:
                return  # another thread was quicker
            one.open()


class _Callback:
    """What is called when it is settled. Whoever gives a question up wants to hear no more of it."""

    __slots__ = ("_call", "_future")

    def __init__(self, future: Future, call: Callable[[Future], None]) -> None:
        self._future = future
        self._call = call

    def open(self) -> None:
        if self._future.given_up:
            return
        if (error := guarded(self._call, self._future)) is not None:
            report(log, logging.ERROR, "a callback of an answer failed", error=error)
