"""Budgets: what one job may hold of each resource at once, checked at boot against what there is.

A job that asks for more than a pool has would wait for ever; that is a mistake in the job table, so it is found
before anything runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass

BROWSER = "browser"
DATABASE = "database"
REDIS = "redis"
MODEL = "model"
RESOURCES = (BROWSER, DATABASE, REDIS, MODEL)


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that one job holds at once: units of each resource, and MiB of memory on top of what is used.

    >>> Budget(browser=1, database=1).needed()
    (('browser', 1), ('database', 1))
    """

    browser: int = 0
    database: int = 0
    redis: int = 0
    model: int = 0
    memory: int = 0

    def __post_init__(self) -> None:
        if min(self.browser, self.database, self.redis, self.model, self.memory) < 0:
            raise ValueError(f"budget: nothing in it may be negative, and {self} is. Give 0 for what is not used.")

    def of(self, resource: str) -> int:
        """Units of the resource named. KeyError if there is no such resource."""
        match resource:
            case "browser":
                return self.browser
            case "database":
                return self.database
            case "redis":
                return self.redis
            case "model":
                return self.model
        raise KeyError(resource)

    def needed(self) -> tuple[tuple[str, int], ...]:
        """The resources that this budget has anything of, with the units, in the order of `RESOURCES`."""
        return tuple((name, self.of(name)) for name in RESOURCES if self.of(name))


def over_pools(budgets: Mapping[str, Budget], pools: Mapping[str, int]) -> tuple[str, ...]:
    """Every budget that asks for more than a pool has, a sentence each; empty if all fit.

    budgets: by job. pools: units by resource.

    >>> over_pools({"posting": Budget(browser=4)}, {"browser": 3})
    ("job 'posting' may hold 4 of browser, but there are only 3: lower its budget or enlarge the pool",)
    """
    return tuple(
        f"job {job!r} may hold {units} of {resource}, but there are only {pools.get(resource, 0)}: "
        "lower its budget or enlarge the pool"
        for job, budget in budgets.items()
        for resource, units in budget.needed()
        if units > pools.get(resource, 0)
    )


def caps(budgets: Mapping[str, Budget], resource: str) -> dict[str, int]:
    """How many units of one resource each job may hold: what a resource's ledger is given."""
    return {job: budget.of(resource) for job, budget in budgets.items()}
