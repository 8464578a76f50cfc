"""Every test of a supervisor runs under several schedules. Its id carries the seed: that id replays it."""

import logging
from collections.abc import Iterator

import pytest
from supervision_world import World

from actors.core.simulation import SimulatedRuntime, seeds


@pytest.fixture(params=list(seeds(4)), ids=lambda seed: f"seed{seed}")
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    runtime = SimulatedRuntime(request.param)
    yield World(runtime)
    runtime.close()


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Crashes are what these tests are about; their reports would fill the screen."""
    logger = logging.getLogger("roost")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(level)
