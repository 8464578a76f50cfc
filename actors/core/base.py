"""What an actor is: one thread, one mailbox, one name, and one life.

Handlers are `receive(message)`: one `match`, a clause a message. Let it crash: what a handler does not expect ends
this incarnation, whether the message came by tell or by ask, and the supervisor starts the next. A handler never
blocks: what takes long goes to `task`, what another actor must answer to `request`, and both come back as a message.
What is to be done later is a `timer` with a name, of which the newest alone counts.

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

Words are OTP's: `on_start` is gen_server's init, NO_REPLY its noreply, `reply` its reply/2, `request` its
send_request/4, `timer` gen_statem's named time-out.
"""

import logging
from collections.abc import Callable, Hashable
from typing import Any, ClassVar, TypeVar

from actors.core.board import Key
from actors.core.foreign import as_repr, as_text, guarded, report, type_name
from actors.core.future import AskTimeout, CallerError, CannotAnswer, Future
from actors.core.lifecycle import Crashed, ExitReason, Normal, Ping, Pong, Stop, SystemMessage, TaskDone, TaskFailed
from actors.core.mailbox import Envelope, Mailbox, TimedEnvelope
from actors.core.pykka_adapter import PYKKA_MESSAGES, STOP, PykkaActor
from actors.core.runtime import RuntimeEnds, Timer
from actors.core.statistics import QUICKEST, Histogram

log = logging.getLogger("roost.actors")

T = TypeVar("T")


class Ignore(Exception):
    """Raise it in `on_start`: there is nothing to do, and that is no error (OTP's `ignore`)."""


class Abnormal(Exception):
    """Stands for an error that is no `Exception` (SystemExit, a cancellation) where one travels to another thread."""


def _portable(error: BaseException) -> Exception:
    """As it may travel to another thread."""
    return error if isinstance(error, Exception) else Abnormal(f"{type_name(error)}: {as_text(error)}")


class _NoReply:
    """The type of NO_REPLY."""


NO_REPLY = _NoReply()


class Actor(PykkaActor):
    """The base of every actor."""

    has_children: ClassVar[bool] = False  # a supervisor: who abandons it abandons its children

    def __init__(self) -> None:
        super().__init__()
        self.mailbox: Mailbox = self.actor_inbox
        self.generation = 0  # given by the directory when it starts
        self.supervisor: str | None = None  # who is told Exit
        self.fenced = False  # set once, by whoever abandons it: from then on its words count for nothing
        self.thread_over = False
        self.serving = False  # on_start is over and went well
        self.info: Any = None  # what on_start returned, for the starter
        self.handling_since: float | None = None  # monotonic; for the hung-child watchdog
        self.handled_seconds = Histogram()
        self.asker: Future | None = None  # where the answer to the message at work goes
        self.ended = Future(self.system.runtime, self.name)  # the reason of its end, once nobody can reach it
        self._owed: dict[Future, None] = {}  # asks answered later
        self._timers: dict[Hashable, tuple[TimedEnvelope, Timer | None]] = {}  # by name; its own thread's alone
        self._ending: ExitReason | None = None
        self._end = [None]  # "died" and "abandoned" race: popping is atomic, so one of them announces the end

    # for subclasses

    def on_start(self) -> Any:
        """Get ready. The starter waits for it; an exception is a failed start, `Ignore` no start and no error.

        What it returns goes to the starter as extra information (`Actor.info`).
        """

    def receive(self, message: Any) -> Any:
        """Handle one message. What it returns is the answer of an ask; NO_REPLY leaves the answer to `reply`.

        Whoever comes from pykka overrides `on_receive` instead.
        """
        return self.on_receive(message)

    def on_receive(self, message: Any) -> Any:
        """pykka's name for `receive`; what comes here is nobody's."""
        report(log, logging.WARNING, "%s: unknown message %s, ignored", self.name, as_repr(message))
        self.system.count_dead_letter("unknown message", self.name, message)

    def terminate(self, reason: ExitReason) -> None:
        """Clean up, in the actor's own thread. Called at every end, crashes included, but two: a start that failed,
        and a fenced incarnation, whose name and resources may be another's by now.

        Whoever comes from pykka overrides `on_stop` and `on_failure` instead.
        """
        match reason:
            case Crashed(error):
                self.on_failure(type(error), error, error.__traceback__)
            case _:
                self.on_stop()

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

    def tell_myself(self, message: Any) -> None:
        """Put it behind what waits in my own mailbox; there is always room for it."""
        refusal = "fenced" if self.fenced else self.mailbox.offer(Envelope(message), own=True).refusal
        if refusal is not None and not isinstance(message, SystemMessage):
            self.system.count_dead_letter(refusal, self.name, message)

    def after(self, seconds: float, message: Any) -> Timer:
        """Tell myself `message` in so many real seconds, if this incarnation still lives then.

        For what counts whatever comes in between; what may be put off or called off is a `timer`.
        """

        def due() -> None:
            if not self.fenced:
                self.mailbox.offer(Envelope(message), own=True)  # closed: nobody misses it

        return self.system.runtime.call_at(self.now() + seconds, due)

    def timer(self, name: Hashable, seconds: float, message: Any) -> None:
        """Tell myself `message` in so many real seconds, in place of what this timer was to say before.

        An earlier setting is silent from now on, also where it has fired and its message waits in my mailbox; so are
        all timers when I end. In 0 seconds (or fewer) it comes behind what waits there. For my own thread alone.
        """
        self.cancel_timer(name)
        envelope = TimedEnvelope(name, message)

        def due() -> None:
            if not self.fenced:
                self.mailbox.offer(envelope, own=True)  # closed: nobody misses it

        if seconds > 0:
            self._timers[name] = (envelope, self.system.runtime.call_at(self.now() + seconds, due))
        else:
            self._timers[name] = (envelope, None)
            due()

    def cancel_timer(self, name: Hashable) -> bool:
        """Let it say nothing any more, as `timer` has it. Returns whether it was set and had not been heard yet."""
        _, running = earlier = self._timers.pop(name, (None, None))
        if running is not None:
            running.cancel()
        return earlier[0] is not None

    def put_up(self, key: Key[T], snapshot: T) -> None:
        """Hang it on the board, where anybody may look; I am the only one who writes there. It must be frozen.

        What a fenced incarnation puts up counts for nothing: its key may be the next one's by now.
        """
        if not self.fenced:
            self.system.board.put(key, snapshot, by=self.name)

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
            self.system.enter(self)
            try:
                outcome: Any = TaskDone(label, work())
            except RuntimeEnds:
                raise
            except BaseException as error:  # noqa: BLE001 - it travels to the owner
                outcome = TaskFailed(label, error)
            finally:
                self.system.enter(None)
            self.tell_myself(outcome)

        self.system.runtime.spawn(f"{self.name}/{label}", run)

    def request(self, label: Any, name: str, message: Any, timeout: float | None = None) -> None:
        """Ask `name`, and wait for nothing: the answer comes back to me as `TaskDone` with this label, an error or
        the want of an answer as `TaskFailed`.

        label: any value; what the answer is to be understood by may be in it. timeout: seconds, after which it is
        AskTimeout and the question is not answered any more; None: until it is answered, or whoever was asked ends.
        """
        asked = self.system.ask_later(name, message)
        running: Timer | None = None
        if timeout is not None and not asked.settled():
            error = AskTimeout(f"{name}: an answer to {type_name(message)}: none in {timeout:g} s")

            def in_vain() -> None:
                asked.fail(error)

            running = self.system.runtime.call_at(self.now() + timeout, in_vain)

        def answered(answer: Future) -> None:
            if running is not None:
                running.cancel()
            try:
                outcome: Any = TaskDone(label, answer.get())
            except RuntimeEnds:
                raise
            except BaseException as error:  # noqa: BLE001 - it travels to the owner
                outcome = TaskFailed(label, error)
            self.tell_myself(outcome)

        asked.on_settled(answered)

    def end(self, reason: ExitReason | None = None) -> None:
        """End myself after this handler: normally, unless a reason is given."""
        self._ending = Normal() if reason is None else reason

    def stop(self) -> None:
        """pykka's: end myself behind what waits in my mailbox."""
        self.tell_myself(STOP)

    def end_once(self) -> bool:
        """True for the first who asks: they announce the end of this incarnation."""
        try:
            self._end.pop()
        except IndexError:
            return False
        return True

    def unanswered_asks(self) -> list[Future]:
        """The asks it has taken and not answered."""
        owed = list(self._owed)
        return owed if self.asker is None else [self.asker, *owed]

    # the loop

    def run(self, started: Future) -> None:
        """The whole life, in the actor's own thread. `started` gets True, or why it could not start."""
        self.system.enter(self)
        try:
            self._live(started)
        except RuntimeEnds:
            raise
        except BaseException as error:  # noqa: BLE001 - the reason of this end: there is none without its news
            self.system.leave(self, Crashed(error))
            started.fail(_portable(error))
        finally:
            for name in list(self._timers):
                self.cancel_timer(name)  # or the runtime would keep a dead actor until they are due
            self.system.enter(None)
            self.system.thread_ended(self)

    def _live(self, started: Future) -> None:
        try:
            self.info = self.on_start()
        except RuntimeEnds:
            raise
        except BaseException as error:  # noqa: BLE001 - it travels to the starter
            self.system.leave(self, Normal() if isinstance(error, Ignore) else Crashed(error))
            started.fail(_portable(error))
            return
        self.serving = True
        if not started.set(True):
            return  # too late: the starter has given up, and fences
        reason = self._serve()
        if reason is None or self.fenced:
            self.system.fail_unanswered(self)  # whoever fenced it has announced the end, and may not have seen these
            return
        self.note_stopping()
        if isinstance(reason, Crashed) and self.supervisor is None:
            self._log_unhandled(reason.error)  # otherwise the supervisor says it
        self.handling_since = self.now()  # a clean-up can hang like any handler
        try:
            self.terminate(reason)
        except RuntimeEnds:
            raise
        except BaseException as error:  # noqa: BLE001 - the reason of this end
            note = f"in its clean-up; it was ending for this reason: {as_text(reason)}"
            guarded(BaseException.add_note, error, note)
            self._log_unhandled(error)
            reason = Crashed(error)
        self.system.leave(self, reason)

    def _log_unhandled(self, error: BaseException) -> None:
        who = as_text(self) if self.standalone else self.name
        report(log, logging.ERROR, "Unhandled exception in %s:", who, error=error)

    def _serve(self) -> ExitReason | None:
        """Handle messages until one of them ends it. Returns why, or None if it was fenced."""
        get, now, handled = self.mailbox.get, self.system.runtime.now, self.handled_seconds
        counts = handled.counts
        while not self._ends():
            envelope = get()
            if envelope is None:
                return None
            # Taken first, looked at then: whoever fences marks it first and looks at what it has taken then, so that
            # one of the two sees the other and no asker is left.
            self.asker = asker = envelope.reply_to
            if self.fenced:
                self.system.hand_back(self, [envelope], "abandoned")
                return None
            if type(envelope) is TimedEnvelope and not self._is_newest(envelope):
                continue
            if asker is not None and asker.settled():
                self.system.count_dead_letter("asker gave up", self.name, envelope.message)
                continue
            self.handling_since = began = now()
            message = envelope.message
            try:
                if isinstance(message, SystemMessage):
                    answer = self._handle(message)
                elif type(message) in PYKKA_MESSAGES:
                    answer = self._handle_receive(message)
                else:
                    answer = self.receive(message)
            except (CallerError, CannotAnswer) as refusal:
                if asker is None:
                    report(log, logging.WARNING, "%s: %s (told, so nobody hears it)", self.name, as_text(refusal))
                else:
                    asker.fail(refusal)
            except RuntimeEnds:
                raise
            except BaseException as error:  # noqa: BLE001 - the reason of this end
                return Crashed(error)
            else:
                if asker is not None:
                    if answer is NO_REPLY:
                        self._owed[asker] = None
                    else:
                        asker.set(answer)
            if asker is not None:
                self.asker = None
            self.handling_since = None
            seconds = now() - began
            if seconds > QUICKEST:
                handled.add(seconds)
            else:  # here and not in `add`: most messages come this way
                counts[0] += 1
                handled.sum += seconds
            del envelope, message  # while it waits it keeps nothing alive, such as a dead child's frames
        return self._ending

    def _is_newest(self, envelope: TimedEnvelope) -> bool:
        """Whether this is what the timer says by now; if so, it has said it."""
        newest = self._timers.get(envelope.timer)
        if newest is None or newest[0] is not envelope:
            return False
        del self._timers[envelope.timer]
        return True

    def _ends(self) -> bool:
        return self._ending is not None

    def _handle(self, message: SystemMessage) -> Any:
        match message:
            case Stop(reason):
                self._ending = reason
                return None
            case Ping():
                return Pong(self.name, self.generation)
            case _:
                return self.receive(message)
