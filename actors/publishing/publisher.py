"""Publishing exactly once, as one story: settle, claim, keep, arm, send, confirm.

What happens to a claimed post is written to the journal first and reaches Postgres from there. The one moment that
matters is the send boundary: the browser holds the request for the new post back until the intent is on the journal's
disk. Before that moment a post is definitely not sent, and stays claimed for the next run; after it, whatever is not
evidence makes the post unknown, and only id recovery may say more.

With the database gone it works from what the journal has claimed, as long as the claims last. Posts are claimed some
hours before they are due, so that there is such a batch when it goes.
"""

from dataclasses import dataclass, field

from actors.account import journal
from actors.core.future import AskError
from actors.protocol.account import LANE, Holding, StandingBy
from actors.protocol.alerts import clear_alert, raise_alert
from actors.publishing import outbox, reconciliation
from actors.publishing.account_stop import stop_account, stopped
from actors.publishing.claiming import DATABASE_SECONDS, Claiming
from actors.publishing.publishing_breaker import PublishingBreaker
from actors.publishing.reconciliation import database_is_away, part_before
from actors.publishing.send_checks import SendChecks, counted, opted_out
from actors.publishing.send_intent import SendIntent, passing
from actors.resources.client import LentBrowser
from actors.scheduling.outcome import Outcome
from actors.scheduling.run_context import RunContext
from domain.publishing import claims
from domain.publishing.attempts import (
    Again,
    Attempt,
    Cause,
    Intent,
    OutOfSight,
    Over,
    StaysClaimed,
    ends_run,
    fate,
)
from domain.publishing.caps import Policy
from domain.publishing.claims import PostStream
from domain.resources.breaker import NotPermitted, Permitted
from social.site import (
    UNUSABLE,
    AccountLocked,
    Draft,
    Missing,
    NeedsPerson,
    NotArmed,
    Published,
    RateLimited,
    Rejected,
    Restricted,
    SendBlocked,
    SessionExpired,
    SiteError,
    WrongLanguage,
)
from store import posts as store
from store.journal import Kept
from store.lane import Lane
from store.posts import Charge, Post

PUBLISH_SECONDS = 60.0  # real: one post, from opening the page to the evidence
BATCH_SECONDS = PUBLISH_SECONDS * (claims.BATCH + 1)  # real: all posts of a claim, and a slow one among them
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

    def __init__(self, ctx: RunContext, what: PostStream, breaker: PublishingBreaker) -> None:
        """breaker: the job's own, kept from run to run."""
        self.ctx = ctx
        self.what = what
        self.breaker = breaker
        self.policy = Policy()
        self.claiming = Claiming(ctx, what, self.policy)
        self.tally = Tally()
        self.queue_is_empty = False  # as far as the run could see, when it began
        self.sent: dict[int, Charge] = {}  # what Postgres has, of other instances too

    def run(self) -> Outcome:
        """The story of a run. Raises SiteError where the site will not have us now."""
        worth_claiming = self._settle()
        if not worth_claiming and not self._due():
            return self._outcome("nothing is due")
        self.breaker.obey_order(self.ctx)
        if (rest := self.breaker.blocked_reason(self.ctx.now())) is not None:
            return self._outcome(rest)
        try:
            until = self.ctx.now() + BATCH_SECONDS - PUBLISH_SECONDS
            with self.ctx.browser() as browser:
                if worth_claiming:
                    self._claim(browser)
                for kept in self._due():
                    self.ctx.check_cancelled()
                    if self.ctx.now() > until:
                        self.tally.notes.append("the rest is for the next run: this one has had its time")
                        break
                    self._publish(browser, kept.post)
        finally:
            reconciliation.give_back(self.ctx, self.what)
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
        reconciliation.give_back(self.ctx, self.what)
        lane = self._lane()
        try:
            with self.ctx.database(wait=5.0, hold=3 * DATABASE_SECONDS) as connection:
                self.sent = reconciliation.settle(self.ctx, connection, self.what, self.policy)
                if lane is None:
                    return False
                self.queue_is_empty = reconciliation.take_over(self.ctx, connection, lane, self.what)
                return stopped(self.ctx) is None and self.claiming.is_worth_it(connection, lane)
        except Exception as error:
            if not database_is_away(error):
                raise
            self.tally.notes.append(f"from the journal: {error}")
            return False

    def _due(self) -> tuple[Kept, ...]:
        if (reason := stopped(self.ctx)) is not None:
            self.tally.notes.append(f"the account is stopped: {reason}")
            return ()
        now, margin = self.ctx.calendar(), claims.margin_at(self.ctx.settings.speed)
        return tuple(
            kept
            for kept in reconciliation.unsent(self.ctx, self.what)
            if (kept.post.publish_at or 0.0) <= now
            and kept.post.claim is not None
            and claims.may_publish(kept.post.claim, self.ctx.instance, now, margin)
        )

    def _claim(self, browser: LentBrowser) -> None:
        lane = self._lane()
        if lane is None:
            return
        try:
            watermark = self.claiming.watermark(browser)
        except UNUSABLE as error:
            stop_account(self.ctx, error)
            raise
        except RateLimited as error:
            self._be_patient(error)
            raise
        except SiteError as error:
            self.tally.failure = error  # what is claimed already needs no profile
            return
        try:
            answer = self.claiming.claim(lane, watermark)
        except Exception as error:
            if not database_is_away(error):
                raise
            # Perhaps it is committed all the same: the next run adopts it.
            self.tally.notes.append(f"nothing is claimed: {error}")
            return
        match answer:
            case store.Claimed(posts, held_back):
                passing("claimed", self.ctx.settings.crash_at)
                journal.keep(self.ctx, posts)
                passing("kept", self.ctx.settings.crash_at)
                for post_id, refused in held_back:
                    self.ctx.log.info("post %d waits: %s", post_id, "; ".join(each.text for each in refused.reasons))
            case store.LaneLost(owner):
                self.tally.notes.append(f"the lane is instance {owner}'s")
            case store.LaneStopped(reason):
                self.tally.notes.append(f"the account is stopped: {reason}")

    # publishing

    def _publish(self, browser: LentBrowser, post: Post) -> None:
        kept = journal.claims(self.ctx).kept
        parent = post.parent_site_id
        if post.thread_position and parent is None:
            before = part_before(post, kept)
            if before is None or before.site_id is None:
                self.tally.notes.append(f"post {post.id} waits for the part of its thread before it")
                return
            parent = before.site_id
        authors = opted_out(self.ctx, self.what)
        checks = SendChecks(self.ctx, post, counted(self.sent, kept), authors, self.policy)
        if (why := checks.refused()) is not None:
            self.tally.notes.append(f"post {post.id} waits: {why}")
            return
        if reconciliation.is_overtaken(self.ctx, post):
            self.tally.notes.append(f"post {post.id} is not ours any more: Postgres has moved on")
            return
        self.breaker.obey_order(self.ctx)
        call = self.breaker.permission(self.ctx.now())
        if isinstance(call, NotPermitted):
            self.tally.notes.append(f"publishing rests: {call.reason}")
            return
        self._send(browser, checks, parent, call)

    def _send(self, browser: LentBrowser, checks: SendChecks, parent: int | None, call: Permitted) -> None:
        post, intent, began = checks.post, SendIntent(checks), self.ctx.now()
        assert post.claim is not None
        draft = Draft(post.body, in_reply_to=parent, watermark=post.claim.watermark)
        self.tally.tried += 1
        try:
            published = browser.run(self.ctx.site.publish, draft, intent.arm, intent.clicked, timeout=PUBLISH_SECONDS)
        except SiteError as error:
            self._not_published(post, intent, error, call, self.ctx.now() - began)
        except BaseException as error:
            # The lease ended, the browser died, the run is being stopped: none of them says whether it is out.
            self.breaker.failed(call, repr(error), self.ctx.now() - began, self.ctx.now())
            self.breaker.tell(self.ctx)
            if intent.state in (Intent.CLICKED, Intent.ASKED, Intent.ARMED):
                journal.lose_sight(self.ctx, post, f"after it was {intent.state}: {error!r}")
            raise
        else:
            self._published(post, published, call, began)

    def _published(self, post: Post, published: Published, call: Permitted, began: float) -> None:
        passing("sent", self.ctx.settings.crash_at)
        if not self._confirm(post, published):
            self.ctx.log.error("post %d is on the site as %d, and had an id before", post.id, published.id)
        passing("confirmed", self.ctx.settings.crash_at)
        now = self.ctx.now()
        self.breaker.went_well(call, post.id, now - began, now)
        self.breaker.tell(self.ctx)
        clear_alert(self.ctx, _alert(self.what))
        self.tally.published += 1
        self.tally.failed_in_row = 0
        self.ctx.log.info("post %d is published as %d (%s)", post.id, published.id, published.evidence.value)

    def _confirm(self, post: Post, published: Published) -> bool:
        """What the journal must have before anything else; a disk that is full for a moment must not cost it."""
        evidence = {"by": published.evidence.value}
        for _ in range(RECORD_TRIES - 1):
            try:
                return journal.confirm(self.ctx, post, published.id, evidence)
            except AskError as error:
                self.ctx.log.error("the journal does not take %d as post %d yet: %s", published.id, post.id, error)
                self.ctx.sleep(1.0)
        return journal.confirm(self.ctx, post, published.id, evidence)

    def _not_published(
        self, post: Post, intent: SendIntent, error: SiteError, call: Permitted, seconds: float
    ) -> None:
        """What an error of the site means for publishing as such, for the post, and for the rest of the run."""
        cause = cause_of(error)
        self._judge(cause, error, call, seconds)
        if cause in (Cause.PAGE, Cause.BLOCKED) and error.definite:
            self.tally.failure = error
            self.tally.failed_in_row += 1
        attempt = Attempt(
            cause,
            error.definite,
            str(error),
            intent.state,
            tries=self.breaker.tries[post.id],
            claims=post.attempts,
            failures=self.tally.failed_in_row,
            now=self.ctx.calendar(),
        )
        self._record(post, attempt)
        if cause is Cause.ACCOUNT and error.definite:
            stop_account(self.ctx, error)
        if isinstance(error, SendBlocked | NeedsPerson):
            raise_alert(self.ctx, _alert(self.what), f"post {post.id}: {error}")
        if ends_run(attempt):
            raise error

    def _judge(self, cause: Cause, error: SiteError, call: Permitted, seconds: float) -> None:
        now = self.ctx.now()
        match cause:
            case Cause.PATIENCE:
                self._be_patient(error)
            case Cause.PAGE | Cause.BLOCKED:
                self.breaker.failed(call, str(error), seconds, now)
            case _:
                self.breaker.release(call)
        self.breaker.tell(self.ctx)

    def _be_patient(self, error: SiteError) -> None:
        """Until the site says that it serves again, where it said so."""
        until = error.until if isinstance(error, RateLimited) else None
        self.breaker.be_patient(self.ctx.now(), 0.0 if until is None else until - self.ctx.wall())

    def _record(self, post: Post, attempt: Attempt) -> None:
        """Put on record what becomes of a post that is not known to be out."""
        decided = fate(attempt)
        self.breaker.tried(post.id, decided.tries if isinstance(decided, StaysClaimed) else 0)
        match decided:
            case OutOfSight(why):
                journal.lose_sight(self.ctx, post, why)
                self.tally.notes.append(f"post {post.id} is unknown: {why}")
                return
            case Over(why):
                journal.fail(self.ctx, post, why)
            case Again(why, at, if_armed):
                journal.fail(self.ctx, post, why, at, if_armed_here=if_armed)
        self.tally.notes.append(f"post {post.id} is not published: {attempt.why}")

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
        match self.ctx.board(LANE):
            case Holding(lane, stopped=None):
                return lane
            case Holding(stopped=reason):
                self.tally.notes.append(f"the account is stopped: {reason}")
            case StandingBy(why):
                self.tally.notes.append(f"the lane is not ours: {why}")
        return None

    def _outcome(self, done: str) -> Outcome:
        note = "; ".join([done, *dict.fromkeys(self.tally.notes)])
        return Outcome(done=self.tally.published, of=self.tally.tried, note=note)


def _alert(what: PostStream) -> str:
    """Its key: what of these was not sent, and only a person can judge. It is over once one is published."""
    return f"unsent:{what}"


def cause_of(error: SiteError) -> Cause:
    """What an error of the site is about. One that is of no other kind is the page's."""
    match error:
        case SessionExpired() | AccountLocked() | Restricted() | WrongLanguage():
            return Cause.ACCOUNT
        case RateLimited():
            return Cause.PATIENCE
        case Rejected() | Missing():
            return Cause.POST
        case NotArmed():
            return Cause.HELD
        case SendBlocked():
            return Cause.BLOCKED
    return Cause.PAGE
