"""Reserves: how the units of one resource are divided among those who ask for them.

A pool that is first come, first served lets fifteen scrapers keep the one post of the hour waiting. So a pool is cut
into reserves, and a request may use

* the reserves it *belongs* to (its category is among theirs, its priority is high enough), narrowest first, and
* when those are full, an idle reserve that lends to its priority: `lent_above` 6 lends to priorities 0 to 5. Those
  who belong to a reserve always go before those who borrow it; and
* when those are full as well, a reserve that stands idle until a known time, if the hold ends before it. `backfill`
  60 lends so for 60 s at most. Batch schedulers do the same with processors that a large job will need (EASY
  backfilling; D. Lifka, "The ANL/IBM SP scheduling system", 1995): what is kept for later is used by whoever is
  certain to be gone by then.

Reserves count units, they do not name them: when a unit comes free, who borrows moves back to its own reserve, so a
loan ends as soon as it is not needed, without the borrower noticing.

A pool that shrinks keeps one unit for each reserve as long as there is one, in the order written; those who belong
to a reserve that has none left belong to the last one that has, so nobody is shut out while there is a unit at all.

>>> policy = browser_policy()
>>> policy.sizes(3), policy.sizes(2), policy.sizes(1)
((1, 1, 1), (1, 1, 0), (1, 0, 0))
>>> policy.route("posting", 0, policy.sizes(3)).order      # its own, then what it may borrow
(0, 1, 2)
>>> policy.route("background", 7, policy.sizes(3)).order
(2,)
>>> policy.route("background", 7, policy.sizes(2)).order   # no unit of its own: the last reserve takes it in
(1,)
"""

from dataclasses import dataclass

LOWEST_PRIORITY = 10


@dataclass(frozen=True, slots=True)
class Reserve:
    """Units kept for some requests.

    categories: whom it is kept for, None for every category. lowest_priority: the largest priority number that
    belongs to it. lent_above: when idle, it is lent to priority numbers below this one; 0 lends to nobody. backfill:
    the longest hold (seconds) for which it is lent to anyone before its next use, and so the longest that somebody
    who comes before the time that was told can wait for it; 0 lends to nobody.
    """

    name: str
    units: int
    categories: frozenset[str] | None = None
    lowest_priority: int = LOWEST_PRIORITY
    lent_above: int = 0
    backfill: float = 0.0

    def is_home_of(self, category: str, priority: int) -> bool:
        """Whether requests of this category and priority belong here."""
        return priority <= self.lowest_priority and (self.categories is None or category in self.categories)


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request may be served: reserve numbers in order of preference, and the same as two bit masks.

    first: the most preferred; where there is none (no unit at all), 0. serves: whether a reserve is kept for such
    requests at all, be it empty now.
    """

    order: tuple[int, ...]
    first: int
    home: int
    borrowed: int
    serves: bool


@dataclass(frozen=True, slots=True)
class Policy:
    """How one resource is lent.

    resource, unit: the words for error messages. reserves: narrowest first; a pool larger than their sum gives the
    rest to the last. starvation_seconds: a request goes before every one of its reserve that arrives this much later,
    whatever their priorities. longest_hold: seconds; longer holds are cut to it, which makes every wait finite.
    warn_share: part of a hold after which its holder is warned. remedy: what a refused caller can do.
    """

    resource: str
    unit: str
    reserves: tuple[Reserve, ...]
    starvation_seconds: float
    longest_hold: float
    remedy: str
    warn_share: float = 0.8

    def __post_init__(self) -> None:
        if not self.reserves or min(reserve.units for reserve in self.reserves) < 1:
            raise ValueError(f"{self.resource}: a policy needs reserves of at least one unit each")

    @property
    def capacity(self) -> int:
        """Units in all."""
        return sum(reserve.units for reserve in self.reserves)

    def sizes(self, capacity: int) -> tuple[int, ...]:
        """How many units each reserve has when there are `capacity`: one each first, then up to what is written."""
        sizes = [1 if number < capacity else 0 for number in range(len(self.reserves))]
        left = capacity - sum(sizes)
        for number, reserve in enumerate(self.reserves):
            more = min(left, max(0, reserve.units - sizes[number]))
            sizes[number] += more
            left -= more
        sizes[-1] += left
        return tuple(sizes)

    def route(self, category: str, priority: int, sizes: tuple[int, ...]) -> Route:
        """Where such a request may be served with reserves of these sizes; an empty route if they are all empty."""
        there = [number for number, size in enumerate(sizes) if size]
        home: list[int] = []
        for number, reserve in enumerate(self.reserves):
            if reserve.is_home_of(category, priority) and there:
                place = number if sizes[number] else there[-1]
                home += [] if place in home else [place]
        borrowed = [number for number in there if number not in home and priority < self.reserves[number].lent_above]
        return Route(
            order=(*home, *borrowed),
            first=home[0] if home else 0,
            home=sum(1 << number for number in home),
            borrowed=sum(1 << number for number in borrowed),
            serves=any(reserve.is_home_of(category, priority) for reserve in self.reserves),
        )


def browser_policy() -> Policy:
    """Three contexts: one for posting, one for metrics and harvesting, one for background work.

    Posting's is lent for 50 s at most, so that a run which comes sooner than it said has one before it is refused.
    """
    return Policy(
        resource="browser",
        unit="context",
        reserves=(
            Reserve("posting", 1, frozenset({"posting"}), backfill=50.0),
            Reserve("scraping", 1, frozenset({"metrics", "harvesting"}), lent_above=1),
            Reserve("background", 1, frozenset({"background"}), lent_above=6),
        ),
        starvation_seconds=300.0,
        longest_hold=600.0,
        remedy="Wait; how many contexts there are is decided by memory.",
    )


def database_policy(connections: int = 10) -> Policy:
    """Connections, two of them for priority 0 alone. connections: at least 3."""
    return Policy(
        resource="database",
        unit="connection",
        reserves=(Reserve("critical", 2, lowest_priority=0), Reserve("open", connections - 2)),
        starvation_seconds=30.0,
        longest_hold=300.0,
        remedy="Wait, or raise DATABASE_POOL_SIZE.",
    )


def redis_policy(connections: int = 5) -> Policy:
    """Connections, one of them for priority 0 alone. connections: at least 2."""
    return Policy(
        resource="redis",
        unit="connection",
        reserves=(Reserve("critical", 1, lowest_priority=0), Reserve("open", connections - 1)),
        starvation_seconds=10.0,
        longest_hold=60.0,
        remedy="Go on without the cache, or raise REDIS_POOL_SIZE.",
    )
