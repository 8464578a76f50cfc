"""From the list of jobs to their actors. All that is wrong with the list is told together, before anything starts."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from actors.core.supervision import ChildSpec
from actors.jobs import JOBS
from actors.scheduling.job_actor import JobActor
from actors.scheduling.run_actor import Job
from actors.scheduling.run_context import RunEnvironment
from actors.scheduling.ticks import Place
from domain.backoff import Backoff
from domain.jobs.graph import RegistryError, validated
from domain.jobs.schedule import boot_offsets, boot_steps
from domain.jobs.spec import Holds, JobSpec
from domain.settings import Settings

MODEL_CALLS = 4  # a run that holds more calls to the model at once than this is a mistake, not a need
SOON = Backoff(least=0.1, base=0.1, most=5.0)


def pools(settings: Settings) -> Holds:
    """How large the pools are that the jobs share."""
    return Holds(
        browser=settings.browser_contexts,
        database=settings.database_pool_size,
        redis=settings.redis_pool_size,
        model=MODEL_CALLS,
    )


def load(settings: Settings, lines: Sequence[str] = JOBS) -> tuple[Job, ...]:
    """The jobs of the registry, in the order of the boot round.

    lines: each `module.Class` in `actors/jobs`. Raises RegistryError with every problem: what cannot be imported,
    duplicates, unknown names, cycles, budgets above a pool's size.
    """
    problems: list[str] = []
    jobs: list[Job] = []
    for line in lines:
        try:
            jobs.append(_made(line))
        except (ImportError, AttributeError, TypeError, ValueError) as error:
            problems.append(f"{line}: {error}")
    specs = [job.spec for job in jobs]
    order: Sequence[JobSpec] = ()
    try:
        order = validated(specs, pools(settings))
    except RegistryError as error:
        problems += error.problems
    if problems:
        raise RegistryError(problems)
    by_name = {job.spec.name: job for job in jobs}
    return tuple(by_name[spec.name] for spec in order)


def budgets(jobs: Sequence[Job]) -> Mapping[str, Holds]:
    """What each job may hold at once, by name: for the resources."""
    return {job.spec.name: job.spec.holds for job in jobs}


def children(jobs: Sequence[Job], environment: RunEnvironment, boot: float) -> tuple[ChildSpec, ...]:
    """The children of `jobs`. boot: calendar seconds, from which the first starts are counted."""
    order = [job.spec for job in jobs]
    offsets, steps = dict(boot_offsets(order)), boot_steps(order)
    for job in jobs:
        if job.spec.once:
            # It waits for the boot, which takes its real time however fast the calendar runs.
            offsets[job.spec.name] *= environment.settings.speed
    return tuple(
        ChildSpec(
            id=f"job:{job.spec.name}",
            start=_maker(job, Place(boot, offsets[job.spec.name], steps.get(job.spec.name, 0)), environment),
            backoff=SOON,
        )
        for job in jobs
    )


def _maker(job: Job, place: Place, environment: RunEnvironment) -> Callable[[], JobActor]:
    return partial(JobActor, job, place, environment)


def _made(line: str) -> Job:
    module, _, name = line.rpartition(".")
    if not module:
        raise ValueError("a line is a module and a class, as in 'plan.Plan'")
    made = getattr(importlib.import_module(f"actors.jobs.{module}"), name)()
    if not isinstance(made, Job) or not isinstance(getattr(made, "spec", None), JobSpec):
        raise TypeError(f"{name} is no Job with a spec")
    if made.spec.name != module:
        raise ValueError(f"its spec says {made.spec.name!r}, and a job is called as its module: {module!r}")
    return made
