"""Turns what was scraped of the own replies into a better model of whom to answer, and how."""

import json

from actors.jobs.learn import CACHED, SOON
from actors.work.context import RunContext
from actors.work.outcome import Outcome
from actors.work.run import Job
from domain.calendar import hours, minutes
from domain.jobs.spec import Holds, JobSpec, Kind
from domain.learning.rewards import Counts, Gate
from domain.replies import learning
from domain.replies.learning import CorruptModelError, Model, Target
from store import metrics, models
from store.analysis import attribution
from store.metrics import Seen
from store.sql import Connection

KIND = "replies"  # of the model in the store


class ReplyLearning(Job):
    """Learns from every reply past the gate, and keeps a new version of the model of targets and styles."""

    spec = JobSpec(
        "reply_learning",
        every=hours(2),
        priority=2,
        kind=Kind.NORMAL,
        holds=Holds(database=1, redis=1),
        requires=("reply_metrics_scraper!",),
        offset=minutes(70),
    )

    def run(self, ctx: RunContext) -> Outcome:
        now, gate, account = ctx.calendar(), Gate(), ctx.settings.account
        with ctx.database() as connection:
            seen = metrics.seen_enough(
                connection,
                account,
                now=now,
                min_age=gate.min_age,
                min_views=gate.min_views,
                since=now - learning.WINDOW,
                what="replies",
            )
            if not seen:
                return Outcome(note="no reply is old and seen enough to learn from", again_in=SOON)
            gained = attribution.gained(connection, account, since=now - learning.WINDOW)
            outcomes = [_outcome(each, gained.get(each.post.id, 0.0)) for each in seen]
            after = learning.learn(newest(ctx, connection), outcomes, now, gate)
            payload = learning.as_json(after)
            version = models.save(
                connection, account, KIND, payload, trained_on=after.count, run_id=ctx.run_id, now=now
            )
        with ctx.redis() as cache:
            cache.set(f"model:{KIND}", json.dumps(payload), seconds=CACHED)
        return Outcome(done=after.count, of=len(seen), note=f"version {version}")


def newest(ctx: RunContext, connection: Connection) -> Model:
    """The model in use: the newest version, or one that knows nothing where there is none that can be read."""
    kept = models.newest(connection, ctx.settings.account, KIND)
    if kept is None:
        return Model()
    try:
        return learning.from_json(kept.payload)
    except CorruptModelError as error:
        ctx.log.error("version %d cannot be used, learning starts anew from the replies: %s", kept.version, error)
        return Model(version=kept.version)


def _outcome(seen: Seen, followers_gained: float) -> learning.Outcome:
    post, counts = seen.post, seen.snapshot
    assert post.confirmed_at is not None
    return learning.Outcome(
        target=Target(str(post.arm.get("topic")), str(post.arm.get("size"))),
        style=str(post.arm.get("style")),
        at=post.confirmed_at,
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
