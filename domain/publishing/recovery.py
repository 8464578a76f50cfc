"""Id recovery: what the own profile says about a post that may have been sent.

A page can show that a post is there. It can never show that one is not: it may lag. So the only answers are "this is
it", "look again", and "a person must say", and none of them publishes anything.

All times are of one clock, the one the site stamps its posts with: calendar seconds (on a real site the calendar runs
as the real clock does; the sandbox shares Roost's calendar).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from domain.calendar import MINUTE
from domain.publishing.uniqueness import is_shown_as, may_begin_with

SETTLE = 10 * MINUTE
LOOK_AGAIN = 2 * MINUTE
GIVE_UP = 60 * MINUTE  # without one look at a page that was fresh and read far enough
SKEW = 60.0
A_CONVERSATION = 3  # posts that a page shows together, the older ones first


@dataclass(frozen=True, slots=True)
class Candidate:
    """A post as a page shows it. at: the site's time of it. has_card: a link may have been taken out of its text.

    is_whole: `text` is all of it, as it was written; else only its own page can tell whether it is another one's.
    is_beginning: it is not, and `text` is how it begins.
    """

    author: str
    id: int
    text: str
    at: float
    has_card: bool = False
    is_whole: bool = True
    is_beginning: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """One reading of the own profile (or its replies).

    at: when it was read. complete: it was read down to the watermark, or to its end; without that, what is not in
    `candidates` may be further down.
    """

    at: float
    candidates: tuple[Candidate, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """The unknown post. author: the own handle. watermark: the newest own id visible before the claim, if any.

    armed_at: when it was armed; where only its claim is known, when that began.
    """

    author: str
    text: str
    armed_at: float
    watermark: int | None


@dataclass(frozen=True, slots=True)
class Confirmed:
    """It is on the site, as `id`."""

    id: int


@dataclass(frozen=True, slots=True)
class NotYet:
    """Nothing can be said; look again at `until`."""

    until: float


@dataclass(frozen=True, slots=True)
class NeedsHuman:
    """The site does not show it, which does not prove that it is not there."""

    why: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """Several posts fit: it was published more than once, by whomever."""

    ids: tuple[int, ...]


Finding = Confirmed | NotYet | NeedsHuman | Alarm


def recovered(wanted: Wanted, look: Look, taken: Collection[int], newest_known: int | None) -> Finding:
    """What one look says of the unknown post.

    taken: ids that belong to other posts of ours. newest_known: the newest id known to be on this page from elsewhere
    (another confirmed post, still standing); a look that lacks it saw a page that lags.
    """
    possible = [candidate for candidate in look.candidates if may_be(wanted, candidate, taken)]
    matches = sorted(
        {
            each.id
            for each in possible
            if each.is_whole and is_shown_as(wanted.text, each.text, has_card=each.has_card)
        }
    )
    # One that was read whole elsewhere on the page is read.
    unread = {each.id for each in possible if not each.is_whole} - {
        each.id for each in look.candidates if each.is_whole
    }
    if len(matches) > 1:
        return Alarm(tuple(matches))
    if matches:
        return Confirmed(matches[0])
    settled = wanted.armed_at + SETTLE
    if look.at < settled:
        return NotYet(min(settled, look.at + LOOK_AGAIN))
    fresh = newest_known is None or any(candidate.id == newest_known for candidate in look.candidates)
    if look.complete and fresh and not unread:
        return NeedsHuman(
            f"not on the profile {_minutes(look.at - wanted.armed_at)} min after it was armed, which does not prove "
            f"that it was not published. Look at the site, then approve, reject or retry it"
        )
    if look.at < wanted.armed_at + GIVE_UP:
        return NotYet(look.at + LOOK_AGAIN)
    fault = "was not read far enough" if fresh else "lags: it lacks a newer post that is known to be there"
    if unread:
        fault = f"shows only a part of {', '.join(map(str, sorted(unread)))}, which may be it"
    return NeedsHuman(
        f"no look at the profile counted in {_minutes(look.at - wanted.armed_at)} min (the page {fault}). "
        f"Look at the site, then approve, reject or retry it"
    )


def may_be(wanted: Wanted, candidate: Candidate, taken: Collection[int]) -> bool:
    """Whether it can be the unknown post, as far as its text is shown."""
    return (
        candidate.author.casefold() == wanted.author.casefold()
        and candidate.id not in taken
        and (wanted.watermark is None or candidate.id > wanted.watermark)
        and candidate.at >= wanted.armed_at - SKEW
        and (
            is_shown_as(wanted.text, candidate.text, has_card=candidate.has_card)
            if candidate.is_whole
            else not candidate.is_beginning or may_begin_with(wanted.text, candidate.text)
        )
    )


def reached(in_order: Sequence[int]) -> int | None:
    """How far down a page was read for certain: everything on it that is newer than this id was seen.

    in_order: the account's own ids on it, from the top, without what stands out of its order. They fall, but for
    conversations: a page shows the last posts of one together, the oldest first, at the place of the newest. So the
    last id alone may be that of an old post whose conversation is new. None: too few were seen to tell.

    >>> reached([90, 80, 70, 60]), reached([100, 10, 11]), reached([])
    (80, 100, None)
    """
    return max(in_order[-A_CONVERSATION:]) if len(in_order) >= A_CONVERSATION else None


def _minutes(seconds: float) -> str:
    return f"{seconds / MINUTE:.0f}"
