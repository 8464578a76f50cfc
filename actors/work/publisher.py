"""Publishing exactly once, as one story: settle, claim, keep, arm, send, confirm.

What happens to a claimed post is written to the journal first and reaches Postgres from there. The one moment that
matters is the send boundary: the browser holds the request for the new post back until the intent is on the journal's
disk. Before that moment a post is definitely not sent, and stays claimed for the next run; after it, whatever is not
evidence makes the post unknown, and only id recovery may say more.

With the database gone it works from what the journal has claimed, as long as the claims last.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from actors.ground.journal import Arm, Claims, Confirm, Fail, GetClaims, GiveBack, Keep, LoseSight
from actors.ground.lane import Holding
from actors.resources.browser import BrowserLoan
from actors.resources.loans import LeaseRefused
from actors.work import outbox
from actors.work.account import stop_account, stopped
from actors.work.bridge import asked
from actors.work.context import RunContext
from actors.work.edges import passing
from actors.work.outcome import Outcome
from domain.publishing import claims
from domain.publishing.caps import Policy, Switches
from domain.publishing.states import MakeUnknown, PublishAgain, State, TakeBack
from domain.settings import OFF, SHADOW, Settings
from social.site import (
    AccountLocked,
    Draft,
    Missing,
    NotArmed,
    Rejected,
    SessionExpired,
    SiteError,
)
from store import flags
from store import posts as store
from store.journal import Armed, Kept
from store.posts import Post
from store.posts.claim import What

PUBLISH_SECONDS = 60.0  # real: one post, from opening the page to the evidence
LOOK_SECONDS = 30.0
TRY_AGAIN_IN = 300.0  # calendar


@dataclass(slots=True)
class Tally:
    """What one run has done so far."""

    published: int = 0
    tried: int = 0
    again: list[int] = field(default_factory=list)  # definitely not sent, for a reason that passes
    notes: list[str] = field(default_factory=list)


class Publisher:
    """One run of publishing what is due: posts (threads with them), or replies."""

    def __init__(self, ctx: RunContext, what: What) -> None:
        self.ctx = ctx
        self.what = what
        self.margin = claims.MARGIN * max(1.0, ctx.settings.speed)
        self.tally = Tally()
        self.queue_is_empty = False

    def run(self) -> Outcome:
        """The story of a run. Raises SiteError where the site will not have us now."""
        wanted = self._settle()
        if not wanted and not self._due():
            return self._outcome("nothing is due")
        try:
            with self.ctx.browser(hold=PUBLISH_SECONDS * (claims.BATCH + 1)) as browser:
                if wanted:
                    self._claim(browser)
                for kept in self._due():
                    self.ctx.check_cancelled()
                    self._publish(browser, kept)
        finally:
            self._tell_database()
        return self._outcome("published")

    # what there is to do

    def _settle(self) -> bool:
        """Bring journal and database to one word. Returns whether something waits to be claimed."""
        self._give_back_what_is_over()
        lane = self._lane()
        if lane is None:
            return False
        try:
            with self.ctx.database(wait=5.0) as connection:
                outbox.send(self.ctx, connection)
                now = self.ctx.calendar()
                store.sweep_ended(connection, lane, now=now, real_now=self.ctx.wall(), margin=self.margin)
                self._adopt(store.own_claims(connection, lane))
                queued = store.queued(connection, self.ctx.settings.account)
        except LeaseRefused as refusal:
            self.tally.notes.append(f"from the journal: {refusal}")
            return False
        self.queue_is_empty = not any(self._is_mine(post) for post in queued)
        return any(self._is_mine(post) and post.due_at <= now and post.approval != "waiting" for post in queued)

    def _adopt(self, claimed: Iterable[Post]) -> None:
        """Claims of ours that the journal does not have: Roost died between the two."""
        found = self._claims()
        known = {(kept.post.id, kept.post.attempts) for kept in found.kept}
        for post in claimed:
            if not self._is_mine(post) or (post.id, post.attempts) in known:
                continue
            whole = post.changed_at > found.broken_at
            fate = claims.after_restart(
                post.state,
                post.claim,
                self.ctx.instance,
                self.ctx.calendar(),
                journal_whole=whole,
                margin=self.margin,
            )
            self.ctx.ask("journal", Keep((post,)))
            match fate:
                case MakeUnknown(why):
                    self.ctx.ask("journal", LoseSight(post, why))
                case TakeBack():
                    self.ctx.ask("journal", GiveBack(post, "its claim is over"))
                case PublishAgain():
                    pass
                case other:
                    raise AssertionError(f"post {post.id}: {other} for a claim of our own")

    def _give_back_what_is_over(self) -> None:
        for kept in self._claims().kept:
            claim = kept.post.claim
            if kept.state is not State.CLAIMED or claim is None or not self._is_mine(kept.post):
                continue
            if claims.is_over(claim, self.ctx.instance, self.ctx.calendar(), self.margin):
                self.ctx.ask("journal", GiveBack(kept.post, "its claim is over"))

    def _due(self) -> tuple[Kept, ...]:
        if (reason := stopped(self.ctx)) is not None:
            self.tally.notes.append(f"the account is stopped: {reason}")
            return ()
        now = self.ctx.calendar()
        return tuple(
            kept
            for kept in self._claims().kept
            if kept.state is State.CLAIMED
            and self._is_mine(kept.post)
            and (kept.post.publish_at or 0.0) <= now
            and kept.post.claim is not None
            and claims.may_publish(kept.post.claim, self.ctx.instance, now, self.margin)
        )

    # claiming

    def _claim(self, browser: BrowserLoan) -> None:
        lane = self._lane()
        if lane is None:
            return
        site = self.ctx.site
        try:
            profile = browser.run(site.profile, site.own_handle, replies=self.what == "replies", timeout=LOOK_SECONDS)
        except SessionExpired as error:
            stop_account(self.ctx, error)
            raise
        own = (post.id for post in profile.posts if post.author.casefold() == site.own_handle.casefold())
        with self.ctx.database() as connection, connection.transaction():
            # In the same transaction: what an operator has set on another instance counts from here on.
            settings = self.ctx.settings_with(flags.every(connection))
            answer = store.claim(
                connection,
                lane,
                now=self.ctx.calendar(),
                real_now=self.ctx.wall(),
                policy=Policy(),
                switches=switches(settings),
                # A page that ends without a post of ours: any id is newer than none.
                watermark=max(own, default=0 if profile.ended else None),
                what=self.what,
            )
        match answer:
            case store.Claimed(posts, held_back):
                passing("claimed", self.ctx.settings.crash_at)
                self.ctx.ask("journal", Keep(posts))
                passing("kept", self.ctx.settings.crash_at)
                for post_id, refused in held_back:
                    self.ctx.log.info("post %d waits: %s", post_id, "; ".join(each.text for each in refused.reasons))
            case store.LaneLost(owner):
                self.tally.notes.append(f"the lane is instance {owner}'s")
            case store.LaneStopped(reason):
                self.tally.notes.append(f"the account is stopped: {reason}")

    # publishing

    def _publish(self, browser: BrowserLoan, kept: Kept) -> None:
        post = kept.post
        parent = self._parent(post)
        if isinstance(parent, str):
            self.tally.notes.append(parent)
            return
        assert post.claim is not None
        boundary = _Boundary(self.ctx, post)
        draft = Draft(post.body, in_reply_to=parent, watermark=post.claim.watermark)
        self.tally.tried += 1
        try:
            published = browser.run(self.ctx.site.publish, draft, boundary.arm, timeout=PUBLISH_SECONDS)
        except SiteError as error:
            self._not_published(post, boundary, error)
        except BaseException as error:
            # The lease ended, the browser died, the run is being stopped: none of them says whether it is out.
            if boundary.armed:
                self.ctx.ask("journal", LoseSight(post, f"after it was armed: {error!r}"))
            raise
        else:
            passing("sent", self.ctx.settings.crash_at)
            self.ctx.ask("journal", Confirm(post, published.id, {"by": published.evidence.value}))
            passing("confirmed", self.ctx.settings.crash_at)
            self.tally.published += 1
            self.ctx.log.info("post %d is published as %d (%s)", post.id, published.id, published.evidence.value)

    def _parent(self, post: Post) -> int | str | None:
        """What it answers: an id, nothing, or why it must wait for the part before it."""
        if post.thread_position is None or post.thread_position == 0 or post.parent_site_id is not None:
            return post.parent_site_id
        for kept in self._claims().kept:
            before = (post.thread_id, post.thread_position - 1)
            if (kept.post.thread_id, kept.post.thread_position) == before and kept.site_id is not None:
                return kept.site_id
        return f"post {post.id} waits for the part of its thread before it"

    def _not_published(self, post: Post, boundary: "_Boundary", error: SiteError) -> None:
        """What an error of the site means for the post, and for the rest of the run."""
        if not error.definite:
            self.ctx.ask("journal", LoseSight(post, str(error)))
            self.tally.notes.append(f"post {post.id} is unknown: {error}")
            return
        if boundary.shadow:
            self.ctx.ask("journal", Fail(post, "shadow mode: everything was done but the sending"))
            return
        refused = isinstance(error, Missing) or (isinstance(error, Rejected) and not isinstance(error, AccountLocked))
        if refused or boundary.armed:
            self.ctx.ask("journal", Fail(post, str(error)))
            if not refused:
                self.tally.again.append(post.id)
        self.tally.notes.append(f"post {post.id} is not published: {error}")
        match error:
            case SessionExpired() | AccountLocked():
                stop_account(self.ctx, error)
                raise error
            case Rejected() | Missing() | NotArmed():
                pass  # this post alone
            case _:
                raise error

    # the end

    def _tell_database(self) -> None:
        """Postgres learns of it now, or, if it is away, from the retry queue."""
        try:
            with self.ctx.database(wait=5.0) as connection:
                outbox.send(self.ctx, connection)
                for post_id in self.tally.again:
                    due_at = self.ctx.calendar() + TRY_AGAIN_IN
                    outcome = store.retry(
                        connection, post_id, who=self.ctx.instance, now=self.ctx.calendar(), due_at=due_at
                    )
                    self.ctx.log.info("post %d is to be tried again: %s", post_id, outcome)
            passing("told", self.ctx.settings.crash_at)
        except LeaseRefused as refusal:
            self.tally.notes.append(f"the database learns of it later: {refusal}")

    def _claims(self) -> Claims:
        found: Claims = self.ctx.ask("journal", GetClaims())
        return found

    def _lane(self) -> Any:
        match self.ctx.board("lane"):
            case Holding(lane, stopped=None):
                return lane
            case Holding(stopped=reason):
                self.tally.notes.append(f"the account is stopped: {reason}")
            case other:
                self.tally.notes.append(f"the lane is not ours: {getattr(other, 'why', 'not asked yet')}")
        return None

    def _is_mine(self, post: Post) -> bool:
        return (post.kind == "reply") == (self.what == "replies")

    def _outcome(self, done: str) -> Outcome:
        note = "; ".join([done, *dict.fromkeys(self.tally.notes)])
        return Outcome(done=self.tally.published, of=self.tally.tried, note=note)


class _Boundary:
    """The send boundary of one post, awaited by the page driver in the browser's own thread."""

    def __init__(self, ctx: RunContext, post: Post) -> None:
        self.ctx = ctx
        self.post = post
        self.armed = False
        self.shadow = False

    async def arm(self) -> None:
        """Returns once the intent is on the disk. Raises NotArmed where nothing may be sent."""
        passing("composed", self.ctx.settings.crash_at)
        if self.ctx.settings.mode == SHADOW:
            self.shadow = True
            raise NotArmed("MODE=shadow: nothing is sent")
        if (why := self._barred()) is not None:
            raise NotArmed(why)
        answer = await asked(self.ctx, "journal", Arm(self.post, self.ctx.actor_name))
        if not isinstance(answer, Armed):
            raise NotArmed(answer.why)
        self.armed = True
        passing("armed", self.ctx.settings.crash_at)

    def _barred(self) -> str | None:
        """Why this post may not be sent, as things are at this moment."""
        allowed = switches(self.ctx.settings)
        if not self.ctx.flags_known():
            return "what the operator set before is not known yet"
        if not allowed.permitted:
            return "this site must not be automated: SITE_AUTOMATION_PERMITTED is not set"
        if not allowed.posting:
            return "POSTING_DISABLED was set meanwhile"
        if self.post.kind == "reply" and not allowed.replies:
            return "REPLIES=off was set meanwhile"
        if (reason := stopped(self.ctx)) is not None:
            return f"the account is stopped: {reason}"
        return None


def switches(settings: Settings) -> Switches:
    """What the operator allows with these settings."""
    permitted = settings.mode == SHADOW or settings.on_sandbox or settings.site_automation_permitted
    return Switches(permitted=permitted, posting=not settings.posting_disabled, replies=settings.replies != OFF)
