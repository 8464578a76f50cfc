"""A world for one run at a time: a job's story with a real Postgres and the real site logic, and no actors.

The context hands out what a run's does; the calendar is the test's.
"""

import logging
import random
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from actors.protocol.model import Completion
from actors.resources.client import NullCache
from actors.scheduling.outcome import Outcome
from actors.scheduling.run_actor import Job
from domain.calendar import DAY, HOUR
from domain.content.templates import Written, write
from domain.resources.effects import Effects
from domain.settings import parse
from social.inprocess import InProcessSite, stepped
from social.sandbox.network import Created, Network
from social.sandbox.storage import Storage
from store import lane, posts
from store.sql import Connection
from tests.store.world import ACCOUNT, GENEROUS, NOW, OPEN, REAL, draft, held, token

START = NOW - NOW % DAY  # midnight


class World:
    """An account with its site. now: calendar seconds. answer: what the model says; None: there is none."""

    def __init__(self, conn: Connection, seed: int = 11) -> None:
        self.conn = conn
        self.now = START
        self.network = Network(Storage(None), seed, ACCOUNT)
        self.site = InProcessSite(self.network, lambda: self.now)
        self.chance = random.Random(seed)
        self.answer: str | None = None
        self.asked: list[str] = []
        self.told: list[tuple[str, Any]] = []
        self.runs = 0
        self.hashes: set[str] = set()

    def run(self, job: Job) -> Outcome:
        """One run of the job, now."""
        self.runs += 1
        return job.run(Context(self, job))  # type: ignore[arg-type]

    def publish(
        self, topic: str = "sleep", form: str = "tip", reply_to: int | None = None, **more: Any
    ) -> posts.Post:
        """A post (or a reply) that stands on the site and in Postgres, now."""
        written = write(topic, form, "plain", self.hashes, self.chance)
        assert isinstance(written, Written), written
        self.hashes.add(written.hash)
        made = self.network.publish(written.text, self.now, reply_to)
        assert isinstance(made, Created), made
        arm = {"topic": topic, "format": form, "tone": "plain", "hour": int(self.now % DAY // (4 * HOUR))}
        fields: dict[str, Any] = {"arm": arm, "due_at": self.now, **more}
        if reply_to is not None:
            fields |= {
                "kind": "reply",
                "parent_site_id": reply_to,
                "parent_author": "ada",
                "conversation_id": reply_to,
            }
        queued = posts.queue(self.conn, ACCOUNT, draft(written.text, **fields), who="plan", now=self.now)
        assert isinstance(queued, posts.Queued), queued
        by = held(self.conn)
        assert isinstance(by, lane.Lane)
        claimed = posts.claim(
            self.conn,
            by,
            now=self.now,
            real_now=REAL,
            policy=GENEROUS,
            switches=OPEN,
            watermark=None,
            what="posts" if reply_to is None else "replies",
        )
        assert isinstance(claimed, posts.Claimed), claimed
        (post,) = claimed.posts
        posts.confirm(self.conn, post.id, token(post), made.post.id, who="one", at=self.now, evidence={})
        found = posts.get(self.conn, post.id)
        assert found is not None
        return found

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.conn.execute(query).fetchall()  # type: ignore[arg-type]

    def one(self, query: str) -> Any:
        (row,) = self.rows(query)
        return row[0] if len(row) == 1 else row


class Context:
    """What a run has, as far as these jobs use it."""

    def __init__(self, world: World, job: Job) -> None:
        self.world = world
        self.spec = job.spec
        self.run_id = f"run {world.runs}"
        self.site = world.site
        self.random = world.chance
        self.log = logging.getLogger("test")
        key = {"OPENAI_API_KEY": "sk-test"} if world.answer is not None else {}
        self.settings = parse(key, {})
        self.effects = Effects()

    def calendar(self) -> float:
        return self.world.now

    def now(self) -> float:
        return self.world.now

    def new_id(self) -> str:
        return f"{self.random.getrandbits(128):032x}"

    def check_cancelled(self) -> None:
        """Nobody stops it."""

    @contextmanager
    def database(self) -> Iterator[Connection]:
        yield self.world.conn

    @contextmanager
    def redis(self) -> Iterator[NullCache]:
        yield NullCache()

    @contextmanager
    def browser(self, hold: float = 120.0) -> Iterator[Any]:
        def run(work: Callable[..., Coroutine[Any, Any, Any]], *args: Any, timeout: float, **named: Any) -> Any:
            return stepped(work(None, *args, **named))

        yield SimpleNamespace(run=run)

    @contextmanager
    def model(self) -> Iterator[Any]:
        def complete(system: str, user: str, schema: Any) -> Completion:
            self.world.asked.append(user)
            assert self.world.answer is not None
            return Completion(self.world.answer, "call", "gpt", 10, 10, 0.01)

        yield SimpleNamespace(complete=complete)

    def ask(self, name: str, message: Any, timeout: float = 5.0) -> None:
        self.world.told.append((name, message))
