"""Publishing exactly once, as one story: settle, claim, keep, arm, send, confirm.

What happens to a claimed post is written to the journal first and reaches Postgres from there. The one moment that
matters is the send boundary: the browser holds the request for the new post back until the intent is on the journal's
disk. Before that moment a post is definitely not sent, and stays claimed for the next run; after it, whatever is not
evidence makes the post unknown, and only id recovery may say more.

With the database gone it works from what the journal has claimed, as long as the claims last. Posts are claimed some
hours before they are due, so that there is such a batch when it goes.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from actors.core.future import AskError
from actors.protocol.account import Holding
from actors.protocol.journal import Confirm, Disarm, Fail, Keep, LoseSight
from actors.publishing import outbox
from actors.publishing import reconciliation as settling
from actors.publishing import send_checks as permission
from actors.publishing.account_stop import stop_account, stopped
from actors.publishing.crash_points import passing
from actors.publishing.publishing_breaker import Brake
from actors.publishing.reconciliation import claims_of, database_is_away, is_of, part_before
from actors.publishing.send_checks import switches
from actors.publishing.send_intent import Boundary
from actors.resources.client import LentBrowser
from actors.scheduling.outcome import Outcome
from actors.scheduling.run_context import RunContext
from domain.calendar import DAY, HOUR
from domain.publishing import claims
from domain.publishing.caps import Policy
from domain.resources.breaker import NotPermitted, Permitted
from social.site import (
    AccountLocked,
    Draft,
    Missing,
    NotArmed,
    PageBroken,
    RateLimited,
    Rejected,
    SessionExpired,
    SiteError,
    SiteTimeout,
)
from store import flags
from store import posts as store
from store.journal import Kept
from store.lane import Lane
from store.posts import Charge, Post
from store.posts.claim import PostStream

PUBLISH_SECONDS = 60.0  # real: one post, from opening the page to the evidence
LOOK_SECONDS = 30.0
DATABASE_SECONDS = 10.0  # real: a database that takes longer is away, and there is the journal
TRY_AGAIN_IN = 300.0  # calendar
LET_OTHERS_GO = HOUR  # calendar
MOST_CLAIMS = 20  # of one post that could not be sent; then a person has to look at it
RECORD_TRIES = 5


@dataclass(slots=True)
class Tally:
    """What one run has done so far. failure: why a post was not sent, if that was the page's doing."""

    published: int = 0
    tried: int = 0
    failure: SiteError | None = None
    failed_in_row: int = 0
    notes: list[str] = field(default_factory=list)


class Publisher:
    """One run of publishing what is due: posts (threads with them), or replies."""

    def __init__(self, ctx: RunContext, what: PostStream, brake: Brake | None = None) -> None:
        """brake: the job's own, kept from run to run."""
        self.ctx = ctx
        self.what = what
        self.brake = brake or Brake()
        self.policy = Policy()
        self.margin = settling.margin_of(ctx.settings.speed)
        self.tally = Tally()
        self.queue_is_empty = False
        self.sent: dict[int, Charge] = {}  # what Postgres has, of other instances too

    def run(self) -> Outcome:
        """The story of a run. Raises SiteError where the site will not have us now."""
        wanted = self._settle()
        if not wanted and not self._due():
            return self._outcome("nothing is due")
        self.brake.obey_order(self.ctx)
        if (rest := self.brake.blocked_reason(self.ctx.now())) is not None:
            return self._outcome(rest)
        try:
            hold = PUBLISH_SECONDS * (claims.BATCH + 1)
            until = self.ctx.now() + hold - PUBLISH_SECONDS
            with self.ctx.browser(hold=hold) as browser:
                if wanted:
                    self._claim(browser)
                for kept in self._due():
                    self.ctx.check_cancelled()
                    if self.ctx.now() > until:
                        self.tally.notes.append("the rest is for the next run: this one has had its time")
                        break
                    self._publish(browser, kept)
        finally:
            settling.give_back(self.ctx, self.what)
            self._tell_database()
        if self.tally.failure is not None and not self.tally.published:
            raise self.tally.failure
        return self._outcome("published")

    def settle(self) -> Outcome:
        """Only what must be in order whether or not anything may be published: no claim may last for ever."""
        self._settle()
        return self._outcome("nothing is published")

    # what there is to do

    def _settle(self) -> bool:
        """Bring journal and database to one word. Returns whether a claim would take something."""
        settling.give_back(self.ctx, self.what)
        lane = self._lane()
        try:
            with self.ctx.database(wait=5.0, hold=3 * DATABASE_SECONDS) as connection:
                outbox.send(self.ctx, connection)
                settling.remember(self.ctx, connection)
                settling.drop_overtaken(self.ctx, connection, self.what)
                if permission.release_forbidden(self.ctx, self.what, self.policy):
                    outbox.send(self.ctx, connection)
                self.sent = store.sent(connection, self.ctx.settings.account, since=self.ctx.calendar() - DAY)
                if lane is None:
                    return False
                now, real_now = self.ctx.calendar(), self.ctx.wall()
                store.sweep_ended(connection, lane, now=now, real_now=real_now, margin=self.margin)
                if settling.adopt(self.ctx, connection, lane, self.what):
                    outbox.send(self.ctx, connection)
                queued = store.queued(connection, self.ctx.settings.account)
                self.queue_is_empty = not any(is_of(self.what, post) for post in queued) and not self._waiting()
                return stopped(self.ctx) is None and self._worth_claiming(connection, lane)
        except Exception as error:
            if not database_is_away(error):
                raise
            self.tally.notes.append(f"from the journal: {error}")
            return False

    def _waiting(self) -> bool:
        """Whether something of ours is claimed and not yet published."""
        return bool(settling.unsent(self.ctx, self.what))

    def _due(self) -> tuple[Kept, ...]:
        if (reason := stopped(self.ctx)) is not None:
            self.tally.notes.append(f"the account is stopped: {reason}")
            return ()
        now = self.ctx.calendar()
        return tuple(
            kept
            for kept in settling.unsent(self.ctx, self.what)
            if (kept.post.publish_at or 0.0) <= now
            and kept.post.claim is not None
            and claims.may_publish(kept.post.claim, self.ctx.instance, now, self.margin)
        )

    # claiming

    def _terms(self) -> dict[str, Any]:
        """What a claim takes and for how long: replies when they are due, posts some hours before."""
        return {
            "what": self.what,
            "policy": self.policy,
            "claim_seconds": claims.length(self.margin),
            "margin": self.margin,
            "ahead": claims.ahead(self.margin) if self.what == "posts" else 0.0,
        }

    def _worth_claiming(self, connection: Any, lane: Lane) -> bool:
        allowed = switches(self.ctx.settings)
        return store.worth_claiming(connection, lane, now=self.ctx.calendar(), switches=allowed, **self._terms())

    def _claim(self, browser: LentBrowser) -> None:
        lane = self._lane()
        if lane is None:
            return
        site = self.ctx.site
        try:
            profile = browser.run(site.profile, site.own_handle, replies=self.what == "replies", timeout=LOOK_SECONDS)
        except SessionExpired as error:
            stop_account(self.ctx, error)
            raise
        except RateLimited:
            self.brake.be_patient(self.ctx.now())
            raise
        except SiteError as error:
            self.tally.failure = error  # what is claimed already needs no profile
            return
        own = (post.id for post in profile.posts if post.author.casefold() == site.own_handle.casefold())
        # A page that ends without a post of ours: any id is newer than none.
        watermark = max(own, default=0 if profile.ended else None)
        try:
            answer = self._claimed(lane, watermark)
        except Exception as error:
            if not database_is_away(error):
                raise
            # Perhaps it is committed all the same: the next run adopts it.
            self.tally.notes.append(f"nothing is claimed: {error}")
            return
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

    def _claimed(self, lane: Lane, watermark: int | None) -> store.Claimed | store.LaneLost | store.LaneStopped:
        with self.ctx.database(hold=DATABASE_SECONDS) as connection, connection.transaction():
            # In the same transaction: what an operator has set on another instance counts from here on.
            allowed = switches(self.ctx.settings_with(flags.every(connection)))
            return store.claim(
                connection,
                lane,
                now=self.ctx.calendar(),
                real_now=self.ctx.wall(),
                switches=allowed,
                watermark=watermark,
                **self._terms(),
            )

    # publishing

    def _publish(self, browser: LentBrowser, kept: Kept) -> None:
        post, all_kept = kept.post, claims_of(self.ctx).kept
        parent = post.parent_site_id
        if post.thread_position and parent is None:
            before = part_before(post, all_kept)
            if before is None or before.site_id is None:
                self.tally.notes.append(f"post {post.id} waits for the part of its thread before it")
                return
            parent = before.site_id
        opted_out_authors = permission.opted_out(self.ctx, self.what)
        refused = partial(permission.refused, self.ctx, post, all_kept, self.sent, opted_out_authors, self.policy)
        if (why := refused()) is not None:
            self.tally.notes.append(f"post {post.id} waits: {why}")
            return
        if settling.is_overtaken(self.ctx, post):
            self.tally.notes.append(f"post {post.id} is not ours any more: Postgres has moved on")
            return
        self.brake.obey_order(self.ctx)
        call = self.brake.permission(self.ctx.now())
        if isinstance(call, NotPermitted):
            self.tally.notes.append(f"publishing rests: {call.reason}")
            return
        assert post.claim is not None
        boundary = Boundary(self.ctx, post, refused)
        draft = Draft(post.body, in_reply_to=parent, watermark=post.claim.watermark)
        self.tally.tried += 1
        began = self.ctx.now()
        try:
            published = browser.run(self.ctx.site.publish, draft, boundary.arm, timeout=PUBLISH_SECONDS)
        except SiteError as error:
            self._judge(error, call, self.ctx.now() - began)
            self._not_published(post, boundary, error)
        except BaseException as error:
            # The lease ended, the browser died, the run is being stopped: none of them says whether it is out.
            self.brake.failed(call, repr(error), self.ctx.now() - began, self.ctx.now())
            self.brake.tell(self.ctx)
            if boundary.asked:
                self.ctx.ask("journal", LoseSight(post, f"after it was armed: {error!r}"))
            raise
        else:
            passing("sent", self.ctx.settings.crash_at)
            evidence = {"by": published.evidence.value}
            if not self._on_record(Confirm(post, published.id, evidence)):
                self.ctx.log.error("post %d is on the site as %d, and had an id before", post.id, published.id)
            passing("confirmed", self.ctx.settings.crash_at)
            now = self.ctx.now()
            self.brake.went_well(call, post.id, now - began, now)
            self.brake.tell(self.ctx)
            self.tally.published += 1
            self.tally.failed_in_row = 0
            self.ctx.log.info("post %d is published as %d (%s)", post.id, published.id, published.evidence.value)

    def _on_record(self, message: Confirm) -> bool:
        """What the journal must have before anything else; a disk that is full for a moment must not cost it."""
        for _ in range(RECORD_TRIES - 1):
            try:
                return bool(self.ctx.ask("journal", message))
            except AskError as error:
                self.ctx.log.error("the journal does not take %s yet: %s", message, error)
                self.ctx.sleep(1.0)
        return bool(self.ctx.ask("journal", message))

    def _judge(self, error: SiteError, call: Permitted, seconds: float) -> None:
        """What the error says of publishing as such."""
        now = self.ctx.now()
        match error:
            case RateLimited():
                self.brake.be_patient(now)
            case Rejected() | Missing() | NotArmed() | SessionExpired():
                self.brake.release(call)
            case _:
                self.brake.failed(call, str(error), seconds, now)
        self.brake.tell(self.ctx)

    def _not_published(self, post: Post, boundary: Boundary, error: SiteError) -> None:
        """What an error of the site means for the post, and for the rest of the run."""
        if not error.definite:
            self.ctx.ask("journal", LoseSight(post, str(error)))
            self.tally.notes.append(f"post {post.id} is unknown: {error}")
            return
        if boundary.shadow:
            self.ctx.ask("journal", Fail(post, "shadow mode: everything was done but the sending"))
            return
        self._failed_definitely(post, boundary, error)
        self.tally.notes.append(f"post {post.id} is not published: {error}")
        match error:
            case SessionExpired() | AccountLocked():
                stop_account(self.ctx, error)
                raise error
            case RateLimited():
                raise error
            case PageBroken() | SiteTimeout():
                self.tally.failure = error
                self.tally.failed_in_row += 1
                if self.tally.failed_in_row > 1:
                    raise error  # it is the page, and not the post

    def _failed_definitely(self, post: Post, boundary: Boundary, error: SiteError) -> None:
        """The post is not out. It is over, or comes again with the same bytes, or simply stays claimed."""
        now = self.ctx.calendar()
        refused = isinstance(error, Missing) or (isinstance(error, Rejected) and not isinstance(error, AccountLocked))
        if refused:
            self.ctx.ask("journal", Fail(post, str(error)))
        elif boundary.armed:
            self.ctx.ask("journal", Fail(post, str(error), now + TRY_AGAIN_IN))
        elif boundary.asked and not boundary.answered:
            self.ctx.ask("journal", Disarm(post, self.ctx.actor_name, str(error), now + TRY_AGAIN_IN))
        elif isinstance(error, PageBroken | SiteTimeout) and self.brake.unsent(post.id):
            if post.attempts >= MOST_CLAIMS:
                self.ctx.ask("journal", Fail(post, f"claimed {post.attempts} times and never sent: {error}"))
            else:
                self.ctx.ask("journal", Fail(post, str(error), now + LET_OTHERS_GO))

    # the end

    def _tell_database(self) -> None:
        """Postgres learns of it now, or, if it is away, from the retry queue."""
        try:
            with self.ctx.database(wait=5.0, hold=DATABASE_SECONDS) as connection:
                outbox.send(self.ctx, connection)
            passing("told", self.ctx.settings.crash_at)
        except Exception as error:
            if not database_is_away(error):
                raise
            self.tally.notes.append(f"the database learns of it later: {error}")

    def _lane(self) -> Lane | None:
        match self.ctx.board("lane"):
            case Holding(lane, stopped=None):
                held: Lane = lane
                return held
            case Holding(stopped=reason):
                self.tally.notes.append(f"the account is stopped: {reason}")
            case other:
                self.tally.notes.append(f"the lane is not ours: {getattr(other, 'why', 'not asked yet')}")
        return None

    def _outcome(self, done: str) -> Outcome:
        note = "; ".join([done, *dict.fromkeys(self.tally.notes)])
        return Outcome(done=self.tally.published, of=self.tally.tried, note=note)
