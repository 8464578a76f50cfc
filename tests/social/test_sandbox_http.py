"""The sandbox's contract over HTTP, and its life as a process."""

import json
import random
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from domain.calendar import HOUR
from social.sandbox.app import SandboxSite
from social.sandbox.faults import BadFault, FaultBoard
from social.sandbox.network import Network
from social.sandbox.storage import Storage
from tests.social.conftest import ROOT, SandboxProcess

NOON = 1_795_262_400.0


class HandClock:
    """A clock that stands still until it is moved."""

    now = NOON

    def real(self) -> float:
        return self.now

    def calendar(self) -> float:
        return self.now


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def visitor(clock: HandClock) -> TestClient:
    """Somebody without a session."""
    site = SandboxSite(Network(Storage(None), 7, "roost"), clock, random.Random(1))
    return TestClient(site.application(), base_url="http://127.0.0.1", follow_redirects=False)


@pytest.fixture
def client(visitor: TestClient) -> TestClient:
    """Somebody who is signed in."""
    for cookie in visitor.get("/__sandbox/session").json()["cookies"]:
        visitor.cookies.set(cookie["name"], cookie["value"])
    return visitor


def create(client: TestClient, text: str, reply_to: str | None = None) -> dict[str, object]:
    variables: dict[str, object] = {"tweet_text": text}
    if reply_to is not None:
        variables["reply"] = {"in_reply_to_tweet_id": reply_to}
    answer = client.post(
        "/i/api/graphql/abc/CreateTweet",
        json={"variables": variables},
        headers={"x-csrf-token": client.cookies.get("ct0") or ""},
    )
    return {"status": answer.status_code, **answer.json()}


def id_of(body: dict[str, object]) -> str:
    return str(body["data"]["create_tweet"]["tweet_results"]["result"]["rest_id"])  # type: ignore[index]


def first_code(body: dict[str, object]) -> int:
    return int(body["errors"][0]["code"])  # type: ignore[index]


PAGES = ["/home", "/compose/post", "/roost", "/roost/with_replies", "/roost/status/1", "/search?q=sleep&f=live"]


@pytest.mark.parametrize("path", PAGES)
def test_without_a_session_every_page_leads_to_the_login(visitor: TestClient, path: str) -> None:
    answer = visitor.get(path)
    assert (answer.status_code, answer.headers["location"]) == (302, "/i/flow/login")


def test_without_a_session_nothing_is_posted(visitor: TestClient) -> None:
    assert first_code(create(visitor, "hello")) == 32
    assert visitor.get("/__sandbox/posts").json() == {"posts": []}


def test_a_post_needs_the_csrf_token(client: TestClient) -> None:
    answer = client.post("/i/api/graphql/abc/CreateTweet", json={"variables": {"tweet_text": "hello"}})
    assert answer.status_code == 403
    assert client.get("/__sandbox/posts").json() == {"posts": []}


def test_the_authors_rest_id_comes_before_the_posts(client: TestClient) -> None:
    text = json.dumps(create(client, "hello"))
    assert text.index('"rest_id"') < text.index(id_of(json.loads(text)))


def test_a_post_stands_on_the_profile_and_on_its_own_page(client: TestClient) -> None:
    post_id = id_of(create(client, "Tom & <b>Jerry</b> sleep"))
    for page in ("/roost", "/home", f"/roost/status/{post_id}", "/search?q=jerry&f=live"):
        html = client.get(page).text
        assert f'href="/roost/status/{post_id}"' in html
        assert "Tom &amp; &lt;b&gt;Jerry&lt;/b&gt; sleep" in html


def test_the_pages_carry_the_contract(client: TestClient, clock: HandClock) -> None:
    create(client, "Do you nap?")
    clock.now += 6 * HOUR
    home, profile, compose = (client.get(path).text for path in ("/home", "/roost", "/compose/post"))
    for name in ("SideNav_AccountSwitcher_Button", "AppTabBar_Profile_Link", "tweetTextarea_0", "tweetButtonInline"):
        assert f'data-testid="{name}"' in home
    for name in ("UserName", "cellInnerDiv", "tweet", "tweetText", "User-Name", "reply", "retweet", "like"):
        assert f'data-testid="{name}"' in profile
    assert '<time datetime="2026-11-21T12:00:00.000Z">' in profile
    assert 'role="group" aria-label="' in profile
    assert ' views"' in profile
    assert 'data-testid="tweetButton" aria-disabled="true"' in compose


@pytest.mark.parametrize("path", ["/roost/status/99", "/compose/post?in_reply_to=99", "/roost/nothing"])
def test_what_is_not_there_says_so(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert 'data-testid="error-detail"' in answer.text


def test_an_own_post_is_not_found_under_another_handle(client: TestClient) -> None:
    post_id = id_of(create(client, "mine"))
    assert client.get(f"/somebody/status/{post_id}").status_code == 404


def test_a_profile_without_posts_and_a_search_without_results_are_empty(client: TestClient) -> None:
    for path in ("/roost", "/search?q=zzzz", "/nobody_at_all"):
        assert 'data-testid="emptyState"' in client.get(path).text


def test_a_page_has_as_many_posts_as_were_asked_for(client: TestClient) -> None:
    assert client.get("/home").text.count("<article") == 50
    assert client.get("/home?count=1500").text.count("<article") == 1500
    assert client.get("/home?count=9999").text.count("<article") == 1500


def test_the_side_door_answers_to_loopback_names_only(client: TestClient) -> None:
    assert client.get("/__sandbox/session", headers={"host": "evil.example"}).status_code == 400


def test_a_session_ends_until_a_new_one_is_issued(client: TestClient) -> None:
    client.post("/__sandbox/faults", json={"kind": "session_expired"})
    assert client.get("/home").status_code == 302
    for cookie in client.get("/__sandbox/session").json()["cookies"]:
        client.cookies.set(cookie["name"], cookie["value"])
    assert client.get("/home").status_code == 200
    assert client.get("/__sandbox/faults").json() == {"faults": []}


def test_who_removes_what_is_not_there_is_told(client: TestClient) -> None:
    answer = client.delete("/__sandbox/posts/12")
    assert (answer.status_code, answer.json()) == (404, {"error": "there is no own post 12"})


def test_a_refused_fault_says_what_is_known(client: TestClient) -> None:
    answer = client.post("/__sandbox/faults", json={"kind": "earthquake"})
    assert answer.status_code == 400
    assert "commit_then_drop" in answer.json()["error"]


def test_a_fault_ends_after_its_uses_or_its_time() -> None:
    board = FaultBoard(random.Random(1))
    board.inject({"kind": "no_toast", "times": 2}, real=0.0)
    board.inject({"kind": "slow", "for_seconds": 10}, real=0.0)
    assert [board.strike("no_toast", "create", 1.0) is not None for _ in range(3)] == [True, True, False]
    assert board.strike("slow", "pages", 9.9) is not None
    assert board.strike("slow", "pages", 10.0) is None
    assert board.listed(10.0) == []


def test_a_fault_of_a_probability_bites_now_and_then() -> None:
    board = FaultBoard(random.Random(1))
    board.inject({"kind": "slow", "probability": 0.3}, real=0.0)
    hits = sum(board.strike("slow", "pages", 0.0) is not None for _ in range(1000))
    assert 200 < hits < 400


@pytest.mark.parametrize(
    "wish", [{}, {"kind": "slow", "delay": -1}, {"kind": "slow", "on": "moon"}, {"kind": "slow", "x": 1}]
)
def test_a_fault_that_makes_no_sense_is_refused(wish: dict[str, object]) -> None:
    with pytest.raises(BadFault):
        FaultBoard(random.Random(1)).inject(wish, real=0.0)


def signed_headers(sandbox: SandboxProcess) -> dict[str, str]:
    cookies = {one["name"]: one["value"] for one in sandbox.call("/__sandbox/session")["cookies"]}
    return {"cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()), "x-csrf-token": cookies["ct0"]}


def test_a_killed_site_comes_back_with_its_posts_and_sessions(tmp_path: Path) -> None:
    sandbox = SandboxProcess(tmp_path)
    sandbox.start()
    headers = signed_headers(sandbox)
    body = json.dumps({"variables": {"tweet_text": "I will be back"}}).encode()
    url = f"{sandbox.base}/i/api/graphql/abc/CreateTweet"
    urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10).close()
    before = sandbox.call("/__sandbox/posts")
    sandbox.kill()
    sandbox.start()
    assert sandbox.call("/__sandbox/posts") == before
    assert signed_headers(sandbox) == headers
    assert sandbox.base.endswith(f":{(tmp_path / 'port').read_text().strip()}")
    assert sandbox.stop() == 0


def test_the_calendar_is_read_again_when_its_file_changes(tmp_path: Path) -> None:
    anchor = tmp_path / "clock.json"
    anchor.write_text(json.dumps({"real": 0.0, "calendar": 0.0, "speed": 1.0}))
    sandbox = SandboxProcess(tmp_path / "home", ("--clock", str(anchor)))
    sandbox.start()
    real = sandbox.call("/__sandbox/health")["calendar"]
    changed = tmp_path / "new.json"
    changed.write_text(json.dumps({"real": real, "calendar": real + 1e6, "speed": 60.0}))
    changed.replace(anchor)
    assert sandbox.call("/__sandbox/health")["calendar"] >= real + 1e6
    sandbox.stop()


def test_a_shape_is_switched_on_and_off_and_outlives_a_restart(tmp_path: Path) -> None:
    sandbox = SandboxProcess(tmp_path / "home")
    sandbox.start()

    def login_page() -> str:
        with urllib.request.urlopen(f"{sandbox.base}/login", timeout=10) as answer:
            return str(answer.read().decode())

    plain = login_page()
    sandbox.shape("cookie_bar")
    assert "Refuse non-essential cookies" in login_page()
    assert 'window.SHAPES = {"cookie_bar": {}}' in login_page()
    sandbox.kill()
    sandbox.start()
    assert sandbox.call("/__sandbox/shapes") == {"shapes": {"cookie_bar": {}}}
    sandbox.shape("cookie_bar", on=False)
    assert login_page() == plain
    sandbox.stop()


@pytest.mark.parametrize("wish", ['{"shape": "none"}', '{"shape": "cookie_bar", "odd": 1}', "[]", "{", "{}"])
def test_a_shape_that_nobody_knows_is_refused(visitor: TestClient, wish: str) -> None:
    answer = visitor.post("/__sandbox/shapes", content=wish)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("shape refused: ")


def test_kept_shapes_that_cannot_be_read_get_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "shapes.json").write_text("[]")
    assert "shapes.json cannot be used" in last_words("--home", str(tmp_path))


def last_words(*options: str) -> str:
    """What the sandbox says when it cannot start: one line, and exit code 1."""
    command = [sys.executable, "-m", "social.sandbox", *options]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20)
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    return line


def test_an_occupied_port_gets_one_clear_line(tmp_path: Path, sandbox: SandboxProcess) -> None:
    port = sandbox.base.rsplit(":", 1)[1]
    said = last_words("--home", str(tmp_path), "--port", port)
    assert said.startswith(f"sandbox: port {port} on 127.0.0.1 cannot be had")


def test_a_second_site_on_one_home_gets_one_clear_line(sandbox: SandboxProcess) -> None:
    assert last_words("--home", str(sandbox.home)).startswith("sandbox: another site runs on ")


def test_a_corrupt_file_gets_one_clear_line_and_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "site.sqlite3").write_bytes(b"this is no database" * 100)
    assert "cannot be used" in last_words("--home", str(tmp_path))
    assert (tmp_path / "site.sqlite3").read_bytes() == b"this is no database" * 100


def test_a_missing_calendar_gets_one_clear_line(tmp_path: Path) -> None:
    said = last_words("--home", str(tmp_path), "--clock", str(tmp_path / "none.json"))
    assert said.startswith("sandbox: no calendar in ")
