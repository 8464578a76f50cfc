"""What the operator says about the account: sessions, stops, flags and alerts; and that no session is in any log."""

import base64
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from actors.account.flags import FlagsActor
from actors.care.alerts import AlertsActor
from actors.core.base import Actor
from actors.face.admin.admin import AdminActor
from actors.face.admin.ctl import ctl, with_file
from actors.face.http.page import page
from actors.face.http.status import status
from actors.face.log_book import LogBook
from actors.protocol import journal
from actors.protocol.account import ClearStop, StandingBy
from actors.protocol.alerts import Raise
from actors.resources.client import Leases
from actors.resources.session import NoSession, SessionStore, SetSession, TakeBackSession, keep_session, kept_session
from app.listeners import open_admin
from domain.settings import parse
from social.site import SessionExpired, SiteTimeout
from tests.actors.faceworld import FaceWorld, said
from tests.waiting import eventually

TOKEN, CT0 = "a7d6761d7537b0b7a2cba43c", "9c886b55e2f7449db45e4346"
STATE = {"cookies": [{"name": "auth_token", "value": TOKEN}, {"name": "ct0", "value": CT0}], "origins": []}
LINE = base64.b64encode(json.dumps(STATE).encode()).decode()
OTHER = {"cookies": [{"name": "auth_token", "value": "old"}, {"name": "ct0", "value": "old"}], "origins": []}


class Told(Actor):
    """Keeps what it is told; a lane too, that was stopped."""

    def __init__(self, told: list[Any]) -> None:
        super().__init__()
        self.told = told

    def receive(self, message: Any) -> Any:
        self.told.append(message)
        match message:
            case ClearStop():
                self.system.board.put("lane", StandingBy("held by nobody"))
                return True
            case journal.Recall():
                return None


class Browser:
    """A lease, at whose page the session is as the test wants it."""

    def __init__(self) -> None:
        self.answer: str | Exception = "roost"

    def run(self, work: Any, timeout: float) -> str:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class World(FaceWorld):
    """A face, with stand-ins for those behind it. `told` is what browser, lane and journal were told."""

    def begin(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path, self.told, self.browser = path, [], Browser()

        @contextmanager
        def browser(leases: Leases, category: str, wait: float, hold: float) -> Iterator[Browser]:
            yield self.browser

        monkeypatch.setattr(Leases, "browser", browser)
        for name in ("browser", "lane", "journal"):
            self.system.start(name, lambda: Told(self.told))
        self.system.start("alerts", AlertsActor)
        self.system.start("flags", lambda: FlagsActor(self.view.settings))
        listener = open_admin(path)
        self.system.start("admin", lambda: AdminActor(listener, self.view))

    def say(self, *words: str) -> str:
        return said(self.path, " ".join(words)).strip()

    def is_stopped(self, reason: str) -> None:
        self.system.board.put("lane", StandingBy("held by nobody", stopped=reason))

    def was_told(self, kind: type) -> list[Any]:
        return [message for message in self.told if isinstance(message, kind)]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = World(tmp_path, {"ROOST_HOME": str(tmp_path), "SITE_URL": "https://site.example"})
    made.begin(tmp_path / "run" / "admin.sock", monkeypatch)
    yield made
    made.stop()


@pytest.fixture
def log(world: World) -> Iterator[LogBook]:
    """The process's log, at its most talkative."""
    root = logging.getLogger()
    level = root.level
    root.addHandler(world.view.book)
    root.setLevel(logging.DEBUG)
    yield world.view.book
    root.removeHandler(world.view.book)
    root.setLevel(level)


# sessions


def test_a_good_session_is_used_kept_and_lets_the_account_go_on(world: World) -> None:
    world.is_stopped("session: the site asks for a login")
    world.system.tell("alerts", Raise("session", "it is over"))
    assert world.say("session", LINE) == "the session is good: signed in as @roost; the account goes on"
    assert [message.state for message in world.was_told(SetSession)] == [STATE]
    assert len(world.was_told(ClearStop)) == 1
    assert kept_session(world.view.settings) == STATE
    assert (world.home / "session.json").stat().st_mode & 0o777 == 0o600
    eventually(lambda: "nothing needs a person" in world.say("alerts") or "over" in world.say("alerts"))


def test_a_locked_account_stays_stopped_also_with_a_good_session(world: World) -> None:
    world.is_stopped("locked: code 326")
    assert "stays stopped (locked: code 326), until `account resume`" in world.say("session", LINE)
    assert world.was_told(ClearStop) == []


def test_a_session_that_is_no_good_is_taken_back(world: World) -> None:
    world.is_stopped("session: the site asks for a login")
    world.browser.answer = SessionExpired("the site asks for a login")
    assert world.say("session", LINE).startswith("error: the session is not taken, it is no good")
    eventually(lambda: world.was_told(TakeBackSession))
    assert world.was_told(ClearStop) == []
    assert kept_session(world.view.settings) is None


def test_a_session_that_could_not_be_tried_is_in_use_and_lets_nothing_go_on(world: World) -> None:
    world.is_stopped("session: the site asks for a login")
    world.browser.answer = SiteTimeout("the site does not answer")
    assert "in use and not proved" in world.say("session", LINE)
    assert world.was_told(ClearStop) == []


@pytest.mark.parametrize("words", ["session", "session bm9uc2Vuc2U=", "session e30=", f"session {LINE} more"])
def test_what_is_no_session_is_refused_and_reaches_nobody(world: World, words: str) -> None:
    assert world.say(words).startswith(("error: ", "usage: session FILE"))
    assert world.was_told(SetSession) == []


def test_no_log_page_or_answer_holds_a_session(world: World, log: LogBook) -> None:
    answers = [world.say("session", LINE), world.say("session", f"{LINE} --json")]
    world.browser.answer = RuntimeError(f"unforeseen, with {TOKEN} in it")
    world.say("session", LINE)
    world.browser.answer = SiteTimeout("no answer")
    answers.append(world.say("session", LINE))
    written = world.log.getvalue()
    assert "session, by user" in written
    for secret in (TOKEN, CT0, LINE):
        assert secret not in written
        assert secret not in json.dumps(log.last(100))
        assert all(secret not in answer for answer in answers)
        assert secret not in page(world.view)


def test_the_client_reads_the_file_and_sends_what_is_in_it(world: World, tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text(json.dumps(STATE))
    heard = ctl(world.path, ["session", str(path)], as_json=True)
    assert json.loads(heard.text) == {"handle": "roost", "resumed": False}
    missing = ctl(world.path, ["session", str(tmp_path / "none.json")])
    assert (missing.code, "cannot be read (No such file or directory)" in missing.text) == (1, True)


def test_other_commands_read_no_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("secret")
    assert with_file(["flag", str(tmp_path / "x")]) == ["flag", str(tmp_path / "x")]


def test_a_large_session_fits_into_a_line(world: World) -> None:
    large = {**STATE, "origins": [{"origin": "x", "localStorage": [{"name": "n", "value": "v" * 200_000}]}]}
    assert "the session is good" in world.say("session", base64.b64encode(json.dumps(large).encode()).decode())


def test_the_session_given_last_goes_before_the_environments_until_that_changes(tmp_path: Path) -> None:
    def settings(state: dict[str, Any]) -> Any:
        given = base64.b64encode(json.dumps(state).encode()).decode()
        place = {"ROOST_HOME": str(tmp_path), "SITE_URL": "https://site.example"}
        return parse({**place, "TWITTER_SESSION_B64": given}, {})

    def begins_with(chosen: Any) -> Any:
        session_store = SessionStore()
        session_store.fill(None, chosen)  # type: ignore[arg-type]
        return session_store.state()

    assert begins_with(settings(OTHER)) == OTHER
    keep_session(settings(OTHER), STATE)
    assert begins_with(settings(OTHER)) == STATE
    newer = {**OTHER, "origins": [1]}
    assert begins_with(settings(newer)) == newer


def test_a_kept_session_that_cannot_be_read_is_said_and_not_shown(tmp_path: Path) -> None:
    settings = parse({"ROOST_HOME": str(tmp_path), "SITE_URL": "https://site.example"}, {})
    (tmp_path / "session.json").write_text(f'{{"state": "{TOKEN}')
    with pytest.raises(NoSession, match="remove it, and give one by `ctl session FILE`") as raised:
        kept_session(settings)
    assert TOKEN not in str(raised.value)


def test_the_sandboxs_own_session_is_not_kept(tmp_path: Path) -> None:
    keep_session(parse({"ROOST_HOME": str(tmp_path)}, {}), STATE)
    assert list(tmp_path.iterdir()) == []


# the account


def test_the_account_says_why_it_is_stopped_and_goes_on_when_it_is_told_to(world: World) -> None:
    world.is_stopped("locked: code 326")
    assert world.say("account").startswith("@roost is stopped: locked: code 326")
    assert world.say("account resume") == "the account goes on"
    assert world.say("account").startswith("@roost may act")
    assert world.say("account dance").startswith("usage: account [resume]")


# flags


def test_a_flag_is_set_shown_and_given_back(world: World) -> None:
    assert world.say("flag THREADS no").startswith("THREADS=no (set by user ")
    assert world.say("flag threads").startswith("THREADS=no (set by user ")
    assert not status(world.view)["threads"]
    assert world.say("flag THREADS default") == "THREADS=yes (default)"
    assert json.loads(world.say("flag --json"))["MODE"]["value"] == "shadow"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("flag MODE live", "Set SITE_AUTOMATION_PERMITTED=yes if you have its permission"),
        ("flag REPLIES auto", "replies without a person's approval are for the sandbox"),
        ("flag SPEED 3", "there is no such flag"),
        ("flag MODE live now", "usage: flag [NAME [VALUE|default]]"),
        ("flag SPEED", "usage: flag [NAME [VALUE|default]]"),
    ],
)
def test_a_flag_that_may_not_be_is_answered_with_what_to_do(world: World, line: str, why: str) -> None:
    answer = world.say(line)
    assert answer.startswith(("error: ", "usage: "))
    assert why in answer
    assert status(world.view)["mode"] == "shadow"


# alerts


def test_what_needs_a_person_stands_on_the_page_and_in_status_as_long_as_it_does(world: World) -> None:
    assert world.say("alerts") == "nothing needs a person"
    assert "Needs a person" not in page(world.view)
    world.system.tell("alerts", Raise("session", "it is over <script>"))
    eventually(lambda: "it is over" in world.say("alerts"))
    assert [alert["key"] for alert in status(world.view)["alerts"]] == ["session"]
    assert "Needs a person" in page(world.view)
    assert "it is over &lt;script&gt;" in page(world.view)
