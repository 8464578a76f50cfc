"""What is news on the topics: words that are used much more lately than before.

A word's score is the log likelihood ratio of its two counts (Dunning, "Accurate Methods for the Statistics of
Surprise and Coincidence", 1993), which unlike a plain ratio does not mistake one rare word for a trend.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from domain.calendar import DAY
from domain.content.topics import TOPIC_WORDS

LATELY = DAY
LEAST_AUTHORS = 2  # one person who repeats himself is no news
LEAST_SCORE = 3.84  # a chi-square of one degree of freedom at 5 %
MOST = 3  # a topic
_WORD = re.compile(r"[a-z][a-z'-]{3,24}")
_COMMON = """
about after again also always another anyone around because been before being better between both could does doing
done down each ever every everyone from have having here into just know like long made make many month months more
most much need never nobody none once only other over people same simple since some someone still stop such take
than that their them then there these they thing think this those though time today turns until very want week weeks
well were what when where which while will with without would year your yours
"""
_STOP = frozenset(_COMMON.split())


@dataclass(frozen=True, slots=True)
class Said:
    """One post on a topic. at: calendar seconds."""

    author: str
    topic: str
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class Trend:
    """A word that is news. lately, before: posts with it in the last day, and in the days before it."""

    topic: str
    term: str
    lately: int
    before: int
    score: float


def trends(said: Iterable[Said], now: float) -> tuple[Trend, ...]:
    """The news of each topic, at most three words each, the strongest first."""
    by_topic: dict[str, list[Said]] = {}
    for each in said:
        by_topic.setdefault(each.topic, []).append(each)
    return tuple(found for topic in sorted(by_topic) for found in _of_topic(topic, by_topic[topic], now))


def _of_topic(topic: str, said: list[Said], now: float) -> list[Trend]:
    lately: Counter[str] = Counter()
    before: Counter[str] = Counter()
    authors: dict[str, set[str]] = {}
    posts = [0, 0]
    for each in said:
        is_new = now - each.at < LATELY
        posts[is_new] += 1
        for term in terms(each.text):
            (lately if is_new else before)[term] += 1
            if is_new:
                authors.setdefault(term, set()).add(each.author)
    found = [
        Trend(topic, term, count, before[term], surprise(count, posts[1], before[term], posts[0]))
        for term, count in lately.items()
        if len(authors[term]) >= LEAST_AUTHORS and not any(term.startswith(stem) for stem in TOPIC_WORDS[topic])
    ]
    news = [each for each in found if each.score >= LEAST_SCORE]
    return sorted(news, key=lambda each: (-each.score, each.term))[:MOST]


def terms(text: str) -> frozenset[str]:
    """The words of a text that can be news."""
    return frozenset(_WORD.findall(text.casefold())) - _STOP


def surprise(lately: int, posts_lately: int, before: int, posts_before: int) -> float:
    """Dunning's -2 log λ of a word in `lately` of `posts_lately` posts, after `before` of `posts_before`.

    0 where it is not more frequent than before, or where there is no before to compare with.
    """
    if not posts_lately or not posts_before or lately / posts_lately <= before / posts_before:
        return 0.0
    together = (lately + before) / (posts_lately + posts_before)
    fit = _likelihood(lately, posts_lately, lately / posts_lately) + _likelihood(
        before, posts_before, before / posts_before
    )
    null = _likelihood(lately, posts_lately, together) + _likelihood(before, posts_before, together)
    return max(0.0, 2.0 * (fit - null))


def _likelihood(hits: int, of: int, chance: float) -> float:
    """The logarithm of the binomial likelihood, its constant left out."""
    return (hits * math.log(chance) if hits else 0.0) + ((of - hits) * math.log1p(-chance) if of > hits else 0.0)
