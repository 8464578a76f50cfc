"""Division: which reserve each unit in use counts in.

Kept apart from who holds what, because reserves count units and do not name them: the units of requests that may be
served in the same reserves are all alike, so what is counted is how many of each such claim count where. A unit
moves from one reserve's count to another's while its holder works on.
"""

from domain.resources.reserves import Policy, Route


class Claim:
    """What all requests with one route have: `counts[n]` units in reserve n. The rest is the route's."""

    __slots__ = ("borrowed", "counts", "first", "home", "last_first", "order", "serves")

    def __init__(self, route: Route, reserves: int) -> None:
        self.order = route.order
        self.first = route.first
        self.home = route.home
        self.borrowed = route.borrowed
        self.serves = route.serves
        self.last_first = route.order[::-1] or (route.first,)
        self.counts = [0] * reserves


class Division:
    """The reserves of one pool, and how many units are charged to each. room: those that have some, as a bit mask."""

    __slots__ = ("_away", "_charged", "_claims", "_kinds", "_overfull", "_policy", "_sizes", "room")

    def __init__(self, policy: Policy, capacity: int) -> None:
        self._policy = policy
        self._kinds: dict[tuple[str, int], Claim] = {}
        self._claims: dict[Route, Claim] = {}
        self._sizes = policy.sizes(capacity)
        self._charged = [0] * len(self._sizes)
        self._away = 0  # units not charged to the first reserve of their route: while 0, nobody can want to move
        self._overfull = False  # whether a resize left a reserve with more units than it has
        self.room = sum(1 << number for number, size in enumerate(self._sizes) if size)

    def claim(self, category: str, priority: int) -> Claim:
        """Where requests of this kind may be served now."""
        kind = (category, priority)
        claim = self._kinds.get(kind)
        if claim is None:
            route = self._policy.route(category, priority, self._sizes)
            claim = self._claims.setdefault(route, Claim(route, len(self._sizes)))
            self._kinds[kind] = claim
        return claim

    def take(self, claim: Claim) -> None:
        """One unit more counts in the best reserve that has room for this claim. A unit that a resize leaves without
        room counts in its first."""
        for number in claim.order:
            if self.room >> number & 1:
                break
        else:
            number = claim.first
            self._overfull = True
        self._charge(claim, number)

    def give_back(self, claim: Claim) -> None:
        """One unit of the claim fewer counts: in the worst of its reserves. Of the other claims' units in use, one
        that would rather count there moves in, which leaves room where it was, and so on: so a loan ends as soon as
        its borrower's own reserve has room."""
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

    def _discharge(self, claim: Claim, number: int) -> None:
        claim.counts[number] -= 1
        self._charged[number] -= 1
        if self._charged[number] < self._sizes[number]:
            self.room |= 1 << number
        if number != claim.first:
            self._away -= 1

    def _mover(self, number: int) -> tuple[Claim, int] | None:
        """A claim that has a unit where it would rather not than in this reserve; the worst such place."""
        for claim in self._claims.values():
            if number in claim.order:
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
