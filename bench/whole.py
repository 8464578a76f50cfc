"""What the benches of a whole Roost share: its processes, what is done to them, and how it is judged from outside."""

import json
import random
import re
import signal
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psutil

from social.sandbox.storage import OwnPost
from tests.simulated.verdict import Findings, findings
from tests.whole.roost import Roost

PROCESSES: Mapping[str, tuple[str, ...]] = {
    "chromium": ("--headless",),
    "renderer": ("--type=renderer",),
    "driver": ("run-driver",),
    "postgres": ("postgres", "-D"),
    "redis": ("redis-server",),
    "sandbox": ("social.sandbox",),
}
STOPPED = (5.0, 30.0)  # real seconds that a process is held
RESTARTS = re.compile(r"^roost_(?:server_)?restarts_total\{.*\} (\S+)$", re.MULTILINE)


@dataclass
class Strikes:
    """Kills processes below a Roost, or holds them for a while. struck: how often what was done."""

    chance: random.Random
    struck: Counter[str] = field(default_factory=Counter)
    held: list[tuple[float, psutil.Process]] = field(default_factory=list)

    def kill(self, life: Roost, name: str) -> None:
        """SIGKILL for one of `PROCESSES`; nothing where it is not there just now."""
        if victims := life.processes(*PROCESSES[name]):
            self.struck[f"kill_{name}"] += 1
            attempt(victims[0].kill)

    def hold(self, life: Roost, name: str) -> None:
        """SIGSTOP for one of them, half the time with all that is below it, until `release`."""
        if victims := life.processes(*PROCESSES[name]):
            self.struck[f"hold_{name}"] += 1
            attempt(lambda: self._hold(victims[0]))

    def release(self, now: float) -> None:
        """SIGCONT for those whose time is over. now: monotonic seconds; infinity for all."""
        due = [process for until, process in self.held if until <= now]
        self.held = [(until, process) for until, process in self.held if until > now]
        for process in filter(psutil.Process.is_running, due):  # Roost has ended the others itself
            attempt(lambda process=process: process.send_signal(signal.SIGCONT))  # type: ignore[misc]

    def _hold(self, victim: psutil.Process) -> None:
        until = time.monotonic() + self.chance.uniform(*STOPPED)
        below = victim.children(recursive=True) if self.chance.random() < 0.5 else []
        for process in (victim, *below):
            process.send_signal(signal.SIGSTOP)
            self.held.append((until, process))


def attempt(what: Callable[[], Any]) -> None:
    """What may come too late, or too early: the process or the site is not there just now."""
    try:
        what()
    except (OSError, psutil.Error, AssertionError) as error:
        print(f"not done: {error}", file=sys.stderr, flush=True)


def operate(life: Roost) -> None:
    """What a person does who is called: a new session, and the account may act again."""
    with urllib.request.urlopen(f"{life.site()}/__sandbox/session", timeout=10) as answer:
        session = life.home.with_suffix(".session.json")
        session.write_bytes(answer.read())
    life.ctl("session", str(session))
    life.ctl("account", "resume")


def restarts(life: Roost) -> float:
    """Of actors and of embedded servers, in this life."""
    return sum(float(number) for number in RESTARTS.findall(life.metrics()))


def judged(life: Roost) -> tuple[Findings, str]:
    """What became of the posts, each bad case told on stderr; and the DSN of the rows it was judged by."""
    dsn = str(life.status()["servers"]["postgres"]["url"])
    with urllib.request.urlopen(f"{life.site()}/__sandbox/health", timeout=10) as answer:
        calendar = float(json.loads(answer.read())["calendar"])
    own = [
        OwnPost(int(post["id"]), post["text"], post["at"], post["in_reply_to"] and int(post["in_reply_to"]), 0)
        for post in life.on_site()
    ]
    found = findings(dsn, own, calendar)
    for case in found.bad():
        print(case, file=sys.stderr, flush=True)
    return found, dsn
