"""Whether a claimed post may be sent now: what the operator allows at this moment, and the caps by what was sent.

A claim was checked when it was made, hours ago perhaps. What is forbidden since is not sent; and what is forbidden to
it alone loses its claim, so that it does not stand in the way of others.
"""

from collections.abc import Iterable, Mapping

from actors.protocol.journal import OPT_OUTS, Fail, GiveBack
from actors.publishing import reconciliation as settling
from actors.scheduling.run_context import RunContext
from domain.publishing import caps
from domain.publishing.caps import Policy, Switches
from domain.settings import APPROVAL, OFF, SHADOW, Settings
from store.journal import Kept
from store.posts import Charge, Post
from store.posts.charges import charge_of, history
from store.posts.claim import PostStream


def switches(settings: Settings) -> Switches:
    """What the operator allows with these settings."""
    permitted = settings.mode == SHADOW or settings.on_sandbox or settings.site_automation_permitted
    return Switches(
        permitted=permitted,
        posting=not settings.posting_disabled,
        replies=settings.replies != OFF,
        threads=settings.threads,
        approval=settings.replies == APPROVAL,
    )


def opted_out(ctx: RunContext, what: PostStream) -> frozenset[str]:
    """Who asked to be left alone, as the journal remembers it; nobody where no replies are to be sent."""
    return frozenset(map(str, settling.recalled(ctx, OPT_OUTS))) if what == "replies" else frozenset()


def refused(
    ctx: RunContext,
    post: Post,
    kept: Iterable[Kept],
    sent: Mapping[int, Charge],
    opted_out_authors: frozenset[str],
    policy: Policy,
) -> str | None:
    """Why it may not be sent now, if it may not. A run may come late, and another instance may have been first.

    kept: what the journal has. sent: what Postgres had when it was last asked, by post id.
    """
    if post.thread_position:
        return None  # a thread counts once, and this one has begun
    counted = dict(sent)
    for each in kept:
        if each.state in settling.SENT and each.armed_at is not None and not each.post.thread_position:
            counted[each.post.id] = charge_of(each.post, each.armed_at)
    match caps.check(
        _wanted(ctx, post, opted_out_authors), history(counted.values()), switches(ctx.settings), policy
    ):
        case caps.Refused(reasons):
            return "; ".join(reason.text for reason in reasons)
    return None


def release_forbidden(ctx: RunContext, what: PostStream, policy: Policy) -> bool:
    """End or give back the claims that are forbidden while others are not. Returns whether there were any.

    A thread goes as a whole, and not once it has begun.
    """
    unsent = [each.post for each in settling.unsent(ctx, what)]
    beginnings = {post.thread_id for post in unsent if post.thread_position == 0}
    opted_out_authors, allowed, any_gone = opted_out(ctx, what), switches(ctx.settings), False
    for post in unsent:
        if post.thread_position and post.thread_id not in beginnings:
            continue
        match caps.check(_wanted(ctx, post, opted_out_authors), caps.History(), allowed, policy):
            case caps.Refused() as refusal:
                any_gone |= _release(ctx, post, caps.claim_after(refusal))
    return any_gone


def _release(ctx: RunContext, post: Post, fate: caps.Hold | caps.GiveBack | caps.End) -> bool:
    match fate:
        case caps.Hold():
            return False
        case caps.GiveBack(why):
            ctx.ask("journal", GiveBack(post, why))
        case caps.End(why):
            ctx.ask("journal", Fail(post, why))
    ctx.log.info("post %d loses its claim: %s", post.id, fate.why)
    return True


def _wanted(ctx: RunContext, post: Post, opted_out_authors: frozenset[str]) -> caps.Post | caps.Reply:
    now = ctx.calendar()
    if post.kind != "reply":
        return caps.Post(now, thread=post.thread_position is not None)
    return caps.Reply(
        at=now,
        approval=post.approval,
        opted_out=(post.parent_author or "").lower() in opted_out_authors,
        last_to_author=None,  # both were checked when it was claimed, and claimed replies count there
        answered_in_thread=False,
    )
