"""A simulated day of the real thing: the whole process with its servers and its browser, judged from outside.

    python -m bench day [--speed 60] [--hours 24] [--chaos] [--seed S]

--speed: of the calendar (60: a day in 24 minutes; 1: a true day). --chaos: every minute or so something is killed,
stopped for a while, or made to misbehave, now and then the whole process is killed with SIGKILL. What fails is chosen
by the seed; when, by the machine. The exit code is 1 where anything is lost or doubled.
"""

import argparse
import json
import random
import re
import signal
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from actors.work.registry import load
from bench.line import line
from domain.calendar import HOUR
from domain.jobs.spec import Kind
from domain.settings import parse
from social.sandbox.storage import OwnPost
from tests.simulated.verdict import Findings, findings, rows, scores
from tests.whole.roost import Roost

LOOK_EVERY = 2.0  # real seconds
BETWEEN = 60.0  # real seconds from one failure to the next, on the average
STOPPED = (5.0, 30.0)  # real seconds that a process is held
OUTAGE_KINDS = (
    "commit_then_drop",
    "odd_response",
    "slow",
    "rate_limited",
    "login_wall",
    "profile_lag",
    "broken_page",
)
PROCESSES: Mapping[str, tuple[str, ...]] = {
    "chromium": ("--headless",),
    "renderer": ("--type=renderer",),
    "driver": ("run-driver",),
    "postgres": ("postgres", "-D"),
    "redis": ("redis-server",),
    "sandbox": ("social.sandbox",),
}
RESTARTS = re.compile(r"^roost_(?:server_)?restarts_total\{.*\} (\S+)$", re.MULTILINE)
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
    struck: Counter[str] = field(default_factory=Counter)
    held: dict[float, psutil.Process] = field(default_factory=dict)
    restarts: float = 0.0
    lives: int = 1
    back: float = 0.0
    found: Findings | None = None
    life: Roost = field(init=False)

    def __post_init__(self) -> None:
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
            self._release(now)
            self._look()
            time.sleep(LOOK_EVERY)

    def tell(self) -> None:
        """Print what came of it."""
        status = self.life.status()
        dsn = str(status["servers"]["postgres"]["url"])
        with urllib.request.urlopen(f"{self.life.site()}/__sandbox/health", timeout=10) as answer:
            calendar = float(json.loads(answer.read())["calendar"])
        own = [
            OwnPost(int(post["id"]), post["text"], post["at"], post["in_reply_to"] and int(post["in_reply_to"]), 0)
            for post in self.life.on_site()
        ]
        self.found = findings(dsn, own, calendar)
        for case in self.found.bad():
            print(case, file=sys.stderr, flush=True)
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
        line("day", "restarts", self.restarts + self._restarts(), "count")
        line("day", "lives", self.lives, "count")
        for failure, times in sorted(self.struck.items()):
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
            self._try(lambda: self._operate())

    def _restarts(self) -> float:
        return sum(float(number) for number in RESTARTS.findall(self.life.metrics()))

    def _operate(self) -> None:
        """What a person does who is called: a new session, and the account may act again."""
        with urllib.request.urlopen(f"{self.life.site()}/__sandbox/session", timeout=10) as answer:
            session = self.home.with_suffix(".session.json")
            session.write_bytes(answer.read())
        self.life.ctl("session", str(session))
        self.life.ctl("account", "resume")

    # failing

    def _fail(self) -> None:
        doing = self.chance.choice(("kill", "kill", "hold", "site", "site", "end"))
        match doing:
            case "kill" | "hold":
                name = self.chance.choice(sorted(PROCESSES))
                victims = self.life.processes(*PROCESSES[name])
                if not victims:
                    return
                self.struck[f"{doing}_{name}"] += 1
                if doing == "kill":
                    self._try(lambda: victims[0].kill())
                else:
                    self._try(lambda: victims[0].send_signal(signal.SIGSTOP))
                    self.held[time.monotonic() + self.chance.uniform(*STOPPED)] = victims[0]
            case "site":
                kind = self.chance.choice(OUTAGE_KINDS)
                self.struck[f"site_{kind}"] += 1
                self._try(lambda: self.life.fault(kind=kind, for_seconds=self.chance.uniform(5.0, 40.0)))
            case _:
                self.struck["sigkill"] += 1
                self._try(self._keep_restarts)
                self.life.kill()
                self._begin_again()

    def _calm_down(self) -> float:
        """No more failures. Returns the real seconds until the level is full."""
        self._release(float("inf"))
        request = urllib.request.Request(f"{self.life.site()}/__sandbox/faults", method="DELETE")
        self._try(lambda: urllib.request.urlopen(request, timeout=10).close())
        began = time.monotonic()
        self.life.until(lambda status: status["level"]["name"] == "full", BACK_WITHIN)
        return max(0.1, time.monotonic() - began)

    def _release(self, now: float) -> None:
        for until in [until for until in self.held if until <= now]:
            process = self.held.pop(until)
            self._try(lambda process=process: process.send_signal(signal.SIGCONT))  # type: ignore[misc]

    def _keep_restarts(self) -> None:
        self.restarts += self._restarts()

    def _begin(self) -> Roost:
        return Roost(self.home, SPEED=f"{self.speed:g}")

    def _begin_again(self) -> None:
        self.lives += 1
        self.life = self._begin()

    def _try(self, what: Callable[[], Any]) -> None:
        """What may come too late, or too early: the process or the site is not there just now."""
        try:
            what()
        except (OSError, psutil.Error, AssertionError) as error:
            print(f"not done: {error}", file=sys.stderr, flush=True)
