"""A supervisor itself killed, in the whole tree and in virtual time: what it had is lent again, and work goes on."""

import pytest

from actors.protocol.resources import ResourceState
from domain.calendar import MINUTE
from tests.simulated.house import House, home

POOLS = ("database", "redis", "browser", "model")
SPEED = 10.0


def succeeded(house: House) -> int:
    return sum(house.system.board.get(f"job:{job.spec.name}").succeeded for job in house.jobs)


@pytest.mark.parametrize("whom", ["work", "jobs", "resources"])
def test_units_are_conserved_and_all_goes_on_without_help_after_a_supervisor_is_killed(
    empty_dsn: str, whom: str
) -> None:
    with home(empty_dsn, seed=3, speed=SPEED) as place:
        house = House(place)
        house.boot()
        house.runtime.sleep(20 * MINUTE / SPEED)
        before = house.system.directory.whereis(whom)
        assert before is not None
        assert succeeded(house) > 0
        house.system.fence(before, "killed by the test")
        house.runtime.sleep(10.0)
        after = house.system.directory.whereis(whom)
        assert after is not None
        assert after.generation > before.generation
        at_work = succeeded(house)
        house.runtime.sleep(110.0)  # real: all levels are back within 2 minutes
        assert house.system.board.get("health").level == "full"
        assert succeeded(house) > at_work
        for name in POOLS:
            state = house.system.board.get(name)
            assert isinstance(state, ResourceState)
            assert state.in_use + state.idle + state.quarantined == state.capacity == state.limit, state
            assert state.granted == state.ended + state.revoked + state.in_use, state
            assert state.quarantined == 0, state
        house.end()
        assert place.findings().bad() == []
