"""Bringing the journal and Postgres to one word about the posts that are ours, before and after each run.

The journal is written first and is right about what became of a claimed post, Postgres about what is claimed.
Whatever a crash, an outage or a lost file has left between the two is found and ended here, so that no claim lasts
for ever and no thread stays stuck in its middle.
"""

from collections.abc import Iterable, Sequence

from actors.protocol.journal import OPT_OUTS, Claims, Forget, GetClaims, GiveBack, Keep, LoseSight, Recall, Remember
from actors.protocol.resources import LeaseEnded, LeaseRefused
from actors.scheduling.run_context import RunContext
from domain.publishing import claims
from domain.publishing.states import MakeUnknown, PublishAgain, State, TakeBack
from store import optouts
from store import posts as store
from store.errors import is_away
from store.journal import Cached, Kept
from store.lane import Lane
from store.posts import Post
from store.posts.claim import PostStream
from store.sql import Connection

LOOK_SECONDS = 2.0  # real: a database that cannot say within this whether a claim stands is away
SENT = (State.ARMED, State.UNKNOWN, State.CONFIRMED)


def database_is_away(error: BaseException) -> bool:
    """Whether work with the database failed because it cannot be had, and the journal has to do."""
    return isinstance(error, LeaseRefused | LeaseEnded) or is_away(error)


def margin_of(speed: float) -> float:
    """The margin around the end of a claim, in calendar seconds: it stands for real ones."""
    return claims.MARGIN * max(1.0, speed)


def claims_of(ctx: RunContext) -> Claims:
    """What the journal has of claimed posts."""
    found: Claims = ctx.ask("journal", GetClaims())
    return found


def unsent(ctx: RunContext, what: PostStream) -> tuple[Kept, ...]:
    """Those of this kind that are claimed, and of which nothing has left yet."""
    return tuple(each for each in claims_of(ctx).kept if each.state is State.CLAIMED and is_of(what, each.post))


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
    margin = margin_of(ctx.settings.speed)
    kept = claims_of(ctx).kept
    for each in kept:
        claim = each.post.claim
        if each.state is not State.CLAIMED or claim is None or not is_of(what, each.post):
            continue
        if claims.is_over(claim, ctx.instance, ctx.calendar(), margin):
            ctx.ask("journal", GiveBack(each.post, "its claim is over"))
        elif each.post.thread_position and each.post.parent_site_id is None:
            before = part_before(each.post, kept)
            if before is None or before.state in (State.UNKNOWN, State.FAILED_DEFINITE):
                word = "not here" if before is None else before.state.value
                ctx.ask("journal", GiveBack(each.post, f"the part of its thread before it is {word}"))


def drop_overtaken(ctx: RunContext, connection: Connection, what: PostStream) -> None:
    """Forget the copies of claims that Postgres has no more as they were kept.

    An earlier owner's confirmation may come after the post was claimed anew, and a journal may be a copy from before
    what it says was sent. With the lane or without it; to be called with nothing in the outbox.
    """
    for post in overtaken(connection, tuple(each.post for each in unsent(ctx, what))):
        if ctx.ask("journal", Forget(post)):
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
    found = claims_of(ctx)
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
    fate = claims.after_restart(
        post.state,
        post.claim,
        ctx.instance,
        ctx.calendar(),
        journal_whole=whole,
        margin=margin_of(ctx.settings.speed),
    )
    match fate:
        case MakeUnknown(why):
            # Not kept first: a crash between the two would leave it in the journal as one to be sent.
            ctx.ask("journal", LoseSight(post, why))
            return True
        case TakeBack():
            ctx.ask("journal", Keep((post,)))
            ctx.ask("journal", GiveBack(post, "its claim is over"))
            return True
        case PublishAgain():
            ctx.ask("journal", Keep((post,)))
            return False
        case other:
            raise AssertionError(f"post {post.id}: {other} for a claim of our own")


def _disagree(ctx: RunContext, connection: Connection, post: Post, here: State) -> None:
    """The journal's last word about it did not get through: refused, or set aside. Id recovery has to look."""
    assert post.claim is not None
    reason = f"the journal has it as {here}, and Postgres did not take that"
    ctx.log.error("post %d: %s", post.id, reason)
    store.lose_sight(connection, post.id, post.claim.token, reason, who=ctx.instance, at=ctx.calendar())


def remember(ctx: RunContext, connection: Connection) -> None:
    """What a run without Postgres will have to know."""
    ctx.ask("journal", Remember(OPT_OUTS, sorted(optouts.every(connection))))


def recalled(ctx: RunContext, key: str) -> Sequence[object]:
    """A list that was remembered; an empty one before the first time."""
    found = ctx.ask("journal", Recall(key))
    return found.value if isinstance(found, Cached) else ()
