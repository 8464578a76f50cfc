"""Which reserve a unit counts in: always the best that has room, whoever came and went before."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from domain.resources.division import Division
from domain.resources.reserves import Policy, Reserve, Route

CHAINED = Policy(
    "chained",
    "unit",
    (
        Reserve("urgent", 1, lowest_priority=0),
        Reserve("posting", 1, lowest_priority=4, lent_above=6),
        Reserve("open", 2, lowest_priority=8),
        Reserve("rest", 2),
    ),
    starvation_seconds=10.0,
    longest_hold=10.0,
    remedy="Wait.",
)


@dataclass
class Unit:
    route: Route
    charge: int


def test_a_move_makes_room_for_the_next_move():
    division = Division(CHAINED, 6)
    units = []
    for priority in (0, 0, 0, 3):
        route = division.route("", priority)
        units.append(Unit(route, division.take(route)))
    assert [unit.charge for unit in units] == [0, 1, 2, 2]
    gone = units.pop(0)
    division.give_back(gone, lambda: units)
    assert [unit.charge for unit in units] == [0, 1, 2], "one moves to urgent, and another to the place it left"


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 10), st.integers(0, 9)), max_size=60))
def test_no_unit_counts_in_a_reserve_while_one_that_it_would_rather_count_in_has_room(steps):
    division = Division(CHAINED, CHAINED.capacity)
    sizes = CHAINED.sizes(CHAINED.capacity)
    units: list[Unit] = []
    for comes, priority, which in steps:
        route = division.route("", priority)
        if comes and division.has_room(route):
            units.append(Unit(route, division.take(route)))
        elif units:
            gone = units.pop(which % len(units))
            division.give_back(gone, lambda: units)
        counts = [sum(1 for unit in units if unit.charge == number) for number in range(len(sizes))]
        room = sum(1 << number for number, size in enumerate(sizes) if counts[number] < size)
        assert division.room() == room
        for unit in units:
            better = unit.route.order[: unit.route.order.index(unit.charge)]
            assert not any(room & 1 << number for number in better)
