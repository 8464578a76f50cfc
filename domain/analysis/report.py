"""What analytics tells people: how the last weeks went, in a handful of lines."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from domain.analysis.rollups import FORMAT, HOUR, KIND, TOPIC, Rollup, fair_rate, of, whole
from domain.content.topics import HOURS_A_BUCKET

LEAST_POSTS = 2  # of one value, before it may be called best or worst


@dataclass(frozen=True, slots=True)
class Growth:
    """The own followers now, and how many more than a day and a week ago; None where nobody counted then."""

    followers: int
    in_a_day: int | None
    in_a_week: int | None


@dataclass(frozen=True, slots=True)
class Extreme:
    """The best and the worst value of a dimension, each with its engagement a view."""

    dimension: str
    best: str
    best_rate: float
    worst: str
    worst_rate: float


@dataclass(frozen=True, slots=True)
class Report:
    """days: how many the roll-ups span. verdicts: posts by how they did against their prediction."""

    days: int
    posts: int
    replies: int
    views: int
    rate: float
    followers_by_replies: float
    growth: Growth | None
    extremes: tuple[Extreme, ...]
    verdicts: Mapping[str, int]


def reported(rollups: Sequence[Rollup], growth: Growth | None, verdicts: Mapping[str, int], days: int) -> Report:
    """The report on these roll-ups of ours."""
    everything = whole(rollups)
    replies = next((each for each in of(rollups, KIND) if each.key == "reply"), None)
    found = (extreme(rollups, dimension, everything.rate) for dimension in (TOPIC, FORMAT, HOUR))
    return Report(
        days=days,
        posts=everything.posts,
        replies=replies.posts if replies else 0,
        views=everything.views,
        rate=everything.rate,
        followers_by_replies=replies.followers if replies else 0.0,
        growth=growth,
        extremes=tuple(each for each in found if each is not None),
        verdicts=dict(verdicts),
    )


def extreme(rollups: Sequence[Rollup], dimension: str, usual: float) -> Extreme | None:
    """Best and worst of a dimension; None where fewer than two values have posts enough."""
    ranked = sorted(
        (each for each in of(rollups, dimension) if each.posts >= LEAST_POSTS),
        key=lambda each: (-fair_rate(each, usual), each.key),
    )
    if len(ranked) < 2:
        return None
    best, worst = ranked[0], ranked[-1]
    return Extreme(dimension, best.key, fair_rate(best, usual), worst.key, fair_rate(worst, usual))


def lines(report: Report) -> tuple[str, ...]:
    """The report for people, a line a matter."""
    told = [
        f"{report.posts} posts and {report.replies} replies in {report.days} days; "
        f"{report.views} views, {percent(report.rate)} engagement a view"
    ]
    if report.growth is not None:
        grown = [
            f"{count:+d} in a {span}"
            for count, span in ((report.growth.in_a_day, "day"), (report.growth.in_a_week, "week"))
            if count is not None
        ]
        told.append(", ".join([f"{report.growth.followers} followers", *grown]))
    if report.replies:
        told.append(f"replies brought {report.followers_by_replies:.1f} followers")
    told += [
        f"{each.dimension}: best {named(each.dimension, each.best)} ({percent(each.best_rate)}), "
        f"worst {named(each.dimension, each.worst)} ({percent(each.worst_rate)})"
        for each in report.extremes
    ]
    if report.verdicts:
        told.append(
            "against the prediction: "
            + ", ".join(f"{number} {word}" for word, number in sorted(report.verdicts.items()))
        )
    return tuple(told)


def as_json(report: Report) -> dict[str, Any]:
    """The report as a JSON value, its lines with it."""
    return {**asdict(report), "lines": list(lines(report))}


def named(dimension: str, key: str) -> str:
    """A value as people say it.

    >>> named("hour", "2"), named("topic", "sleep")
    ('08–12 h', 'sleep')
    """
    if dimension != HOUR:
        return key
    return f"{int(key) * HOURS_A_BUCKET:02d}–{(int(key) + 1) * HOURS_A_BUCKET:02d} h"


def percent(rate: float) -> str:
    """A rate for people.

    >>> percent(0.0512)
    '5.1 %'
    """
    return f"{100 * rate:.1f} %"
