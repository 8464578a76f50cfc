"""The house for tests of publishing: what they queue, the runs they ask for, and what then is where."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar
from unittest.mock import patch

import psycopg
import pytest

from actors.core.simulation import ProcessExit
from actors.jobs.registry import load
from actors.protocol.jobs import Accepted, JobSnapshot, Pause, RunNow
from actors.protocol.journal import GetClaims
from actors.scheduling.outcome import Outcome
from domain.publishing.uniqueness import text_hash
from store import posts
from store.posts import Draft, Post
from tests.simulated.house import House, Place, home
from tests.simulated.outside import DATABASE

ARM = {"topic": "sleep", "format": "tip", "tone": "plain", "hour": 0}
JOBS = ("plan.Plan", "posting.Posting", "id_recovery.IdRecovery", "retry_queue.RetryQueue")
PAUSED = ("posting", "id_recovery", "retry_queue")
REPLY_JOBS = (
    "plan.Plan",
    "posting.Posting",
    "account_discovery.AccountDiscovery",
    "harvester.Harvester",
    "reply_posting.ReplyPosting",
)

W = TypeVar("W", bound="World")


class World:
    """A house, in which posting runs when the test says so, and plans only what the test plans."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.live()

    def live(self, paused: Sequence[str] = PAUSED) -> None:
        """One more life. paused: the jobs that run only when a test says so."""
        self.house = House(self.place)
        self.house.boot()
        self.sleep(40.0)
        for job in paused:
            self.house.system.ask(f"job:{job}", Pause("test"), 5.0)

    def die(self) -> None:
        """The process is gone."""
        self.house.end()
        lines = self.place.outside.lines
        if lines is not None:
            lines.abandon()

    def sleep(self, seconds: float) -> None:
        self.house.runtime.sleep(seconds)

    def now(self) -> float:
        return self.place.calendar()

    def draft(self, text: str, **more: Any) -> Draft:
        fields: dict[str, Any] = {"kind": "post", "due_at": self.now(), **more}
        return Draft(body=text, text_hash=text_hash(text), source="template", arm=ARM, **fields)

    def queue(self, text: str, **more: Any) -> int:
        with psycopg.connect(self.place.dsn, autocommit=True) as connection:
            answer = posts.queue(connection, "roost", self.draft(text, **more), who="plan", now=self.now())
        assert isinstance(answer, posts.Queued)
        return answer.post_ids[0]

    def queue_thread(self, *texts: str, **more: Any) -> tuple[int, ...]:
        parts = tuple(self.draft(text, kind="thread_part", **more) for text in texts)
        with psycopg.connect(self.place.dsn, autocommit=True) as connection:
            answer = posts.queue_thread(connection, "roost", parts, who="plan", now=self.now())
        assert isinstance(answer, posts.Queued)
        return answer.post_ids

    def run(self, job: str = "posting") -> JobSnapshot:
        """One run of the job, to its end."""
        system = self.house.system
        before = self.book(job)
        answer = system.ask(f"job:{job}", RunNow("test", though_paused=True), 10.0)
        assert isinstance(answer, Accepted), answer
        for _ in range(400):
            self.sleep(1.0)
            book = self.book(job)
            if book.last_end is not None and book.last_end != before.last_end:
                return book
        raise AssertionError(f"{job} has not ended: {self.book(job)}")

    def book(self, job: str) -> JobSnapshot:
        snapshot = self.house.system.board.get(f"job:{job}")
        assert isinstance(snapshot, JobSnapshot)
        return snapshot

    def post(self, post_id: int) -> Post:
        with psycopg.connect(self.place.dsn, autocommit=True) as connection:
            found = posts.get(connection, post_id)
        assert found is not None
        return found

    def states(self, *ids: int) -> list[str]:
        return [self.post(each).state.value for each in ids]

    def on_site(self) -> list[tuple[str, int | None]]:
        """Text and parent of each own post, oldest first."""
        found = self.place.site.network.storage.posts()
        return [(post.text, post.in_reply_to) for post in sorted(found, key=lambda post: post.id)]

    def texts(self) -> list[str]:
        return [text for text, _ in self.on_site()]

    def cut_off(self, seconds: float) -> None:
        """Postgres is away for so long."""
        outside = self.place.outside
        outside.weather.away[DATABASE] = self.house.runtime.now() + seconds
        assert outside.lines is not None
        outside.lines.cut()

    def last(self, job: str = "posting") -> str:
        end = self.book(job).last_end
        assert end is not None
        return f"{end.outcome}: {end.reason}"

    def kept(self) -> dict[int, str]:
        claims = self.house.system.ask("journal", GetClaims(), 5.0)
        return {kept.post.id: kept.state.value for kept in claims.kept}


@contextmanager
def dies_at(world: World, edge: str, time: int = 1) -> Iterator[None]:
    """The process ends when a run passes that edge for the n-th time."""
    left = [time]

    def passing(passed: str, crash_at: str | None) -> None:
        if passed == edge:
            left[0] -= 1
            if not left[0]:
                world.house.runtime.exit(f"killed at {edge}")

    with (
        patch("actors.publishing.publisher.passing", passing),
        patch("actors.publishing.send_intent.passing", passing),
    ):
        yield


def run_and_die(world: World, edge: str, time: int = 1, job: str = "posting") -> None:
    """A run in which the process ends at the edge, and the next life."""
    with dies_at(world, edge, time), pytest.raises(ProcessExit):
        world.run(job)
    world.die()
    world.live()


@contextmanager
def living(
    dsn: str, kind: type[W], jobs: Sequence[str] = JOBS, *, seed: int = 5, repeats: bool = False, **settings: str
) -> Iterator[W]:
    """A world with these jobs, in which only the test plans. dsn, seed, repeats, settings: of `home`."""
    with (
        home(dsn, seed=seed, repeats=repeats, **settings) as place,
        patch("tests.simulated.house.load", partial(load, lines=jobs)),
        patch("actors.jobs.plan.Plan.run", lambda job, ctx: Outcome()),
    ):
        made = kind(place)
        yield made
        made.die()
