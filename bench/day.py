"""A simulated day of the real thing: the whole process with its servers and its browser, judged from outside.

    python -m bench day [--speed 60] [--hours 24] [--chaos] [--seed S]

--speed: of the calendar (60: a day in 24 minutes; 1: a true day). --chaos: every minute or so something is killed,
stopped for a while, or made to misbehave, now and then the whole process is killed with SIGKILL. What fails is chosen
by the seed; when, by the machine. The exit code is 1 where anything is lost or doubled.
"""

import argparse
import random
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from actors.jobs.registry import load
from bench.line import line
from bench.whole import PROCESSES, Strikes, attempt, judged, operate, restarts
from domain.calendar import HOUR
from domain.jobs.spec import Kind
from domain.settings import parse
from tests.simulated.verdict import Findings, rows, scores
from tests.whole.roost import Roost

LOOK_EVERY = 2.0  # real seconds
BETWEEN = 60.0  # real seconds from one failure to the next, on the average
OUTAGE_KINDS = (
    "commit_then_drop",
    "odd_response",
    "slow",
    "rate_limited",
    "login_wall",
    "profile_lag",
    "broken_page",
)
BACK_WITHIN = 600.0  # real seconds


def run() -> None:
    """Live the day and print its numbers."""
    parser = argparse.ArgumentParser(prog="python -m bench day")
    parser.add_argument("--speed", type=float, default=60.0)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--chaos", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="roost-day-", dir="/tmp") as directory:
        day = Day(Path(directory) / "home", given.speed, random.Random(given.seed))
        try:
            day.live(given.hours * HOUR / given.speed, given.chaos)
            day.tell()
        finally:
            day.life.close()
    if day.found is not None and (day.found.lost or day.found.doubled):
        sys.exit(1)


@dataclass
class Day:
    """One day. levels: how many looks saw each level. restarts: of the lives before this one."""

    home: Path
    speed: float
    chance: random.Random
    levels: Counter[str] = field(default_factory=Counter)
    restarts: float = 0.0
    lives: int = 1
    back: float = 0.0
    found: Findings | None = None
    life: Roost = field(init=False)
    strikes: Strikes = field(init=False)

    def __post_init__(self) -> None:
        self.strikes = Strikes(self.chance)
        self.life = self._begin()

    def live(self, seconds: float, chaos: bool) -> None:
        """So many real seconds, the last tenth of them without failures."""
        self.life.until(lambda status: status["level"]["name"] == "full")
        began = time.monotonic()
        calm = began + 0.9 * seconds
        next_failure = began + self.chance.expovariate(1.0 / BETWEEN)
        while (now := time.monotonic()) < began + seconds:
            if chaos and next_failure <= now < calm:
                self._fail()
                next_failure = time.monotonic() + self.chance.expovariate(1.0 / BETWEEN)
            if chaos and now >= calm and not self.back:
                self.back = self._calm_down()
            self.strikes.release(now)
            self._look()
            time.sleep(LOOK_EVERY)

    def tell(self) -> None:
        """Print what came of it."""
        self.found, dsn = judged(self.life)
        scraping = {job.spec.name for job in load(parse({}, {})) if job.spec.kind is Kind.SCRAPING}
        score = scores(dsn, scraping)
        line("day", "posting_success", score.posting, "share")
        line("day", "scraping_success", score.scraping, "share")
        line("day", "job_success", score.jobs, "share")
        line("day", "posts", self.found.posts, "count")
        line("day", "lost", len(self.found.lost), "count")
        line("day", "doubled", len(self.found.doubled), "count")
        line("day", "unresolved", len(self.found.unresolved), "count")
        line("day", "needs_human", self.found.needs_human, "count")
        line("day", "restarts", self.restarts + restarts(self.life), "count")
        line("day", "lives", self.lives, "count")
        for failure, times in sorted(self.strikes.struck.items()):
            line("day", f"failures_{failure}", times, "count")
        skips = (
            "select coalesce(detail->>'kind', 'other'), count(*) from job_runs where outcome = 'skipped' group by 1"
        )
        for reason, count in rows(dsn, skips):
            line("day", f"skips_{str(reason).replace(' ', '_')}", float(str(count)), "count")
        looks = max(1, self.levels.total())
        for level, seen in self.levels.most_common():
            line("day", f"level_{level}", seen / looks, "share")
        if self.back:
            line("day", "levels_back_seconds", self.back, "s")

    # looking

    def _look(self) -> None:
        if self.life.process.poll() is not None:
            print(f"the process ended with {self.life.process.returncode}", file=sys.stderr, flush=True)
            self._begin_again()
        try:
            status = self.life.status()
        except OSError:
            self.levels["unanswered"] += 1
            return
        self.levels[status["level"]["name"]] += 1
        if status["lane"].get("stopped"):
            attempt(lambda: operate(self.life))

    # failing

    def _fail(self) -> None:
        doing = self.chance.choice(("kill", "kill", "hold", "site", "site", "end"))
        match doing:
            case "kill":
                self.strikes.kill(self.life, self.chance.choice(sorted(PROCESSES)))
            case "hold":
                self.strikes.hold(self.life, self.chance.choice(sorted(PROCESSES)))
            case "site":
                kind = self.chance.choice(OUTAGE_KINDS)
                self.strikes.struck[f"site_{kind}"] += 1
                attempt(lambda: self.life.fault(kind=kind, for_seconds=self.chance.uniform(5.0, 40.0)))
            case _:
                self.strikes.struck["sigkill"] += 1
                attempt(self._keep_restarts)
                self.life.kill()
                self._begin_again()

    def _calm_down(self) -> float:
        """No more failures. Returns the real seconds until the level is full."""
        self.strikes.release(float("inf"))
        request = urllib.request.Request(f"{self.life.site()}/__sandbox/faults", method="DELETE")
        attempt(lambda: urllib.request.urlopen(request, timeout=10).close())
        began = time.monotonic()
        self.life.until(lambda status: status["level"]["name"] == "full", BACK_WITHIN)
        return max(0.1, time.monotonic() - began)

    def _keep_restarts(self) -> None:
        self.restarts += restarts(self.life)

    def _begin(self) -> Roost:
        return Roost(self.home, SPEED=f"{self.speed:g}")

    def _begin_again(self) -> None:
        self.lives += 1
        self.life = self._begin()
