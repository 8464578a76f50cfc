"""How much memory the processes of this Roost take, and how much they may.

PSS (proportional set size) is what a process costs: shared pages are divided among those who share them. Summed RSS
counts Chromium's twice.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import psutil

PYTHON, DRIVER, BROWSER, SERVERS, OTHER = "python", "driver", "browser", "servers", "other"


@dataclass(frozen=True, slots=True)
class Weight:
    """Bytes by part. Servers that Roost has started beside itself are no part of a container's run.

    private: what Python, driver and browser have each for itself: it can be looked at between two weighings.
    """

    parts: dict[str, int]
    private: int = 0

    @property
    def own(self) -> int:
        """All but the servers."""
        return self.whole - self.parts.get(SERVERS, 0)

    @property
    def whole(self) -> int:
        """Everything below and with this process."""
        return sum(self.parts.values())


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes. set: by MEMORY_LIMIT_MB, for Roost itself. container: by the cgroup, for all in it, if any."""

    set: int
    container: int | None


def weigh(servers: Collection[int]) -> Weight:
    """This process and all below it. servers: pids of embedded servers, told apart with all below them."""
    parts: dict[str, int] = {}
    private = 0
    own = psutil.Process()
    beside = {process.pid for pid in servers for process in _family(pid)}
    for process in [own, *own.children(recursive=True)]:
        try:
            part = PYTHON if process.pid == own.pid else SERVERS if process.pid in beside else _part(process.name())
            memory = process.memory_full_info()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue  # it ended while we looked, or is being reaped
        parts[part] = parts.get(part, 0) + memory.pss
        if part in (PYTHON, DRIVER, BROWSER):
            private += memory.rss - memory.shared
    return Weight(parts, private)


def pressing(weight: Weight, limits: Limits) -> tuple[int, int]:
    """Used and limit (bytes) of whichever limit is nearer."""
    pairs = [(weight.own, limits.set)]
    if limits.container is not None:
        pairs.append((weight.whole, limits.container))
    return max(pairs, key=lambda pair: pair[0] / pair[1])


def container_limit(root: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> int | None:
    """The limit of the cgroup this process is in, v2 or v1, or of any above it. Bytes; None if there is none."""
    limits = []
    for line in own.read_text().splitlines() if own.exists() else []:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            limits += _limits(root, path, "memory.max")
        elif "memory" in controllers.split(","):
            limits += _limits(root / "memory", path, "memory.limit_in_bytes")
    physical = psutil.virtual_memory().total
    return min((limit for limit in limits if limit < physical), default=None)


def _limits(root: Path, path: str, name: str) -> list[int]:
    """Of the group and all above it. Inside a container the path is often not there, and the root is the group."""
    group = root / path.lstrip("/")
    found = []
    for place in (group, *group.parents):
        if place != root and root not in place.parents:
            break
        file = place / name
        if file.exists() and (text := file.read_text().strip()).isdigit():
            found.append(int(text))
    return found


def _family(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _part(name: str) -> str:
    name = name.lower()
    if "chrom" in name or "headless" in name:
        return BROWSER
    if name.startswith("node"):
        return DRIVER
    return OTHER
