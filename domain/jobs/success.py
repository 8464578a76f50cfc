"""How well the jobs do: the share of runs that succeeded, judged against what is expected of them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

EXPECTED = 0.95
SCRAPING_EXPECTED = 0.90
ENOUGH = 5  # runs, below which a share says nothing


@dataclass(frozen=True, slots=True)
class Verdict:
    """One job's runs. share: of those that succeeded or failed; None if there were none. text: for people."""

    job: str
    succeeded: int
    failed: int
    share: float | None
    good: bool
    text: str


def judged(ended: Mapping[str, tuple[int, int]], scraping: Collection[str]) -> tuple[Verdict, ...]:
    """By job, in order of its name. ended: job → how many runs succeeded and failed; skipped ones do not count.

    scraping: the jobs that depend on pages, of which less is expected.

    >>> [verdict.text for verdict in judged({"plan": (9, 11)}, ()) if not verdict.good]
    ['plan: 9 of 20 runs succeeded (45 %, expected 95 %)']
    """
    return tuple(
        _judge(job, *ended[job], SCRAPING_EXPECTED if job in scraping else EXPECTED) for job in sorted(ended)
    )


def _judge(job: str, succeeded: int, failed: int, expected: float) -> Verdict:
    runs = succeeded + failed
    share = succeeded / runs if runs else None
    good = runs < ENOUGH or share is None or share >= expected
    measured = "no runs" if share is None else f"{100 * share:.0f} %"
    text = f"{job}: {succeeded} of {runs} runs succeeded ({measured}, expected {100 * expected:.0f} %)"
    return Verdict(job, succeeded, failed, share, good, text)
