"""The list of jobs: what is wrong with it is told together, and what is right becomes actors."""

from dataclasses import fields, replace

import pytest

from actors.jobs import JOBS, names, registry
from actors.jobs.posting import Posting
from actors.resources.specs import resource_specs
from domain.jobs.graph import RegistryError
from domain.jobs.spec import Holds
from domain.resources.levels import RESOURCES
from domain.settings import parse
from tests.actors.jobworld import JobWorld, close_worlds

__all__ = ["close_worlds"]

SETTINGS = parse({}, {})


def test_every_job_of_the_registry_can_be_made_and_their_budgets_fit() -> None:
    jobs = registry.load(SETTINGS)
    assert len(jobs) == len(JOBS)
    assert set(registry.budgets(jobs)) == {job.spec.name for job in jobs}


def test_a_job_comes_after_those_it_requires() -> None:
    order = [job.spec.name for job in registry.load(SETTINGS)]
    for job in registry.load(SETTINGS):
        for required in job.spec.requirements:
            assert order.index(required.job) < order.index(job.spec.name)


def test_the_names_are_known_without_loading_a_job() -> None:
    assert sorted(names()) == sorted(job.spec.name for job in registry.load(SETTINGS))


def test_a_job_that_is_called_otherwise_than_its_module_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Posting, "spec", replace(Posting.spec, name="post"))
    with pytest.raises(RegistryError, match="its spec says 'post', and a job is called as its module: 'posting'"):
        registry.load(SETTINGS)


def test_all_that_is_wrong_is_told_together() -> None:
    lines = (*JOBS, "health_monitor.HealthMonitor", "nowhere.Job", "memory_monitor.Nothing", "memory_monitor")
    with pytest.raises(RegistryError) as error:
        registry.load(SETTINGS, lines)
    told = str(error.value)
    assert "health_monitor: registered 2 times" in told
    assert "No module named 'actors.jobs.nowhere'" in told
    assert "has no attribute 'Nothing'" in told
    assert "a line is a module and a class" in told


def test_what_is_no_job_is_refused() -> None:
    with pytest.raises(RegistryError, match="is no Job with a spec"):
        registry.load(SETTINGS, ("memory_monitor.Outcome",))


def test_each_job_becomes_one_permanent_actor_with_its_own_place_in_the_boot_round() -> None:
    world = JobWorld()
    jobs = registry.load(SETTINGS)
    children = registry.children(jobs, world.environment, world.boot)
    assert [child.id for child in children] == [f"job:{job.spec.name}" for job in jobs]
    assert {child.restart for child in children} == {"permanent"}
    for child in children:
        world.system.start(child.id, child.start)
    dues = [world.book(job.spec.name).next_due for job in jobs if job.spec.holds.browser]
    assert len(set(dues)) == len(dues)


def test_what_is_lent_is_one_list() -> None:
    assert {column.name for column in fields(Holds)} == set(RESOURCES)
    assert tuple(spec.id for spec in resource_specs(SETTINGS, {})) == RESOURCES
