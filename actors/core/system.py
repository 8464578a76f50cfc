"""One system of actors: its runtime, its directory, and how messages travel.

There is one in a process; tests make as many as they like.
"""

import logging
import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from actors.core.base import Actor, Ignore
from actors.core.board import Board
from actors.core.directory import Directory
from actors.core.foreign import as_repr, as_text, report, type_name
from actors.core.future import ActorDead, AskError, AskTimeout, Future, Refused
from actors.core.lifecycle import Crashed, Down, Exit, ExitReason, Killed, NoProcess, Stop, SystemMessage
from actors.core.mailbox import TAKEN, Envelope, Mailbox, Offered, TimedEnvelope
from actors.core.pykka_adapter import construct, live_by_default_in
from actors.core.runtime import Runtime, RuntimeEnds, ThreadedRuntime
from actors.core.statistics import Histogram

log = logging.getLogger("roost.actors")

ZOMBIE_CAP = 8
ZOMBIE_GRACE = 2.0  # seconds that a fenced thread has to end before it counts against the cap
DEAD_LETTER_LOG_SECONDS = 10.0


NOBODY = Offered("no such actor")


class StartFailed(Exception):
    """An actor could not start. `__cause__` is why."""


class _Current(threading.local):
    """Whose thread this is. A class of its own, so that a thread that is nobody's is found out without an error."""

    actor: Actor | None = None


class System:
    """Starts actors and carries their messages."""

    def __init__(self, runtime: Runtime, zombie_cap: int = ZOMBIE_CAP) -> None:
        """zombie_cap: so many abandoned threads that do not end may there be; above it the process exits."""
        self.runtime = runtime
        self._observed = runtime.observed
        self.directory = Directory(runtime)
        self._living = self.directory.living
        self.board = Board(runtime.checkpoint)
        self.dead_letters: Counter[str] = Counter()  # by reason
        self.in_transit = False  # the tree is being started or ended: that somebody is not there is no news then
        self.fenced_total = 0
        self._zombie_cap = zombie_cap
        self._zombies: dict[Actor, float] = {}  # abandoned incarnations whose threads have not ended, and since when
        self._counts = threading.Lock()  # for counters alone: never held over anything that can wait
        self._handled: dict[str, Histogram] = defaultdict(Histogram)  # by class: of incarnations that have ended
        self._letters_logged: dict[str, float] = {}
        self._current = _Current()

    # actors

    def start(
        self, name: str, make: Callable[[], Actor], supervisor: str | None = None, timeout: float | None = 30.0
    ) -> Actor:
        """Start an actor and wait until it is ready.

        name: what it is called in the directory. make: makes the object. supervisor: who is told `Exit` at its end.
        timeout: seconds for its `on_start`.
        Raises: Ignore, if it said so; StartFailed, with the cause (NameTaken, if somebody living bears the name).
        """
        try:
            actor = construct(make, name, self)
        except RuntimeEnds:
            raise
        except BaseException as error:
            raise StartFailed(f"{name}: could not be started: {as_repr(error)}") from error
        actor.supervisor = supervisor
        self.begin(actor, timeout)
        return actor

    def begin(self, actor: Actor, timeout: float | None) -> None:
        """Start an actor that is made, and wait until it is ready. Raises as `start` does."""
        name = actor.name
        try:
            self.directory.register(actor, self.current())
        except Exception as error:
            raise StartFailed(f"{name}: could not be started: {as_repr(error)}") from error
        started = Future(self.runtime, name)
        try:
            self.runtime.spawn(f"{name}#{actor.generation}", lambda: actor.run(started))
        except Exception as error:  # no thread is to be had
            self.leave(actor, Crashed(error))
            self.thread_ended(actor)
            raise StartFailed(f"{name}: could not be started: {as_repr(error)}") from error
        try:
            started.get(timeout, f"{name}: the end of its on_start")
        except Ignore:
            raise
        except Exception as error:
            if isinstance(error, AskTimeout) and started.given_up:
                self.fence(actor, f"did not start in {timeout} s")
            raise StartFailed(f"{name}: did not start: {as_repr(error)}") from error

    def fence(self, actor: Actor, why: str) -> bool:
        """Abandon an incarnation, and its children with it: their words and answers count for nothing from here on.

        Returns False if it had ended by itself before.
        """
        actor.fenced = True
        with self._counts:
            if not actor.thread_over:
                self._zombies[actor] = self.runtime.now()
        if not self.leave(actor, Killed(why)):
            return False
        with self._counts:
            self.fenced_total += 1
        self.runtime.call_at(self.runtime.now() + ZOMBIE_GRACE, self._check_abandoned)
        return True

    def stop_and_wait(self, actor: Actor, timeout: float | None, reason: ExitReason | None = None) -> ExitReason:
        """Ask it to end, and wait as `await_end` does. For supervisors and for whoever closes the house."""
        if timeout != 0:
            self.ask_to_stop(actor, reason)
        return self.await_end(actor, timeout, self.runtime.now())

    def ask_to_stop(self, actor: Actor, reason: ExitReason | None = None) -> None:
        """Ask this incarnation, whoever bears the name now."""
        actor.mailbox.offer(Envelope(Stop(reason) if reason else Stop()))

    def await_end(self, actor: Actor, timeout: float | None, since: float) -> ExitReason:
        """Wait until it has ended, and fence it if it has not `timeout` seconds after `since` (monotonic).

        timeout: None waits as long as it takes, 0 fences at once.
        Returns: the reason of its end.
        """
        if timeout == 0:
            self.fence(actor, "at once, as its shutdown says")
        elif not actor.ended.wait(None if timeout is None else since + timeout - self.runtime.now()):
            self.fence(actor, f"not stopped in {timeout:g} s")
        reason: ExitReason = actor.ended.get()
        return reason

    def current(self) -> Actor | None:
        """The actor in whose thread this is called, if any."""
        return self._current.actor

    def enter(self, actor: Actor | None) -> None:
        """Called by a thread as it begins to work for an actor, and with None as it ends."""
        self._current.actor = actor

    def leave(self, actor: Actor, reason: ExitReason) -> bool:
        """The end of an incarnation, once: by its own thread or by whoever fences it. Returns whether it was now."""
        if not actor.end_once():
            return False
        actor.note_stopping()
        why = as_text(reason)
        watchers = self.directory.unregister(actor, why)
        left = actor.mailbox.close()
        if actor.has_children:
            for orphan in self.directory.children_of(actor.name):
                self.fence(orphan, f"its supervisor {actor.name} ended without it ({why})")
        if left:
            self.hand_back(actor, left, f"ended ({why})")
        self.fail_unanswered(actor, f"ended ({why})", reason.error if isinstance(reason, Crashed) else None)
        for watcher in watchers:
            self._announce(watcher, (Down(actor.name, actor.generation, reason)))
        actor.ended.set(reason)
        if actor.supervisor is not None and actor.serving:
            self._announce(actor.supervisor, (Exit(actor.name, actor.generation, reason)))
        return True

    def hand_back(self, actor: Actor, envelopes: list[Envelope], how: str) -> None:
        """Tell whoever asked that these will not be handled, since the actor has ended. how: it did."""
        unheard = ActorDead(f"{actor.name}: {how} before it came to the message")
        for envelope in envelopes:
            if type(envelope) is TimedEnvelope:
                continue  # timers end with their owner
            if envelope.reply_to is not None:
                envelope.reply_to.fail(unheard)
            if envelope.reply_to is not None or not issubclass(type(envelope.message), SystemMessage):
                self.count_dead_letter("dead", actor.name, envelope.message)

    def fail_unanswered(self, actor: Actor, how: str = "abandoned", error: BaseException | None = None) -> None:
        """Tell whoever waits for an answer of it that none comes.

        how: it ended. error: what the question at work has raised.
        """
        at_work = actor.asker
        for asker in actor.unanswered_asks():
            dead = ActorDead(f"{actor.name}: {how} before it answered")
            dead.__cause__ = error if asker is at_work else None
            asker.fail(dead)

    def thread_ended(self, actor: Actor) -> None:
        """Called last by an actor's own thread."""
        with self._counts:
            actor.thread_over = True
            self._handled[type_name(actor)].take_in(actor.handled_seconds)
            self._zombies.pop(actor, None)

    def zombies(self) -> list[str]:
        """Abandoned incarnations whose threads have not ended: name#generation."""
        with self._counts:
            return [f"{actor.name}#{actor.generation}" for actor in self._zombies]

    def handler_seconds(self) -> dict[str, Histogram]:
        """How long handlers took, by class of actor, since the system began."""
        total: dict[str, Histogram] = defaultdict(Histogram)
        with self._counts:
            for kind, handled in self._handled.items():
                total[kind].take_in(handled)
        for actor in self.directory.actors():
            total[type_name(actor)].take_in(actor.handled_seconds)
        return total

    def monitor(self, name: str, watcher: str) -> None:
        """Have `watcher` told `Down` when `name` ends, at once if there is no `name`."""
        if not self.directory.watch(name, watcher):
            self.tell(watcher, Down(name, 0, NoProcess()))

    def _check_abandoned(self) -> None:
        long_ago = self.runtime.now() - ZOMBIE_GRACE / 2
        with self._counts:
            stuck = [
                f"{zombie.name}#{zombie.generation}" for zombie, since in self._zombies.items() if since <= long_ago
            ]
        if len(stuck) > self._zombie_cap:
            self.runtime.exit(
                f"{len(stuck)} abandoned threads do not end ({', '.join(stuck)}), {self._zombie_cap} may"
            )

    # messages

    def tell(self, name: str, message: Any) -> bool:
        """Send and forget. Returns whether it is in the mailbox; if not, it is a dead letter and counted."""
        return self._send(name, Envelope(message, None)) is None

    def ask(self, name: str, message: Any, timeout: float) -> Any:
        """Send, and wait for the answer at most `timeout` seconds. Never in a handler.

        Raises: ActorDead, Refused, AskTimeout (all AskError); CannotAnswer (one too), CallerError from the handler.
        """
        future = self.ask_later(name, message)
        try:
            return future.get(timeout)
        except AskTimeout:
            if not future.given_up:
                raise  # it is the answer: the asked has waited for somebody in vain
            raise AskTimeout(f"{name}: an answer to {type_name(message)}: none in {timeout:g} s") from None

    def ask_later(self, name: str, message: Any) -> Future:
        """Send, and return at once the place where the answer will arrive."""
        future = Future(self.runtime, name)
        refusal = self._send(name, Envelope(message, future))
        if refusal is not None:
            future.fail(self._no_answer(name, refusal))
        return future

    def stop(self, name: str, reason: ExitReason | None = None) -> bool:
        """Ask it to end, in the system lane."""
        return self.tell(name, Stop(reason) if reason else Stop())

    def count_dead_letter(self, reason: str, name: str = "?", message: Any = None) -> None:
        """One message that nobody will handle. Of each reason one every 10 s is logged, by its type."""
        now = self.runtime.now()
        with self._counts:
            self.dead_letters[reason] += 1
            number = self.dead_letters[reason]
            quiet = now - self._letters_logged.get(reason, float("-inf")) < DEAD_LETTER_LOG_SECONDS
            if not quiet and not self.in_transit:
                self._letters_logged[reason] = now
        if not quiet:
            level = logging.DEBUG if self.in_transit else logging.WARNING
            report(log, level, "dead letter: %s to %s: %s (%d so far)", type_name(message), name, reason, number)

    def deliver(self, mailbox: Mailbox, name: str, envelope: Envelope, own: bool = False) -> str | None:
        """Put it into this mailbox, that of `name`, unless the sender is fenced. Returns why that failed, or None.

        own: as for `Mailbox.offer`.
        """
        if self._is_mute(name, envelope):
            return "fenced"
        offered = mailbox.offer(envelope, own)
        return None if offered is TAKEN else self._not_taken(offered, name, envelope)

    def _send(self, name: str, envelope: Envelope) -> str | None:
        """As `deliver`, to whoever bears the name now."""
        if self._is_mute(name, envelope):
            return "fenced"
        actor = self._living.get(name)
        offered = NOBODY if actor is None else actor.mailbox.offer(envelope)
        return None if offered is TAKEN else self._not_taken(offered, name, envelope)

    def _is_mute(self, name: str, envelope: Envelope) -> bool:
        """Whether the sender is fenced: what it says counts for nothing."""
        sender = self._current.actor
        if sender is not None and sender.fenced:
            self.count_dead_letter("fenced", name, envelope.message)
            return True
        if self._observed:
            self.runtime.checkpoint("tell", name, type_name(envelope.message))
        return False

    def _not_taken(self, offered: Offered, name: str, envelope: Envelope) -> str | None:
        if offered.dropped is not None:
            self._drop(name, offered.dropped)
        if offered.refusal is not None:
            self.count_dead_letter(offered.refusal, name, envelope.message)
        return offered.refusal

    def _announce(self, name: str, end: Down | Exit) -> None:
        """As `tell`, but also in the thread of a fenced actor: that somebody has ended is true whoever says it."""
        if self._observed:
            self.runtime.checkpoint("tell", name, type(end).__name__)
        actor = self._living.get(name)
        if actor is not None:
            actor.mailbox.offer(Envelope(end))

    def _drop(self, name: str, envelope: Envelope) -> None:
        self.count_dead_letter("dropped for a newer one", name, envelope.message)
        if envelope.reply_to is not None:
            envelope.reply_to.fail(Refused(f"{name}: its mailbox was full, and newer messages came; ask again later"))

    def _no_answer(self, name: str, refusal: str) -> AskError:
        if refusal == "mailbox full":
            return Refused(f"{name}: its mailbox is full; ask again later")
        if refusal == "fenced":
            return ActorDead(f"{name}: not asked, since the asker itself was abandoned")
        end = self.directory.last_end(name)
        if end is None:
            return ActorDead(f"{name}: no such actor")
        return ActorDead(f"{name}: ended ({end}); it may be restarting, ask again in a moment")


_default_lock = threading.Lock()
_default: list[System] = []


def default_system() -> System:
    """Where an actor lives that is started by its class's `start()`. It is made when the first one is."""
    with _default_lock:
        if not _default:
            _default.append(System(ThreadedRuntime()))
        return _default[0]


live_by_default_in(default_system)
