"""A day of the whole tree in virtual time, and storms: what seeds with failures at every seam leave lost or doubled.

    python -m bench chaos [--seeds N] [--hours H] [--processes P] [--seed S]

--seeds: how many storms (default 100; with 0 there is the day alone); --hours: calendar hours of each (default 2);
--processes: storms at once (default 2), each in a process of its own (`bench.storm`), so that none is larger than its
one seed makes it; --seed: that storm alone, with the log, and no day. The first storm and the first hours of the day
are lived twice, and their traces compared. The exit code is 1 where anything is lost, doubled, unresolved, stalled,
denied or ill-mannered (`tests.simulated.verdict`), where a storm took the level down for longer than it may, where a
seed did not go the same way again, or where the day misses what is asked of it (`ASKED`).
"""

import argparse
import gc
import json
import logging
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

from bench.line import line
from bench.processor import one_processor
from bench.storm import BACK_WITHIN, storm
from domain.calendar import DAY, HOUR
from domain.jobs.spec import Kind
from tests.postgres import Server, running_server
from tests.simulated.chaos import replay
from tests.simulated.durations import AWAY, MEASURED
from tests.simulated.house import House, home
from tests.simulated.verdict import Pressure, Scores, pressure, scores

BENCH = "chaos"
DAY_SEED = 1
LONGEST = 1800.0  # real seconds that one storm may take before it counts as hung
SUMS = (
    "posts",
    "failures",
    "lives",
    "lost",
    "doubled",
    "unresolved",
    "denied",
    "stalled",
    "manners",
    "needs_human",
)
TWICE = 3 * HOUR  # calendar: of the day, for its trace
ASKED = {"posting": 0.95, "scraping": 0.90, "job": 0.95}  # success, each to be above it
MOST_IN_USE = 0.80  # of the units' time, each pool
SOON_ENOUGH = 120.0  # real seconds that a day may take


def run() -> None:
    """Print the lines; each bad finding goes to stderr, with the command that replays it."""
    parser = argparse.ArgumentParser(prog="python -m bench chaos")
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int)
    given = parser.parse_args()
    all_of_them, missed = Storms(given.hours), []
    with ExitStack() as stack:
        servers = [stack.enter_context(_server(number)) for number in range(given.processes)]
        if given.seed is None:
            logging.disable(logging.CRITICAL)
            with one_processor():
                missed = _live_a_day(servers[0])
            if missed:
                print("\n".join(["in a day without failures:", *missed]), file=sys.stderr, flush=True)
            all_of_them.live(servers, range(given.seeds))
        else:
            logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
            dsn = servers[0].fresh()
            with one_processor():
                all_of_them.count(given.seed, storm(dsn, given.seed, given.hours))
            servers[0].drop(dsn)
    if all_of_them.seeds:
        all_of_them.tell()
    if missed or all_of_them.failed:
        sys.exit(1)


@contextmanager
def _server(number: int) -> Iterator[Server]:
    """A Postgres on this processor, with whoever asks it: a statement wakes no other processor then."""
    with ExitStack() as stack:
        with one_processor(number):
            server = stack.enter_context(running_server())
        yield server


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

    def live(self, servers: Sequence[Server], seeds: Sequence[int]) -> None:
        """Live them all, one at a time on each server and its processor."""
        began = time.perf_counter()
        free: SimpleQueue[tuple[int, Server]] = SimpleQueue()
        for numbered in enumerate(servers):
            free.put(numbered)

        def one(seed: int) -> tuple[int, dict[str, Any]]:
            number, server = free.get()
            try:
                with one_processor(number):
                    return seed, self._in_a_process(server, seed)
            finally:
                free.put((number, server))

        with ThreadPoolExecutor(len(servers)) as at_once:
            traces: dict[int, str | None] = {}
            # The first of them once more, at the end.
            every = [*seeds, *seeds[:1]]
            for seed, found in at_once.map(one, every):
                if seed not in traces:
                    traces[seed] = found.get("trace")
                    self.count(seed, found)
                elif found.get("trace") != traces[seed]:
                    self.bad(seed, ["it went another way the second time: the traces differ"])
        self.wall = time.perf_counter() - began

    def count(self, seed: int, found: dict[str, Any]) -> None:
        """Add what `bench.storm` said of one."""
        self.seeds += 1
        self.sums.update({name: found.get(name, 0) for name in SUMS})
        self.struck.update(found.get("struck", {}))
        self.back = max(self.back, found.get("back", 0.0))
        self.peak = max(self.peak, found.get("peak_mb", 0.0))
        if found["bad"]:
            self.bad(seed, found["bad"])

    def bad(self, seed: int, why: list[str]) -> None:
        """This one has failed."""
        self.failed.setdefault(seed, []).extend(why)
        said = "\n".join([f"seed {seed}:", *why, f"replay: {replay(seed, self.hours)}"])
        print(said, file=sys.stderr, flush=True)

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


@dataclass(frozen=True, slots=True)
class Day:
    """A day that was lived. took: real seconds of this machine. pressed: by pool. trace: of its first hours."""

    took: float
    score: Scores
    bad: list[str]
    level: str
    pressed: dict[str, Pressure]
    trace: str

    def missed(self) -> list[str]:
        """What must not be, one line each."""
        found = list(self.bad)
        for name, share in self.shares().items():
            if share <= ASKED[name]:
                found.append(f"{name} success is {share:.3f}, more than {ASKED[name]:.2f} is asked")
        for name, pool in self.pressed.items():
            if pool.busy >= MOST_IN_USE:
                found.append(
                    f"{name} is in use for {pool.busy:.2f} of its time, less than {MOST_IN_USE:.2f} is asked"
                )
        if self.level != "full":
            found.append(f"the level at its end is {self.level}")
        if self.took > SOON_ENOUGH:
            found.append(f"it took {self.took:.0f} s, {SOON_ENOUGH:.0f} are asked")
        return found

    def shares(self) -> dict[str, float]:
        """The success rates, by the words of `ASKED`."""
        return {"posting": self.score.posting, "scraping": self.score.scraping, "job": self.score.jobs}


def _live_a_day(postgres: Server) -> list[str]:
    """24 hours of the tree without failures: how long they take, and how the jobs did. Returns what was missed."""
    dsn, again = postgres.fresh(), postgres.fresh()
    used = time.process_time()
    day = lived(dsn, DAY)
    line(BENCH, "sim_day_seconds", day.took, "s", "asked: at most", day.took / SOON_ENOUGH)
    line(BENCH, "sim_day_cpu_seconds", time.process_time() - used, "s")  # of this process, without Postgres
    for name, share in day.shares().items():
        line(BENCH, f"sim_day_{name}_success", share, "share", "asked: more than", share / ASKED[name])
    for name, pool in day.pressed.items():
        line(BENCH, f"sim_day_{name}_in_use", pool.busy, "share", "asked: less than", pool.busy / MOST_IN_USE)
        line(BENCH, f"sim_day_{name}_waited", pool.waited, "s")
        line(BENCH, f"sim_day_{name}_refused", pool.refused, "count")
    same = lived(again, TWICE).trace == day.trace
    line(BENCH, "sim_day_goes_the_same_way_again", float(same), "1 or 0")
    postgres.drop(dsn)
    postgres.drop(again)
    return [*day.missed(), *([] if same else ["the same seed went another way the second time: the traces differ"])]


def lived(dsn: str, seconds: float) -> Day:
    """So many calendar seconds, at least TWICE, in real time's own speed."""
    with home(dsn, DAY_SEED, took=MEASURED, OPENAI_API_KEY="simulated") as place:
        place.outside.slower["browser"] = AWAY
        began = time.perf_counter()
        house = House(place, switching="where blocked")
        house.boot()
        gc.freeze()  # what stands since the boot need not be looked through again and again
        house.runtime.sleep(TWICE)
        trace = house.runtime.trace()
        house.runtime.sleep(seconds - TWICE)
        took = time.perf_counter() - began
        board = house.system.board
        pressed = pressure(board, seconds)
        level = board.get("health").level
        house.finish_publishing()
        house.end()
        scraping = {job.spec.name for job in house.jobs if job.spec.kind is Kind.SCRAPING}
        return Day(took, scores(dsn, scraping), place.findings().bad(), level, pressed, trace)
