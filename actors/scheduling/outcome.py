"""How a run ends, as values: what the job itself says, and what its exceptions mean for another attempt."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.jobs.retries import Failure


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run has done: `done` of `of` things.

    note: one line for people. again_in: calendar seconds after which the job wants to run again, where that is sooner
    than its interval. detail: more for the run's row, as JSON can hold it.
    """

    done: int = 0
    of: int = 0
    note: str = ""
    again_in: float | None = None
    detail: Mapping[str, object] = field(default_factory=dict)


class RunFailed(Exception):
    """Raise it in `run` when the work cannot be done. failure: decides whether another attempt may help."""

    def __init__(self, failure: Failure, reason: str) -> None:
        super().__init__(reason)
        self.failure = failure


class RunCancelled(BaseException):
    """The run was told to stop. Not an `Exception`: no job's `except Exception` may swallow it."""


@dataclass(frozen=True, slots=True)
class Succeeded:
    """An attempt that came to its end."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Failed:
    """An attempt that did not, and why."""

    failure: Failure
    reason: str


@dataclass(frozen=True, slots=True)
class Cancelled:
    """An attempt that was stopped: by its deadline, the operator or the end of Roost."""

    why: str


Result = Succeeded | Failed | Cancelled
