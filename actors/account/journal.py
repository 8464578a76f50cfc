"""The journal's actor: the one thread that writes the local file in which publishing is made safe.

It is the only actor that does its work in its handlers: a write is one small transaction on the local disk, and the
order in which messages arrive is the order of events. Everything a run wants to know or to put on record about a
claimed post is asked here; what Postgres must learn waits in the outbox that the same transaction writes.

A journal that cannot be written (disk full, file gone) refuses every message with the reason, says so to health, and
is tried again; nothing is published meanwhile, because nothing can be armed.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from actors.core.base import Actor
from actors.core.future import CannotAnswer
from actors.core.lifecycle import Down, ExitReason
from actors.core.sender import Asker
from actors.protocol.health import report
from actors.protocol.journal import (
    JOURNAL,
    Append,
    Arm,
    Claims,
    Forget,
    GetClaims,
    GetWaiting,
    JournalState,
    Keep,
    Recall,
    Record,
    Remember,
    Replayed,
    SetAside,
)
from domain.publishing.claims import margin_at
from domain.publishing.states import State
from store.errors import JournalUnavailable
from store.journal import Armed, Cached, Journal, NotArmed
from store.journal_file import BROKEN_AT, Fresh, Salvaged, Whole
from store.posts import Post
from store.writes import Entry, PostConfirmed, PostFailed, PostLostSight, PostReleased, PostWord, Write

log = logging.getLogger("roost.journal")

ANSWER_SECONDS = 5.0  # that whoever asks waits
OPEN_AGAIN = 5.0
REPORT_EVERY = 10.0
KEEP_SETTLED = 7 * 86400.0  # calendar: how long the copies of settled posts stay


@dataclass(frozen=True, slots=True)
class _Look:
    """Time to report, to prune, or to try again."""


class JournalActor(Actor):
    """Owns the journal file."""

    def __init__(self, path: Path, owner: str, speed: float) -> None:
        """owner: this instance's id, the same after a restart. speed: calendar seconds a real second."""
        super().__init__()
        self.path = path
        self.owner = owner
        self.margin = margin_at(speed)
        self.journal: Journal | None = None
        self.armed: dict[int, tuple[Post, str]] = {}  # post id → the post and the run that is sending it
        self.broken_at = 0.0

    def on_start(self) -> None:
        self._look()

    def terminate(self, reason: ExitReason) -> None:
        if self.journal is not None:
            self.journal.close()

    def receive(self, message: Any) -> Any:
        match message:
            case _Look():
                self._look()
            case Down(run):
                self._lost(run)
            case _:
                return self._write(partial(self._answer, message=message))
        return None

    def _answer(self, journal: Journal, message: Any) -> Any:
        at = self.calendar()
        match message:
            case Keep(posts):
                journal.keep(posts, at=at)
            case GetClaims():
                return Claims(journal.claims(), self.broken_at)
            case Arm(post, run):
                return self._arm(journal, post, run, at)
            case Record(word, attempt, armed_by):
                return self._record(journal, word, attempt, armed_by)
            case Forget(post):
                return journal.forget(post)
            case Append(entries):
                return journal.append(entries)
            case GetWaiting(limit):
                return journal.waiting(limit=limit)
            case Replayed(ids):
                journal.done(ids)
            case SetAside(entry, why):
                log.error("outbox entry %s is set aside, Postgres will not take it: %s", entry.id, why)
                journal.reject(entry, why)
            case Remember(key, value):
                journal.remember(key, value, at=at)
            case Recall(key):
                return journal.recall(key)
            case _:
                return super().receive(message)
        return None

    def _arm(self, journal: Journal, post: Post, run: str, at: float) -> Armed | NotArmed:
        if self.system.directory.whereis(run) is None:
            return NotArmed(f"{run} is not alive any more")
        answer = journal.arm(post, by=self.owner, at=at, margin=self.margin)
        if isinstance(answer, Armed):
            self.armed[post.id] = (post, run)
            self.monitor(run)
        return answer

    def _record(self, journal: Journal, word: PostWord, attempt: int, armed_by: str | None) -> bool:
        if armed_by is not None and self.armed.get(word.post_id, (None, None))[1] != armed_by:
            return False  # not armed, or by another run, and then it may be on its way
        if not isinstance(word, PostReleased):
            self.armed.pop(word.post_id, None)
        return journal.record(word, attempt)

    def _lost(self, run: str) -> None:
        """A run ended. What it had armed and said nothing more of may be on the site or not."""
        for post, by in list(self.armed.values()):
            if by == run:
                del self.armed[post.id]  # first: if this cannot be written now, opening the file again settles it
                word = self._out_of_sight(post, f"{run} ended after it was armed")
                self._write(partial(self._answer, message=Record(word, post.attempts)))

    def _write(self, work: Callable[[Journal], Any]) -> Any:
        """Work on the open journal. Raises CannotAnswer where it cannot be used."""
        if self.journal is None:
            self._open()
        if self.journal is None:
            raise CannotAnswer("the journal cannot be used; the log says why")
        try:
            return work(self.journal)
        except JournalUnavailable as error:
            self._unusable(error)
            raise CannotAnswer(str(error)) from error

    def _look(self) -> None:
        if self.journal is None:
            self._open()
        if self.journal is not None:
            try:
                self.journal.prune(before=self.calendar() - KEEP_SETTLED)
                self._report(JournalState(True, "writes reach the disk", self.journal.statistics()))
            except JournalUnavailable as error:
                self._unusable(error)
        self.timer("look", REPORT_EVERY if self.journal is not None else OPEN_AGAIN, _Look())

    def _open(self) -> None:
        try:
            journal = Journal.open(self.path, now=self.system.runtime.wall())
            if isinstance(journal.found, Salvaged):
                log.warning("journal %s: %s", self.path, journal.found.notice)
            broken = journal.recall(BROKEN_AT)
            if broken is None or not isinstance(journal.found, Whole):
                journal.remember(BROKEN_AT, self.calendar(), at=self.calendar())
                broken = journal.recall(BROKEN_AT)
            self.broken_at = broken.value if broken else 0.0
            self._settle_what_was_armed(journal)
        except JournalUnavailable as error:
            self._unusable(error)
            return
        self.journal = journal
        log.info("journal %s is open%s", self.path, ", a new one" if isinstance(journal.found, Fresh) else "")

    def _settle_what_was_armed(self, journal: Journal) -> None:
        """Whoever armed these is gone, or will say so: a confirmation that still comes is taken."""
        for kept in journal.claims():
            if kept.state is State.ARMED and kept.post.id not in self.armed:
                word = self._out_of_sight(kept.post, "it was armed when Roost stopped")
                journal.record(word, kept.post.attempts)

    def _out_of_sight(self, post: Post, why: str) -> PostLostSight:
        return PostLostSight(post.id, post.token, why, self.owner, self.calendar())

    def _unusable(self, error: JournalUnavailable) -> None:
        log.error("journal: %s", error)
        if self.journal is not None:
            self.journal.close()
            self.journal = None
        self._report(JournalState(False, str(error), None))

    def _report(self, state: JournalState) -> None:
        self.put_up(JOURNAL, state)
        report(self, "journal", state.healthy, state.detail)


# What a run tells the journal and asks of it. All of these raise AskError where it cannot be reached or written.


class Client(Protocol):
    """Who tells and asks: a run."""

    instance: str
    actor_name: str

    def ask(self, name: str, message: Any, timeout: float) -> Any: ...
    def calendar(self) -> float: ...


def claims(ctx: Client) -> Claims:
    """What is claimed, and what became of it lately."""
    found: Claims = ctx.ask("journal", GetClaims(), ANSWER_SECONDS)
    return found


def keep(ctx: Client, posts: Iterable[Post]) -> None:
    """Copy what was just claimed in Postgres, or is found there as ours."""
    ctx.ask("journal", Keep(tuple(posts)), ANSWER_SECONDS)


def confirm(ctx: Client, post: Post, site_id: int, evidence: dict[str, Any]) -> bool:
    """The post is on the site under this id. Returns whether that was news."""
    return _record(ctx, post, PostConfirmed(post.id, post.token, site_id, ctx.instance, ctx.calendar(), evidence))


def fail(ctx: Client, post: Post, reason: str, again_at: float | None = None, *, if_armed_here: bool = False) -> bool:
    """The post is definitely not on the site. Returns whether it took effect; so too the next two.

    again_at: when it is due again (calendar seconds); None: it is over. if_armed_here: only where this run has armed
    it; for one that did not wait for the answer to that, and whose request was stopped.
    """
    word = PostFailed(post.id, post.token, reason, ctx.instance, ctx.calendar(), again_at)
    return _record(ctx, post, word, ctx.actor_name if if_armed_here else None)


def lose_sight(ctx: Client, post: Post, reason: str) -> bool:
    """The post may be on the site or not."""
    return _record(ctx, post, PostLostSight(post.id, post.token, reason, ctx.instance, ctx.calendar()))


def give_back(ctx: Client, post: Post, reason: str) -> bool:
    """The post was claimed and not sent: back into the queue with it."""
    return _record(ctx, post, PostReleased(post.id, post.token, reason, ctx.instance, ctx.calendar()))


def forget(ctx: Client, post: Post) -> bool:
    """Postgres has this claim no more, and is told nothing. Returns whether its copy was here, unsent."""
    return bool(ctx.ask("journal", Forget(post), ANSWER_SECONDS))


def append(by: Asker, *entries: tuple[str, Write], timeout: float = ANSWER_SECONDS) -> int:
    """Writes for Postgres, each under an id of its own. Returns how many are new."""
    new: int = by.ask("journal", Append(entries), timeout)
    return new


def waiting(by: Asker, limit: int) -> tuple[Entry, ...]:
    """The oldest entries of the outbox, in order."""
    found: tuple[Entry, ...] = by.ask("journal", GetWaiting(limit), ANSWER_SECONDS)
    return found


def replayed(by: Asker, ids: Iterable[str]) -> None:
    """Postgres has these entries."""
    by.ask("journal", Replayed(tuple(ids)), ANSWER_SECONDS)


def set_aside(by: Asker, entry: Entry, why: str) -> None:
    """Postgres will never take this one."""
    by.ask("journal", SetAside(entry, why), ANSWER_SECONDS)


def remember(by: Asker, key: str, value: Any, timeout: float = ANSWER_SECONDS) -> None:
    """Keep a JSON value for when Postgres is away."""
    by.ask("journal", Remember(key, value), timeout)


def recall(by: Asker, key: str, timeout: float = ANSWER_SECONDS) -> Sequence[object]:
    """A list that was remembered; an empty one before the first time."""
    found = by.ask("journal", Recall(key), timeout)
    return found.value if isinstance(found, Cached) else ()


def _record(ctx: Client, post: Post, word: PostWord, armed_by: str | None = None) -> bool:
    return bool(ctx.ask("journal", Record(word, post.attempts, armed_by), ANSWER_SECONDS))
