"""Does every actor still serve? What `/live` answers, and so what a container is restarted for.

A heartbeat here is not a message but a look: when the handler at work began, and how old the oldest message in the
mailbox is. An actor that hangs cannot answer a ping anyway, and a look costs a busy one nothing.

The limit is twice the one after which a supervisor fences a hung child, so that a restart of the whole container
follows only where supervision did not help. Runs are left out: they may block by design, and their deadline and the
watchdog judge them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from actors.core.directory import Directory

LIMIT = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Beat:
    """One actor at one moment. working: seconds in the handler at work, None when idle. waiting: age of the oldest
    message, seconds."""

    name: str
    generation: int
    working: float | None
    waiting: float


def beats(directory: Directory, now: float) -> list[Beat]:
    """Every living actor that should never block. now: monotonic seconds."""
    found = []
    for actor in directory.actors():
        since = actor.handling_since
        working = None if since is None else now - since
        if not actor.name.startswith("run:"):
            found.append(Beat(actor.name, actor.generation, working, actor.mailbox.statistics().oldest_age))
    return found


def hung(beats: Iterable[Beat], limit: float = LIMIT) -> list[Beat]:
    """Those that do not serve: too long in one handler, or idle with a message that nobody takes."""
    return [beat for beat in beats if (beat.waiting if beat.working is None else beat.working) > limit]


def told(beat: Beat) -> str:
    """One line on a hung actor."""
    if beat.working is None:
        return f"{beat.name}#{beat.generation}: idle, with a message {beat.waiting:.0f} s old"
    return f"{beat.name}#{beat.generation}: {beat.working:.0f} s in one handler"
