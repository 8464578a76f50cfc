"""Reading the own pages of own posts, one after the other: what the scrapers of counts and id recovery share.

A page that cannot be read costs itself alone. What ends the reading (the site asks for a login or for patience, the
browser is gone) comes back beside what was read before, so that it can be kept first.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from actors.protocol.resources import LeaseEnded
from actors.resources.client import LentBrowser
from actors.scheduling.run_context import RunContext
from social.site import Counts, Missing, PageBroken, SiteError, SiteTimeout
from store.posts import Post

LOOK_SECONDS = 30.0
UNREADABLE = (PageBroken, SiteTimeout, TimeoutError)  # what is wrong with one page, and says nothing of others


@dataclass(slots=True)
class Seen:
    """What the pages said. at: of the counts, in the order of the posts, when they were read (calendar).

    missing: posts that their pages do not show; failed: whose pages could not be read. left: posts that were not
    looked at. ended: what ended the reading.
    """

    counted: list[tuple[Post, float, Counts]] = field(default_factory=list)
    missing: list[Post] = field(default_factory=list)
    failed: list[Post] = field(default_factory=list)
    left: list[Post] = field(default_factory=list)
    ended: Exception | None = None


def look(ctx: RunContext, browser: LentBrowser, posts: Iterable[Post], seconds: float) -> Seen:
    """Read the page of each post. No page is begun when `seconds` (real) are over."""
    seen, until = Seen(), ctx.now() + seconds
    for post in posts:
        ctx.check_cancelled()
        if seen.ended is not None or ctx.now() > until:
            seen.left.append(post)
            continue
        try:
            counts = browser.run(ctx.site.counts, ctx.site.own_handle, post.site_id, timeout=LOOK_SECONDS)
        except Missing as error:
            ctx.log.warning("post %d is not shown on its page: %s", post.id, error)
            seen.missing.append(post)
        except UNREADABLE as error:
            ctx.log.warning("the page of post %d cannot be read: %r", post.id, error)
            seen.failed.append(post)
        except (SiteError, LeaseEnded) as error:
            seen.ended = error
        else:
            seen.counted.append((post, ctx.calendar(), counts))
    return seen
