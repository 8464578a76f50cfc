"""Turns what was scraped of the own replies into a better model of whom to answer, and how."""

from collections.abc import Sequence
from typing import Any

from actors.jobs.learn import Learner, published_at
from actors.scheduling.run_context import RunContext
from domain.calendar import hours, minutes
from domain.jobs.spec import Holds, JobSpec, Kind
from domain.learning.rewards import Counts, Gate
from domain.replies import learning
from domain.replies.learning import CorruptModelError, Model, Target
from store import models
from store.posts import Post
from store.sql import Connection


class ReplyLearning(Learner):
    """Learns which targets and styles of replies do well, as `learn` does from posts."""

    what = "replies"
    window = learning.WINDOW
    spec = JobSpec(
        "reply_learning",
        every=hours(2),
        priority=2,
        kind=Kind.NORMAL,
        holds=Holds(database=1, redis=1),
        requires=("reply_metrics_scraper!",),
        offset=minutes(70),
    )

    def learned(
        self, ctx: RunContext, connection: Connection, counted: Sequence[tuple[Post, Counts]], gate: Gate
    ) -> tuple[int, dict[str, Any]]:
        outcomes = [
            learning.Outcome(
                target=Target(str(post.arm.get("topic")), str(post.arm.get("size"))),
                style=str(post.arm.get("style")),
                at=published_at(post),
                counts=counts,
            )
            for post, counts in counted
        ]
        after = learning.learn(newest(ctx, connection), outcomes, ctx.calendar(), gate)
        return after.count, learning.as_json(after)


def newest(ctx: RunContext, connection: Connection) -> Model:
    """The model in use: the newest version, or one that knows nothing where there is none that can be read."""
    kept = models.newest(connection, ctx.settings.account, ReplyLearning.what)
    if kept is None:
        return Model()
    try:
        return learning.from_json(kept.payload)
    except CorruptModelError as error:
        ctx.log.error("version %d cannot be used, learning starts anew from the replies: %s", kept.version, error)
        return Model(version=kept.version)
