"""How long what is outside takes: the calls of a real Roost at work, by kind, as a simulated day draws them.

    python -m bench durations [--minutes 7] [--speed 60]

A whole Roost with its own Postgres, Redis, Chromium and sandbox, all on this machine, and a model that answers at
once, so that its figure is the client's own. Of each kind of call: how many, the median, the slow ones, and the sigma
of the lognormal with the same median and the same slowest hundredth. What comes of it is in
`tests.simulated.durations.MEASURED`, and in docs/simulation.md.
"""

import argparse
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import NormalDist, median

from bench.line import line, percentile

BENCH = "durations"
STOP_SECONDS = 30.0
FEWEST = 10  # calls of a kind, of which anything can be said
SLOW = (90, 99, 99.9)
USAGE = {"prompt_tokens": 600, "completion_tokens": 200, "total_tokens": 800}


def run() -> None:
    """Print the lines."""
    parser = argparse.ArgumentParser(prog="python -m bench durations")
    parser.add_argument("--minutes", type=float, default=7.0)
    parser.add_argument("--speed", type=float, default=60.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="roost-bench-", dir="/tmp") as directory, _model() as url:
        file = Path(directory) / "calls"
        _work(Path(directory) / "home", file, url, given.speed, 60 * given.minutes)
        calls: defaultdict[str, list[float]] = defaultdict(list)
        for said in file.read_text().splitlines():
            kind, seconds = json.loads(said)
            calls[kind].append(seconds)
    for kind, all_of_them in sorted(calls.items()):
        if len(all_of_them) >= FEWEST:
            _tell(kind.replace(" ", "_"), all_of_them)


def _tell(kind: str, seconds: list[float]) -> None:
    middle = median(seconds)
    line(BENCH, f"{kind}_calls", len(seconds), "count")
    line(BENCH, f"{kind}_median", 1e3 * middle, "ms")
    for percent in SLOW:
        line(BENCH, f"{kind}_p{percent:g}", 1e3 * percentile(seconds, percent), "ms")
    line(BENCH, f"{kind}_max", 1e3 * max(seconds), "ms")
    if middle > 0:
        sigma = math.log(percentile(seconds, 99) / middle) / NormalDist().inv_cdf(0.99)
        line(BENCH, f"{kind}_sigma", sigma, "of the logarithm")


def _work(home: Path, file: Path, model: str, speed: float, seconds: float) -> None:
    """Have a Roost write the durations of its calls into the file for so long."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "BROWSER_EXECUTABLE", "LANG") if name in os.environ}
    settings = {"ROOST_HOME": str(home), "PORT": "0", "SPEED": f"{speed:g}", "ROOST_DURATIONS": str(file)}
    with home.with_suffix(".log").open("wb") as log:
        roost = subprocess.Popen(
            [sys.executable, "-m", "bench.timed_roost"],
            env={**kept, **settings, "OPENAI_API_KEY": "measured", "OPENAI_BASE_URL": model},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            roost.wait(seconds)
        except subprocess.TimeoutExpired:
            roost.send_signal(signal.SIGINT)
            roost.wait(STOP_SECONDS)
            return
        finally:
            roost.kill()
    raise SystemExit(f"durations: Roost ended with {roost.returncode}; its log is {log.name}")


class _Answers(BaseHTTPRequestHandler):
    """The API as far as the client looks at it."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        message = {"role": "assistant", "content": '{"posts": []}'}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        answer = {"id": "-", "object": "chat.completion", "created": int(time.time()), "model": "-"}
        body = json.dumps({**answer, "choices": [choice], "usage": USAGE}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def _model() -> Iterator[str]:
    """Its URL, while it is there."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
