"""Division: which reserve each unit in use counts in.

Kept apart from who holds what, because reserves count units and do not name them: a unit moves from one reserve's
count to another's while its holder works on.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

from domain.resources.reserves import Policy, Route


class Charged(Protocol):
    """Whatever takes up a unit: where it may count, in order of preference, and where it counts."""

    route: Route
    charge: int


class Division:
    """The reserves of one pool, and how many units are charged to each."""

    __slots__ = ("_away", "_charged", "_policy", "_routes", "_sizes")

    def __init__(self, policy: Policy, capacity: int) -> None:
        self._policy = policy
        self._routes: dict[tuple[str, int], Route] = {}
        self._sizes = policy.sizes(capacity)
        self._charged = [0] * len(self._sizes)
        self._away = 0  # units not charged to the first reserve of their route: while 0, nobody can want to move

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
            number = route.first
        self._charged[number] += 1
        self._away += number != route.first
        return number

    def give_back(self, one: Charged, in_use: Callable[[], Iterable[Charged]]) -> None:
        """One unit fewer counts where this one did. Of those still in use, one that would rather count there moves
        in, which leaves room where it was, and so on: so a loan ends as soon as its borrower's own reserve has
        room."""
        number = one.charge
        self._charged[number] -= 1
        self._away -= number != one.route.first
        while self._away and self._charged[number] < self._sizes[number]:
            for mover in in_use():
                if mover.charge != mover.route.first and _prefers(mover, number):
                    break
            else:
                return
            left, mover.charge = mover.charge, number
            self._charged[left] -= 1
            self._charged[number] += 1
            self._away -= number == mover.route.first
            number = left


def _prefers(one: Charged, number: int) -> bool:
    """Whether it would rather count in this reserve than where it does."""
    for choice in one.route.order:
        if choice in (one.charge, number):
            return choice != one.charge
    return False
