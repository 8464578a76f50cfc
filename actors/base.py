"""What an actor is: one thread, one mailbox, one name, and one life.

Handlers are `receive(message)`: one `match`, a clause a message. Let it crash: what a handler does not expect ends
this incarnation, whether the message came by tell or by ask, and the supervisor starts the next. A handler never
blocks; what takes long goes to `task`, and comes back as a message.

    class Counter(Actor):
        def on_start(self) -> None:
            self.count = 0

        def receive(self, message: object) -> object:
            match message:
                case Add(number):
                    self.count += number
                case Total():
                    return self.count          # the answer of an ask
                case _:
                    return super().receive(message)

Words are OTP's: `on_start` is gen_server's init, NO_REPLY its noreply, `reply` its reply/2.
"""

import logging
from collections.abc import Callable
from typing import Any, ClassVar

from actors.future import ActorDead, CallerError, Future
from actors.mailbox import CAPACITY, Envelope, Mailbox
from actors.protocol import (
    Crashed,
    ExitReason,
    Normal,
    Ping,
    Pong,
    Shutdown,
    Stop,
    TaskDone,
    TaskFailed,
)
from actors.pykka_seam import SeamedActor
from actors.runtime import Timer

log = logging.getLogger("roost.actors")


class Ignore(Exception):
    """Raise it in `on_start`: there is nothing to do, and that is no error (OTP's `ignore`)."""


class _NoReply:
    """The type of NO_REPLY."""


NO_REPLY = _NoReply()


class Actor(SeamedActor):
    """The base of every actor."""

    mailbox_capacity: ClassVar[int] = CAPACITY

    def __init__(self) -> None:
        super().__init__()
        self.mailbox: Mailbox = self.actor_inbox
        self.generation = 0  # given by the directory when it starts
        self.fenced = False  # set once, by whoever abandons it: from then on its words count for nothing
        self.handling_since: float | None = None  # monotonic; for the hung-child watchdog
        self.asker: Future | None = None  # where the answer to the message at work goes
        self._owed: dict[Future, None] = {}  # asks answered later
        self.supervisor: str | None = None  # who is told Exit
        self._ending: ExitReason | None = None
        self._end = [None]  # "died" and "abandoned" race: popping is atomic, so one of them announces the end

    # for subclasses

    def on_start(self) -> None:
        """Get ready. The starter waits for it; an exception is a failed start, `Ignore` no start and no error."""

    def receive(self, message: Any) -> Any:
        """Handle one message. What it returns is the answer of an ask; NO_REPLY leaves the answer to `reply`."""
        log.warning("%s: unknown message %r, ignored", self.name, message)
        self.system.count_dead_letter("unknown message")

    def terminate(self, reason: ExitReason) -> None:
        """Clean up. Called at every end but a failed start, crashes included, in the actor's own thread."""

    # for handlers

    def now(self) -> float:
        """Monotonic seconds."""
        return self.system.runtime.now()

    def calendar(self) -> float:
        """Calendar Unix seconds."""
        return self.system.runtime.calendar()

    def tell(self, name: str, message: Any) -> bool:
        """Send it to whoever bears the name now. Returns False, and counts a dead letter, where that fails."""
        return self.system.tell(name, message)

    def after(self, seconds: float, message: Any) -> Timer:
        """Tell myself `message` in so many real seconds, if this incarnation still lives then."""
        return self.system.runtime.call_at(self.now() + seconds, lambda: self._tell_myself(message))

    def monitor(self, name: str) -> None:
        """Have `Down` told to me when `name` ends: at once where there is none."""
        self.system.monitor(name, self.name)

    def demonitor(self, name: str) -> None:
        """No longer."""
        self.system.directory.unwatch(name, self.name)

    def reply(self, asker: Future, value: Any) -> bool:
        """Answer an ask that was left open with NO_REPLY. Returns False if the asker has given up."""
        self._owed.pop(asker, None)
        return asker.set(value)

    def refuse(self, asker: Future, error: BaseException) -> bool:
        """As `reply`, with an error, which is raised at the asker's."""
        self._owed.pop(asker, None)
        return asker.fail(error)

    def task(self, label: str, work: Callable[[], Any]) -> None:
        """Run blocking work in a thread of its own; `TaskDone` or `TaskFailed` with this label comes back to me.

        The work must have an end of its own (a time-out in every call that can block). What it returns after this
        incarnation has ended is dropped.
        """

        def run() -> None:
            try:
                outcome: Any = TaskDone(label, work())
            except Exception as error:  # noqa: BLE001 - it travels to the owner
                outcome = TaskFailed(label, error)
            self._tell_myself(outcome)

        self.system.runtime.spawn(f"{self.name}/{label}", run)

    def end(self, reason: ExitReason | None = None) -> None:
        """End myself after this handler: normally, unless a reason is given."""
        self._ending = reason or Normal()

    def claim_end(self) -> bool:
        """True for the first who asks: they announce the end of this incarnation."""
        try:
            self._end.pop()
        except IndexError:
            return False
        return True

    # the loop

    def run(self, started: Future) -> None:
        """The whole life, in the actor's own thread. `started` gets True, or why it could not start."""
        self.system.enter(self)
        try:
            self.on_start()
        except Ignore as nothing:
            self.system.leave(self, Normal())
            started.fail(nothing)
            return
        except (Exception, SystemExit) as error:  # noqa: BLE001 - it travels to the starter
            self.system.leave(self, Crashed(error))
            started.fail(error)
            return
        started.set(True)
        reason = self._serve()
        try:
            self.terminate(reason)
        except (Exception, SystemExit):
            log.exception("%s: terminate failed; it ends all the same, for the reason it had (%s)", self.name, reason)
        dead = ActorDead(f"{self.name}: ended ({reason}) before it answered")
        self.system.leave(self, reason)
        for asker in self._owed:
            asker.fail(dead)

    def _serve(self) -> ExitReason:
        while self._ending is None:
            envelope = self.mailbox.get()
            if self.fenced:
                return self._ending or Shutdown("fenced")
            asker: Future | None = envelope.reply_to
            if asker is not None and asker.settled():
                self.system.count_dead_letter("asker gave up")
                continue
            self.handling_since = self.now()
            self.asker = asker
            try:
                answer = self._handle(envelope)
            except CallerError as mistake:
                if asker is None:
                    log.warning("%s: %s (told, so nobody hears it)", self.name, mistake)
                else:
                    asker.fail(mistake)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - the reason of this end
                if asker is not None:
                    asker.fail(ActorDead(f"{self.name}: crashed while it handled the question: {error!r}"))
                return Crashed(error)
            else:
                if asker is not None:
                    if answer is NO_REPLY:
                        self._owed[asker] = None
                    else:
                        asker.set(answer)
            self.asker = None
            self.handling_since = None
        return self._ending

    def _handle(self, envelope: Envelope) -> Any:
        match envelope.message:
            case Stop(reason):
                self._ending = reason
                return None
            case Ping():
                return Pong(self.name, self.generation)
            case message:
                return self.receive(message)

    def _tell_myself(self, message: Any) -> None:
        refusal = "fenced" if self.fenced else self.mailbox.offer(Envelope(message))
        if refusal is not None:
            self.system.count_dead_letter(refusal)
