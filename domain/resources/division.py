"""Division: which reserve each unit in use counts in.

Kept apart from who holds what, because reserves count units and do not name them: the units of requests that may be
served in the same reserves are all alike, so what is counted is how many of each such claim count where. A unit
moves from one reserve's count to another's while its holder works on.

A unit that is only lent until a reserve's next use ("backfilled") counts there like any other. Which lease it belongs
to need not be known either: of what one claim has, the count that is needed first is always the first to go, so the
leases that are left end before the uses that are left.
"""

import math

from domain.resources.reserves import Policy, Route

CLOSE_SECONDS = 5.0  # between the end of what is backfilled and the next use: its unit is closed, and opened again


class Claim:
    """What all requests with one route have: `counts[n]` units in reserve n. backfilled: how many of them are lent
    only until the next use of a reserve outside its order. The rest is the route's."""

    __slots__ = ("backfilled", "borrowed", "counts", "first", "home", "last_first", "order", "serves")

    def __init__(self, route: Route, reserves: int) -> None:
        self.order = route.order
        self.first = route.first
        self.home = route.home
        self.borrowed = route.borrowed
        self.serves = route.serves
        self.last_first = route.order[::-1] or (route.first,)
        self.counts = [0] * reserves
        self.backfilled = 0


class Division:
    """The reserves of one pool, and how many units are charged to each. room: those that have some, as a bit mask.
    next_use: when each of them is needed (monotonic seconds), so far as anybody has told."""

    __slots__ = ("_away", "_charged", "_claims", "_kinds", "_overfull", "_policy", "_sizes", "next_use", "room")

    def __init__(self, policy: Policy, capacity: int) -> None:
        self._policy = policy
        self._kinds: dict[tuple[str, int], Claim] = {}
        self._claims: dict[Route, Claim] = {}
        self._sizes = policy.sizes(capacity)
        self._charged = [0] * len(self._sizes)
        self._away = 0  # units not charged to the first reserve of their route: while 0, nobody can want to move
        self._overfull = False  # whether a resize left a reserve with more units than it has
        self.room = sum(1 << number for number, size in enumerate(self._sizes) if size)
        self.next_use = [-math.inf] * len(self._sizes)

    def claim(self, category: str, priority: int) -> Claim:
        """Where requests of this kind may be served now."""
        kind = (category, priority)
        claim = self._kinds.get(kind)
        if claim is None:
            route = self._policy.route(category, priority, self._sizes)
            claim = self._claims.setdefault(route, Claim(route, len(self._sizes)))
            self._kinds[kind] = claim
        return claim

    def backfill(self, claim: Claim, now: float, hold: float) -> int | None:
        """The reserve outside its order that stands idle and can lend it a unit for so many seconds: the one that is
        needed first, since the others may be of use to longer holds."""
        best = None
        for number, reserve in enumerate(self._policy.reserves):
            if (
                hold <= reserve.backfill
                and now + hold + CLOSE_SECONDS <= self.next_use[number]
                and self.room >> number & 1
                and number not in claim.order
                and (best is None or self.next_use[number] < self.next_use[best])
            ):
                best = number
        return best

    def take(self, claim: Claim, now: float = 0.0, hold: float = math.inf) -> None:
        """One unit more counts in the best reserve that has room for this claim, be it only for so many seconds. A
        unit that a resize leaves without room counts in its first."""
        for number in claim.order:
            if self.room >> number & 1:
                break
        else:
            lent = self.backfill(claim, now, hold)
            number = claim.first if lent is None else lent
            self._overfull |= lent is None
        self._charge(claim, number)

    def give_back(self, claim: Claim) -> None:
        """One unit of the claim fewer counts: in the worst of its reserves. Of the other claims' units in use, one
        that would rather count there moves in, which leaves room where it was, and so on: so a loan ends as soon as
        its borrower's own reserve has room."""
        if claim.backfilled:
            number = self._needed_first(claim)
        else:
            for number in claim.last_first:
                if claim.counts[number]:
                    break
            if self._overfull:
                number = self._relieved(claim, number)
        self._discharge(claim, number)
        while self._away and self.room >> number & 1 and (found := self._mover(number)) is not None:
            mover, left = found
            self._discharge(mover, left)
            self._charge(mover, number)
            number = left

    def _charge(self, claim: Claim, number: int) -> None:
        claim.counts[number] += 1
        self._charged[number] += 1
        if self._charged[number] >= self._sizes[number]:
            self.room &= ~(1 << number)
        if number != claim.first:
            self._away += 1
            claim.backfilled += number not in claim.order

    def _discharge(self, claim: Claim, number: int) -> None:
        claim.counts[number] -= 1
        self._charged[number] -= 1
        if self._charged[number] < self._sizes[number]:
            self.room |= 1 << number
        if number != claim.first:
            self._away -= 1
            claim.backfilled -= number not in claim.order

    def _needed_first(self, claim: Claim) -> int:
        """Of the reserves that lend to the claim until their next use, the one with the earliest."""
        lenders = (number for number, count in enumerate(claim.counts) if count and number not in claim.order)
        return min(lenders, key=lambda number: self.next_use[number])

    def _mover(self, number: int) -> tuple[Claim, int] | None:
        """A claim that has a unit where it would rather not than in this reserve; the worst such place."""
        for claim in self._claims.values():
            if number in claim.order:
                if claim.backfilled:
                    return claim, self._needed_first(claim)
                for place in claim.last_first:
                    if place == number:
                        break
                    if claim.counts[place]:
                        return claim, place
        return None

    def _relieved(self, claim: Claim, otherwise: int) -> int:
        """The reserve to take a unit of the claim from: one that has too many, if there is one."""
        overfull = [number for number, size in enumerate(self._sizes) if self._charged[number] > size]
        self._overfull = bool(overfull)
        return next((number for number in claim.last_first if number in overfull and claim.counts[number]), otherwise)
