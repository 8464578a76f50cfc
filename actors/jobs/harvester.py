"""Fills the pool of posts that may be answered."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from actors.jobs.shared.account_pages import LOOK_SECONDS
from actors.resources.client import LentBrowser
from actors.scheduling.outcome import Outcome
from actors.scheduling.run_actor import Job
from actors.scheduling.run_context import RunContext
from domain.calendar import hours, minutes
from domain.content.topics import TOPIC_WORDS, TOPICS
from domain.jobs.spec import Holds, JobSpec, Kind
from domain.replies import courtesy
from domain.replies import opportunities as rules
from domain.replies.opportunities import Fit, Neighbourhood, Sighting, Unfit
from social.site import Counts, Missing, PageBroken, Post, SiteTimeout
from store import accounts, opportunities, optouts, posts
from store.opportunities import Find

WORDS = 6  # searched for in one run, besides the topics themselves
PEERS = 2  # accounts on our topics whose posts are searched for
RESULTS = 50
SHORT_OF_POSTS = minutes(30)
NOT_SHOWN = Counts(None, None, None, None, None)
ASKED = "a post of theirs asks for it"


@dataclass(frozen=True, slots=True)
class Desk:
    """What it starts from."""

    around: Neighbourhood
    followers: dict[str, int]
    peers: tuple[str, ...]


class Harvester(Job):
    """Searches, filters, scores and stores; then expires what is stale or more than the pool holds."""

    spec = JobSpec(
        "harvester",
        every=hours(2),
        priority=1,
        kind=Kind.SCRAPING,
        holds=Holds(browser=1, database=1),
        requires=("account_discovery~",),
        offset=minutes(7),
        deadline=300.0,
        category="metrics",
        browser_seconds=240.0,
    )

    def run(self, ctx: RunContext) -> Outcome:
        desk = self._desk(ctx)
        with ctx.browser() as browser:
            seen = self._search(ctx, browser, self._queries(ctx, desk))
        finds, left_out = self._judge(ctx, desk, seen)
        new, expired, size = self._save(ctx, desk, seen, finds)
        return Outcome(
            done=len(finds),
            of=len(seen),
            note=f"{new} new, {expired} expired; the pool holds {size}",
            again_in=SHORT_OF_POSTS if rules.is_short(size) else None,
            detail={"pool": size, "new": new, "expired": expired, "left_out": left_out},
        )

    def _desk(self, ctx: RunContext) -> Desk:
        account = ctx.settings.account
        with ctx.database() as connection:
            answered = opportunities.answered(connection, account, since=ctx.calendar())
            return Desk(
                Neighbourhood(ctx.site.own_handle, optouts.every(connection), answered.threads),
                accounts.followers(connection, account),
                tuple(each.handle for each in accounts.on_topic(connection, account)),
            )

    def _queries(self, ctx: RunContext, desk: Desk) -> list[str]:
        """The topics, some of their words in turn by chance, and the posts of some accounts that are about them."""
        words = [word for topic in TOPICS for word in TOPIC_WORDS[topic] if word not in TOPICS]
        peers = ctx.random.sample(desk.peers, min(PEERS, len(desk.peers)))
        return [*TOPICS, *ctx.random.sample(words, WORDS), *(f"from:{handle}" for handle in peers)]

    def _search(self, ctx: RunContext, browser: LentBrowser, queries: Sequence[str]) -> list[Sighting]:
        """What the searches show, each post once. One that fails costs its results; all of them, the run."""
        found: dict[int, Sighting] = {}
        failed: list[PageBroken | SiteTimeout] = []
        for query in queries:
            ctx.check_cancelled()
            try:
                page = browser.run(ctx.site.search, query, RESULTS, timeout=LOOK_SECONDS)
            except Missing:
                continue
            except (PageBroken, SiteTimeout) as error:
                ctx.log.warning("search for %s: %s", query, error)
                failed.append(error)
                continue
            found.update((post.id, _sighting(post)) for post in page)
        if len(failed) == len(queries):
            raise failed[-1]
        return [found[number] for number in sorted(found)]

    def _judge(self, ctx: RunContext, desk: Desk, seen: Iterable[Sighting]) -> tuple[list[Find], dict[str, int]]:
        """What may be answered, and how many may not, by reason."""
        now, finds, left_out = ctx.calendar(), [], Counter[str]()
        for each in seen:
            match rules.judge(each, desk.around, now):
                case Fit() as fit:
                    followers = desk.followers.get(each.author.casefold())
                    finds.append(Find(each, fit.topic, rules.score(each, fit, followers, now)))
                case Unfit(code):
                    left_out[code] += 1
        return finds, dict(sorted(left_out.items()))

    def _save(
        self, ctx: RunContext, desk: Desk, seen: Iterable[Sighting], finds: Sequence[Find]
    ) -> tuple[int, int, int]:
        """Returns how many are new, how many expired, and how many there are now."""
        account, now = ctx.settings.account, ctx.calendar()
        asking = sorted(
            {each.author for each in seen if courtesy.wants_no_replies(each.text)} - {ctx.site.own_handle}
        )
        with ctx.database() as connection:
            for author in asking:
                posts.opt_out(connection, account, author, source=ASKED, who=self.spec.name, now=now)
            new = opportunities.save(connection, account, finds, now=now)
            pool = opportunities.pool(connection, account)
            leaving = rules.surplus(pool, optouts.every(connection), now)
            why = "too old, its author opted out, or better ones took its place"
            expired = opportunities.close(connection, account, leaving, "expired", why, now=now)
            return new, expired, len(pool) - expired


def _sighting(post: Post) -> Sighting:
    counts = post.counts or NOT_SHOWN
    return Sighting(
        id=post.id,
        author=post.author,
        text=post.text,
        at=post.at,
        views=counts.views,
        likes=counts.likes,
        replies=counts.replies,
        reposts=counts.reposts,
        bookmarks=counts.bookmarks,
        reply_to=post.reply_to,
        is_repost=post.is_repost,
    )
