"""The site's own logic: who posts what, what a page would show, and what is refused.

No HTTP and no clock: callers bring the calendar time, so a simulation can drive the very site that the web server
shows. The own account's posts come from storage, the strangers' and everybody's counts from the seed.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from domain.calendar import DAY
from social.sandbox import snowflake
from social.sandbox.audience import Audience, Seen, Tally
from social.sandbox.reading import read
from social.sandbox.storage import OwnPost, Storage
from social.sandbox.strangers import StrangerPost, Strangers

LONGEST = 280  # characters
LONGEST_NOTE = 25_000  # of a subscriber
DUPLICATE_WINDOW = DAY  # calendar seconds in which the same text is refused
SEARCH_WINDOW = 7 * DAY
FIRST_FOLLOWERS = 25
ACCOUNT_ID = 1_717_000_000_000_000_001

AnyPost = OwnPost | StrangerPost

DUPLICATE, TOO_LONG, EMPTY, NO_PARENT = 187, 186, 38, 385


@dataclass(frozen=True, slots=True)
class Created:
    """The site took the post."""

    post: OwnPost


@dataclass(frozen=True, slots=True)
class Refused:
    """The site took nothing. code and message: as X words them."""

    code: int
    message: str


@dataclass(frozen=True, slots=True)
class Person:
    """An account as its profile shows it."""

    handle: str
    name: str
    bio: str
    followers: int
    is_own: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A post as a page shows it. replying_to: handle of the parent's author; context: the line above it."""

    id: int
    handle: str
    name: str
    text: str
    at: float
    tally: Tally
    in_reply_to: int | None = None
    replying_to: str | None = None
    context: str | None = None


class Network:
    """One account among strangers. handle: the own account's, without @; seed: of tastes, strangers and luck."""

    def __init__(self, storage: Storage, seed: int, handle: str) -> None:
        self.storage = storage
        # A file keeps the seed it was made with: another one would change every count that was already shown.
        self.seed = int(storage.remembered("seed", str(seed)))
        self.handle = handle
        self.audience = Audience(self.seed)
        self.strangers = Strangers(self.seed)
        if handle in self.strangers.by_handle:
            raise ValueError(f"sandbox: @{handle} is a stranger's handle under seed {self.seed}. Choose another one.")

    def publish(
        self, text: str, now: float, in_reply_to: int | None = None, longest: int = LONGEST
    ) -> Created | Refused:
        """Posts `text` at calendar time `now`, or says why not. A `Created` post is durable."""
        if not text.strip():
            return Refused(EMPTY, "Sorry, the text of your post is empty.")
        if len(text) > longest:
            return Refused(TOO_LONG, "Post needs to be a bit shorter.")
        if in_reply_to is not None and self.find(in_reply_to, now) is None:
            return Refused(NO_PARENT, "You attempted to reply to a post that is deleted or not visible to you.")
        if any(_same(text, in_reply_to, post) for post in self.storage.posts(since=now - DUPLICATE_WINDOW)):
            return Refused(DUPLICATE, "Whoops! You already said that.")
        post_id = snowflake.next_own(now, self.storage.last_id())
        post = OwnPost(post_id, text, snowflake.seconds_of(post_id), in_reply_to, self.followers(now))
        self.storage.add(post)
        return Created(post)

    def remove(self, post_id: int, now: float) -> bool:
        """Takes an own post off the site, as its owner can. False where there is none."""
        if self.storage.post(post_id) is None:
            return False
        self.storage.remove(post_id, now)
        return True

    def followers(self, now: float) -> int:
        """The own account's followers at `now`: those of the first day, and those whom each post brought.

        Who came by a post that was removed since stays.
        """
        brought = [(post, now) for post in self.storage.posts()]
        brought += [(post, min(now, at)) for post, at in self.storage.removed()]
        return FIRST_FOLLOWERS + sum(self._own_tally(post, until).follows for post, until in brought)

    def person(self, handle: str, now: float) -> Person | None:
        """The account of that name, in whatever case it is written."""
        if handle.lower() == self.handle.lower():
            bio = "Small notes on health that lasts. Automated account."
            return Person(self.handle, self.handle.title(), bio, self.followers(now), is_own=True)
        stranger = self.strangers.by_handle.get(handle.lower())
        if stranger is None:
            return None
        followers = self.strangers.followers(stranger, now)
        return Person(stranger.handle, stranger.name, stranger.bio, followers, is_own=False)

    def profile(
        self, handle: str, now: float, limit: int = 50, replies: bool = False, lag: float = 0.0
    ) -> list[Shown]:
        """The posts of an account, newest first. lag: own posts younger than so many calendar seconds stay hidden."""
        if handle.lower() == self.handle.lower():
            mine = (post for post in self.storage.posts() if replies or post.in_reply_to is None)
            return [self._show_own(post, now) for post in islice((p for p in mine if now - p.at >= lag), limit)]
        stranger = self.strangers.by_handle.get(handle.lower())
        if stranger is None:
            return []
        return [self._show_stranger(post, now) for post in islice(self.strangers.newest(now, stranger), limit)]

    def home(self, now: float, limit: int = 50) -> list[Shown]:
        """The timeline: everybody's posts, newest first."""
        return [self._show(post, now) for post in islice(self._everybody(now), limit)]

    def search(self, query: str, now: float, limit: int = 50, live: bool = False) -> list[Shown]:
        """Posts of the last days that hold every word of `query`: newest first if `live`, else most liked first.

        `from:handle` asks for one author's.
        """
        words = [word.lower().lstrip("#@") for word in query.split()]
        # Looked through before they are merged: that is most of the work, and few are found.
        own, others = self.storage.posts(), self.strangers.newest(now)
        found = _newest_first(self._found(own, words, now), self._found(others, words, now))
        if live:
            return [self._show(post, now) for post in islice(found, limit)]
        shown = (self._show(post, now) for post in found)
        return sorted(shown, key=lambda post: (post.tally.likes, post.id), reverse=True)[:limit]

    def find(self, post_id: int, now: float) -> Shown | None:
        """The post with this id, whoever wrote it."""
        own = self.storage.post(post_id)
        if own is not None:
            return self._show_own(own, now)
        other = self.strangers.find(post_id, now)
        return None if other is None else self._show_stranger(other, now)

    def answers(self, post_id: int, now: float) -> list[Shown]:
        """Own replies to a post, oldest first."""
        return [self._show_own(post, now) for post in reversed(self.storage.posts()) if post.in_reply_to == post_id]

    def viral_decoy(self, now: float) -> Shown:
        """A stranger's post with counts that nobody could take for the own account's."""
        post = next(self.strangers.newest(now))
        tally = Tally(views=4_210_337, likes=68_848, replies=2_114, reposts=9_021, bookmarks=12_400)
        return replace(self._show_stranger(post, now), tally=tally, context=f"{self.handle.title()} reposted")

    def _everybody(self, now: float) -> Iterator[AnyPost]:
        return _newest_first(self.storage.posts(), self.strangers.newest(now))

    def _found(self, posts: Iterable[AnyPost], words: Sequence[str], now: float) -> Iterator[AnyPost]:
        """Those of the last days, of posts that come newest first, which hold every word."""
        for post in posts:
            if not words or now - post.at >= SEARCH_WINDOW:
                return
            text = post.text.lower()
            for word in words:  # not `all(…)`: to set that up costs more than most posts do
                if not (self._is_from(post, word) if word.startswith("from:") else word in text):
                    break
            else:
                yield post

    def _is_from(self, post: AnyPost, word: str) -> bool:
        author = post.author.handle if isinstance(post, StrangerPost) else self.handle
        return author.lower() == word.removeprefix("from:").lstrip("@")

    def _show(self, post: AnyPost, now: float) -> Shown:
        return self._show_stranger(post, now) if isinstance(post, StrangerPost) else self._show_own(post, now)

    def _show_own(self, post: OwnPost, now: float) -> Shown:
        tally, replying_to = self._own_tally(post, now), None
        if post.in_reply_to is not None:
            parent = self.strangers.find(post.in_reply_to, now)
            replying_to = self.handle if parent is None else parent.author.handle
        answered = self.storage.count_answers(post.id)
        return Shown(
            id=post.id,
            handle=self.handle,
            name=self.handle.title(),
            text=post.text,
            at=post.at,
            tally=replace(tally, replies=tally.replies + answered),
            in_reply_to=post.in_reply_to,
            replying_to=replying_to,
        )

    def _show_stranger(self, post: StrangerPost, now: float) -> Shown:
        return Shown(
            id=post.id,
            handle=post.author.handle,
            name=post.author.name,
            text=post.text,
            at=post.at,
            tally=self._stranger_tally(post, now),
        )

    def _own_tally(self, post: OwnPost, now: float) -> Tally:
        seen = Seen(post.id, post.at, read(post.text), post.followers, post.in_reply_to is not None)
        return self.audience.tally(seen, now)

    def _stranger_tally(self, post: StrangerPost, now: float) -> Tally:
        return self.audience.tally(Seen(post.id, post.at, read(post.text), post.author.followers), now)


def _newest_first(own: Iterable[AnyPost], others: Iterable[AnyPost]) -> Iterator[AnyPost]:
    return heapq.merge(own, others, key=lambda post: post.id, reverse=True)


def _same(text: str, in_reply_to: int | None, post: OwnPost) -> bool:
    return post.in_reply_to == in_reply_to and " ".join(post.text.split()) == " ".join(text.split())
