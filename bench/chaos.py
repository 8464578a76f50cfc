"""A day of the whole tree in virtual time, and storms: what seeds with failures at every seam leave lost or doubled.

    python -m bench chaos [--seeds N] [--hours H] [--seed S]

--seeds: how many storms (default 100); --hours: calendar hours of each (default 6); --seed: that storm alone, with
the log, and no day. The exit code is 1 where anything is lost, doubled or left unresolved.
"""

import argparse
import logging
import sys
import time
from collections import Counter

from bench.line import line
from domain.calendar import DAY
from tests.postgres import running_server
from tests.simulated.chaos import lived_through, replay
from tests.simulated.house import House, home

DAY_SEED = 1


def run() -> None:
    """Print the lines; each bad finding goes to stderr, with the command that replays it."""
    parser = argparse.ArgumentParser(prog="python -m bench chaos")
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--hours", type=float, default=6.0)
    parser.add_argument("--seed", type=int)
    given = parser.parse_args()
    if given.seed is None:
        logging.disable(logging.CRITICAL)
    else:
        logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    wanted = range(given.seeds) if given.seed is None else (given.seed,)
    sums, back, failed = Counter[str](), 0.0, 0
    with running_server() as postgres:
        if given.seed is None:
            dsn = postgres.fresh()
            used = time.process_time()
            line("chaos", "day_seconds", _day(dsn), "s")
            line("chaos", "day_cpu_seconds", time.process_time() - used, "s")  # of this process, without Postgres
            postgres.drop(dsn)
        for seed in wanted:
            dsn = postgres.fresh()
            try:
                lived = lived_through(dsn, seed, given.hours)
            except Exception as error:  # noqa: BLE001 - one seed's end is not the others'
                failed += 1
                _tell(f"seed {seed} failed: {error!r}", replay(seed, given.hours))
            else:
                found = lived.findings
                sums.update(
                    posts=found.posts, lost=len(found.lost), doubled=len(found.doubled),
                    unresolved=len(found.unresolved), stalled=len(found.stalled), needs_human=found.needs_human,
                    lives=lived.lives, failures=sum(lived.struck.values()),
                )  # fmt: skip
                back = max(back, lived.back)
                if found.bad():
                    _tell(*found.bad(), replay(seed, given.hours))
            postgres.drop(dsn)
    line("chaos", "seeds", len(wanted), "count")
    line("chaos", "seeds_failed", failed, "count")
    for metric in ("posts", "failures", "lives", "lost", "doubled", "unresolved", "stalled", "needs_human"):
        line("chaos", metric, sums[metric], "count")
    line("chaos", "levels_back_seconds", back, "s")
    if failed or any(sums[metric] for metric in ("lost", "doubled", "unresolved", "stalled")):
        sys.exit(1)


def _day(dsn: str) -> float:
    """Wall seconds that 24 hours of the tree take, in real time's own speed."""
    with home(dsn, DAY_SEED) as place:
        began = time.perf_counter()
        house = House(place)
        house.boot()
        house.runtime.sleep(DAY)
        took = time.perf_counter() - began
        house.end()
        bad = place.findings().bad()
        if bad:
            _tell("in a day without failures:", *bad)
            sys.exit(1)
    return took


def _tell(*lines: str) -> None:
    print("\n".join(lines), file=sys.stderr, flush=True)
