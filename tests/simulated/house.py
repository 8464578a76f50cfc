"""The whole tree in virtual time: every actor but the face, on the outside of `tests.simulated.outside`.

    with home(dsn) as place:
        house = House(place, seed=7)
        house.boot()
        house.runtime.sleep(HOUR)

One life after the other may be lived in one place, as after a crash of the process.
"""

import io
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

from actors.care.memory_usage import Weight
from actors.core.scheduler import Switching
from actors.core.simulation import BEGIN, EPOCH, SimulatedRuntime
from actors.core.supervision import ChildSpec
from actors.core.system import System
from actors.face.context import AppContext
from actors.face.log_book import LogBook
from actors.jobs import names
from actors.jobs.registry import load
from actors.protocol.health import MIB
from actors.protocol.jobs import Pause
from domain.calendar import Anchor
from domain.publishing.caps import Policy
from domain.settings import APPROVAL, Settings, parse
from social.inprocess import InProcessSite
from social.sandbox.network import Network
from social.sandbox.storage import Storage
from store.migrate import migrate
from supervisors import tree
from supervisors.supervisor import Supervisor
from tests.simulated.durations import Took
from tests.simulated.outside import Outside, Weather
from tests.simulated.verdict import Findings, findings
from tests.simulated.verdict_manners import Terms

SHARED_MEMORY = Path("/dev/shm")  # where a flush to the disk costs nothing
PUBLISHING = ("posting", "reply_posting")
FINISH_SECONDS = 600
NO_TIME: Mapping[str, Took] = {}
WEIGHT = Weight({"python": 120 * MIB, "browser": 150 * MIB})


@dataclass
class Clock:
    """The monotonic clock over all lives. now: the present life's, or where the last one stopped."""

    now: Callable[[], float] = lambda: BEGIN

    def wall(self) -> float:
        """Real Unix seconds."""
        return EPOCH + self.now() - BEGIN


@dataclass
class Place:
    """What stays when Roost dies: its home, the database, the site. policy: the caps in force."""

    dsn: str
    home: Path
    seed: int
    speed: float
    outside: Outside
    site: InProcessSite
    clock: Clock
    lives: int = 0
    extra: dict[str, str] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)

    def calendar(self) -> float:
        """Calendar Unix seconds."""
        return Anchor(real=EPOCH, calendar=EPOCH, speed=self.speed).at(self.clock.wall())

    def findings(self) -> Findings:
        """What became of every post."""
        terms = Terms(self.policy, approval=self.settings().replies == APPROVAL)
        return findings(self.dsn, self.site.network.storage.posts(), self.calendar(), terms)

    def settings(self) -> Settings:
        """Those of production, on the sandbox."""
        environment = {
            "DATABASE_URL": self.dsn,
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "SITE_URL": "http://127.0.0.1:1",
            "ROOST_HOME": str(self.home),
            "SPEED": str(self.speed),
            "MEMORY_LIMIT_MB": "512",
            **self.extra,
        }
        return parse(environment, {}, names())


class House:
    """One life."""

    def __init__(
        self,
        place: Place,
        runtime: SimulatedRuntime | None = None,
        system: System | None = None,
        switching: Switching = "at every point",
    ) -> None:
        """runtime, system: for one's own; the system is on the runtime. switching: of the runtime made here."""
        place.lives += 1
        self.place = place
        # Another seed for each life: an id is never given twice.
        seed = place.seed * 1_000 + place.lives
        self.runtime = runtime or SimulatedRuntime(
            seed, place.speed, wall_limit=30.0, begin=place.clock.now(), switching=switching
        )
        place.clock.now = self.runtime.now
        self.system = system or System(self.runtime)
        self.durations = place.outside.durations(self.runtime)
        if place.outside.took:
            place.site.latency = lambda: self.durations.of("page")
        self.settings = place.settings()
        self.jobs = load(self.settings)
        book = LogBook(io.StringIO(), (), pretty=False)
        self.view = AppContext(
            self.system, self.settings, book, place.home, "simulated", self.runtime.now(), self.leave
        )
        self.left: str | None = None

    def leave(self, why: str) -> None:
        """Somebody asks the process to end."""
        self.left = why

    def boot(self) -> None:
        """Start the tree; returns when it is up."""
        self.system.start("root", self._root, timeout=None)

    def pause_publishing(self) -> None:
        """Let no run of publishing begin any more."""
        for job in PUBLISHING:
            self.system.tell(f"job:{job}", Pause("the end"))

    def publishes(self) -> bool:
        """Whether a run of publishing is at work."""
        names = [each.name for each in self.system.directory.registrations()]
        return any(name.startswith(tuple(f"run:{job}:" for job in PUBLISHING)) for name in names)

    def finish_publishing(self) -> None:
        """Let no post be half published when it is counted. A run of publishing ends within its deadline."""
        self.pause_publishing()
        self.runtime.sleep(1.0)
        for _ in range(FINISH_SECONDS):
            if not self.publishes():
                return
            self.runtime.sleep(1.0)
        raise AssertionError(f"a run of publishing does not end: {self.runtime.waiting()}")

    def end(self) -> None:
        """The process is gone, between two steps, and whatever was on its way with it."""
        stopped = self.runtime.now()
        self.place.clock.now = lambda: stopped
        self.runtime.close()

    def _root(self) -> Supervisor:
        boot = self.runtime.calendar()
        branches = (
            ("ground", lambda: tree.ground(self.view)),
            ("resources", lambda: tree.resources(self.view, self.jobs, self.place.outside.actors(self.durations))),
            ("account", lambda: tree.account(self.view)),
            ("care", lambda: tree.care(self.view, self.jobs, boot)),
            ("work", lambda: tree.work(self.view, self.jobs, boot, self.place.site)),
        )
        specs = tuple(ChildSpec(name, start, type="supervisor", shutdown=None) for name, start in branches)
        return Supervisor(tree.ROOT, specs)


@contextmanager
def home(
    dsn: str,
    seed: int,
    speed: float = 1.0,
    repeats: bool = False,
    took: Mapping[str, Took] = NO_TIME,
    **extra: str,
) -> Iterator[Place]:
    """A place to live in, gone afterwards. dsn: of an empty database. extra: settings.

    repeats: the site takes the same text twice, as none does: what would be published twice then is. took: how long
    the calls to the outside take, such as `tests.simulated.durations.MEASURED`.
    """
    parent = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
    directory = Path(tempfile.mkdtemp(prefix="roost-house-", dir=parent))
    chance = random.Random(f"{seed}/weather")
    migrate(dsn)
    anchor = Anchor(real=EPOCH, calendar=EPOCH, speed=speed)
    network = Network(Storage(None), seed, "roost")
    clock = Clock()
    site = InProcessSite(network, lambda: anchor.at(clock.wall()), clock.wall, random.Random(f"{seed}/site"))
    place = Place(dsn, directory, seed, speed, Outside(dsn, Weather(chance), took), site, clock, extra=dict(extra))
    window = float("-inf") if repeats else 86_400.0
    try:
        with (
            patch("actors.jobs.memory_monitor.weigh", lambda servers: WEIGHT),
            patch("actors.jobs.memory_monitor.container_limit", lambda: None),
            patch("social.sandbox.network.DUPLICATE_WINDOW", window),
        ):
            yield place
    finally:
        network.storage.close()
        shutil.rmtree(directory, ignore_errors=True)
