"""Publishes the posts that are due, each exactly once."""

from actors.protocol.jobs import nudge
from actors.publishing.publisher import BATCH_SECONDS, Publisher
from actors.publishing.publishing_breaker import PublishingBreaker
from actors.scheduling.outcome import Outcome
from actors.scheduling.run_actor import Job
from actors.scheduling.run_context import RunContext
from domain.calendar import minutes
from domain.jobs.spec import Holds, JobSpec, Kind


class Posting(Job):
    """Claims what is due soon, opens the page, and sends what is due; see `actors.publishing.publisher`."""

    spec = JobSpec(
        "posting",
        every=minutes(5),
        priority=0,
        kind=Kind.CRITICAL,
        holds=Holds(browser=1, database=1),
        requires=("plan~",),
        offset=minutes(4),
        deadline=300.0,
        attempts=1,  # what is tried again, and when, publishing decides for each post
        category="posting",
        browser_seconds=BATCH_SECONDS,
        publishes="posts",
    )

    def __init__(self) -> None:
        self.breaker = PublishingBreaker()

    def run(self, ctx: RunContext) -> Outcome:
        publisher = Publisher(ctx, "posts", self.breaker)
        if ctx.settings.posting_disabled:
            outcome = publisher.settle()
            return Outcome(note=f"POSTING_DISABLED is set: {outcome.note}")
        outcome = publisher.run()
        if publisher.queue_is_empty:
            nudge(ctx, "plan", "posting, whose queue is empty")
        return outcome
