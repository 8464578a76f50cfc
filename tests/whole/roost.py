"""A whole Roost for a test: the real process with its real servers and browser, in a home of its own."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
# Fast enough for a test to see hours pass; much faster, and a claim would be over before its post is typed.
SPEED = "120"
BOOT_SECONDS = 300.0  # and for whatever else is waited for: with others at work on a slow machine
STOP_SECONDS = 10.0


class Roost:
    """One life of a Roost. Another one on the same home goes on where it ended."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.home = home
        self.said = home.with_suffix(f".{len(list(home.parent.glob(home.name + '.*')))}.log")
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in ("PATH", "HOME", "BROWSER_EXECUTABLE", "LANG")
        }
        self._out = self.said.open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "main.py"],
            cwd=ROOT,
            env={**kept, "ROOST_HOME": str(home), "PORT": "0", "SPEED": SPEED, **settings},
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=subprocess.STDOUT,
        )
        self.pid = self.process.pid

    # looking

    @property
    def url(self) -> str:
        """Where its page is."""

        def told() -> str:
            for line in self.log().splitlines():
                if line.startswith("Roost: http://"):
                    return line.removeprefix("Roost: ").rstrip("/")
            return ""

        return eventually(told, BOOT_SECONDS)

    def log(self) -> str:
        """All it has printed."""
        return self.said.read_text(errors="replace")

    def status(self) -> dict[str, Any]:
        """What `/status` tells."""
        found: dict[str, Any] = json.loads(self._get(f"{self.url}/status"))
        return found

    def metrics(self) -> str:
        """What Prometheus scrapes."""
        return self._get(f"{self.url}/metrics")

    def until(self, condition: Callable[[dict[str, Any]], Any], within: float = BOOT_SECONDS) -> dict[str, Any]:
        """The first status for which the condition holds; fails with the last one and the end of the log."""
        last: dict[str, Any] = {}

        def holds() -> bool:
            assert self.process.poll() is None, f"it ended with {self.process.returncode}"
            last.clear()
            last.update(self.status())
            return bool(condition(last))

        try:
            eventually(holds, within, every=0.2)
        except AssertionError as error:
            tail = "\n".join(self.log().splitlines()[-40:])
            short = {name: last.get(name) for name in ("level", "components", "posts", "metrics", "models", "jobs")}
            raise AssertionError(f"{error}\nstatus: {json.dumps(short, indent=1)[:6000]}\nlog:\n{tail}") from None
        return last

    def site(self) -> str:
        """Where the sandbox is."""
        status = self.until(lambda status: status["servers"].get("sandbox", {}).get("up"))
        return str(status["servers"]["sandbox"]["url"]).rstrip("/")

    def on_site(self) -> list[dict[str, Any]]:
        """The own posts as the site has them."""
        found = json.loads(self._get(f"{self.site()}/__sandbox/posts"))
        posts: list[dict[str, Any]] = found["posts"] if isinstance(found, dict) else found
        return posts

    def fault(self, **fault: Any) -> None:
        """Have the site misbehave."""
        request = urllib.request.Request(
            f"{self.site()}/__sandbox/faults",
            data=json.dumps(fault).encode(),
            headers={"Content-Type": "application/json"},
            method="POST",
        )
        urllib.request.urlopen(request, timeout=10).close()

    def shape(self, name: str, **options: Any) -> None:
        """Have the site be of that shape."""
        self._post("/__sandbox/shapes", {"shape": name, **options})

    def no_faults(self) -> None:
        """Have the site behave."""
        request = urllib.request.Request(f"{self.site()}/__sandbox/faults", method="DELETE")
        urllib.request.urlopen(request, timeout=10).close()

    def no_shapes(self) -> None:
        """Have the site be as it is by itself."""
        request = urllib.request.Request(f"{self.site()}/__sandbox/shapes", method="DELETE")
        urllib.request.urlopen(request, timeout=10).close()

    def post_by_hand(self, text: str) -> int:
        """The account posts without Roost. Returns the post's id."""
        with urllib.request.urlopen(f"{self.site()}/__sandbox/session", timeout=10) as got:
            cookies = {cookie["name"]: cookie["value"] for cookie in json.load(got)["cookies"]}
        answer = self._post(
            "/i/api/graphql/x/CreateTweet",
            {"variables": {"tweet_text": text}},
            {
                "x-csrf-token": cookies["ct0"],
                "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
            },
        )
        return int(answer["data"]["create_tweet"]["tweet_results"]["result"]["rest_id"])

    def _post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> Any:
        request = urllib.request.Request(
            self.site() + path,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **(headers or {})},
            method="POST",
        )
        with urllib.request.urlopen(request, timeout=10) as got:
            return json.load(got)

    def remove(self, site_id: str) -> None:
        """Take an own post off the site, as its owner would."""
        request = urllib.request.Request(f"{self.site()}/__sandbox/posts/{site_id}", method="DELETE")
        urllib.request.urlopen(request, timeout=10).close()

    def ctl(self, *words: str) -> Any:
        """What the admin socket answers, as JSON."""
        done = subprocess.run(
            [sys.executable, "main.py", "ctl", *words, "--json"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "ROOST_HOME": str(self.home)},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def processes(self, *words: str) -> list[psutil.Process]:
        """The living processes below it whose command line contains all of these words."""
        found = []
        for process in psutil.Process(self.pid).children(recursive=True):
            try:
                command = " ".join(process.cmdline())
                if process.status() != psutil.STATUS_ZOMBIE and all(word in command for word in words):
                    found.append(process)
            except psutil.NoSuchProcess:
                continue
        return found

    # ending

    def died(self, within: float = BOOT_SECONDS) -> int:
        """Wait for it to end by itself; its return code."""
        return self.process.wait(within)

    def kill(self) -> None:
        """SIGKILL, to the process itself alone."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> int:
        """As Ctrl-C does; the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(STOP_SECONDS)

    def left_behind(self) -> list[str]:
        """Whatever process still works in its home."""
        return [f"{process.pid} {' '.join(process.cmdline())[:120]}" for process in _of(self.home)]

    def close(self) -> None:
        """End it, however it is, and all that it left."""
        if self.process.poll() is None:
            self.kill()
        eventually(lambda: not self.left_behind(), 30.0, every=0.1)
        self._out.close()

    def _get(self, url: str) -> str:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return str(answer.read().decode())


@contextmanager
def roost(home: Path, **settings: str) -> Iterator[Roost]:
    """One life, ended with the block."""
    life = Roost(home, **settings)
    try:
        yield life
    finally:
        life.close()


def _of(home: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            mine = process.environ().get("ROOST_HOME") == str(home)
            if mine or any(str(home) in word for word in process.cmdline()):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found
