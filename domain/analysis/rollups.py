"""Many posts as a few numbers: by day, kind, topic, format, tone, hour, and topic with format.

Ours and those of peers are rolled up alike, so that they can be held against each other.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from domain.content.topics import bucket_of
from domain.learning.rewards import PRIOR_VIEWS

DAY, KIND, TOPIC, FORMAT, TONE, HOUR, PAIR = "day", "kind", "topic", "format", "tone", "hour", "pair"
DIMENSIONS = (DAY, KIND, TOPIC, FORMAT, TONE, HOUR, PAIR)


@dataclass(frozen=True, slots=True)
class Judged:
    """One post with what it did. at: calendar seconds of its publishing. kind: post, reply or thread_part.

    topic, format, tone: None where it has none, as replies. engagement: in likes. followers: attributed to it.
    """

    at: float
    kind: str
    topic: str | None
    format: str | None
    tone: str | None
    views: int
    engagement: float
    followers: float = 0.0


@dataclass(frozen=True, slots=True)
class Rollup:
    """All posts with one value (`key`) of one dimension."""

    dimension: str
    key: str
    posts: int
    views: int
    engagement: float
    followers: float

    @property
    def rate(self) -> float:
        """Engagement a view; 0 without views."""
        return self.engagement / self.views if self.views else 0.0


Table = Mapping[tuple[str, str], Rollup]


def rolled(judged: Iterable[Judged]) -> tuple[Rollup, ...]:
    """The roll-ups, in the order of dimension and key. Every post is in one roll-up of each dimension it has."""
    sums: dict[tuple[str, str], Rollup] = {}
    for each in judged:
        for dimension, key in places(each):
            old = sums.get((dimension, key), Rollup(dimension, key, 0, 0, 0.0, 0.0))
            sums[dimension, key] = Rollup(
                dimension,
                key,
                old.posts + 1,
                old.views + each.views,
                old.engagement + each.engagement,
                old.followers + each.followers,
            )
    return tuple(sums[place] for place in sorted(sums))


def places(each: Judged) -> Iterator[tuple[str, str]]:
    """Where a post belongs. Replies have a day and a kind alone: where they go decides how they do."""
    yield DAY, day_of(each.at)
    yield KIND, each.kind
    if each.kind == "reply":
        return
    yield HOUR, str(bucket_of(each.at))
    for dimension, key in ((TOPIC, each.topic), (FORMAT, each.format), (TONE, each.tone)):
        if key is not None:
            yield dimension, key
    if each.topic is not None and each.format is not None:
        yield PAIR, f"{each.topic}/{each.format}"


def day_of(at: float) -> str:
    """The calendar day (UTC) of a calendar time.

    >>> day_of(86_400.0)
    '1970-01-02'
    """
    return datetime.fromtimestamp(at, UTC).date().isoformat()


def of(rollups: Iterable[Rollup], dimension: str) -> tuple[Rollup, ...]:
    """Those of one dimension."""
    return tuple(each for each in rollups if each.dimension == dimension)


def whole(rollups: Iterable[Rollup]) -> Rollup:
    """All posts, replies aside, as one."""
    parts = [each for each in of(rollups, KIND) if each.key != "reply"]
    return Rollup(
        "all",
        "all",
        sum(each.posts for each in parts),
        sum(each.views for each in parts),
        sum(each.engagement for each in parts),
        sum(each.followers for each in parts),
    )


def fair_rate(each: Rollup, usual: float) -> float:
    """Its rate, drawn towards the usual one while few have seen it: as much as `rewards.rate` is."""
    return (each.engagement + PRIOR_VIEWS * usual) / (each.views + PRIOR_VIEWS)


def lift(each: Rollup, usual: float) -> float:
    """How many times as good as usual it is; 1 where there is no usual rate."""
    return fair_rate(each, usual) / usual if usual > 0 else 1.0
