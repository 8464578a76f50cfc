"""Publishes the posts that are due, each exactly once."""

from actors.work.context import RunContext
from actors.work.control import RunNow
from actors.work.outcome import Outcome
from actors.work.publisher import Publisher
from actors.work.run import Job
from domain.calendar import minutes
from domain.jobs.spec import Holds, JobSpec, Kind


class Posting(Job):
    """Claims what is due, opens the page, and sends; see `actors.work.publisher`."""

    spec = JobSpec(
        "posting",
        every=minutes(5),
        priority=0,
        kind=Kind.CRITICAL,
        holds=Holds(browser=1, database=1),
        requires=("plan~",),
        offset=minutes(4),
        deadline=300.0,
        category="posting",
    )

    def run(self, ctx: RunContext) -> Outcome:
        if ctx.settings.posting_disabled:
            return Outcome(note="POSTING_DISABLED is set: nothing is published")
        publisher = Publisher(ctx, "posts")
        outcome = publisher.run()
        if publisher.queue_is_empty:
            ctx.tell("job:plan", RunNow("posting, whose queue is empty"))
        return outcome
