"""The registry of jobs, checked as a whole before anything starts.

A wrong registry is a mistake of whoever wrote it, found at boot: all of it is listed in one error, so that it is
mended in one go.
"""

import graphlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields

from domain.jobs.spec import Holds, JobSpec, Requirement


class RegistryError(ValueError):
    """The registry of jobs is wrong. `problems` has one line for each mistake."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            f"the registry of jobs has {len(self.problems)} problem(s):\n- " + "\n- ".join(self.problems)
        )


def validated(specs: Sequence[JobSpec], pools: Holds) -> tuple[JobSpec, ...]:
    """The specs in the order of the boot round: dependencies first, then by priority, interval and name.

    pools: the size of each resource's pool. Raises RegistryError with every problem found.
    """
    problems = [
        *_duplicates(specs),
        *(problem for spec in specs for problem in _own_problems(spec)),
        *(problem for spec in specs for problem in _over_pool(spec, pools)),
    ]
    edges, unknown = _edges(specs)
    problems += unknown
    problems += _cycles(edges)
    if problems:
        raise RegistryError(problems)
    return _ordered(specs, edges)


def _duplicates(specs: Iterable[JobSpec]) -> list[str]:
    counts = Counter(spec.name for spec in specs)
    return [f"{name}: registered {count} times; keep one" for name, count in counts.items() if count > 1]


def _own_problems(spec: JobSpec) -> list[str]:
    problems = []
    if not spec.name.isidentifier():
        problems.append(f"{spec.name!r}: a name is letters, digits and underscores")
    if not spec.once and not spec.every > 0:
        problems.append(f"{spec.name}: every must be above 0 seconds, not {spec.every:g}")
    if not spec.deadline > 0:
        problems.append(f"{spec.name}: deadline must be above 0 seconds, not {spec.deadline:g}")
    if spec.offset < 0:
        problems.append(f"{spec.name}: offset must not be below 0 seconds, but is {spec.offset:g}")
    if spec.attempts < 1:
        problems.append(f"{spec.name}: attempts must be at least 1, not {spec.attempts}")
    problems += (
        f"{spec.name}: needs {resource}, but holds none of it; say in `holds` how much"
        for resource in spec.needs
        if not getattr(spec.holds, resource, 0)
    )
    if not 0 <= spec.priority <= 10:
        problems.append(f"{spec.name}: priority must be 0 to 10, not {spec.priority}")
    return problems


def _over_pool(spec: JobSpec, pools: Holds) -> list[str]:
    problems = []
    for field in fields(Holds):
        held, size = getattr(spec.holds, field.name), getattr(pools, field.name)
        if held < 0:
            problems.append(f"{spec.name}: holds {held} of {field.name}; it must not be below 0")
        elif held > size:
            problems.append(f"{spec.name}: holds {held} of {field.name}, but its pool has {size}; it could never run")
    return problems


def _edges(specs: Sequence[JobSpec]) -> tuple[dict[str, set[str]], list[str]]:
    names = {spec.name for spec in specs}
    edges: dict[str, set[str]] = {spec.name: set() for spec in specs}
    problems = []
    for spec in specs:
        for text in spec.requires:
            try:
                required = Requirement.parse(text).job
            except ValueError as error:
                problems.append(f"{spec.name}: {error}")
                continue
            if required not in names:
                problems.append(f"{spec.name}: requires {required}, which is not registered")
            else:
                edges[spec.name].add(required)
    return edges, problems


def _cycles(edges: Mapping[str, set[str]]) -> list[str]:
    """One line for each cycle, of those that share no job with one already listed (graphlib names one at a time)."""
    left = {name: set(required) for name, required in edges.items()}
    problems = []
    while True:
        try:
            graphlib.TopologicalSorter(left).prepare()
        except graphlib.CycleError as error:
            cycle: list[str] = error.args[1]
            problems.append("cycle: " + " is required by ".join(cycle))
            left = {name: required - set(cycle) for name, required in left.items()}
        else:
            return problems


def _ordered(specs: Sequence[JobSpec], edges: Mapping[str, set[str]]) -> tuple[JobSpec, ...]:
    by_name = {spec.name: spec for spec in specs}
    sorter = graphlib.TopologicalSorter(edges)
    sorter.prepare()
    order: list[JobSpec] = []
    ready: list[JobSpec] = []
    while sorter.is_active():
        ready += [by_name[name] for name in sorter.get_ready()]
        ready.sort(key=lambda spec: (spec.priority, spec.every, spec.name))
        order.append(ready.pop(0))
        sorter.done(order[-1].name)
    return tuple(order)
