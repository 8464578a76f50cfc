"""Which reserve a unit counts in: always the best that has room, whoever came and went before."""

from hypothesis import given
from hypothesis import strategies as st

from domain.resources.division import Claim, Division
from domain.resources.reserves import Policy, Reserve

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


def claims(division: Division) -> list[Claim]:
    return list({id(claim): claim for claim in (division.claim("", priority) for priority in range(11))}.values())


def counted(division: Division) -> list[int]:
    return [sum(counts) for counts in zip(*(claim.counts for claim in claims(division)), strict=True)]


def test_a_move_makes_room_for_the_next_move():
    division = Division(CHAINED, 6)
    for priority in (0, 0, 0, 3):
        division.take(division.claim("", priority))
    assert (division.claim("", 0).counts, division.claim("", 3).counts) == ([1, 1, 1, 0], [0, 0, 1, 0])
    division.give_back(division.claim("", 0))
    assert (division.claim("", 0).counts, division.claim("", 3).counts) == ([1, 1, 0, 0], [0, 0, 1, 0])
    division.give_back(division.claim("", 0))
    assert (division.claim("", 0).counts, division.claim("", 3).counts) == ([1, 0, 0, 0], [0, 1, 0, 0])


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 10)), max_size=60))
def test_no_unit_counts_in_a_reserve_while_one_that_it_would_rather_count_in_has_room(steps):
    division = Division(CHAINED, CHAINED.capacity)
    sizes = CHAINED.sizes(CHAINED.capacity)
    units: list[Claim] = []
    for comes, number in steps:
        claim = division.claim("", number)
        if comes and (claim.home | claim.borrowed) & division.room:
            division.take(claim)
            units.append(claim)
        elif units:
            division.give_back(units.pop(number % len(units)))
        counts = counted(division)
        room = sum(1 << number for number, size in enumerate(sizes) if counts[number] < size)
        assert division.room == room
        assert all(count <= size for count, size in zip(counts, sizes, strict=True))
        for each in claims(division):
            assert sum(each.counts) == units.count(each)
            for place, count in enumerate(each.counts):
                better = each.order[: each.order.index(place)] if count else ()
                assert not any(room & 1 << number for number in better)


@given(
    st.lists(st.integers(0, 10), min_size=1, max_size=12),
    st.integers(0, CHAINED.capacity),
    st.lists(st.integers(0, 11), max_size=12),
)
def test_what_a_smaller_pool_has_no_room_for_goes_first(priorities, capacity, leaving):
    division = Division(CHAINED, capacity)
    sizes = CHAINED.sizes(capacity)
    units = [division.claim("", priority) for priority in priorities]
    for unit in units:
        division.take(unit)
    for number in leaving:
        if not units:
            break
        gone = units[number % len(units)]
        before = [max(0, count - size) for count, size in zip(counted(division), sizes, strict=True)]
        overfull = any(count and before[place] for place, count in enumerate(gone.counts))
        units.remove(gone)
        division.give_back(gone)
        after = [max(0, count - size) for count, size in zip(counted(division), sizes, strict=True)]
        assert sum(after) <= sum(before) - overfull
        assert sum(counted(division)) == len(units)
    for unit in units:
        division.give_back(unit)
    assert counted(division) == [0] * len(sizes)
