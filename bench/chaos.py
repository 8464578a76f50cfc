"""A day of the whole tree in virtual time, and storms: what seeds with failures at every seam leave lost or doubled.

    python -m bench chaos [--seeds N] [--hours H] [--processes P] [--seed S]

--seeds: how many storms (default 100; with 0 there is the day alone); --hours: calendar hours of each (default 2);
--processes: storms at once (default 2), each in a process of its own (`bench.storm`), so that none is larger than its
one seed makes it; --seed: that storm alone, with the log, and no day. The exit code is 1 where anything is lost,
doubled or left unresolved, or where a storm took the level down for longer than it may.
"""

import argparse
import json
import logging
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from bench.line import line
from bench.storm import BACK_WITHIN, storm
from domain.calendar import DAY
from domain.jobs.spec import Kind
from tests.postgres import Server, running_server
from tests.simulated.chaos import replay
from tests.simulated.house import House, home
from tests.simulated.verdict import Scores, scores

BENCH = "chaos"
DAY_SEED = 1
LONGEST = 1800.0  # real seconds that one storm may take before it counts as hung
SUMS = ("posts", "failures", "lives", "lost", "doubled", "unresolved", "stalled", "needs_human")


def run() -> None:
    """Print the lines; each bad finding goes to stderr, with the command that replays it."""
    parser = argparse.ArgumentParser(prog="python -m bench chaos")
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int)
    given = parser.parse_args()
    all_of_them = Storms(given.hours)
    with running_server() as postgres:
        if given.seed is None:
            logging.disable(logging.CRITICAL)
            _live_a_day(postgres)
            all_of_them.live(postgres, range(given.seeds), given.processes)
        else:
            logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
            dsn = postgres.fresh()
            all_of_them.count(given.seed, storm(dsn, given.seed, given.hours))
            postgres.drop(dsn)
    if all_of_them.seeds:
        all_of_them.tell()
    if all_of_them.failed:
        sys.exit(1)


@dataclass
class Storms:
    """What came of them so far. back: real seconds to the level full, of the slowest. peak: MB of the largest."""

    hours: float
    seeds: int = 0
    failed: dict[int, list[str]] = field(default_factory=dict)
    sums: Counter[str] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)
    back: float = 0.0
    peak: float = 0.0
    wall: float = 0.0

    def live(self, postgres: Server, seeds: Iterable[int], processes: int) -> None:
        """Live them all, so many at once."""
        began = time.perf_counter()
        with ThreadPoolExecutor(processes) as at_once:
            for seed, found in at_once.map(lambda seed: (seed, self._in_a_process(postgres, seed)), seeds):
                self.count(seed, found)
        self.wall = time.perf_counter() - began

    def count(self, seed: int, found: dict[str, Any]) -> None:
        """Add what `bench.storm` said of one."""
        self.seeds += 1
        self.sums.update({name: found.get(name, 0) for name in SUMS})
        self.struck.update(found.get("struck", {}))
        self.back = max(self.back, found.get("back", 0.0))
        self.peak = max(self.peak, found.get("peak_mb", 0.0))
        if found["bad"]:
            self.failed[seed] = found["bad"]
            print(
                "\n".join([f"seed {seed}:", *found["bad"], f"replay: {replay(seed, self.hours)}"]),
                file=sys.stderr,
                flush=True,
            )

    def tell(self) -> None:
        """Print the lines."""
        line(BENCH, "seeds", self.seeds, "count")
        line(BENCH, "hours_each", self.hours, "calendar hours")
        if self.wall:
            line(BENCH, "wall_seconds", self.wall, "s")
        line(BENCH, "seeds_failed", len(self.failed), "count")
        for name in SUMS:
            line(BENCH, name, self.sums[name], "count")
        for what, times in sorted(self.struck.items()):
            line(BENCH, f"failures_{what.replace(' ', '_')}", times, "count")
        line(BENCH, "levels_back_seconds", self.back, "s", "asked: at most", self.back / BACK_WITHIN)
        line(BENCH, "peak_memory_of_a_seed", self.peak, "MB")
        for seed, bad in sorted(self.failed.items()):
            said = {"bench": BENCH, "failing_seed": seed, "why": bad[0], "command": replay(seed, self.hours)}
            print(json.dumps(said), flush=True)

    def _in_a_process(self, postgres: Server, seed: int) -> dict[str, Any]:
        dsn = postgres.fresh()
        command = [sys.executable, "-m", "bench.storm", dsn, str(seed), str(self.hours)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=False)
            if done.returncode == 0:
                found: dict[str, Any] = json.loads(done.stdout)
                return found
            return {"bad": [f"its process ended with {done.returncode}", *done.stderr.splitlines()[-20:]]}
        except subprocess.TimeoutExpired:
            return {"bad": [f"not over in {LONGEST:.0f} s"]}
        finally:
            postgres.drop(dsn)


def _live_a_day(postgres: Server) -> None:
    """24 hours of the tree without failures: how long they take, and how the jobs did."""
    dsn = postgres.fresh()
    used = time.process_time()
    took, score = _day(dsn)
    line(BENCH, "sim_day_seconds", took, "s")
    line(BENCH, "sim_day_cpu_seconds", time.process_time() - used, "s")  # of this process, without Postgres
    line(BENCH, "sim_day_posting_success", score.posting, "share")
    line(BENCH, "sim_day_scraping_success", score.scraping, "share")
    line(BENCH, "sim_day_job_success", score.jobs, "share")
    postgres.drop(dsn)


def _day(dsn: str) -> tuple[float, Scores]:
    """Wall seconds of a day in real time's own speed."""
    with home(dsn, DAY_SEED) as place:
        began = time.perf_counter()
        house = House(place)
        house.boot()
        house.runtime.sleep(DAY)
        took = time.perf_counter() - began
        house.end()
        bad = place.findings().bad()
        if bad:
            print("\n".join(["in a day without failures:", *bad]), file=sys.stderr, flush=True)
            sys.exit(1)
        scraping = {job.spec.name for job in house.jobs if job.spec.kind is Kind.SCRAPING}
        return took, scores(dsn, scraping)
