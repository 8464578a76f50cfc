"""What the numbers mean for planning, in sentences: by the model where there is one, by rule where there is none.

Either way an insight names what it is about (a value of a dimension) and what to do about it. What the model answers
is untrusted: it was made from strangers' numbers and words. So it is parsed strictly, each text is checked as a post
would be, and the numbers beside it are ours, not the model's.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from domain.analysis.peers import Gap
from domain.analysis.report import named, percent
from domain.analysis.rollups import FORMAT, HOUR, PAIR, TONE, TOPIC, Rollup, fair_rate, lift, of, whole
from domain.analysis.trends import Trend
from domain.content import checks
from domain.content.prompts import Prompt, Unusable, data_block, data_rule, unfenced
from domain.content.topics import BUCKETS, FORMATS, TONES, TOPICS

Direction = Literal["more", "less", "try"]
MOST = 6
MOST_CHARS = 200
MOST_ANSWER_CHARS = 8_000
LEAST_POSTS = 2

KEYS: Mapping[str, tuple[str, ...]] = {
    TOPIC: TOPICS,
    FORMAT: FORMATS,
    TONE: TONES,
    HOUR: tuple(str(bucket) for bucket in range(BUCKETS)),
    PAIR: tuple(f"{topic}/{form}" for topic in TOPICS for form in FORMATS),
}

# For the model's structured output (JSON Schema).
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["insights"],
    "properties": {
        "insights": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["dimension", "key", "direction", "text"],
                "properties": {
                    "dimension": {"type": "string", "enum": list(KEYS)},
                    "key": {"type": "string"},
                    "direction": {"type": "string", "enum": list(get_args(Direction))},
                    "text": {"type": "string"},
                },
            },
        }
    },
}


@dataclass(frozen=True, slots=True)
class Insight:
    """One sentence for planning. dimension, key: as in `rollups`, what it is about. lift: times the usual rate."""

    dimension: str
    key: str
    direction: Direction
    text: str
    lift: float | None = None


def from_own(rollups: Sequence[Rollup]) -> tuple[Insight, ...]:
    """What our own roll-ups say by rule: the best and the worst of each dimension, the clearest first."""
    usual = whole(rollups).rate
    found = []
    for dimension in (TOPIC, FORMAT, TONE, HOUR):
        ranked = _ranked(rollups, dimension, usual)
        if len(ranked) < 2:
            continue
        best, worst = ranked[0], ranked[-1]
        found.append(_told(best, "more", "does best", usual))
        found.append(_told(worst, "less", "does worst", usual))
    found.sort(key=lambda each: -abs((each.lift or 1.0) - 1.0))
    return tuple(found[:MOST])


def from_peers(
    theirs: Sequence[Rollup], viral: Sequence[Rollup], gaps: Sequence[Gap], trends: Sequence[Trend]
) -> tuple[Insight, ...]:
    """What peers' roll-ups say by rule: what to try, what works for them, what travels, what is news.

    viral: the roll-ups of those posts of theirs that travelled furthest.
    """
    usual = whole(theirs).rate
    found = [
        Insight(
            PAIR,
            f"{gap.topic}/{gap.format}",
            "try",
            f"{gap.topic} as a {gap.format} does {gap.lift:.1f} times as well as usual for peers "
            f"({gap.peers} posts), and we have {gap.ours}",
            gap.lift,
        )
        for gap in gaps[:2]
    ]
    found += _travelling(viral)
    for dimension in (TOPIC, FORMAT):
        ranked = _ranked(theirs, dimension, usual)
        if len(ranked) >= 2:
            found.append(_told(ranked[0], "more", "does best for peers", usual))
    found += [
        Insight(
            TOPIC,
            trend.topic,
            "try",
            f"peers speak of {trend.term} with {trend.topic}: {trend.lately} posts in a day, "
            f"{trend.before} in the days before",
        )
        for trend in trends[:2]
    ]
    return tuple(found[:MOST])


def own_prompt(rollups: Sequence[Rollup], report: Sequence[str], nonce: str) -> Prompt:
    """The prompt that has our own roll-ups read. nonce: as in `prompts.posts_prompt`."""
    task = (
        "You read the figures of one account about everyday wellbeing and say what its next posts should do more of "
        "or less of."
    )
    return _prompt(task, "The account's figures:", [*tables(rollups), *report], nonce)


def peers_prompt(
    theirs: Sequence[Rollup],
    viral: Sequence[Rollup],
    ours: Sequence[Rollup],
    gaps: Sequence[Gap],
    trends: Sequence[Trend],
    nonce: str,
) -> Prompt:
    """The prompt that has peers' roll-ups read against ours. The arguments are as in `from_peers`."""
    task = (
        "You compare what works for other accounts on everyday wellbeing with what one account has done, and say "
        "what it should try."
    )
    said = [f"peers: {line}" for line in tables(theirs)] + [f"ours: {line}" for line in tables(ours)]
    said += [f"travelled furthest: {line}" for line in tables(viral)[:2]]
    said += [
        f"not tried: {gap.topic}/{gap.format}, lift {gap.lift:.2f}, {gap.peers} posts of peers" for gap in gaps[:5]
    ]
    said += [f"new word on {trend.topic}: {trend.term}" for trend in trends[:5]]
    return _prompt(task, "The figures:", said, nonce)


def tables(rollups: Sequence[Rollup]) -> tuple[str, ...]:
    """The roll-ups as short lines, one a dimension."""
    usual = whole(rollups).rate
    return tuple(
        f"{dimension}: "
        + "; ".join(
            f"{each.key} {each.posts} posts {percent(fair_rate(each, usual))}"
            for each in sorted(of(rollups, dimension), key=lambda each: (-each.posts, each.key))[:8]
        )
        for dimension in KEYS
        if of(rollups, dimension)
    )


def parsed(answer: str, rollups: Sequence[Rollup]) -> tuple[Insight, ...] | Unusable:
    """The insights in the model's answer that are about something we know and pass the checks of a post.

    rollups: what the answer is about; their numbers are set beside it.
    """
    if len(answer) > MOST_ANSWER_CHARS:
        return Unusable(f"{len(answer)} characters are more than any answer needs")
    try:
        value = json.loads(unfenced(answer))
    except (ValueError, RecursionError) as error:
        return Unusable(f"not JSON: {type(error).__name__}")
    items = value.get("insights") if isinstance(value, dict) else None
    if not isinstance(items, list):
        return Unusable('no list of "insights"')
    usual = whole(rollups).rate
    lifts = {(each.dimension, each.key): lift(each, usual) for each in rollups}
    found: dict[str, Insight] = {}
    for item in items:
        insight = _insight(item)
        if insight is not None:
            place = (insight.dimension, insight.key)
            known = Insight(*place, insight.direction, insight.text, lifts.get(place))
            found.setdefault(insight.text.casefold(), known)
    if not found:
        return Unusable("none of its insights is about a known value and passes the checks")
    return tuple(found.values())[:MOST]


def _insight(item: object) -> Insight | None:
    match item:
        case {"dimension": str(dimension), "key": str(key), "direction": str(direction), "text": str(text)}:
            text = " ".join(text.split())
            known = key in KEYS.get(dimension, ()) and direction in get_args(Direction)
            if known and len(text) <= MOST_CHARS and isinstance(checks.check(text, checks.Recent()), checks.Accepted):
                return Insight(dimension, key, direction, text)  # type: ignore[arg-type]
    return None


def _prompt(task: str, heading: str, said: Sequence[str], nonce: str) -> Prompt:
    system = (
        f"{task} Say at most {MOST} things, each in one plain sentence of at most {MOST_CHARS} characters, with the "
        "number that it rests on. No links, no names of accounts, no hashtags. dimension is one of "
        f"{', '.join(KEYS)}; key is a value of it exactly as in the figures; direction is more, less or try. "
        f"{data_rule(nonce)} "
        'Answer with JSON alone: {"insights": [{"dimension": <string>, "key": <string>, "direction": <string>, '
        '"text": <string>}]}.'
    )
    return Prompt(system, f"{heading}\n{data_block(said, nonce)}")


def _ranked(rollups: Sequence[Rollup], dimension: str, usual: float) -> list[Rollup]:
    known = [each for each in of(rollups, dimension) if each.posts >= LEAST_POSTS]
    return sorted(known, key=lambda each: (-fair_rate(each, usual), each.key))


def _travelling(viral: Sequence[Rollup]) -> list[Insight]:
    """Which topic in which format there is most of among the posts that travelled furthest."""
    total = whole(viral).posts
    most = max(of(viral, PAIR), key=lambda each: (each.posts, each.views), default=None)
    if most is None or most.posts < LEAST_POSTS:
        return []
    topic, _, form = most.key.partition("/")
    text = f"{topic} as a {form} travels: {most.posts} of the {total} posts of peers that went furthest"
    return [Insight(PAIR, most.key, "more", text)]


def _told(each: Rollup, direction: Direction, said: str, usual: float) -> Insight:
    text = (
        f"{each.dimension} {named(each.dimension, each.key)} {said}: {percent(fair_rate(each, usual))} engagement a "
        f"view over {each.posts} posts, {percent(usual)} in all"
    )
    return Insight(each.dimension, each.key, direction, text, lift(each, usual))
