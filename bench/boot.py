"""How soon a new process answers: `/health` (the platform's first check), and `/ready` (everything is up).

In a home that does not exist yet, so the embedded servers are made from nothing.
"""

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.line import line, percentile

MAIN = Path(__file__).parents[1] / "main.py"
LIVES = 5
HEALTH_LIMIT, READY_LIMIT = 10.0, 120.0
BARE = "import http.server"  # what any answer of the standard library's server has to load


def run() -> None:
    """Print the medians over a few lives, and for `/ready` one."""
    healths = [_life(until_ready=False)[0] for _ in range(LIVES)]
    bare = percentile([_bare() for _ in range(LIVES)], 50)
    health = percentile(healths, 50)
    line("boot", "health_after_exec", health, "s", against="python importing http.server", ratio=health / bare)
    line("boot", "ready_after_exec", _life(until_ready=True)[1], "s")


def _bare() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", BARE], check=True)
    return time.perf_counter() - began


def _life(until_ready: bool) -> tuple[float, float]:
    """Seconds from exec to the first answer of /health and to the first 200 of /ready (0.0 where not waited for)."""
    with tempfile.TemporaryDirectory(prefix="roost-bench-", dir="/tmp") as home:
        port = _free_port()
        keep = ("PATH", "HOME", "LANG", "BROWSER_EXECUTABLE")
        environment = {name: os.environ[name] for name in keep if name in os.environ}
        environment |= {"ROOST_HOME": f"{home}/var", "PORT": str(port)}
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, str(MAIN)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            health = _first(port, "/health", began, HEALTH_LIMIT)
            return health, _first(port, "/ready", began, READY_LIMIT, pause=0.05) if until_ready else 0.0
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _first(port: int, path: str, began: float, limit: float, pause: float = 0.002) -> float:
    while (elapsed := time.perf_counter() - began) < limit:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return time.perf_counter() - began
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(pause)
    raise SystemExit(f"boot: {path} did not answer 200 in {elapsed:.0f} s")


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port
