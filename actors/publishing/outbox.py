"""From the journal's outbox into Postgres, in order.

Used at once by the runs that publish, and by the `retry_queue` job for what an outage has left: it is the same way,
so an outage is nothing but a longer pause in it. Two runs may do it at the same time: each entry has its effect once.
"""

from dataclasses import dataclass

from actors.account import journal
from actors.scheduling.run_context import RunContext
from store import replay as store
from store.sql import Connection

BATCH = 100


@dataclass(frozen=True, slots=True)
class Sent:
    """written: entries that Postgres has now. refused: of these, changes that came too late. aside: broken ones."""

    written: int
    refused: int
    aside: int


def send(ctx: RunContext, connection: Connection) -> Sent:
    """Replay all that waits. Raises what the connection raises; what was not replayed then waits on."""
    written = refused = aside = 0
    while True:
        entries = journal.waiting(ctx, BATCH)
        if not entries:
            return Sent(written, refused, aside)
        done: list[str] = []
        try:
            for entry in entries:
                match store.replay(connection, entry, now=ctx.calendar()):
                    case store.Rejected(why):
                        journal.set_aside(ctx, entry, why)
                        aside += 1
                    case store.Replayed(refused=why) if why is not None:
                        ctx.log.warning("outbox entry %s came too late: %s", entry.id, why)
                        done.append(entry.id)
                        refused += 1
                    case _:
                        done.append(entry.id)
        finally:
            journal.replayed(ctx, done)
        written += len(done)
