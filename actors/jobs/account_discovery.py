"""Finds accounts on our topics: who they are, how many follow them, what they are about."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from actors.jobs.shared import account_pages as acquaintance
from actors.jobs.shared.account_pages import LOOK_SECONDS
from actors.resources.client import LentBrowser
from actors.scheduling.outcome import Outcome
from actors.scheduling.run_actor import Job
from actors.scheduling.run_context import RunContext
from domain.calendar import minutes
from domain.content.topics import TOPICS, read
from domain.jobs.spec import Holds, JobSpec, Kind
from domain.replies import accounts as rules
from social.site import PageBroken, SiteTimeout
from store import accounts, opportunities, optouts

AT_MOST = 8  # pages of accounts in one run
RESULTS = 50


@dataclass(slots=True)
class Desk:
    """What it starts from. wanted: authors of posts that we may answer; known: when each page was last read."""

    wanted: frozenset[str]
    known: dict[str, float]
    opted_out: frozenset[str]
    seen: list[str] = field(default_factory=list)


class AccountDiscovery(Job):
    """Searches for each topic, and reads the pages of the authors whom it does not know yet."""

    spec = JobSpec(
        "account_discovery",
        every=minutes(90),
        priority=1,
        kind=Kind.SCRAPING,
        holds=Holds(browser=1, database=1),
        offset=minutes(5),
        deadline=300.0,
        category="metrics",
        browser_seconds=240.0,
    )

    def run(self, ctx: RunContext) -> Outcome:
        desk = self._desk(ctx)
        with ctx.browser() as browser:
            desk.seen += self._authors(ctx, browser)
            due = self._due(ctx, desk)
            met = acquaintance.meet(ctx, browser, due)
        new = acquaintance.keep(ctx, met)
        turned_away = sum(each.wants_no_replies for each in met)
        return Outcome(done=len(met), of=len(due), note=f"{new} new; {turned_away} want no replies")

    def _desk(self, ctx: RunContext) -> Desk:
        account = ctx.settings.account
        with ctx.database() as connection:
            wanted = frozenset(each.author for each in opportunities.pool(connection, account))
            return Desk(wanted, accounts.looked_at(connection, account), optouts.every(connection))

    def _authors(self, ctx: RunContext, browser: LentBrowser) -> list[str]:
        """Who posts on our topics, once a post. A search that fails costs its results; all of them, the run."""
        found: list[str] = []
        failed: list[PageBroken | SiteTimeout] = []
        for topic in TOPICS:
            ctx.check_cancelled()
            try:
                posts = browser.run(ctx.site.search, topic, RESULTS, timeout=LOOK_SECONDS)
            except (PageBroken, SiteTimeout) as error:
                ctx.log.warning("search for %s: %s", topic, error)
                failed.append(error)
                continue
            found += [post.author for post in posts if read(post.text).topic is not None]
        if len(failed) == len(TOPICS):
            raise failed[-1]
        return found

    def _due(self, ctx: RunContext, desk: Desk) -> Sequence[str]:
        left_out = {*desk.opted_out, ctx.site.own_handle.casefold()}
        return rules.to_look_at(
            [handle for handle in desk.seen if handle.casefold() not in left_out],
            [handle for handle in desk.wanted if handle.casefold() not in left_out],
            {handle: at for handle, at in desk.known.items() if handle not in left_out},
            ctx.calendar(),
            AT_MOST,
        )
