"""An actor's mailbox: two lanes and a bound.

System messages go before user messages, so that a stop never waits behind a thousand of them. The user lane is
bounded: what does not fit is refused and the sender learns of it, since a mailbox that grows without end is how one
slow actor takes the whole process down. Closing hands back what was never handled, so that nobody waits for an answer
that cannot come.
"""

from collections import deque
from dataclasses import dataclass
from typing import Any

from actors.protocol import SystemMessage
from actors.runtime import Runtime

CAPACITY = 1000


class Envelope:
    """A message on its way. reply_to: where its answer goes, if anybody waits for one. at: when it was put."""

    __slots__ = ("at", "message", "reply_to")

    def __init__(self, message: Any, reply_to: Any = None) -> None:
        self.message = message
        self.reply_to = reply_to
        self.at = 0.0


@dataclass(frozen=True, slots=True)
class MailboxStatistics:
    """depth, capacity: user messages waiting, and how many may. oldest_age: seconds. handled: since the start."""

    depth: int
    capacity: int
    oldest_age: float
    refused: int
    taken: int


class Mailbox:
    """The inbox of one incarnation (pykka's `ActorInbox` protocol, with two lanes)."""

    __slots__ = ("_capacity", "_changed", "_closed", "_now", "_refused", "_system", "_taken", "_user", "_waiting")

    def __init__(self, runtime: Runtime, capacity: int = CAPACITY) -> None:
        self._changed = runtime.condition()
        self._now = runtime.now
        self._capacity = capacity
        self._system: deque[Any] = deque()
        self._user: deque[Any] = deque()
        self._closed = False
        self._waiting = False
        self._refused = 0
        self._taken = 0

    def offer(self, envelope: Envelope) -> str | None:
        """Put it in its lane. Returns why it was refused, or None."""
        envelope.at = self._now()
        with self._changed:
            if self._closed:
                return "dead"
            if isinstance(envelope.message, SystemMessage):
                self._system.append(envelope)
            elif len(self._user) < self._capacity:
                self._user.append(envelope)
            else:
                self._refused += 1
                return "mailbox full"
            if self._waiting:
                self._changed.notify()
            return None

    def get(self) -> Any:
        """The next envelope: system lane first, each lane in order. Waits while both are empty."""
        with self._changed:
            while not self._system and not self._user:
                self._waiting = True
                self._changed.wait()
            self._waiting = False
            self._taken += 1
            return self._system.popleft() if self._system else self._user.popleft()

    def close(self) -> list[Any]:
        """Take no more, and hand back what nobody will handle."""
        with self._changed:
            self._closed = True
            left = [*self._system, *self._user]
            self._system.clear()
            self._user.clear()
            return left

    def statistics(self) -> MailboxStatistics:
        """A snapshot for metrics and the operator."""
        with self._changed:
            oldest = self._now() - self._user[0].at if self._user else 0.0
            return MailboxStatistics(len(self._user), self._capacity, oldest, self._refused, self._taken)

    # pykka's protocol of an inbox

    def put(self, item: Any, /) -> None:
        """As `offer`, for pykka's own `ActorRef.tell`."""
        envelope = Envelope(item.message, item.reply_to)
        self.offer(envelope)

    def empty(self) -> bool:
        """Whether nothing waits."""
        with self._changed:
            return not self._system and not self._user

    def qsize(self) -> int:
        """How many wait, in both lanes."""
        with self._changed:
            return len(self._system) + len(self._user)
