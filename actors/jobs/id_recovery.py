"""Finds out what became of posts of which nobody knows whether they are on the site.

It reads the own profile and never publishes. What it cannot settle waits for a person, with the reason; nothing else
waits for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from actors.jobs.shared import own_pages
from actors.publishing import outbox
from actors.resources.client import LentBrowser
from actors.scheduling.outcome import Outcome
from actors.scheduling.run_actor import Job
from actors.scheduling.run_context import RunContext
from domain.calendar import HOUR, days, minutes
from domain.jobs.spec import Holds, JobSpec, Kind
from domain.publishing import recovery, removal
from domain.publishing.states import State
from domain.publishing.uniqueness import is_shown_as, may_begin_with
from social import site
from social.site import Missing, Profile
from store import cleanup, posts
from store.posts import Post
from store.sql import Connection

PAGE = 100  # own posts of a page that are read to verify that they stand
LAGS = 6 * HOUR  # for so long after it may have been sent, a post is looked for as far down as it can stand
DEEPEST = 500  # to find one that nobody knows about
PAGE_SECONDS = 60.0  # real: to read one page so far down
VERIFIED = days(14)  # how long (calendar) a published post is looked for on the profile
LATELY = 500  # of these at most
READ_SECONDS = 80.0  # real: no own page is begun after that
NOTHING_READ = 2**63 - 1  # an id above every id
AT_ONCE = 3  # posts whose own pages are asked in one run, because they are missed, and because they are shown cut


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the database says: posts nobody knows about, those published lately, and those whose own page did not show
    them (missing: since when, by id). at: when (calendar)."""

    at: float
    unsettled: tuple[Post, ...]
    published: tuple[Post, ...]
    missing: Mapping[int, float]
    known_ids: frozenset[int]

    def pages(self) -> tuple[bool, ...]:
        """Which pages are worth reading: the profile, its replies."""
        return tuple(sorted({on_replies(post) for post in (*self.unsettled, *self.published)}))

    def depth(self, replies: bool) -> tuple[int, int | None]:
        """How many own posts of a page are to be read, and down to which id (None: as many as these)."""
        # One that has come to wait for a person was looked for so far down before; but a page may lag, so it still is
        # for some hours.
        unknown = [
            post
            for post in self.unsettled
            if on_replies(post) == replies
            and (post.state is State.UNKNOWN or self.at - self.wanted(post, "").armed_at < LAGS)
        ]
        if unknown:
            marks = [post.claim.watermark if post.claim else None for post in unknown]
            known = [mark for mark in marks if mark is not None]
            return DEEPEST, min(known) if len(known) == len(marks) else None
        standing = [post.site_id for post in self.published if post.site_id and on_replies(post) == replies]
        return PAGE, min(standing, default=None)

    def wanted(self, post: Post, own_handle: str) -> recovery.Wanted:
        """An unsettled post, as the rules want it."""
        return recovery.Wanted(
            author=own_handle,
            text=post.body,
            # Where only its claim is known: no post is sent before its time.
            armed_at=post.armed_at or post.publish_at or post.created_at,
            watermark=post.claim.watermark if post.claim else None,
        )


@dataclass(frozen=True, slots=True)
class Page:
    """One reading: the own posts on it, when (calendar), and the id it surely reached down to (None: to its end)."""

    own: tuple[recovery.Candidate, ...]
    at: float
    oldest: int | None

    def reaching(self, watermark: int | None) -> recovery.Look:
        """As the rules want it, for a post above `watermark`."""
        complete = self.oldest is None or (watermark is not None and self.oldest <= watermark)
        return recovery.Look(self.at, self.own, complete)

    def shows(self, site_id: int) -> bool | None:
        """Whether it shows this post; None: it does not, which says nothing."""
        if any(each.id == site_id for each in self.own):
            return True
        newer = any(each.id > site_id for each in self.own)  # or the page may just lag
        within = self.oldest is None or site_id >= self.oldest
        return False if newer and within else None


class IdRecovery(Job):
    """Resolves the unknown, verifies that recent posts still stand, and reports posts that have no row."""

    spec = JobSpec(
        "id_recovery",
        every=minutes(10),
        priority=1,
        kind=Kind.CRITICAL,
        holds=Holds(browser=1, database=1),
        needs=("database",),
        offset=minutes(8),
        deadline=240.0,
        category="metrics",
    )

    def run(self, ctx: RunContext) -> Outcome:
        ledger = self._ledger(ctx)
        if not ledger.unsettled and not ledger.published:
            return Outcome(note="nothing to recover or to verify")
        looks, unread = self._looks(ctx, ledger)
        with ctx.database() as connection:
            settled = sum(
                self._settle(ctx, connection, post, looks[on_replies(post)], ledger)
                for post in ledger.unsettled
                if on_replies(post) in looks
            )
        gone = self._verify(ctx, looks, ledger)
        if unread is not None:
            raise unread  # what the other page told is kept
        return Outcome(
            done=settled,
            of=len(ledger.unsettled),
            detail={"removed": [post.id for post in gone], "without_row": self._strangers(ctx, looks, ledger)},
        )

    def _ledger(self, ctx: RunContext) -> Ledger:
        account, now = ctx.settings.account, ctx.calendar()
        with ctx.database() as connection:
            outbox.send(ctx, connection)  # first: what the journal knows may settle some of them
            lately = posts.published(connection, account, since=now - VERIFIED, limit=LATELY)
            suspects = posts.suspects(connection, account)
            known = {post.id for post in lately}
            return Ledger(
                at=now,
                unsettled=(
                    *posts.in_state(connection, account, State.UNKNOWN),
                    *posts.in_state(connection, account, State.NEEDS_HUMAN),
                ),
                published=(*lately, *(each.post for each in suspects if each.post.id not in known)),
                missing={each.post.id: each.since for each in suspects},
                known_ids=frozenset(posts.site_ids(connection, account)),
            )

    def _looks(self, ctx: RunContext, ledger: Ledger) -> tuple[dict[bool, Page], Exception | None]:
        """The pages that can be read, and why one could not."""
        looks, unread = {}, None
        with ctx.browser() as browser:
            for replies in ledger.pages():
                try:
                    looks[replies] = self._look(ctx, browser, replies, ledger)
                except own_pages.UNREADABLE as error:
                    ctx.log.warning("the own profile cannot be read (replies: %s): %r", replies, error)
                    unread = error
        return looks, unread

    def _look(self, ctx: RunContext, browser: LentBrowser, replies: bool, ledger: Ledger) -> Page:
        """One reading of the profile, or of its replies. What it shows cut and may be wanted is read whole."""
        handle = ctx.site.own_handle
        at = ctx.calendar()
        limit, down_to = ledger.depth(replies)
        profile: Profile = browser.run(
            ctx.site.profile, handle, replies=replies, limit=limit, down_to=down_to, timeout=PAGE_SECONDS
        )
        own = tuple(candidate(post) for post in profile.posts if post.author.casefold() == handle.casefold())
        oldest = None if profile.ended else recovery.reached(profile.in_order())
        whole = self._whole(ctx, browser, own, ledger)
        # Where not one own post was seen and no end either, nothing was reached.
        return Page(own + whole, at, oldest if profile.ended or oldest is not None else NOTHING_READ)

    def _whole(
        self, ctx: RunContext, browser: LentBrowser, own: Sequence[recovery.Candidate], ledger: Ledger
    ) -> tuple[recovery.Candidate, ...]:
        """Those that are shown in part and may be a post nobody knows about, from their own pages."""
        handle = ctx.site.own_handle
        wanted = [ledger.wanted(post, handle) for post in ledger.unsettled]
        cut = [
            each
            for each in own
            if not each.is_whole and any(recovery.may_be(one, each, ledger.known_ids) for one in wanted)
        ]
        read = []
        for each in ctx.random.sample(cut, min(AT_ONCE, len(cut))):
            try:
                post = browser.run(ctx.site.post, handle, each.id, timeout=own_pages.LOOK_SECONDS)
            except (*own_pages.UNREADABLE, Missing) as error:
                ctx.log.warning("the post %d, which is shown cut, cannot be read whole: %r", each.id, error)
                continue
            read.append(candidate(post))
        return tuple(read)

    def _settle(self, ctx: RunContext, connection: Connection, post: Post, page: Page, ledger: Ledger) -> bool:
        """Whether the post is settled now. One that waits for a person is still found if it shows up after all."""
        wanted = ledger.wanted(post, ctx.site.own_handle)
        newest = max(
            (each.site_id or 0 for each in ledger.published if on_replies(each) == on_replies(post)), default=0
        )
        finding = recovery.recovered(wanted, page.reaching(wanted.watermark), ledger.known_ids, newest or None)
        evidence = {"by": "profile", "looked_at": page.at, "seen": len(page.own)}
        now = ctx.calendar()
        match finding:
            case recovery.Confirmed(site_id):
                posts.reconcile(connection, post.id, site_id, who="id_recovery", at=now, evidence=evidence)
                ctx.log.info("post %d is on the site as %d", post.id, site_id)
                return True
            case recovery.NotYet():
                return False
            case recovery.NeedsHuman(why):
                reason = why
            case recovery.Alarm(ids):
                reason = f"published more than once: {', '.join(map(str, ids))}. Remove all but one, then approve it"
                ctx.log.error("post %d is %s", post.id, reason)
                evidence["ids"] = list(ids)
        posts.ask_human(connection, post.id, reason, who="id_recovery", at=now, evidence=evidence)
        return post.state is State.UNKNOWN

    def _verify(self, ctx: RunContext, looks: Mapping[bool, Page], ledger: Ledger) -> list[Post]:
        """See to those that the profile or their own page did not show. Returns which are gone, their data erased."""
        shown = {post.id: self._shown(post, looks) for post in ledger.published}
        stands = [post for post in ledger.published if post.id in ledger.missing and shown[post.id]]
        doubtful = [
            post
            for post in ledger.published
            if removal.is_doubtful(shown[post.id], ledger.missing.get(post.id), ledger.at)
        ]
        seen = own_pages.Seen()
        if doubtful:
            # By chance: pages that never can be read must not keep the others from being asked.
            asked = ctx.random.sample(doubtful, min(AT_ONCE, len(doubtful)))
            with ctx.browser() as browser:
                seen = own_pages.look(ctx, browser, asked, READ_SECONDS)
        stands += [post for post, _, _ in seen.counted]
        who, at = self.spec.name, ctx.calendar()
        if stands or seen.missing:
            with ctx.database() as connection:
                for post in stands:
                    posts.seen_again(connection, post.id, who=who, at=at)
                for post in seen.missing:
                    ctx.log.warning("post %d was removed from the site", post.id)
                    detail = {"by": "its own page", "on_profile": shown[post.id]}
                    posts.missed(connection, post.id, who=who, at=at, detail=detail)
                    posts.mark_removed(connection, post.id, who=who, at=at)
                if seen.missing:
                    cleanup.erase_removed(connection, who=who, now=at)
        if seen.ended is not None:
            raise seen.ended
        return seen.missing

    def _shown(self, post: Post, looks: Mapping[bool, Page]) -> bool | None:
        page = looks.get(on_replies(post))
        return None if page is None or post.site_id is None else page.shows(post.site_id)

    def _strangers(self, ctx: RunContext, looks: Mapping[bool, Page], ledger: Ledger) -> list[int]:
        """Own posts on the site that no row is about: somebody else posts for the account, or a row was lost."""
        # What was sent since the rows were read has its row by now.
        settled_before = ledger.at - recovery.SETTLE
        wanted = [post.body for post in ledger.unsettled]
        found = sorted(
            {
                each.id
                for page in looks.values()
                for each in page.own
                if each.id not in ledger.known_ids
                and each.at < settled_before
                and not any(_may_say(each, text) for text in wanted)
            }
        )
        if found:
            ctx.log.warning("own posts without a row: %s", ", ".join(map(str, found)))
        return found


def candidate(post: site.Post) -> recovery.Candidate:
    """A post on a page, as the rules want it."""
    return recovery.Candidate(
        post.author,
        post.id,
        post.text,
        post.at,
        has_card=post.has_card,
        is_whole=post.wording is site.Wording.WHOLE,
        is_beginning=post.wording is site.Wording.CUT,
    )


def _may_say(shown: recovery.Candidate, text: str) -> bool:
    if shown.is_whole:
        return is_shown_as(text, shown.text, has_card=shown.has_card)
    return may_begin_with(text, shown.text)


def on_replies(post: Post) -> bool:
    """Whether the post is looked for on the page of replies."""
    return post.kind == "reply" or bool(post.thread_position)
