"""Counts of one resource, by job and by cause: cheap to add to, frozen only when somebody looks."""

from collections import Counter, defaultdict

from actors.protocol.resources import JobUse


class _Line:
    __slots__ = ("granted", "held", "refused", "revoked", "waited", "warned")

    def __init__(self) -> None:
        self.granted = self.refused = self.revoked = self.warned = 0
        self.waited = self.held = 0.0


class UsageCounters:
    """One resource's counts. Touched by its actor's thread alone; the next incarnation goes on with a copy."""

    def __init__(self) -> None:
        self._jobs: defaultdict[str, _Line] = defaultdict(_Line)
        self._frozen: tuple[JobUse, ...] | None = None  # what `jobs` says, until a line changes
        self.ended_by: Counter[str] = Counter()
        self.refused_by: Counter[str] = Counter()

    def copy(self) -> "UsageCounters":
        """The same counts, to go on with. Whoever has these may still be counting: it has been abandoned."""
        other = UsageCounters()
        for job, line in list(self._jobs.items()):
            mine = other._jobs[job]
            for column in _Line.__slots__:
                setattr(mine, column, getattr(line, column))
        other.ended_by.update(self.ended_by.copy())
        other.refused_by.update(self.refused_by.copy())
        return other

    def granted(self, job: str, waited: float) -> None:
        """A request was granted, after so many seconds."""
        line = self._line(job)
        line.granted += 1
        line.waited += waited

    def refused(self, job: str, cause: str) -> None:
        """A request was refused."""
        self._line(job).refused += 1
        self.refused_by[cause] += 1

    def ended(self, job: str, held: float) -> None:
        """A lease came back, after so many seconds."""
        self._line(job).held += held
        self.ended_by["released"] += 1

    def revoked(self, job: str, cause: str, held: float) -> None:
        """A lease was taken."""
        line = self._line(job)
        line.revoked += 1
        line.held += held
        self.ended_by[cause] += 1

    def warned(self, job: str) -> None:
        """A holder was near its deadline."""
        self._line(job).warned += 1

    def totals(self) -> tuple[int, int, int, int]:
        """Leases granted, given back and taken, and requests refused."""
        released = self.ended_by["released"]
        granted = sum(line.granted for line in self._jobs.values())
        return granted, released, self.ended_by.total() - released, self.refused_by.total()

    def jobs(self) -> tuple[JobUse, ...]:
        """Every job's line, by name."""
        if self._frozen is None:
            self._frozen = tuple(
                JobUse(job, line.granted, line.refused, line.revoked, line.warned, line.waited, line.held)
                for job, line in sorted(self._jobs.items())
            )
        return self._frozen

    def _line(self, job: str) -> _Line:
        """One to be changed."""
        self._frozen = None
        return self._jobs[job]


def pairs(counts: "Counter[str]") -> tuple[tuple[str, int], ...]:
    """Counts as a frozen value, by name."""
    return tuple(sorted(counts.items()))
