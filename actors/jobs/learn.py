"""Turns what was scraped into a better model of what works."""

import json
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from actors.scheduling.outcome import Outcome
from actors.scheduling.run_actor import Job
from actors.scheduling.run_context import RunContext
from domain.calendar import hours, minutes
from domain.content.weight import weight
from domain.jobs.spec import Holds, JobSpec, Kind
from domain.learning import model as learning
from domain.learning.arms import Arm, CorruptStateError
from domain.learning.rewards import Counts, Gate
from domain.publishing.claims import PostStream
from store import metrics, models
from store.analysis import attribution
from store.metrics import Seen
from store.posts import Post
from store.sql import Connection

CACHED = hours(2)  # real seconds
SOON = minutes(10)


class Learner(Job):
    """Learns from what of ours is past the gate (old and seen enough), and keeps a new version of the model.

    what: of which kind; also the name of the model in the store. window: calendar seconds that are looked back.
    """

    what: ClassVar[PostStream]
    window: ClassVar[float]

    def run(self, ctx: RunContext) -> Outcome:
        now, gate, account = ctx.calendar(), Gate(), ctx.settings.account
        since = now - self.window
        with ctx.database() as connection:
            seen = metrics.seen_enough(
                connection,
                account,
                now=now,
                min_age=gate.min_age,
                min_views=gate.min_views,
                since=since,
                what=self.what,
            )
            if not seen:
                return Outcome(note=f"none of the {self.what} is old and seen enough to learn from", again_in=SOON)
            gained = attribution.gained(connection, account, since=since)
            counted = [(each.post, _counts(each, gained.get(each.post.id, 0.0))) for each in seen]
            learned, payload = self.learned(ctx, connection, counted, gate)
            version = models.save(
                connection, account, self.what, payload, trained_on=learned, run_id=ctx.run_id, now=now
            )
        with ctx.redis() as cache:
            cache.set(self.cache_key(account), json.dumps(payload), seconds=CACHED)
        return Outcome(done=learned, of=len(seen), note=f"version {version}")

    @classmethod
    def cache_key(cls, account: str) -> str:
        """Where the newest model is in the cache."""
        return f"model:{account}:{cls.what}"

    @abstractmethod
    def learned(
        self, ctx: RunContext, connection: Connection, counted: Sequence[tuple[Post, Counts]], gate: Gate
    ) -> tuple[int, dict[str, Any]]:
        """What the newest model has become by these: from how many it has learned, and itself as JSON."""


class Learn(Learner):
    """Learns which posts do well: arms and predictors."""

    what = "posts"
    window = learning.WINDOW
    spec = JobSpec(
        "learn",
        every=minutes(60),
        priority=2,
        kind=Kind.NORMAL,
        holds=Holds(database=1, redis=1),
        requires=("metrics_scraper!",),
        offset=minutes(50),
    )

    def learned(
        self, ctx: RunContext, connection: Connection, counted: Sequence[tuple[Post, Counts]], gate: Gate
    ) -> tuple[int, dict[str, Any]]:
        outcomes = [
            learning.Outcome(Arm(**post.arm), published_at(post), weight(post.body), counts)
            for post, counts in counted
        ]
        after = learning.learn(newest(ctx, connection), outcomes, ctx.calendar(), gate)
        return after.count, learning.as_json(after)


def cached(ctx: RunContext) -> learning.Model | None:
    """The newest model as the cache has it, for who only reads it. None: Postgres is to be asked."""
    with ctx.redis() as cache:
        found = cache.get(Learn.cache_key(ctx.settings.account))
    try:
        return None if found is None else learning.from_json(json.loads(found))
    except ValueError as error:
        ctx.log.warning("the cached model cannot be used, Postgres is asked for it: %s", error)
        return None


def newest(ctx: RunContext, connection: Connection) -> learning.Model:
    """The model in use: the newest version, or an unlearned one where there is none that can be read."""
    kept = models.newest(connection, ctx.settings.account, Learn.what)
    if kept is None:
        return learning.unlearned(ctx.calendar())
    try:
        return learning.from_json(kept.payload)
    except CorruptStateError as error:
        ctx.log.error("model version %d cannot be used, learning starts anew from the posts: %s", kept.version, error)
        return learning.unlearned(ctx.calendar())


def published_at(post: Post) -> float:
    """Calendar seconds; only what stands on the site has been seen."""
    assert post.confirmed_at is not None
    return post.confirmed_at


def _counts(seen: Seen, followers_gained: float) -> Counts:
    found = seen.snapshot
    return Counts(
        views=found.views,
        likes=found.likes,
        replies=found.replies,
        reposts=found.reposts,
        bookmarks=found.bookmarks,
        followers_gained=followers_gained,
        age=found.taken_at - published_at(seen.post),
    )
