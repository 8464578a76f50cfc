"""An actor's mailbox: two lanes and a bound.

System messages go before user messages, so that a stop never waits behind a thousand of them. The user lane is
bounded: what does not fit is refused and the sender learns of it, since a mailbox that grows without end is how one
slow actor takes the whole process down. Closing hands back what was never handled, so that nobody waits for an answer
that cannot come.

Only the owner takes, so it takes what waits without the lock, one after the other, as long as there is something: a
deque gives each envelope to one taker, be it the owner or whoever closes the mailbox. The lock is for those who put,
and for going to sleep.
"""

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Literal

from actors.core.lifecycle import Stop, SystemMessage
from actors.core.runtime import Runtime

CAPACITY = 1000

FullPolicy = Literal["refuse", "drop oldest"]


class Envelope:
    """A message on its way. reply_to: where its answer goes, if anybody waits for one. at: when it was put."""

    __slots__ = ("at", "message", "reply_to")
    at: float

    def __init__(self, message: Any, reply_to: Any = None) -> None:
        self.message = message
        self.reply_to = reply_to


class TimedEnvelope(Envelope):
    """What a named timer puts into its owner's mailbox. timer: the name; whether it counts is the owner's to say."""

    __slots__ = ("timer",)

    def __init__(self, timer: Hashable, message: Any) -> None:
        super().__init__(message)
        self.timer = timer


@dataclass(frozen=True, slots=True)
class MailboxStatistics:
    """depth, capacity: user messages waiting, and how many may. oldest_age: seconds.

    refused, taken: since the start; what was dropped to make room counts as refused.
    """

    depth: int
    capacity: int
    oldest_age: float
    refused: int
    taken: int


@dataclass(frozen=True, slots=True)
class Offered:
    """What became of an offer. refusal: None if it is in. dropped: the oldest, which made room for it."""

    refusal: str | None
    dropped: Envelope | None = None


TAKEN, DEAD, FULL = Offered(None), Offered("dead"), Offered("mailbox full")


class Mailbox:
    """The inbox of one incarnation (pykka's `ActorInbox` protocol, with two lanes)."""

    __slots__ = (
        "_acquire",
        "_capacity",
        "_changed",
        "_checkpoint",
        "_closed",
        "_full",
        "_now",
        "_observed",
        "_refused",
        "_release",
        "_system",
        "_taken",
        "_user",
        "_waiting",
    )

    def __init__(
        self, runtime: Runtime, capacity: int = CAPACITY, full: FullPolicy = "refuse", owner: str = ""
    ) -> None:
        """capacity: user messages. full: what happens to one too many. owner: for reports of who waits where."""
        self._changed = runtime.condition(owner, "a message to")
        self._acquire, self._release = self._changed.acquire, self._changed.release
        self._full = full
        self._now = runtime.now
        self._observed, self._checkpoint = runtime.observed, runtime.checkpoint
        self._capacity = capacity
        self._system: deque[Envelope] = deque()
        self._user: deque[Envelope] = deque()
        self._closed = False
        self._waiting = False
        self._refused = 0
        self._taken = 0

    def offer(self, envelope: Envelope, own: bool = False) -> "Offered":
        """Put it in its lane, or say why not.

        own: the owner sends it to itself (a timer, the result of a task), and there is always room for it: there are
        only as many of these as it has asked for, and a lost tick would stop it for good.
        """
        envelope.at = self._now()
        offered = TAKEN
        self._acquire()  # not `with`: that costs two calls more a message
        try:
            if self._closed:
                return DEAD
            if isinstance(envelope.message, SystemMessage):
                self._system.append(envelope)
            elif own or len(self._user) < self._capacity:
                self._user.append(envelope)
            else:
                self._refused += 1
                if self._full == "refuse":
                    return FULL
                offered = Offered(None, _oldest(self._user))
                self._user.append(envelope)
            if self._waiting:
                self._changed.notify()
        finally:
            self._release()
        return offered

    def get(self) -> Envelope | None:
        """The next envelope: system lane first, each lane in order. Waits while both are empty; None once closed.

        For the owner alone.
        """
        system, user = self._system, self._user
        if self._observed:
            self._checkpoint()
        while True:
            try:
                envelope = system.popleft() if system else user.popleft()
            except IndexError:
                pass
            else:
                self._taken += 1
                return envelope
            with self._changed:
                while not system and not user:
                    if self._closed:
                        return None
                    self._waiting = True
                    self._changed.wait()
                    self._waiting = False

    def await_stop(self, seconds: float) -> bool:
        """Let its owner wait in a long handler: True as soon as a stop is here (or the mailbox closed), else False.

        The stop stays where it is: the owner's loop takes it when the handler returns.
        """
        deadline = self._now() + seconds
        with self._changed:
            while not self._closed and not any(isinstance(envelope.message, Stop) for envelope in self._system):
                if (left := deadline - self._now()) <= 0:
                    return False
                self._waiting = True
                self._changed.wait(left)
            self._waiting = False
            return True

    def close(self) -> list[Envelope]:
        """Take no more, and hand back what nobody will handle."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            left = []
            for lane in (self._system, self._user):
                while (envelope := _oldest(lane)) is not None:
                    left.append(envelope)
            return left

    def statistics(self) -> MailboxStatistics:
        """A snapshot for metrics and the operator."""
        with self._changed:
            try:
                oldest = self._now() - self._user[0].at
            except IndexError:
                oldest = 0.0
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


def _oldest(lane: deque[Envelope]) -> Envelope | None:
    try:
        return lane.popleft()
    except IndexError:
        return None  # the owner was quicker
