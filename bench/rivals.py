"""One turn of another scheduler over work that does nothing: `python rivals.py NAME RUNS [CONNINFO]`.

Run as a script, with whatever Python has that scheduler; imports nothing of Roost. Prints one JSON object: CPU
seconds of this process for all the runs, from the first that is scheduled to the last that is recorded.
"""

import json
import logging
import sys
import threading
import time
from typing import Any

EVERY = 0.004  # seconds between the runs of one APScheduler job
LIMIT = 300.0


def apscheduler(runs: int) -> float:
    """CPU seconds of APScheduler for so many runs of an interval job; it records nothing."""
    from apscheduler.schedulers.background import BackgroundScheduler  # type: ignore[import-not-found]

    left, over = [runs], threading.Event()

    def work() -> None:
        left[0] -= 1
        if not left[0]:
            over.set()

    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_job(work, "interval", seconds=EVERY, coalesce=True)
    began = time.process_time()
    scheduler.start()
    if not over.wait(LIMIT):
        raise SystemExit(f"apscheduler: {runs} runs not in {LIMIT:.0f} s")
    took = time.process_time() - began
    scheduler.shutdown()
    return took


def procrastinate(runs: int, conninfo: str) -> float:
    """CPU seconds of Procrastinate to queue so many jobs in Postgres, and to run and record them."""
    import asyncio

    from procrastinate import App, PsycopgConnector  # type: ignore[import-not-found]

    app: Any = App(connector=PsycopgConnector(conninfo=conninfo))
    done: list[None] = []

    @app.task(name="nothing")  # type: ignore[untyped-decorator]
    def nothing() -> None:
        done.append(None)

    async def turn() -> float:
        async with app.open_async():
            known = await app.connector.execute_query_one_async("select to_regclass('procrastinate_jobs') as name")
            if known["name"] is None:
                await app.schema_manager.apply_schema_async()
            began = time.process_time()
            for _ in range(runs):
                await nothing.defer_async()
            await app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)
            return time.process_time() - began

    took = asyncio.run(turn())
    if len(done) != runs:
        raise SystemExit(f"procrastinate: {len(done)} of {runs} runs")
    return took


def main(name: str, runs: int, *conninfo: str) -> None:
    logging.disable(logging.WARNING)
    took = apscheduler(runs) if name == "apscheduler" else procrastinate(runs, *conninfo)
    print(json.dumps({"cpu": took}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
