"""What a job is, as a value: everything about it that does not depend on how it does its work.

The scheduler, the gate, the watchdog and the operator's page all read this one value, so that a new job is one spec
and one `run`. Nothing is checked here: `domain.jobs.graph.validated` checks a whole registry at once, so that its
owner learns of every mistake together.
"""

from dataclasses import dataclass
from enum import Enum

from domain.publishing.claims import PostStream


class Kind(Enum):
    """What a degraded system does to the job. See the levels in the design."""

    CRITICAL = "critical"
    NORMAL = "normal"
    SCRAPING = "scraping"
    BACKGROUND = "background"


@dataclass(frozen=True, slots=True)
class Holds:
    """How many units of each resource one run may hold at once."""

    browser: int = 0
    database: int = 0
    redis: int = 0
    model: int = 0


@dataclass(frozen=True, slots=True)
class Requirement:
    """A job that should be healthy before this one runs.

    needed: skip the run without it (`!`); otherwise run on what is there (`~`).
    """

    job: str
    needed: bool

    @classmethod
    def parse(cls, text: str) -> "Requirement":
        """The requirement written as `name!` or `name~`. Raises ValueError on anything else."""
        name, mark = text[:-1], text[-1:]
        if not name.isidentifier() or mark not in ("!", "~"):
            raise ValueError(
                f"requirement {text!r}: expected a job's name and a mark, as in 'posting~' (run on what is there) or "
                f"'metrics_scraper!' (skip the run without it)"
            )
        return cls(name, needed=mark == "!")


@dataclass(frozen=True, slots=True)
class JobSpec:
    """One job.

    every: calendar seconds between starts at full level (for a `once` job: unused).
    priority: 0 first to 10 last; orders its leases and its place in the boot round.
    holds: what one run may hold. requires: as in `Requirement.parse`.
    needs: resources of `holds` without which a run can do nothing, where others find another way: in emergency a job
    that needs the database does not run, while the rest of the critical ones go on without it.
    offset: calendar seconds after boot before which it does not start; stagger may add to it.
    deadline: real (monotonic) seconds one run may take before it is fenced.
    attempts: tries of one run, the first included. category: whose reserve its browser leases count against.
    browser_seconds: real seconds for which it asks for a browser context at most. It is taken away then; and the
    shorter it is, the more often the context of another can be lent for it, and the better starts can be spread.
    once: run once after boot, never again; its offset is in real seconds.
    publishes: what of the account it sends, if anything.
    """

    name: str
    every: float
    priority: int
    kind: Kind
    holds: Holds = Holds()
    requires: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    offset: float = 0.0
    deadline: float = 120.0
    attempts: int = 3
    category: str = "background"
    browser_seconds: float = 120.0
    once: bool = False
    publishes: PostStream | None = None

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """`requires`, parsed. Raises ValueError on a malformed one."""
        return tuple(Requirement.parse(text) for text in self.requires)
