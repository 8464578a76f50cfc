"""Division: which reserve each unit in use counts in.

Kept apart from who holds what, because reserves count units and do not name them: a unit moves from one reserve's
count to another's while its holder works on.
"""

from collections.abc import Collection
from typing import Protocol

from domain.resources.reserves import Policy, Route


class Charged(Protocol):
    """Whatever takes up a unit: where it may count, in order of preference, and where it counts."""

    route: Route
    charge: int


class Division:
    """The reserves of one pool, and how many units are charged to each."""

    __slots__ = ("_charged", "_policy", "_routes", "_sizes")

    def __init__(self, policy: Policy, capacity: int) -> None:
        self._policy = policy
        self._routes: dict[tuple[str, int], Route] = {}
        self._sizes = policy.sizes(capacity)
        self._charged = [0] * len(self._sizes)

    def serves(self, category: str, priority: int) -> bool:
        """Whether any reserve is kept for requests of this kind."""
        return (category, priority) in self._routes or self._policy.serves(category, priority)

    def route(self, category: str, priority: int) -> Route:
        """Where requests of this kind may be served now."""
        key = (category, priority)
        route = self._routes.get(key)
        if route is None:
            route = self._routes[key] = self._policy.route(category, priority, self._sizes)
        return route

    def room(self) -> int:
        """The reserves that have room, as a bit mask."""
        room = 0
        for number, size in enumerate(self._sizes):
            if self._charged[number] < size:
                room |= 1 << number
        return room

    def has_room(self, route: Route) -> bool:
        """Whether a reserve that serves this route has room."""
        return (route.home | route.borrowed) & self.room() != 0

    def take(self, route: Route) -> int:
        """One unit more counts in the best reserve that has room for this route, which is returned. A unit that a
        resize leaves without room counts in its first."""
        for number in route.order:
            if self._charged[number] < self._sizes[number]:
                break
        else:
            number = route.order[0] if route.order else 0
        self._charged[number] += 1
        return number

    def give_back(self, number: int, others: Collection[Charged]) -> None:
        """One unit fewer counts in this reserve. Of the `others` in use, one that would rather count there moves in,
        which leaves room where it was, and so on: so a loan ends as soon as its borrower's own reserve has room."""
        self._charged[number] -= 1
        if self._charged[number] >= self._sizes[number]:
            return
        for other in others:
            if other.charge != number and _prefers(other.route, number, other.charge):
                left, other.charge = other.charge, number
                self._charged[number] += 1
                self.give_back(left, others)
                return


def _prefers(route: Route, one: int, other: int) -> bool:
    for number in route.order:
        if number in (one, other):
            return number == one
    return False
