"""What can go wrong, made to go wrong in the simulated house, at steps that a seed chooses.

    with storm(place) as bad_time:
        bad_time.live(...)        however often the process ends, and through some quiet time after it

A crash, a hang and the end of the process strike where an actor sends a message or shows its state: those are the
moments that another one can see, and so all that there are. Nothing strikes within a transaction: Postgres and SQLite
answer for these; a connection that breaks before, after or within a commit is among the failures.
"""

import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from actors.core.future import AskError
from actors.core.mailbox import Envelope
from actors.core.runtime import Runtime
from actors.core.simulation import ProcessExit, SimulatedRuntime
from actors.core.system import StartFailed, System
from actors.protocol.account import ClearStop
from actors.protocol.health import ComponentReport, HealthView, LevelChanged, MemoryIs
from actors.protocol.jobs import RunNow
from domain.calendar import HOUR, MINUTE
from domain.publishing.caps import Policy
from domain.publishing.uniqueness import text_hash
from domain.settings import APPROVAL, AUTO
from social.sandbox.faults import KINDS
from store import journal_file
from store import posts as store
from store.posts.values import Kind
from tests.simulated.durations import MEASURED
from tests.simulated.house import FINISH_SECONDS, House, Place, home
from tests.simulated.outside import BROWSER, DATABASE, REDIS, Line
from tests.simulated.verdict import Findings

BETWEEN = 60.0  # real seconds from one failure to the next, on the average
LOSABLE = (ComponentReport, LevelChanged, RunNow, MemoryIs)  # who sends these sends them again, or need not
HANG = 400.0  # real seconds: longer than any limit
PUBLISHING = ("run:posting", "run:reply", "run:id_recovery", "run:retry_queue", "journal#")
SUPERVISORS = ("work", "jobs", "runs", "resources")
CODES = (64, 131, 187, 226, 326, 186)
SPEED = 10.0  # of the calendar: the more of it passes between two failures, the more is published meanwhile
LAST = 30.0  # real seconds that the last failure has for its work, before all is well again
QUIET = 400.0  # real seconds: enough for the unknown to be settled, and for a run after one that hung to its deadline


class Struck(Exception):
    """A crash on purpose."""


@dataclass
class Strike:
    """What happens to the first thread whose name begins so, once it has passed so many steps."""

    what: str  # "crash", "hang", "kill"
    who: tuple[str, ...]
    after: int


class StormyRuntime(SimulatedRuntime):
    """A simulated world where a strike may fall at any visible step."""

    strike: Strike | None = None

    def checkpoint(self, *event: str) -> None:
        super().checkpoint(*event)
        strike, name = self.strike, self.running.name
        if strike is None or name in ("main", "timers") or not name.startswith(strike.who):
            return
        if event[-1] in ("Down", "Exit"):
            return  # the system's own word on somebody's end: no handler is at work
        strike.after -= 1
        if strike.after > 0:
            return
        self.strike = None
        self.note("struck", strike.what)
        match strike.what:
            case "crash":
                raise Struck(f"{name}, at {' '.join(event)}")
            case "hang":
                self.sleep(HANG)
            case _:
                self.exit(f"killed at {' '.join(event)} of {name}")


class LossySystem(System):
    """Loses and delays messages that may be lost or delayed."""

    def __init__(self, runtime: Runtime, chance: random.Random) -> None:
        super().__init__(runtime)
        self.chance = chance
        self.losing = 0.0  # the probability for each

    def _send(self, name: str, envelope: Envelope) -> str | None:
        if self.losing and isinstance(envelope.message, LOSABLE) and self.chance.random() < self.losing:
            if self.chance.random() < 0.5:
                return None
            late = self.runtime.now() + self.chance.uniform(0.1, 20.0)
            self.runtime.call_at(late, lambda: self._late(name, envelope))
            return None
        return super()._send(name, envelope)

    def _late(self, name: str, envelope: Envelope) -> None:
        super()._send(name, envelope)


class Disk:
    """The disk that the journal is on. full_until: monotonic seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.full_until = 0.0
        self.now = now

    def open(self, path: Path) -> Any:
        """As `store.journal_file._connect`, on a disk that may be full."""
        disk = self

        class Connection(sqlite3.Connection):
            def execute(self, statement: str, *args: Any) -> sqlite3.Cursor:
                if disk.now() < disk.full_until and statement.split()[0] in ("insert", "update", "commit"):
                    error = sqlite3.OperationalError("database or disk is full")
                    error.sqlite_errorcode = sqlite3.SQLITE_FULL
                    raise error
                return super().execute(statement, *args)

        connect = sqlite3.connect
        with patch("store.journal_file.sqlite3.connect", lambda *a, **n: connect(*a, factory=Connection, **n)):
            return _connect(path)


_connect = journal_file._connect


@dataclass
class Storm:
    """One place's bad time. failures: how often what was done. ends: of lives, by why.

    back: real seconds from its end to the last moment at which the level was not full.
    """

    place: Place
    chance: random.Random
    disk: Disk
    house: House = field(init=False)
    runtime: StormyRuntime = field(init=False)
    system: LossySystem = field(init=False)
    failures: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    back: float = 0.0

    def live(self, seconds: float, between: float) -> None:
        """So many real seconds of it, then quiet. Raises AssertionError if the level does not come back."""
        clock = self.place.clock
        self.begin()
        over = clock.now() + seconds
        while clock.now() < over:
            self.go_on(self.chance.expovariate(1.0 / between))
            self.fail()
            self.operate()
        self.go_on(LAST)
        self.calm()
        ended = clock.now()
        while (passed := clock.now() - ended) < QUIET:
            if self.level() != "full":
                self.back = passed
            self.go_on(1.0)
            self.operate()
        if self.level() != "full":
            raise AssertionError(f"the level is {self.level()} {passed:.0f} s after the storm")
        self.finish_publishing()

    def finish_publishing(self) -> None:
        """Let no post be half published when it is counted."""
        self.house.pause_publishing()
        for _ in range(FINISH_SECONDS):
            if not self.house.publishes():
                return
            self.go_on(1.0)
        raise AssertionError(f"a run of publishing does not end: {self.runtime.waiting()}")

    def begin(self) -> None:
        """A life, which may end while it begins."""
        while True:
            place = self.place
            self.runtime = StormyRuntime(
                place.seed * 1_000 + place.lives + 1, place.speed, wall_limit=30.0, begin=place.clock.now()
            )
            self.system = LossySystem(self.runtime, self.chance)
            self.house = House(place, self.runtime, self.system)
            try:
                self.house.boot()
                return
            except (ProcessExit, StartFailed) as why:
                self.die(str(why))

    def go_on(self, seconds: float) -> None:
        """Let time pass, in another life where this one ends."""
        until = self.runtime.now() + seconds
        while (left := until - self.runtime.now()) > 0:
            try:
                self.runtime.sleep(min(left, 5.0))
                ended = self.system.directory.whereis("root") is None
            except ProcessExit as why:
                self.die(str(why))
                self.begin()
            else:
                if ended:
                    self.die("root ended")
                    self.begin()

    def die(self, why: str) -> None:
        """This life is over."""
        self.ends[why.partition(" at ")[0][:40]] += 1
        self.house.end()
        lines = self.place.outside.lines
        if lines is not None:
            lines.abandon()

    def level(self) -> str:
        """The level in force."""
        view = self.system.board.get("health")
        return view.level if isinstance(view, HealthView) else "unknown"

    def operate(self) -> None:
        """What a person does: let replies out; if called, give a new session and clear the stop of the account."""
        if self.place.settings().replies == APPROVAL:
            self.let_replies_out()
        lane = self.system.board.get("lane")
        if getattr(lane, "stopped", None) is None or not self.strikes(0.5):
            return
        self.place.site.renew_session()
        try:
            self.system.ask("lane", ClearStop(), 30.0)
        except AskError:
            return  # again at the next turn
        except ProcessExit as why:
            self.die(str(why))
            self.begin()

    def let_replies_out(self) -> None:
        """Every second one of those drafted."""
        with Line.connect(self.place.dsn, autocommit=True) as connection:
            for post in store.replies_queued(connection, "roost"):
                if post.approval == "waiting" and post.id % 2:
                    store.decide(connection, post.id, "approve", who="a person", now=self.place.calendar())

    def calm(self) -> None:
        """No more failures."""
        self.runtime.strike = None
        self.system.losing = 0.0
        self.place.outside.weather.clear()
        self.place.site.faults.clear()
        self.place.site.renew_session()
        self.disk.full_until = 0.0

    def fail(self) -> None:
        """One failure."""
        chance = self.chance
        doings = (
            self.strike_somebody, self.strike_somebody, self.kill, self.kill, self.database_away, self.lines_break,
            self.redis_away, self.browser_away, self.pages_hang, self.site_misbehaves, self.site_misbehaves,
            self.site_misbehaves, self.disk_full, self.messages_lost, self.supervisor_dies,
        )  # fmt: skip
        doing = doings[int(chance.random() * len(doings))]
        self.failures[doing.__name__] += 1
        try:
            doing()
        except ProcessExit as why:  # of a strike before it, in a thread that went on meanwhile
            self.die(str(why))
            self.begin()

    def strikes(self, probability: float) -> bool:
        return self.chance.random() < probability

    def strike_somebody(self) -> None:
        names = [actor.name for actor in self.system.directory.actors() if not actor.has_children]
        who = (self.chance.choice(names),) if names and self.strikes(0.6) else PUBLISHING
        what = "crash" if self.strikes(0.7) else "hang"
        self.runtime.strike = Strike(what, who, self.chance.randint(1, 12))

    def supervisor_dies(self) -> None:
        supervisor = self.system.directory.whereis(self.chance.choice(SUPERVISORS))
        if supervisor is not None:
            self.system.fence(supervisor, "killed by the storm")

    def kill(self) -> None:
        self.runtime.strike = Strike("kill", PUBLISHING, self.chance.randint(1, 40))

    def database_away(self) -> None:
        weather, outside = self.place.outside.weather, self.place.outside
        long = self.strikes(0.15)
        weather.away[DATABASE] = self.runtime.now() + (900.0 if long else self.chance.uniform(2.0, 120.0))
        if outside.lines is not None:
            outside.lines.cut()

    def lines_break(self) -> None:
        weather = self.place.outside.weather
        weather.lost_statements, weather.lost_commits = 0.01, 0.1
        self._until_later(lambda: self._mend_lines())

    def _mend_lines(self) -> None:
        self.place.outside.weather.lost_statements = self.place.outside.weather.lost_commits = 0.0

    def redis_away(self) -> None:
        self.place.outside.weather.away[REDIS] = self.runtime.now() + self.chance.uniform(2.0, 120.0)

    def browser_away(self) -> None:
        self.place.outside.weather.away[BROWSER] = self.runtime.now() + self.chance.uniform(0.0, 60.0)
        if self.place.outside.tabs is not None:
            self.place.outside.tabs.die()

    def pages_hang(self) -> None:
        self.place.outside.weather.hanging_pages = 0.3
        self._until_later(lambda: setattr(self.place.outside.weather, "hanging_pages", 0.0))

    def site_misbehaves(self) -> None:
        wish: dict[str, object] = {
            "kind": self.chance.choice(KINDS),
            "on": self.chance.choice(("all", "create", "pages")),
            "probability": self.chance.choice((1.0, 0.5)),
            "for_seconds": self.chance.uniform(30.0, 300.0),
            "code": self.chance.choice(CODES),
            "delay": self.chance.choice((3.0, 15.0, 40.0)),
        }
        if self.strikes(0.5):
            wish["times"] = self.chance.randint(1, 3)
        self.place.site.inject(**wish)

    def disk_full(self) -> None:
        self.disk.full_until = self.runtime.now() + self.chance.uniform(5.0, 120.0)

    def messages_lost(self) -> None:
        system = self.system
        system.losing = 0.3
        self._until_later(lambda: setattr(system, "losing", 0.0))

    def _until_later(self, then: Callable[[], None]) -> None:
        self.runtime.call_at(self.runtime.now() + self.chance.uniform(10.0, 120.0), then)


@contextmanager
def storm(place: Place) -> Iterator[Storm]:
    """A storm over the place, and its last life's end."""
    disk = Disk(place.clock.now)
    disk.now = lambda: place.clock.now()
    busy = place.policy = Policy(posts_a_day=1_000, posts_an_hour=1_000, between_posts=2 * MINUTE)
    with (
        patch("store.journal_file._connect", disk.open),
        patch("actors.publishing.publisher.Policy", lambda: busy),
    ):
        bad_time = Storm(place, random.Random(f"{place.seed}/storm"), disk)
        try:
            yield bad_time
        finally:
            bad_time.house.end()


def queue(place: Place, number: int, every: float) -> None:
    """Posts to be published, one every so many calendar seconds; each fifth is a thread of three."""
    now = place.calendar()
    with Line.connect(place.dsn, autocommit=True) as connection:
        for each in range(number):
            due = now + each * every
            if each % 5 == 4:
                parts = tuple(_draft(place, f"{each}, part {part}", "thread_part", due) for part in (1, 2, 3))
                store.queue_thread(connection, "roost", parts, who="plan", now=now)
            else:
                store.queue(connection, "roost", _draft(place, str(each), "post", due), who="plan", now=now)


def _draft(place: Place, name: str, kind: Kind, due: float) -> store.Draft:
    text = f"Note {name} of seed {place.seed}: a short walk after lunch helps some people sleep."
    arm = {"topic": "sleep", "format": "tip", "tone": "plain", "hour": 0}
    return store.Draft(kind=kind, body=text, text_hash=text_hash(text), source="template", due_at=due, arm=arm)


@dataclass
class Lived:
    """One seed's storm; words as in `Storm`. trace: of the last life."""

    seed: int
    findings: Findings
    back: float
    lives: int
    failures: Counter[str]
    ends: Counter[str]
    trace: str


def lived_through(dsn: str, seed: int, hours: float, between: float = BETWEEN) -> Lived:
    """A storm of so many calendar hours over a house with posts to publish all the time, at ten times the speed.

    dsn: of an empty database. Under odd seeds the site takes the same text twice, so that nothing but Roost itself
    stands between a text and its second post. Under each fourth a person lets half of the replies out.
    Whatever is raised says how to have it again.
    """
    try:
        replies = APPROVAL if seed % 4 == 3 else AUTO
        repeats, settings = seed % 2 == 1, {"REPLIES": replies, "OPENAI_API_KEY": "simulated"}
        with home(dsn, seed, SPEED, repeats, MEASURED, **settings) as place, storm(place) as bad_time:
            queue(place, int(hours * 15), every=4 * MINUTE)
            bad_time.live(hours * HOUR / SPEED, between)
            found = place.findings()
            return Lived(
                seed, found, bad_time.back, place.lives, bad_time.failures, bad_time.ends, bad_time.runtime.trace()
            )
    except BaseException as error:
        error.add_note(f"replay: {replay(seed, hours)}")
        raise


def replay(seed: int, hours: float) -> str:
    """The command that has it again."""
    return f"python -m bench chaos --seed {seed} --hours {hours:g}"
