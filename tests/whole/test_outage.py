"""Postgres away, and two Roosts for one account: for real, with kills, and nothing lost or published twice."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from actors.jobs import names
from domain.calendar import HOUR, Anchor
from domain.publishing.claims import Claim
from domain.publishing.uniqueness import text_hash
from domain.settings import interval_setting
from store import posts
from store.migrate import migrate
from tests.waiting import eventually
from tests.whole.roost import ROOT, SPEED, Roost, roost
from tests.whole.wire import Wire, wire

TAKEOVER_SECONDS = 45.0
GIVEN_UP_SECONDS = 12.0  # the second asks every 5; the lease itself would hold for 20 to 30
FULL_QUEUE = 6  # of the next day: planning adds nothing to it
# What else there is to do is not what this is about.
QUIET = {
    **{interval_setting(name): "10000" for name in names() if name not in ("posting", "id_recovery")},
    "REPLIES": "off",
    "MEMORY_LIMIT_MB": "4096",
}
ON_SITE = ("confirmed", "reconciled")  # by its answer, or found by id recovery after a kill in between


class Account:
    """The account's posts, as Postgres has them behind every wire, and one calendar for all."""

    def __init__(self, dsn: str) -> None:
        migrate(dsn)
        self.dsn = dsn
        now = time.time()
        self.anchor = Anchor(real=now, calendar=now, speed=float(SPEED))
        for number in range(FULL_QUEUE):
            self.queue(f"A post of another day, the {number}th of them.", 9 * HOUR + number * HOUR)

    def settle_in(self, home: Path) -> Path:
        """A home that goes by this calendar."""
        home.mkdir(mode=0o700)
        anchor = self.anchor
        text = json.dumps({"real": anchor.real, "calendar": anchor.calendar, "speed": anchor.speed})
        for place in (home, home.parent):
            (place / "clock.json").write_text(text)
        return home

    def queue(self, text: str, seconds: float) -> int:
        """A post that is due in so many calendar seconds."""
        now = self.anchor.at(time.time())
        arm = {"topic": "sleep", "format": "tip", "tone": "plain", "hour": 0}
        draft = posts.Draft("post", text, text_hash(text), "template", now + seconds, arm=arm)
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            answer = posts.queue(connection, "roost", draft, who="plan", now=now)
        assert isinstance(answer, posts.Queued)
        return answer.post_ids[0]

    def post(self, post_id: int) -> posts.Post:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            found = posts.get(connection, post_id)
        assert found is not None
        return found

    def until(self, post_id: int, *states: str, within: float = 120.0) -> posts.Post:
        eventually(lambda: self.post(post_id).state.value in states, within, every=0.2)
        return self.post(post_id)


def lane(life: Roost) -> dict[str, Any]:
    found: dict[str, Any] = life.status()["lane"]
    return found


def test_in_an_outage_posting_goes_on_from_the_journal_through_a_kill_and_postgres_learns_of_it(
    empty_dsn: str, tmp_path: Path
) -> None:
    account = Account(empty_dsn)
    home = account.settle_in(tmp_path / "home")
    with wire(empty_dsn) as way:
        with roost(home, DATABASE_URL=way.dsn, **QUIET) as first:
            first.until(lambda status: status["level"]["name"] == "full")
            soon = account.queue("A post that is claimed before the outage.", 0.5 * HOUR)
            later = account.queue("Another one, for after the kill.", 1.5 * HOUR)
            account.until(soon, "claimed")
            account.until(later, "claimed")
            first.until(lambda status: status["journal"]["statistics"]["claims"])
            way.cut()
            eventually(lambda: account.post(soon).body in [post["text"] for post in first.on_site()], 90.0, every=0.2)
            assert first.status()["level"]["name"] == "emergency"
            first.kill()
        with roost(home, DATABASE_URL=way.dsn, **QUIET) as second:
            eventually(
                lambda: account.post(later).body in [post["text"] for post in second.on_site()], 120.0, every=0.2
            )
            assert account.post(later).state.value == "claimed", "Postgres cannot know of it yet"
            way.mend()
            for each in (soon, later):
                assert account.until(each, *ON_SITE).site_id in {int(post["id"]) for post in second.on_site()}
            texts = [post["text"] for post in second.on_site()]
            assert len(texts) == len(set(texts))


@contextmanager
def site(home: Path, clock: Path) -> Iterator[str]:
    """A sandbox of the test's own, which outlives every Roost."""
    words = [sys.executable, "-m", "social.sandbox", "--home", str(home), "--clock", str(clock), "--handle", "roost"]
    process = subprocess.Popen(
        [*words, "--stdin-lifeline"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    try:
        port = eventually(lambda: (home / "port").read_text().strip(), 60.0)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def on_site(url: str) -> list[str]:
    """Every own post's text."""
    with urllib.request.urlopen(f"{url}/__sandbox/posts", timeout=10) as answer:
        found = json.loads(answer.read())
    return [post["text"] for post in (found["posts"] if isinstance(found, dict) else found)]


@dataclass(frozen=True)
class Pair:
    """Two Roosts for one account. its_own: a post that the first has claimed, owner: as whom; its journal has it."""

    account: Account
    way: Wire
    url: str
    home: Path
    settings: dict[str, str]
    first: Roost
    second: Roost
    its_own: int
    owner: Claim

    def cut_off(self) -> float:
        """The first hears nothing of Postgres any more. Returns when (monotonic seconds)."""
        self.way.cut()
        return time.monotonic()

    def taken_over(self, since: float) -> None:
        """The second has the lane soon, publishes what is new, and leaves the first's claim to the first."""
        self.second.until(lambda status: status["lane"]["held"], TAKEOVER_SECONDS)
        assert time.monotonic() - since < TAKEOVER_SECONDS
        anew = self.account.queue("A post for whoever has the lane.", 0.0)
        taken = self.account.until(anew, *ON_SITE).claim
        assert taken is not None
        assert taken.owner != self.owner.owner
        assert taken.token > self.owner.token
        eventually(lambda: self.account.post(self.its_own).body in on_site(self.url), 120.0, every=0.2)
        left = self.account.post(self.its_own)
        assert (left.state.value, left.claim) == ("claimed", self.owner), "Postgres cannot know of it yet"

    def mended(self) -> None:
        """Postgres learns what the first has done, and nothing was published twice."""
        self.way.mend()
        self.account.until(self.its_own, *ON_SITE)
        texts = on_site(self.url)
        assert len(texts) == len(set(texts))


@contextmanager
def pair(dsn: str, directory: Path) -> Iterator[Pair]:
    """The first holds the lane, the second stands by."""
    account = Account(dsn)
    one, two = account.settle_in(directory / "one"), account.settle_in(directory / "two")
    with wire(dsn) as way, site(directory / "site", directory / "clock.json") as url:
        settings = {"SITE_URL": url, "MODE": "live", **QUIET}
        with roost(one, DATABASE_URL=way.dsn, **settings) as first:
            first.until(lambda status: status["lane"]["held"])
            with roost(two, DATABASE_URL=dsn, **settings) as second:
                second.until(lambda status: "held by instance" in status["lane"]["detail"])
                its_own = account.queue("A post that only its claimant may publish.", 2.0 * HOUR)
                owner = account.until(its_own, "claimed").claim
                assert owner is not None
                first.until(lambda status: status["journal"]["statistics"]["claims"])
                yield Pair(account, way, url, one, settings, first, second, its_own, owner)


def test_a_second_roost_takes_over_and_leaves_the_firsts_claims_to_the_first_even_cut_off(
    empty_dsn: str, tmp_path: Path
) -> None:
    with pair(empty_dsn, tmp_path) as two:
        since = two.cut_off()
        two.first.kill()
        # It comes back and hears nothing of Postgres in this life; its journal has the claim.
        with roost(two.home, DATABASE_URL=two.way.dsn, **two.settings) as cut_off:
            two.taken_over(since)
            assert not lane(cut_off)["held"]
            two.mended()


def test_a_roost_that_is_cut_off_and_alive_publishes_what_it_claimed_and_the_second_all_else(
    empty_dsn: str, tmp_path: Path
) -> None:
    with pair(empty_dsn, tmp_path) as two:
        two.taken_over(two.cut_off())
        two.first.until(lambda status: not status["lane"]["held"])
        two.mended()
        two.first.until(lambda status: "held by instance" in status["lane"]["detail"])
        assert lane(two.second)["held"], "who comes back does not take it from who has it"


def test_a_roost_that_ends_in_order_leaves_the_lane_to_the_second_without_a_wait(
    empty_dsn: str, tmp_path: Path
) -> None:
    account = Account(empty_dsn)
    one, two = account.settle_in(tmp_path / "one"), account.settle_in(tmp_path / "two")
    with roost(one, DATABASE_URL=empty_dsn, **QUIET) as first:
        first.until(lambda status: status["lane"]["held"])
        with roost(two, DATABASE_URL=empty_dsn, **QUIET) as second:
            second.until(lambda status: "held by instance" in status["lane"]["detail"])
            assert first.stop() == 0
            ended = time.monotonic()
            second.until(lambda status: status["lane"]["held"])
            assert time.monotonic() - ended < GIVEN_UP_SECONDS
