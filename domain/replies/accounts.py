"""Accounts on our topics: whose page to look at next, and what an account is about. Times are calendar seconds."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from domain.calendar import DAY
from domain.content.topics import TOPICS, fit

LOOK_AGAIN = 7 * DAY
LEAST_FIT = 0.1  # below it an account is about something else


def to_look_at(
    seen: Iterable[str], wanted: Collection[str], known: Mapping[str, float], now: float, limit: int
) -> tuple[str, ...]:
    """At most `limit` handles whose page is to be read, in that order.

    seen: authors of posts on our topics, once for each post. wanted: authors whom we may answer. known: when each
    account's page was last read, by lower-case handle. First come those wanted and never read, then those never read
    whom most posts are by, then those whose reading is older than a week, the oldest first.
    """
    spelled = {handle.casefold(): handle for handle in (*seen, *wanted)}
    posts = Counter(handle.casefold() for handle in seen)
    urgent = {handle.casefold() for handle in wanted}
    new = sorted((name for name in spelled if name not in known), key=lambda n: (n not in urgent, -posts[n], n))
    old = sorted((at, name) for name, at in known.items() if now - at >= LOOK_AGAIN)
    return tuple([*(spelled[name] for name in new), *(spelled.get(name, name) for _, name in old)][:limit])


def about(texts: Sequence[str]) -> tuple[str | None, float]:
    """The topic an account posts most about, with how much of its posts is about that (0 to 1); None for no topic."""
    if not texts:
        return None, 0.0
    means = {topic: sum(fit(text, topic) for text in texts) / len(texts) for topic in TOPICS}
    best = max(TOPICS, key=lambda topic: means[topic])
    return (best, means[best]) if means[best] >= LEAST_FIT else (None, means[best])
