"""A day of the old system's browser jobs on three contexts, first come first served, against today's jobs.

Both are replayed through the same ledger, event by event, so what differs is only the schedule: intervals, stagger,
priorities, reserves. A job of today needs as many browser minutes a day as those it replaces, so that nothing is
won by doing less; what is more than the longest hold takes several leases, one after the other.
"""

import csv
import heapq
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from actors.jobs.registry import load
from bench.line import line
from domain.calendar import DAY
from domain.jobs.graph import validated
from domain.jobs.schedule import boot_offsets, first_tick, next_tick
from domain.jobs.spec import Holds
from domain.resources.leases import Ended, Granted, Request
from domain.resources.ledger import Decisions, Ledger
from domain.resources.reserves import Policy, Reserve, browser_policy
from domain.settings import parse

CSV = Path(__file__).parent / "data" / "old-schedule.csv"
CONTEXTS = 3
NEVER = 100 * DAY  # as a wait deadline: what waits, waits to the end
UNKNOWN_MINUTES = 0.1  # of a job of today that replaces none: a look at one page
FIRST_COME = Policy("browser", "context", (Reserve("all", CONTEXTS),), 1e9, NEVER, "Wait.")


@dataclass(frozen=True, slots=True)
class Client:
    """One job in the replay. starts: seconds of the day at which it wants a context. work: seconds with it."""

    name: str
    priority: int
    category: str
    starts: Sequence[float]
    work: float


def run() -> None:
    """Print the numbers."""
    with CSV.open() as file:
        rows = list(csv.DictReader(file))
    now = _replay(_todays(rows), browser_policy())
    for starts, chance in (("all at boot", None), ("spread at random", random.Random(1))):
        before = _replay(_old(rows, chance), FIRST_COME)
        against = f"the old schedule ({starts}), first come first served on {CONTEXTS} contexts"
        for metric, value, unit, base in (
            ("contention_waited", _minutes(now), "job-minutes a day", _minutes(before)),
            ("contention_posting_longest", max(now["posting"]) / 60, "min", max(before["posting"]) / 60),
            ("contention_leases", sum(map(len, now.values())), "a day", sum(map(len, before.values()))),
        ):
            line("leases", metric, value, unit, f"{against}: {base:.4g}", value / base if base else None)


def _minutes(waits: dict[str, list[float]]) -> float:
    return sum(map(sum, waits.values())) / 60


def _old(rows: Iterable[dict[str, str]], chance: random.Random | None) -> list[Client]:
    clients = []
    for row in rows:
        every = 60 * float(row["every_minutes"])
        first = chance.uniform(0.0, every) if chance else 0.0
        starts = [first + number * every for number in range(int(DAY / every))]
        clients.append(Client(row["job"], 5, "background", starts, 60 * float(row["minutes_of_work"])))
    return clients


def _todays(rows: Iterable[dict[str, str]]) -> list[Client]:
    minutes: dict[str, float] = {}
    for row in rows:
        runs = 1440 / float(row["every_minutes"])
        minutes[row["done_now_by"]] = minutes.get(row["done_now_by"], 0.0) + runs * float(row["minutes_of_work"])
    specs = validated([job.spec for job in load(parse({}, {}))], Holds(CONTEXTS, 10, 5, 4))
    offsets = boot_offsets(specs)
    chance = random.Random(1)
    clients = []
    for spec in specs:
        if not spec.holds.browser or spec.once:
            continue
        starts, tick = [], first_tick(spec, 0.0, offsets[spec.name], None, spec.every, chance)
        while tick.at < DAY:
            starts.append(tick.at)
            tick = next_tick(tick.grid, spec.every, tick.at, chance)
        work = 60 * minutes.pop(spec.name) / (DAY / spec.every) if spec.name in minutes else 60 * UNKNOWN_MINUTES
        clients.append(Client(spec.name, spec.priority, spec.category, starts, work))
    if minutes:
        raise SystemExit(f"contention: {', '.join(minutes)} in {CSV.name} are no jobs with a browser today")
    return clients


def _replay(clients: Sequence[Client], policy: Policy) -> dict[str, list[float]]:
    """Seconds that each lease was waited for, by job."""
    ledger = Ledger(policy, {}, first_token=1)
    by_name = {client.name: client for client in clients}
    left: dict[str, float] = {}  # seconds of work of the run that goes on, by job
    waits: dict[str, list[float]] = {client.name: [] for client in clients}
    order = count()
    events: list[tuple[float, int, Client | int]] = [
        (start, next(order), client) for client in clients for start in client.starts
    ]
    heapq.heapify(events)

    def ask(client: Client, now: float) -> None:
        name, hold = client.name, min(left[client.name], policy.longest_hold)
        carry_out(
            ledger.request(Request(str(next(order)), name, name, client.priority, client.category, NEVER, hold), now),
            now,
        )

    def carry_out(decisions: Decisions, now: float) -> None:
        for decision in decisions:
            match decision:
                case Granted(lease, waited):
                    waits[lease.request.job].append(waited)
                    left[lease.request.job] -= lease.request.hold_seconds
                    heapq.heappush(events, (lease.hold_until, next(order), lease.token))
                case Ended(lease) if left[lease.request.job] > 0:
                    ask(by_name[lease.request.job], now)
                case Ended(lease):
                    del left[lease.request.job]

    while events:
        now, _, event = heapq.heappop(events)
        if isinstance(event, int):
            carry_out(ledger.release(event, now), now)
        elif event.name not in left:  # a tick that finds its job running is skipped
            left[event.name] = event.work
            ask(event, now)
    return waits
