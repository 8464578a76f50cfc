"""What can be learned from other people's posts: which of them travelled, and what we have not tried ourselves."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from domain.analysis.rollups import PAIR, Judged, Rollup, fair_rate, lift, of, whole
from domain.calendar import DAY, HOUR
from domain.learning.rewards import BOOKMARK, LIKE, REPLY, REPOST

OLD_ENOUGH = HOUR  # a younger post has not been seen by enough to say how it did
WINDOW = 7 * DAY
LEAST_VIEWS = 100
LEAST_POSTS = 5
VIRAL = 3.0  # robust standard deviations above the ordinary
LEAST_TIMES = 3.0  # the ordinary, where it hardly varies
MAD_TO_DEVIATION = 1.4826  # of a normal distribution
TRIED = 2  # own posts of a kind, from which on it counts as tried
WORTH_TRYING = 1.1


@dataclass(frozen=True, slots=True)
class PeerPost:
    """A post of somebody else's, as seen at `seen_at`. Times in calendar seconds. topic: None where nothing tells."""

    id: int
    author: str
    at: float
    seen_at: float
    topic: str | None
    format: str
    tone: str
    views: int
    likes: int
    replies: int
    reposts: int
    bookmarks: int

    @property
    def engagement(self) -> float:
        """What was done with it, in likes: as `rewards.engagement`, but for followers, which nobody sees."""
        return LIKE * self.likes + REPLY * self.replies + REPOST * self.reposts + BOOKMARK * self.bookmarks


@dataclass(frozen=True, slots=True)
class Standing:
    """How an account does: what its posts got a view, and how many it wrote a day."""

    posts: int
    views: int
    engagement: float
    rate: float
    a_day: float


@dataclass(frozen=True, slots=True)
class Gap:
    """What works for peers and we have hardly tried. lift: times their usual rate; ours: own posts of it."""

    topic: str
    format: str
    lift: float
    peers: int
    ours: int


def as_judged(posts: Iterable[PeerPost]) -> tuple[Judged, ...]:
    """Peers' posts that are old enough, to be rolled up."""
    return tuple(
        Judged(post.at, "post", post.topic, post.format, post.tone, post.views, post.engagement)
        for post in posts
        if post.seen_at - post.at >= OLD_ENOUGH
    )


def standing(posts: Sequence[PeerPost]) -> Standing:
    """How the author of these posts does."""
    views, worth = sum(post.views for post in posts), sum(post.engagement for post in posts)
    times = [post.at for post in posts]
    span = max(times) - min(times) if times else 0.0
    a_day = (len(posts) - 1) / (span / DAY) if span > 0 else 0.0
    return Standing(len(posts), views, worth, worth / views if views else 0.0, a_day)


def viral(posts: Sequence[PeerPost]) -> tuple[PeerPost, ...]:
    """Those that travelled much further than is ordinary for their author, furthest first.

    Ordinary is the median of the author's posts, or of all where he has few, in engagement a view; far is three
    robust standard deviations (by the median absolute deviation, Rousseeuw & Croux, 1993) above it, and at least
    three times.
    """
    seen = [post for post in posts if post.views >= LEAST_VIEWS]
    if len(seen) < LEAST_POSTS:
        return ()
    everybody = _limit(seen)
    by_author: dict[str, list[PeerPost]] = {}
    for post in seen:
        by_author.setdefault(post.author, []).append(post)
    limits = {author: _limit(own) if len(own) >= LEAST_POSTS else everybody for author, own in by_author.items()}
    found = [post for post in seen if _rate(post) > limits[post.author]]
    return tuple(sorted(found, key=lambda post: (-_rate(post), post.id)))


def untried(theirs: Sequence[Rollup], ours: Sequence[Rollup]) -> tuple[Gap, ...]:
    """Topics in a format that do well for peers and that we have tried less than twice, the best first."""
    usual = whole(theirs).rate
    own = {each.key: each.posts for each in of(ours, PAIR)}
    gaps = []
    for each in of(theirs, PAIR):
        good = lift(each, usual)
        if each.posts >= TRIED and good >= WORTH_TRYING and own.get(each.key, 0) < TRIED:
            topic, _, form = each.key.partition("/")
            gaps.append(Gap(topic, form, good, each.posts, own.get(each.key, 0)))
    return tuple(sorted(gaps, key=lambda gap: (-gap.lift, gap.topic, gap.format)))


def patterns(theirs: Sequence[Rollup], dimension: str) -> tuple[Rollup, ...]:
    """Peers' roll-ups of a dimension that have posts enough, the best first."""
    usual = whole(theirs).rate
    known = (each for each in of(theirs, dimension) if each.posts >= TRIED)
    return tuple(sorted(known, key=lambda each: (-fair_rate(each, usual), each.key)))


def next_to_visit(handles: Iterable[str], visited: Mapping[str, float], limit: int) -> tuple[str, ...]:
    """Whom to look at now: those never visited in the order given, then who was visited longest ago.

    visited: when (calendar seconds) each was last looked at.
    """
    unique = list(dict.fromkeys(handles))
    return tuple(sorted(unique, key=lambda handle: visited.get(handle, float("-inf")))[:limit])


def _rate(post: PeerPost) -> float:
    return post.engagement / post.views


def _limit(posts: Sequence[PeerPost]) -> float:
    rates = [_rate(post) for post in posts]
    middle = statistics.median(rates)
    deviation = MAD_TO_DEVIATION * statistics.median(abs(rate - middle) for rate in rates)
    return max(middle + VIRAL * deviation, LEAST_TIMES * middle)
