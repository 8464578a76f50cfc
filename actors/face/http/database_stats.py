"""The numbers of the pages that lie in Postgres, fetched now and then and hung on the board.

So no request waits for Postgres, and a page opened ten times a second costs it nothing. With the database gone the
last numbers stay, with their age.
"""

import logging
from dataclasses import dataclass, field
from typing import Any

from actors.core.base import Actor
from actors.core.board import Key
from actors.core.lifecycle import TaskDone, TaskFailed
from actors.face.http.analysis import Analysis, read
from actors.protocol.resources import is_well
from actors.resources.client import Leases
from domain.resources.admission import Budget
from store.posts.read import recent
from store.posts.values import Post
from store.status import Status, status

log = logging.getLogger("roost.face")

EVERY = 5.0  # real seconds
LOOK_EVERY = 0.5  # the same, until there is a database to ask
WAIT_SECONDS = 3.0
HOLD_SECONDS = 5.0
LAST_POSTS = 20


@dataclass(frozen=True, slots=True)
class DatabaseStats:
    """status: counts. posts: the last ones, newest first. at: monotonic seconds of their reading.

    analysis: what the analyses found.
    """

    status: Status
    posts: tuple[Post, ...]
    at: float
    analysis: Analysis = field(default_factory=Analysis)


DATABASE_STATS: Key[DatabaseStats | None] = Key("status:database", None)


@dataclass(frozen=True, slots=True)
class _Turn:
    """Time to look again."""


class DatabaseStatsActor(Actor):
    """Reads the account's figures through a leased connection and puts them on the board."""

    def __init__(self, account: str) -> None:
        super().__init__()
        self.account = account
        self.failing = False

    def on_start(self) -> None:
        self.timer("turn", 0.0, _Turn())

    def receive(self, message: Any) -> Any:
        match message:
            case _Turn() if not is_well(self.system.board, "database"):
                self.timer("turn", LOOK_EVERY, _Turn())
            case _Turn():
                self.task("read", self._read)
            case TaskDone("read", figures):
                self.failing = False
                self.put_up(DATABASE_STATS, figures)
                self.timer("turn", EVERY, _Turn())
            case TaskFailed("read", error):
                if not self.failing:  # once an outage; the level and the resource tell the rest
                    log.info("the pages keep their last figures, since the database gave none: %s", error)
                self.failing = True
                self.timer("turn", EVERY, _Turn())
            case _:
                return super().receive(message)
        return None

    def _read(self) -> DatabaseStats:
        leases = Leases(self.system, holder=self.name, job="figures", priority=5, budget=Budget(database=1))
        with leases.database(wait=WAIT_SECONDS, hold=HOLD_SECONDS) as connection:
            return DatabaseStats(
                status(connection, self.account),
                recent(connection, self.account, limit=LAST_POSTS),
                self.system.runtime.now(),
                read(connection, self.account),
            )
