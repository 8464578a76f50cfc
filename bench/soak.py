"""An hour of the real thing while every backend is killed or hangs at random: what is lent comes back, nothing grows.

    python -m bench soak [--minutes 60] [--speed 60] [--seed S]

Every 20 to 60 s one process (Chromium, one of its renderers, the driver, Postgres, Redis, the sandbox) gets SIGKILL,
or SIGSTOP for 5 to 30 s. The last sixth (three minutes at most) is calm; then the jobs are paused, and once nobody
holds anything, what was granted must have ended. Slopes are least squares over what was seen after a warm-up of a
sixth (ten minutes at most); how noisy they are, the medians of the first and the last fifth tell. `roost` is the
Python process alone, `tree` all processes that it has started. The exit code is 1 where a lease or a unit is missing,
the process ended, or a post is lost or doubled.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import linear_regression, median
from typing import Any

import psutil

from bench.line import line
from bench.whole import PROCESSES, Strikes, attempt, judged, operate, restarts
from tests.whole.roost import Roost

BENCH = "soak"
BETWEEN = (20.0, 60.0)  # real seconds from one failure to the next
LOOK_EVERY = 2.0
SAMPLE_EVERY = 10.0
BACK_WITHIN = 300.0  # real seconds until the level is full again, and until nobody holds a lease
MIB = 1 << 20
HOUR = 3600.0
GROWS = {"fd": "count", "threads": "count", "pss": "MiB", "tree_pss": "MiB"}


def run() -> None:
    """Live it and print its numbers."""
    parser = argparse.ArgumentParser(prog="python -m bench soak")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--speed", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="roost-soak-", dir="/tmp") as directory:
        life = Roost(Path(directory) / "home", SPEED=f"{given.speed:g}")
        soak = Soak(life, random.Random(given.seed))
        try:
            soak.live(60.0 * given.minutes)
            good = soak.tell()
        except AssertionError:
            sys.stderr.write(life.log()[-8000:])
            raise
        finally:
            soak.strikes.release(float("inf"))
            life.close()
    sys.exit(not good)


@dataclass(frozen=True, slots=True)
class Sample:
    """What the process has. at: seconds since the begin. pss, tree_pss: MiB."""

    at: float
    fd: float
    threads: float
    pss: float
    tree_pss: float


@dataclass
class Soak:
    """One soak. seen: looks at each level, by sixth of the time. astray: looks at which units were missing."""

    life: Roost
    chance: random.Random
    strikes: Strikes = field(init=False)
    seen: list[Counter[str]] = field(default_factory=lambda: [Counter() for _ in range(6)])
    astray: Counter[str] = field(default_factory=Counter)
    samples: list[Sample] = field(default_factory=list)
    level: str = ""
    warm: float = 0.0
    back: float = 0.0

    def __post_init__(self) -> None:
        self.strikes = Strikes(self.chance)

    def live(self, seconds: float) -> None:
        """So many real seconds from the first full level on."""
        self.life.until(lambda status: status["level"]["name"] == "full")
        began = time.monotonic()
        self.warm = min(600.0, seconds / 6)
        calm = seconds - min(180.0, seconds / 6)
        strike, sample = self.chance.uniform(*BETWEEN), 0.0
        while (now := time.monotonic() - began) < seconds:
            self.strikes.release(time.monotonic() if now < calm else float("inf"))
            if strike <= now < calm:
                doing = self.strikes.kill if self.chance.random() < 0.5 else self.strikes.hold
                name = self.chance.choice(sorted(PROCESSES))
                doing(self.life, name)
                self._say(f"{doing.__name__} {name}")
                strike = time.monotonic() - began + self.chance.uniform(*BETWEEN)
            if now >= calm and not self.back:
                self._full()
                self.back = time.monotonic() - began - calm
            self._look(self.seen[int(6 * now / seconds)])
            if now >= sample:
                attempt(lambda now=now: self._sample(now))  # type: ignore[misc]
                sample = now + SAMPLE_EVERY
            time.sleep(LOOK_EVERY)

    def tell(self) -> bool:
        """Print what came of it; whether all that must be is so."""
        self._full()
        attempt(lambda: self.life.until(lambda status: not status["posts"].get("unknown"), BACK_WITHIN))
        found, _ = judged(self.life)
        pools = self._at_rest()
        good = not found.lost and not found.doubled
        for name, pool in pools.items():
            granted, ended = pool["granted"], pool["ended"] + pool["revoked"]
            units = pool["idle"] + pool["in_use"] + pool["quarantined"]
            good = good and granted == ended and units == pool["capacity"] and not self.astray[name]
            line(BENCH, f"{name}_leases_granted", granted, "count")
            line(BENCH, f"{name}_leases_ended", ended, "count")
            line(BENCH, f"{name}_leases_revoked", pool["revoked"], "count")
            line(BENCH, f"{name}_units", units, "count", "capacity", units / pool["capacity"])
            line(BENCH, f"{name}_looks_with_units_missing", self.astray[name], "count")
        line(BENCH, "leases_granted", sum(pool["granted"] for pool in pools.values()), "count")
        line(BENCH, "leases_ended", sum(pool["ended"] + pool["revoked"] for pool in pools.values()), "count")
        missing = sum(pool["granted"] - pool["ended"] - pool["revoked"] for pool in pools.values())
        line(BENCH, "leases_not_ended", missing, "count")
        self._tell_growth()
        for sixth, looks in enumerate(self.seen, 1):
            for level, times in looks.most_common():
                line(BENCH, f"level_{level}_sixth_{sixth}", times / looks.total(), "share")
        line(BENCH, "levels_back_seconds", self.back, "s")
        line(BENCH, "posts_confirmed", found.states["confirmed"] + found.states["reconciled"], "count")
        line(BENCH, "lost", len(found.lost), "count")
        line(BENCH, "doubled", len(found.doubled), "count")
        line(BENCH, "unresolved", len(found.unresolved), "count")
        line(BENCH, "needs_human", found.needs_human, "count")
        line(BENCH, "restarts", restarts(self.life), "count")
        for failure, times in sorted(self.strikes.struck.items()):
            line(BENCH, f"faults_{failure}", times, "count")
        return good

    def _full(self) -> None:
        self.life.until(lambda status: status["level"]["name"] == "full", BACK_WITHIN)

    def _look(self, levels: Counter[str]) -> None:
        code = self.life.process.poll()
        assert code is None, f"the process ended with {code}"
        try:
            status = self.life.status()
        except OSError:
            levels["unanswered"] += 1
            return
        level = status["level"]["name"]
        levels[level] += 1
        if level != self.level:
            self.level = level
            self._say(f"level {'; '.join([level, *status['level']['reasons']])}")
        for name, pool in status["pools"].items():
            if pool["state"] != "up":
                continue  # its actor may have ended just now, which ends all leases at once
            # A pool that has shrunk may have more out than it lends now; never may one have fewer than it has.
            self.astray[name] += pool["idle"] + pool["in_use"] + pool["quarantined"] < pool["capacity"]
            self.astray[name] += pool["granted"] != pool["ended"] + pool["revoked"] + pool["in_use"]
        if status["lane"].get("stopped"):
            attempt(lambda: operate(self.life))

    def _say(self, what: str) -> None:
        """For whoever watches."""
        print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)

    def _sample(self, at: float) -> None:
        roost = psutil.Process(self.life.pid)
        pss = roost.memory_full_info().pss / MIB
        tree = pss
        for process in roost.children(recursive=True):
            try:
                tree += process.memory_full_info().pss / MIB
            except psutil.Error:
                continue  # it has just ended
        self.samples.append(Sample(at, roost.num_fds(), roost.num_threads(), pss, tree))

    def _at_rest(self) -> dict[str, Any]:
        """The pools, once no job runs and nobody holds a lease: what looks after the rest holds one for moments."""
        for name in self.life.status()["jobs"]:
            self.life.ctl("job", name, "pause")

        def rest(status: dict[str, Any]) -> bool:
            return not any(
                pool["in_use"] or pool["quarantined"] or pool["waiting"] for pool in status["pools"].values()
            )

        found: dict[str, Any] = self.life.until(rest, BACK_WITHIN)["pools"]
        return found

    def _tell_growth(self) -> None:
        warm = [sample for sample in self.samples if sample.at >= self.warm]
        fifth = max(1, len(warm) // 5)
        for name, unit in GROWS.items():
            values: Sequence[float] = [getattr(sample, name) for sample in warm]
            slope, _ = linear_regression([sample.at / HOUR for sample in warm], values)
            line(BENCH, f"{name}_slope", slope, f"{unit}/h")
            line(BENCH, f"{name}_first_median", median(values[:fifth]), unit)
            line(BENCH, f"{name}_last_median", median(values[-fifth:]), unit)
