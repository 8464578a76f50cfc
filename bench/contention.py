"""A day of the old system's browser jobs on three contexts, first come first served, against today's jobs.

Both are replayed through the same ledger, event by event, so what differs is only the schedule: intervals, stagger,
priorities, reserves. A job of today needs as many browser minutes a day as those it replaces, so that nothing is
won by doing less; what is more than one hold takes several leases, one after the other.

The ledger learns of today's jobs what it learns in the product, and no more: how long a lease is asked for, which is
more than it takes, and when a job will ask next: at once while a run is under way, else at its next tick.
"""

import csv
import heapq
import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from actors.jobs.registry import load
from bench.line import line
from domain.calendar import DAY
from domain.jobs.graph import validated
from domain.jobs.schedule import boot_offsets, boot_steps, first_tick, next_tick
from domain.jobs.spec import Holds
from domain.resources.leases import Ended, Granted, NextUse, Request
from domain.resources.ledger import Decisions, Ledger
from domain.resources.reserves import Policy, Reserve, browser_policy
from domain.settings import parse

CSV = Path(__file__).parent / "data" / "old-schedule.csv"
CONTEXTS = 3
NEVER = 100 * DAY  # as a wait deadline: what waits, waits to the end
RESTARTS = 10  # each job having run at some time within its interval before
UNKNOWN_MINUTES = 0.1  # of a job of today that replaces none: a look at one page
FIRST_COME = Policy("browser", "context", (Reserve("all", CONTEXTS),), 1e9, NEVER, "Wait.")


@dataclass(frozen=True, slots=True)
class Client:
    """One job in the replay. starts: seconds of the day at which it wants a context. work: seconds with it. hold:
    seconds that one lease is asked for."""

    name: str
    priority: int
    category: str
    starts: Sequence[float]
    work: float
    hold: float


def run() -> None:
    """Print the numbers."""
    with CSV.open() as file:
        rows = list(csv.DictReader(file))
    now = _replay(_todays(rows), browser_policy())
    again = [_minutes(_replay(_todays(rows, seed), browser_policy())) for seed in range(RESTARTS)]
    for starts, chance in (("all at boot", None), ("spread at random", random.Random(1))):
        before = _replay(_old(rows, chance), FIRST_COME)
        against = f"the old schedule ({starts}), first come first served on {CONTEXTS} contexts"
        for metric, value, unit, base in (
            ("contention_waited", _minutes(now), "job-minutes a day", _minutes(before)),
            ("contention_waited_restarted", sum(again) / len(again), "job-minutes a day", _minutes(before)),
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
        clients.append(Client(row["job"], 5, "background", starts, 60 * float(row["minutes_of_work"]), NEVER))
    return clients


def _todays(rows: Iterable[dict[str, str]], restart: int | None = None) -> list[Client]:
    """restart: the seed of an earlier life; None: there was none."""
    minutes: dict[str, float] = {}
    for row in rows:
        runs = 1440 / float(row["every_minutes"])
        minutes[row["done_now_by"]] = minutes.get(row["done_now_by"], 0.0) + runs * float(row["minutes_of_work"])
    specs = validated([job.spec for job in load(parse({}, {}))], Holds(CONTEXTS, 10, 5, 4))
    offsets, steps = boot_offsets(specs), boot_steps(specs)
    chance = random.Random(1 if restart is None else restart)
    clients = []
    for spec in specs:
        if not spec.holds.browser or spec.once:
            continue
        last = None if restart is None else -chance.uniform(0.0, spec.every)
        starts, tick = [], first_tick(spec, 0.0, offsets[spec.name], last, spec.every, chance, steps[spec.name])
        while tick.at < DAY:
            starts.append(tick.at)
            tick = next_tick(tick.grid, spec.every, tick.at, chance)
        work = 60 * minutes.pop(spec.name) / (DAY / spec.every) if spec.name in minutes else 60 * UNKNOWN_MINUTES
        clients.append(Client(spec.name, spec.priority, spec.category, starts, work, spec.browser_seconds))
    if minutes:
        raise SystemExit(f"contention: {', '.join(minutes)} in {CSV.name} are no jobs with a browser today")
    return clients


def _replay(clients: Sequence[Client], policy: Policy) -> dict[str, list[float]]:
    """Seconds that each lease was waited for, by job."""
    ledger = Ledger(policy, {}, first_token=1)
    by_name = {client.name: client for client in clients}
    ticks = {client.name: iter(client.starts) for client in clients}
    left: dict[str, float] = {}  # seconds of work of the run that goes on, by job
    waits: dict[str, list[float]] = {client.name: [] for client in clients}
    order = count(len(clients))
    events: list[tuple[float, int, Client | int]] = []
    rank = {client.name: number for number, client in enumerate(clients)}  # at one moment, before what comes back
    due: dict[str, float] = {}  # the next tick, by job

    def look_ahead(client: Client) -> None:
        due[client.name] = next(ticks[client.name], math.inf)
        if due[client.name] < math.inf:
            heapq.heappush(events, (due[client.name], rank[client.name], client))

    def expect(client: Client, at: float, now: float) -> None:
        carry_out(ledger.expect(NextUse(client.name, client.priority, client.category, at), now), now)

    def ask(client: Client, now: float) -> None:
        name = client.name
        wish = Request(str(next(order)), name, name, client.priority, client.category, NEVER, client.hold)
        carry_out(ledger.request(wish, now), now)

    def carry_out(decisions: Decisions, now: float) -> None:
        for decision in decisions:
            match decision:
                case Granted(lease, waited):
                    job = lease.request.job
                    waits[job].append(waited)
                    end = min(lease.hold_until, now + left[job])
                    left[job] = max(0.0, left[job] - (lease.hold_until - now))
                    heapq.heappush(events, (end, next(order), lease.token))
                case Ended(lease) if left[lease.request.job] > 0:
                    ask(by_name[lease.request.job], now)
                case Ended(lease):
                    del left[lease.request.job]
                    expect(by_name[lease.request.job], due[lease.request.job], now)

    for client in clients:
        look_ahead(client)
        expect(client, due[client.name], 0.0)
    while events:
        now, _, event = heapq.heappop(events)
        if isinstance(event, int):
            carry_out(ledger.release(event, now), now)
            continue
        look_ahead(event)
        if event.name not in left:  # a tick that finds its job running is skipped
            left[event.name] = event.work
            expect(event, now, now)
            ask(event, now)
    return waits
