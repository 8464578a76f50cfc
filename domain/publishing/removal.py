"""When a published post counts as removed from the site.

Its text and figures are erased then, for good, so the word of one page is not enough: pages fail, lag, and say "does
not exist" of what does. It takes two witnesses: the post's own page and the profile, or its own page twice, some time
apart. And whatever the profile shows, stands.
"""

from domain.calendar import HOUR

APART = HOUR  # calendar seconds, between the first and the last time that its own page does not show it


def is_doubtful(on_profile: bool | None, missing_since: float | None, now: float) -> bool:
    """Whether its own page is to be asked, and the post is gone if that does not show it.

    on_profile: whether the own profile shows it; None: it says nothing, since it may lag, ends before it or was not
    read. missing_since: when its own page first did not show it; None: it did, when last asked. Calendar seconds.
    """
    match on_profile:
        case True:
            return False
        case False:
            return True
        case None:
            return missing_since is not None and now - missing_since >= APART
