"""The place where one answer arrives, once.

First come, first set: whatever settles it later (an answer after the time-out, a second failure) changes nothing.
Settling and giving up exclude each other, so that a message whose asker has given up is not executed later.
"""

import logging
from collections.abc import Callable
from typing import Any

from actors.core.foreign import guarded, report
from actors.core.runtime import Runtime

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
    """One answer, set once, waited for by at most a few."""

    __slots__ = ("_callbacks", "_changed", "_error", "_now", "_settled", "_value", "given_up")

    def __init__(self, runtime: Runtime, owed_by: str = "") -> None:
        """owed_by: the name of the actor that is to answer, for reports of who waits for whom."""
        self._changed = runtime.condition(owed_by, "an answer of")
        self._now = runtime.now
        self._settled = False
        self._value: Any = None
        self._error: BaseException | None = None
        self._callbacks: list[Callable[[Future], None]] = []
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
        changed = self._changed
        changed.acquire()
        try:
            if timeout is None:
                while not self._settled:
                    changed.wait()
            elif not self._settled:
                deadline = self._now() + timeout
                while not self._settled and (left := deadline - self._now()) > 0:
                    changed.wait(left)
                if not self._settled:
                    self.given_up = True
                    self._settled = True
                    self._callbacks = []
                    self._error = AskTimeout(f"{what}: none in {timeout:g} s")
            if self._error is not None:
                raise self._error
            return self._value
        finally:
            changed.release()

    def wait(self, timeout: float | None = None) -> bool:
        """As `get`, but without giving up, and without the answer. Returns whether it is settled."""
        deadline = None if timeout is None else self._now() + timeout
        with self._changed:
            while not self._settled:
                left = None if deadline is None else deadline - self._now()
                if left is not None and left <= 0:
                    return False
                self._changed.wait(left)
            return True

    def settled(self) -> bool:
        """Whether an answer, an error or a time-out is in."""
        return self._settled

    def on_settled(self, callback: Callable[["Future"], None]) -> None:
        """Call `callback(self)` once it is settled, in the thread that settles it: at once if it is already.

        What it raises is logged and ends nobody: that thread is most often another actor's.
        """
        with self._changed:
            if not self._settled:
                self._callbacks.append(callback)
                return
        self._call_back(callback)

    def _settle(self, value: Any, error: BaseException | None) -> bool:
        changed = self._changed
        changed.acquire()
        try:
            if self._settled:
                return False
            self._settled = True
            self._value, self._error = value, error
            callbacks, self._callbacks = self._callbacks, []
            changed.notify_all()
        finally:
            changed.release()
        for callback in callbacks:
            self._call_back(callback)
        return True

    def _call_back(self, callback: Callable[["Future"], None]) -> None:
        if (error := guarded(callback, self)) is not None:
            report(log, logging.ERROR, "a callback of an answer failed", error=error)
