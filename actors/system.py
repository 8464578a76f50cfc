"""One system of actors: its runtime, its directory, and how messages travel.

There is one in a process; tests make as many as they like.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from actors.base import Actor, Ignore
from actors.board import Board
from actors.directory import Directory
from actors.future import ActorDead, AskError, Future, Refused
from actors.mailbox import Envelope
from actors.protocol import Down, Exit, ExitReason, Killed, NoProcess, Stop
from actors.pykka_seam import construct
from actors.runtime import Runtime

log = logging.getLogger("roost.actors")


class StartFailed(Exception):
    """An actor could not start. `__cause__` is why."""


class System:
    """Starts actors and carries their messages."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.directory = Directory(runtime)
        self.board = Board()
        self.dead_letters: Counter[str] = Counter()  # by reason
        self._current = threading.local()

    # actors

    def start(
        self, name: str, make: Callable[[], Actor], supervisor: str | None = None, timeout: float | None = 30.0
    ) -> Actor:
        """Start an actor and wait until it is ready.

        name: what it is called in the directory. make: makes the object. supervisor: who is told `Exit` at its end.
        timeout: seconds for its `on_start`.
        Raises: Ignore, if it said so; StartFailed, with the cause.
        """
        try:
            actor = construct(make, name, self)
        except Exception as error:
            raise StartFailed(f"{name}: could not be made: {error!r}") from error
        actor.supervisor = supervisor
        started = Future(self.runtime)
        actor.generation = self.directory.enroll(actor)
        self.runtime.spawn(f"{name}#{actor.generation}", lambda: actor.run(started))
        try:
            started.get(timeout, f"{name}: a start")
        except Ignore:
            raise
        except Exception as error:
            self.fence(actor, "did not start")
            raise StartFailed(f"{name}: did not start: {error!r}") from error
        return actor

    def fence(self, actor: Actor, why: str) -> None:
        """Abandon an incarnation: its words and answers count for nothing from here on."""
        actor.fenced = True
        self.leave(actor, Killed(why))

    def enter(self, actor: Actor) -> None:
        """Called by the actor's own thread as it begins."""
        self._current.actor = actor

    def leave(self, actor: Actor, reason: ExitReason) -> None:
        """The end of an incarnation, once, by its own thread or by whoever fences it."""
        left = actor.mailbox.close()
        watchers = self.directory.strike(actor, reason)
        dead = ActorDead(f"{actor.name}: ended ({reason}) before it came to the message")
        for envelope in left:
            if envelope.reply_to is not None:
                envelope.reply_to.fail(dead)
            self.count_dead_letter("dead")
        if actor.claim_end():
            for watcher in watchers:
                self.tell(watcher, Down(actor.name, actor.generation, reason))
            if actor.supervisor is not None:
                self.tell(actor.supervisor, Exit(actor.name, actor.generation, reason))

    def monitor(self, name: str, watcher: str) -> None:
        """Have `watcher` told `Down` when `name` ends, at once if there is no `name`."""
        if not self.directory.watch(name, watcher):
            self.tell(watcher, Down(name, 0, NoProcess()))

    # messages

    def tell(self, name: str, message: Any) -> bool:
        """Send and forget. Returns whether it is in the mailbox; if not, it is a dead letter and counted."""
        return self._send(name, Envelope(message)) is None

    def ask(self, name: str, message: Any, timeout: float) -> Any:
        """Send, and wait for the answer at most `timeout` seconds. Never in a handler.

        Raises: ActorDead, Refused, AskTimeout (all AskError), CallerError from the handler.
        """
        return self.ask_later(name, message).get(timeout, f"{name}: an answer to {type(message).__name__}")

    def ask_later(self, name: str, message: Any) -> Future:
        """Send, and return at once the place where the answer will arrive."""
        future = Future(self.runtime)
        refusal = self._send(name, Envelope(message, future))
        if refusal is not None:
            error: AskError = (
                Refused(f"{name}: its mailbox is full; ask again later")
                if refusal == "mailbox full"
                else ActorDead(f"{name}: {refusal}; it may be restarting, ask again in a moment")
            )
            future.fail(error)
        return future

    def stop(self, name: str, reason: ExitReason | None = None) -> bool:
        """Ask it to end, in the system lane."""
        return self.tell(name, Stop(reason) if reason else Stop())

    def count_dead_letter(self, reason: str) -> None:
        """One message that nobody will handle."""
        self.dead_letters[reason] += 1

    def _send(self, name: str, envelope: Envelope) -> str | None:
        sender = getattr(self._current, "actor", None)
        actor = self.directory.find(name)
        if sender is not None and sender.fenced:
            refusal: str | None = "fenced"
        elif actor is None:
            refusal = "no such actor"
        else:
            refusal = actor.mailbox.offer(envelope)
        if refusal is not None:
            self.count_dead_letter(refusal)
        return refusal
