"""Strangers' posts that may be answered: which fit, how much each is worth, which are kept, and which come first.

The worth fades with the post's age at one rate for all, so their order never changes by waiting, and a stored score
needs no refresh. Times are calendar Unix seconds.
"""

import math
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from domain.calendar import DAY, HOUR
from domain.content import topics
from domain.learning.rewards import BOOKMARK, LIKE, REPLY, REPOST
from domain.replies import courtesy

FRESH_FOR = DAY
HALF_LIFE = 6 * HOUR  # of a post's worth: most of those who will see it have by then
LEAST_ENGAGEMENT = 2.0  # in likes; below it nobody is there to read a reply
LEAST, MOST = 200, 300  # opportunities in the pool: fewer are searched for more often, more are not kept
LARGE = 1_000_000.0  # followers from which more make no difference


@dataclass(frozen=True, slots=True)
class Sighting:
    """A post as it was seen on a page. A count is None where the page did not show it."""

    id: int
    author: str
    text: str
    at: float
    views: int | None = 0
    likes: int | None = 0
    replies: int | None = 0
    reposts: int | None = 0
    bookmarks: int | None = 0
    reply_to: str | None = None
    is_repost: bool = False

    @property
    def engagement(self) -> float:
        """What was done with it, in likes, as far as was shown: never more than it was."""
        return (
            LIKE * (self.likes or 0)
            + REPLY * (self.replies or 0)
            + REPOST * (self.reposts or 0)
            + BOOKMARK * (self.bookmarks or 0)
        )


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Whom and what there is to avoid. own: our handle; opted_out: lower case; answered: ids and conversations."""

    own: str
    opted_out: Collection[str] = ()
    answered: Collection[int] = ()


@dataclass(frozen=True, slots=True)
class Fit:
    """It may be answered. topic: what it is about; share: how much of it is about that, above 0 to 1."""

    topic: str
    share: float


@dataclass(frozen=True, slots=True)
class Unfit:
    """It may not. code: one of a small fixed set."""

    code: str


def judge(seen: Sighting, around: Neighbourhood, now: float) -> Fit | Unfit:
    """Whether a post may be answered at all. The first reason counts; what its author wants comes first."""
    author = seen.author.casefold()
    if author == around.own.casefold():
        return Unfit("own")
    if author in around.opted_out:
        return Unfit("opted_out")
    if courtesy.wants_no_replies(seen.text):
        return Unfit("wants_no_replies")
    if courtesy.is_touchy(seen.text):
        return Unfit("touchy")
    if seen.id in around.answered:
        return Unfit("answered")
    if seen.is_repost or seen.reply_to is not None:
        return Unfit("not_a_root")  # whose conversation it is cannot be told from the page
    if not 0 <= now - seen.at < FRESH_FOR:
        return Unfit("stale")
    if not courtesy.is_english(seen.text):
        return Unfit("language")
    if seen.engagement < LEAST_ENGAGEMENT:
        return Unfit("engagement")
    topic = topics.read(seen.text).topic
    if topic is None:
        return Unfit("topic")
    return Fit(topic, topics.fit(seen.text, topic))


def score(seen: Sighting, fit: Fit, followers: int | None, now: float) -> float:
    """How much a reply to it may be worth at `now`, above 0. followers: the author's, None where nobody has looked.

    Relevance × freshness × how fast it gathers engagement × how many the author reaches.
    """
    age = max(0.0, now - seen.at)
    pace = seen.engagement / (1.0 + age / HOUR)
    audience = 0.5 if followers is None else min(1.0, math.log1p(followers) / math.log1p(LARGE))
    return fit.share * faded(1.0, age) * (1.0 + math.log1p(pace)) * (0.5 + audience)


def faded(score: float, seconds: float) -> float:
    """A score so many seconds later."""
    return score * math.exp2(-max(0.0, seconds) / HALF_LIFE)


@dataclass(frozen=True, slots=True)
class Opportunity:
    """One of the pool. score: as it was at `scored_at`; followers: the author's, if known. A root: its own thread."""

    id: int
    author: str
    text: str
    at: float
    topic: str
    score: float
    scored_at: float
    followers: int | None = None

    def worth(self, now: float) -> float:
        """Its score at `now`."""
        return faded(self.score, now - self.scored_at)


def surplus(pool: Iterable[Opportunity], opted_out: Collection[str], now: float, most: int = MOST) -> tuple[int, ...]:
    """The ids that leave the pool: the stale, those of authors who opted out, and the least beyond `most`."""
    leaving: list[Opportunity] = []
    staying: list[Opportunity] = []
    for each in pool:
        gone = now - each.at >= FRESH_FOR or each.author.casefold() in opted_out
        (leaving if gone else staying).append(each)
    staying.sort(key=lambda each: (-each.worth(now), each.id))
    return tuple(sorted(each.id for each in (*leaving, *staying[most:])))


def is_short(size: int) -> bool:
    """Whether a pool of that size is to be filled sooner than usual."""
    return size < LEAST


@dataclass(frozen=True, slots=True)
class Answered:
    """Whom we have answered or are about to. authors: lately, lower case; threads: ever, as conversation ids."""

    authors: frozenset[str] = frozenset()
    threads: frozenset[int] = frozenset()


def best(
    pool: Iterable[Opportunity],
    answered: Answered,
    opted_out: Collection[str],
    now: float,
    count: int,
    promise: Callable[[Opportunity], float] = lambda each: 1.0,
) -> tuple[Opportunity, ...]:
    """The `count` that are worth most, best first: fresh, one an author, nobody whom we answered lately.

    promise: what was learned of such targets, a factor above 0.
    """
    ranked = sorted(pool, key=lambda each: (-each.worth(now) * promise(each), each.id))
    chosen: list[Opportunity] = []
    authors = set(answered.authors) | {author.casefold() for author in opted_out}
    for each in ranked:
        if len(chosen) >= count:
            break
        if now - each.at >= FRESH_FOR or each.author.casefold() in authors or each.id in answered.threads:
            continue
        authors.add(each.author.casefold())
        chosen.append(each)
    return tuple(chosen)
