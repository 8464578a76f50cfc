"""Turns what was scraped into a better model of what works."""

import json

from actors.work.context import RunContext
from actors.work.outcome import Outcome
from actors.work.run import Job
from domain.calendar import hours, minutes
from domain.content.weight import weight
from domain.jobs.spec import Holds, JobSpec, Kind
from domain.learning import model as learning
from domain.learning.arms import Arm, CorruptStateError
from domain.learning.rewards import Counts, Gate
from store import metrics, models
from store.analysis import attribution
from store.metrics import Seen
from store.sql import Connection

KIND = "posts"  # of the model in the store
CACHED = hours(2)  # real seconds
SOON = minutes(10)


class Learn(Job):
    """Learns from every post past the gate (old and seen enough), and keeps a new version of the model."""

    spec = JobSpec(
        "learn",
        every=minutes(60),
        priority=2,
        kind=Kind.NORMAL,
        holds=Holds(database=1, redis=1),
        requires=("metrics_scraper!",),
        offset=minutes(50),
    )

    def run(self, ctx: RunContext) -> Outcome:
        now, gate = ctx.calendar(), Gate()
        with ctx.database() as connection:
            seen = metrics.seen_enough(
                connection,
                ctx.settings.account,
                now=now,
                min_age=gate.min_age,
                min_views=gate.min_views,
                since=now - learning.WINDOW,
            )
            if not seen:
                return Outcome(note="no post is old and seen enough to learn from", again_in=SOON)
            before = newest(ctx, connection)
            gained = attribution.gained(connection, ctx.settings.account, since=now - learning.WINDOW)
            outcomes = [_outcome(each, gained.get(each.post.id, 0.0)) for each in seen]
            after = learning.learn(before, outcomes, now, gate)
            payload = learning.as_json(after)
            version = models.save(
                connection,
                ctx.settings.account,
                KIND,
                payload,
                trained_on=after.count,
                run_id=ctx.run_id,
                now=now,
            )
        with ctx.redis() as cache:
            cache.set("model:posts", json.dumps(payload), seconds=CACHED)
        return Outcome(done=after.count, of=len(seen), note=f"version {version}")


def newest(ctx: RunContext, connection: Connection) -> learning.Model:
    """The model in use: the newest version, or an unlearned one where there is none that can be read."""
    kept = models.newest(connection, ctx.settings.account, KIND)
    if kept is None:
        return learning.unlearned(ctx.calendar())
    try:
        return learning.from_json(kept.payload)
    except CorruptStateError as error:
        ctx.log.error("model version %d cannot be used, learning starts anew from the posts: %s", kept.version, error)
        return learning.unlearned(ctx.calendar())


def _outcome(seen: Seen, followers_gained: float) -> learning.Outcome:
    post, counts = seen.post, seen.snapshot
    assert post.confirmed_at is not None
    return learning.Outcome(
        arm=Arm(**post.arm),
        at=post.confirmed_at,
        length=weight(post.body),
        counts=Counts(
            views=counts.views,
            likes=counts.likes,
            replies=counts.replies,
            reposts=counts.reposts,
            bookmarks=counts.bookmarks,
            followers_gained=followers_gained,
            age=counts.taken_at - post.confirmed_at,
        ),
    )
