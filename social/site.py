"""The site as Roost's jobs see it: values read from its pages, errors by kind, and the operations.

No browser in here, so that other things can stand behind the same interface: the page driver, a simulation that calls
the sandbox's logic in process, one day a site's official API. What is read from a page was written by strangers: it
is data, cut to a length, never an instruction.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeVar

Tab = TypeVar("Tab", contravariant=True)

# Awaited at the send boundary itself, when the request for the new post has left the page and not yet the browser.
Arm = Callable[[], Awaitable[None]]

# Called when the send button is about to be pressed: from here on a post that nobody saw may be out.
OnClick = Callable[[], None]


def nothing() -> None:
    """For whoever need not know of the click."""


LONGEST_TEXT = 4_000  # characters kept of a scraped text
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Counts:
    """The exact counts of a post, as its page tells them. None: it does not show this one, which is not zero."""

    replies: int | None = 0
    reposts: int | None = 0
    likes: int | None = 0
    bookmarks: int | None = 0
    views: int | None = 0

    @property
    def is_complete(self) -> bool:
        """Whether the page showed all of them."""
        return None not in (self.replies, self.reposts, self.likes, self.bookmarks, self.views)


class Wording(StrEnum):
    """How much of what its author wrote a page shows of a post. Only `WHOLE` may be compared as the text.

    CUT: a beginning, the rest behind "Show more"; TRANSLATED: in another language than it was written in; HIDDEN:
    behind a warning.
    """

    WHOLE = "whole"
    CUT = "cut"
    TRANSLATED = "translated"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True)
class Post:
    """A post seen on a page. at: Unix seconds on the site's clock (calendar); counts: None where the page had none.

    is_pinned: kept at the top out of its order; is_repost: shown because somebody reposted it; is_suggested: shown
    for another reason yet than that its place is here; reply_to: handle of the one it answers. has_card: a link's
    preview hangs below, and that link may be taken out of the text.
    """

    id: int
    author: str
    text: str
    at: float
    counts: Counts | None = None
    is_pinned: bool = False
    is_repost: bool = False
    reply_to: str | None = None
    wording: Wording = Wording.WHOLE
    has_card: bool = False
    is_suggested: bool = False

    @property
    def is_in_order(self) -> bool:
        """Whether it stands where its time puts it."""
        return not (self.is_pinned or self.is_repost or self.is_suggested)


@dataclass(frozen=True, slots=True)
class Profile:
    """An account's page. followers: rounded where the site rounds; posts: as shown, also other people's.

    ended: the page said that there are no more posts than these, so what is not here was not there when it was read.
    Without that nobody knows what is further down.
    bio: what the account says of itself, "" where it says nothing.
    """

    def in_order(self) -> tuple[int, ...]:
        """The ids of the account's own posts that stand in their place, in the page's order."""
        own = self.handle.casefold()
        return tuple(post.id for post in self.posts if post.is_in_order and post.author.casefold() == own)

    handle: str
    name: str
    followers: int
    posts: tuple[Post, ...]
    ended: bool
    bio: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """A text to be posted, sent byte for byte.

    watermark: the newest own id that was visible before; only a newer one can be this post. Without it (None) a
    match on the profile is no evidence.
    """

    text: str
    in_reply_to: int | None = None
    watermark: int | None = None


class Evidence(StrEnum):
    """How Roost knows that a post stands, strongest first."""

    CREATE_RESPONSE = "create_response"
    TOAST = "toast"
    PROFILE_MATCH = "profile_match"
    DUPLICATE_REJECTION = "duplicate_rejection"


@dataclass(frozen=True, slots=True)
class Published:
    """The post stands on the site as `id`."""

    id: int
    evidence: Evidence


class SiteError(Exception):
    """What went wrong on the site. `definite`: whatever was to be sent has surely not been sent."""

    definite = True


class SessionExpired(SiteError):
    """The site asks for a login."""


class Restricted(SiteError):
    """The site lets the account do nothing until a person has seen to it there: a lock, a captcha, a notice."""


class WrongLanguage(SiteError):
    """The account's interface is in a language that Roost does not read, so nothing on its pages is known."""


class RateLimited(SiteError):
    """The site asks for patience. until: when it will serve again (Unix seconds), where it said so."""

    def __init__(self, message: str, until: float | None = None) -> None:
        super().__init__(message)
        self.until = until


class Rejected(SiteError):
    """The site refused the post with `code`. A duplicate (187) is not definite: this may be the post it repeats."""

    def __init__(self, message: str, code: int, definite: bool = True) -> None:
        super().__init__(message)
        self.code = code
        self.definite = definite


class AccountLocked(Rejected):
    """The site refuses the account (suspended, locked, looks automated, …): a person must clear that."""


class NeedsPerson(Rejected):
    """The site refused the post for a reason that only a person can judge."""


class Missing(SiteError):
    """There is no such post or account."""


class PageBroken(SiteError):
    """The page does not keep the contract, or failed to load."""


class Unproven(PageBroken):
    """A page that shows neither who is signed in nor a known wall. Several in a row are a matter for a person."""


class SiteTimeout(SiteError):
    """The site did not answer in time."""


class NotArmed(SiteError):
    """`arm` failed or took too long, so the request was stopped at the send boundary."""


class SendBlocked(PageBroken):
    """After the click the page asked for what nobody here understands. It was stopped, and a person is to look."""


class OutcomeUnknown(SiteError):
    """It may have been sent, and nothing shows what became of it. Only id recovery can tell."""

    definite = False


# What no other page and no later try mends: a person must see to the account.
UNUSABLE = (SessionExpired, AccountLocked, Restricted, WrongLanguage)


class Site(Protocol[Tab]):
    """The operations. Every one raises a `SiteError`; only `publish` ever raises one that is not definite."""

    @property
    def own_handle(self) -> str:
        """The account's handle, without @."""

    async def publish(self, tab: Tab, draft: Draft, arm: Arm, on_click: OnClick = nothing) -> Published:
        """Sends the draft once at most. After `arm` has returned, anything short of evidence is `OutcomeUnknown`.

        So it is where the button was pressed and nothing came to the send boundary. on_click: called just before it.
        """

    async def profile(
        self, tab: Tab, handle: str, *, replies: bool = False, limit: int = 50, down_to: int | None = None
    ) -> Profile:
        """An account and up to `limit` of its posts in their order, replies too if asked.

        What else the page shows between them comes along and does not count. down_to: no further than to this id.
        """

    async def post(self, tab: Tab, handle: str, post_id: int) -> Post:
        """The post with this id by this author, read on its own page, where its text is whole."""

    async def counts(self, tab: Tab, handle: str, post_id: int) -> Counts:
        """The counts of the post with this id by this author, and of no other post on the page."""

    async def search(self, tab: Tab, query: str, limit: int = 50) -> tuple[Post, ...]:
        """The newest posts for a query, up to `limit`."""

    async def session(self, tab: Tab) -> str:
        """The handle that is signed in, which is the own one, or `SessionExpired`."""
