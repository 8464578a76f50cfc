"""Getting to know accounts: their pages are read before we answer them, and who wants no replies gets none."""

from collections.abc import Iterable
from dataclasses import dataclass

from actors.resources.client import LentBrowser
from actors.scheduling.run_context import RunContext
from domain.replies import accounts as rules
from domain.replies import courtesy
from social.site import Missing, PageBroken, SiteTimeout
from store import accounts, posts
from store.accounts import Account

LOOK_SECONDS = 30.0
POSTS = 20  # of a page, to tell what an account is about
SOURCE = "what the account says of itself"


@dataclass(frozen=True, slots=True)
class Met:
    """An account as its page showed it. account: None where there is no such account any more."""

    handle: str
    account: Account | None
    wants_no_replies: bool = False


def meet(ctx: RunContext, browser: LentBrowser, handles: Iterable[str]) -> list[Met]:
    """Read the pages of these accounts. One that cannot be read is left out; the next reading comes to it again."""
    met = []
    for handle in handles:
        ctx.check_cancelled()
        try:
            profile = browser.run(ctx.site.profile, handle, limit=POSTS, timeout=LOOK_SECONDS)
        except Missing:
            met.append(Met(handle, None))
            continue
        except (PageBroken, SiteTimeout) as error:
            ctx.log.warning("the page of @%s cannot be read: %s", handle, error)
            continue
        texts = [post.text for post in profile.posts if post.author.casefold() == handle.casefold()]
        topic, fit = rules.about(texts)
        account = Account(profile.handle, profile.name, profile.followers, topic, fit, ctx.calendar())
        met.append(Met(handle, account, courtesy.wants_no_replies(profile.bio)))
    return met


def keep(ctx: RunContext, met: Iterable[Met]) -> int:
    """Write down what was seen, and honour what they ask for. Returns how many accounts are new."""
    owner, new = ctx.settings.account, 0
    with ctx.database() as connection:
        for each in met:
            if each.account is None:
                accounts.forget(connection, owner, each.handle)
                continue
            new += accounts.save(connection, owner, each.account)
            if each.wants_no_replies:
                posts.opt_out(connection, owner, each.handle, source=SOURCE, who=ctx.spec.name, now=ctx.calendar())
    return new
