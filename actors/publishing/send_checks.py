"""Whether a claimed post may be sent now: what the operator allows at this moment, and the caps by what was sent.

A claim was checked when it was made, hours ago perhaps. What is forbidden since is not sent; and what is forbidden to
it alone loses its claim, so that it does not stand in the way of others.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from actors.account import journal
from actors.protocol.journal import OPT_OUTS
from actors.publishing.account_stop import stopped
from actors.scheduling.run_context import RunContext
from domain.publishing import caps
from domain.publishing.caps import Policy, Switches
from domain.publishing.claims import PostStream
from domain.publishing.states import may_be_on_site
from domain.settings import APPROVAL, OFF, SHADOW, Settings
from store.journal import Kept
from store.posts import Charge, Post
from store.posts.charges import charge_of, history


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
    return frozenset(map(str, journal.recall(ctx, OPT_OUTS))) if what == "replies" else frozenset()


def counted(sent: Mapping[int, Charge], kept: Iterable[Kept]) -> caps.History:
    """What was sent and counts. A run may come late, and another instance may have been first.

    sent: what Postgres had when it was last asked, by post id. kept: what the journal has.
    """
    charges = dict(sent)
    for each in kept:
        # A thread counts once, with its first part.
        if may_be_on_site(each.state) and each.armed_at is not None and not each.post.thread_position:
            charges[each.post.id] = charge_of(each.post, each.armed_at)
    return history(charges.values())


@dataclass(frozen=True, slots=True)
class SendChecks:
    """What has to be true before a post is typed, and still has to be as its request leaves."""

    ctx: RunContext
    post: Post
    counted: caps.History
    opted_out: frozenset[str]
    policy: Policy

    def refused(self) -> str | None:
        """Why it may not be sent at this moment, if it may not."""
        if not self.ctx.flags_known():
            return "what the operator set before is not known yet"
        if (reason := stopped(self.ctx)) is not None:
            return f"the account is stopped: {reason}"
        wanted = _wanted(self.ctx, self.post, self.opted_out, has_begun=bool(self.post.thread_position))
        match caps.check(wanted, self.counted, switches(self.ctx.settings), self.policy):
            case caps.Refused(reasons):
                return "; ".join(reason.text for reason in reasons)
        return None


def release_forbidden(ctx: RunContext, what: PostStream, unsent: Iterable[Kept], policy: Policy) -> bool:
    """End or give back the claims that are forbidden while others are not. Returns whether there were any.

    A thread goes as a whole, and not once it has begun.
    """
    posts = [each.post for each in unsent]
    beginnings = {post.thread_id for post in posts if post.thread_position == 0}
    authors, allowed, any_gone = opted_out(ctx, what), switches(ctx.settings), False
    for post in posts:
        has_begun = bool(post.thread_position) and post.thread_id not in beginnings
        wanted = _wanted(ctx, post, authors, has_begun=has_begun)
        match caps.check(wanted, caps.History(), allowed, policy):
            case caps.Refused() as refusal:
                any_gone |= _release(ctx, post, caps.claim_after(refusal))
    return any_gone


def _release(ctx: RunContext, post: Post, fate: caps.Hold | caps.GiveBack | caps.End) -> bool:
    match fate:
        case caps.Hold():
            return False
        case caps.GiveBack(why):
            journal.give_back(ctx, post, why)
        case caps.End(why):
            journal.fail(ctx, post, why)
    ctx.log.info("post %d loses its claim: %s", post.id, fate.why)
    return True


def _wanted(
    ctx: RunContext, post: Post, opted_out: frozenset[str], *, has_begun: bool
) -> caps.Post | caps.Rest | caps.Reply:
    now = ctx.calendar()
    if post.kind != "reply":
        return caps.Rest(now) if has_begun else caps.Post(now, thread=post.thread_position is not None)
    return caps.Reply(
        at=now,
        approval=post.approval,
        opted_out=(post.parent_author or "").lower() in opted_out,
        last_to_author=None,  # both were checked when it was claimed, and claimed replies count there
        answered_in_thread=False,
    )
