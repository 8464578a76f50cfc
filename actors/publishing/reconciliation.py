"""Bringing the journal and Postgres to one word about the posts that are ours, before and after each run.

The journal is written first and is right about what became of a claimed post, Postgres about what is claimed.
Whatever a crash, an outage or a lost file has left between the two is found and ended here, so that no claim lasts
for ever and no thread stays stuck in its middle.
"""

from collections.abc import Iterable, Sequence

from actors.account import journal
from actors.protocol.journal import OPT_OUTS
from actors.protocol.resources import LeaseEnded, LeaseRefused
from actors.publishing import outbox, send_checks
from actors.scheduling.run_context import RunContext
from domain.calendar import DAY
from domain.publishing import claims
from domain.publishing.caps import Policy
from domain.publishing.claims import MakeUnknown, PostStream, PublishAgain, TakeBack
from domain.publishing.states import State
from store import optouts
from store import posts as store
from store.errors import is_away
from store.journal import Kept
from store.lane import Lane
from store.posts import Charge, Post
from store.sql import Connection

LOOK_SECONDS = 2.0  # real: a database that cannot say within this whether a claim stands is away


def database_is_away(error: BaseException) -> bool:
    """Whether work with the database failed because it cannot be had, and the journal has to do."""
    return isinstance(error, LeaseRefused | LeaseEnded) or is_away(error)


def settle(ctx: RunContext, connection: Connection, what: PostStream, policy: Policy) -> dict[int, Charge]:
    """Bring the two to one word about what the journal has. Returns what counts as sent, by whatever instance."""
    outbox.send(ctx, connection)
    journal.remember(ctx, OPT_OUTS, sorted(optouts.every(connection)))
    drop_overtaken(ctx, connection, what)
    if send_checks.release_forbidden(ctx, what, unsent(ctx, what), policy):
        outbox.send(ctx, connection)
    return store.sent(connection, ctx.settings.account, since=ctx.calendar() - DAY)


def take_over(ctx: RunContext, connection: Connection, lane: Lane, what: PostStream) -> bool:
    """Settle what only Postgres has: others' claims that are over, and those of our own that the journal lacks.

    For the lane's holder. Returns whether nothing is left then, planned or claimed.
    """
    margin = claims.margin_at(ctx.settings.speed)
    store.sweep_ended(connection, lane, now=ctx.calendar(), real_now=ctx.wall(), margin=margin)
    if adopt(ctx, connection, lane, what):
        outbox.send(ctx, connection)
    queued = store.queued(connection, ctx.settings.account)
    return not any(is_of(what, post) for post in queued) and not unsent(ctx, what)


def unsent(ctx: RunContext, what: PostStream) -> tuple[Kept, ...]:
    """Those of this kind that are claimed, and of which nothing has left yet."""
    return tuple(each for each in journal.claims(ctx).kept if each.state is State.CLAIMED and is_of(what, each.post))


def is_of(what: PostStream, post: Post) -> bool:
    """Whether the post is one of those that this kind of run publishes."""
    return (post.kind == "reply") == (what == "replies")


def part_before(post: Post, kept: Iterable[Kept]) -> Kept | None:
    """The part of its thread that it answers, as the journal has it."""
    if not post.thread_position:
        return None
    before = (post.thread_id, post.thread_position - 1)
    return next((each for each in kept if (each.post.thread_id, each.post.thread_position) == before), None)


def give_back(ctx: RunContext, what: PostStream) -> None:
    """Give back what can no longer be published under its claim: its time is over, or its thread has broken.

    The rest of a thread is claimed anew, with the part before it known, once that part stands.
    """
    margin = claims.margin_at(ctx.settings.speed)
    kept = journal.claims(ctx).kept
    for each in kept:
        claim = each.post.claim
        if each.state is not State.CLAIMED or claim is None or not is_of(what, each.post):
            continue
        if claims.is_over(claim, ctx.instance, ctx.calendar(), margin):
            journal.give_back(ctx, each.post, "its claim is over")
        elif each.post.thread_position and each.post.parent_site_id is None:
            before = part_before(each.post, kept)
            if before is None or before.state in (State.UNKNOWN, State.FAILED_DEFINITE):
                word = "not here" if before is None else before.state.value
                journal.give_back(ctx, each.post, f"the part of its thread before it is {word}")


def drop_overtaken(ctx: RunContext, connection: Connection, what: PostStream) -> None:
    """Forget the copies of claims that Postgres has no more as they were kept.

    An earlier owner's confirmation may come after the post was claimed anew, and a journal may be a copy from before
    what it says was sent. With the lane or without it; to be called with nothing in the outbox.
    """
    for post in overtaken(connection, tuple(each.post for each in unsent(ctx, what))):
        if journal.forget(ctx, post):
            ctx.log.warning("post %d: the journal's claim is dropped, Postgres has moved on", post.id)


def is_overtaken(ctx: RunContext, post: Post) -> bool:
    """Whether Postgres has moved on since this run has settled. Without Postgres the claim itself has to do."""
    try:
        with ctx.database(wait=LOOK_SECONDS, hold=LOOK_SECONDS) as connection:
            return bool(overtaken(connection, (post,)))
    except Exception as error:
        if not database_is_away(error):
            raise
        return False


def overtaken(connection: Connection, kept: Sequence[Post]) -> tuple[Post, ...]:
    """Those of the claims kept that are not what Postgres has: another state, attempt, owner or token."""
    stand = store.standing(connection, [post.id for post in kept])
    return tuple(
        post
        for post in kept
        if post.claim is None or (post.id, post.attempts, post.claim.owner, post.claim.token) not in stand
    )


def adopt(ctx: RunContext, connection: Connection, lane: Lane, what: PostStream) -> bool:
    """Settle what Postgres has as claimed by us. To be called with nothing in the outbox. True: there is again."""
    found = journal.claims(ctx)
    known = {(kept.post.id, kept.post.attempts): kept.state for kept in found.kept}
    wrote = False
    for post in store.own_claims(connection, lane):
        if not is_of(what, post):
            continue
        here = known.get((post.id, post.attempts))
        if here is None:
            wrote |= _adopt_unknown_to_journal(ctx, post, whole=post.changed_at > found.broken_at)
        elif here not in (State.CLAIMED, State.ARMED):
            _disagree(ctx, connection, post, here)
    return wrote


def _adopt_unknown_to_journal(ctx: RunContext, post: Post, *, whole: bool) -> bool:
    """A claim of ours that the journal does not have: Roost died between the two, or the file was lost."""
    assert post.claim is not None
    margin = claims.margin_at(ctx.settings.speed)
    match claims.after_restart(post.state, post.claim, ctx.calendar(), journal_whole=whole, margin=margin):
        case MakeUnknown(why):
            # Not kept first: a crash between the two would leave it in the journal as one to be sent.
            journal.lose_sight(ctx, post, why)
            return True
        case TakeBack():
            journal.keep(ctx, [post])
            journal.give_back(ctx, post, "its claim is over")
            return True
        case PublishAgain():
            journal.keep(ctx, [post])
            return False


def _disagree(ctx: RunContext, connection: Connection, post: Post, here: State) -> None:
    """The journal's last word about it did not get through: refused, or set aside. Id recovery has to look."""
    reason = f"the journal has it as {here}, and Postgres did not take that"
    ctx.log.error("post %d: %s", post.id, reason)
    store.lose_sight(connection, post.id, post.token, reason, who=ctx.instance, at=ctx.calendar())
