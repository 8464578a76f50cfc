"""The web actor over a real loopback socket."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.face.http.analysis import Analysis
from actors.face.http.database_stats import DATABASE_STATS, DatabaseStats
from actors.face.http.liveness import LIMIT, Beat, hung
from actors.face.http.page import page, tag
from actors.face.http.routes import routes
from actors.face.http.web import MOST_CONNECTIONS, WebActor, host_is_ours
from actors.protocol.account import Holding
from actors.protocol.health import ComponentView, HealthView
from app.listeners import StartupError, open_port
from domain.analysis.insights import Insight
from domain.analysis.knobs import FLOOR
from domain.publishing.states import State
from store import lane
from store.posts.values import Post
from store.status import Status
from tests.actors.faceworld import Caller, FaceWorld
from tests.waiting import eventually

NASTY = '<script>alert(1)</script><img src=x onerror="a()">'


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FaceWorld]:
    made = FaceWorld(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def web(world: FaceWorld) -> Iterator[Caller]:
    listener = open_port("127.0.0.1", 0)
    served = routes(world.view)
    world.system.start("web", lambda: WebActor(listener, served, world.view.requests, loopback_only=True))
    yield Caller(listener.getsockname()[1])
    listener.close()


def healthy(world: FaceWorld, **parts: bool) -> None:
    components = tuple(ComponentView(name, good, "so it is", 0.0, 0.0) for name, good in parts.items())
    world.system.board.put("health", HealthView(components=components))


def with_post(world: FaceWorld, body: str) -> None:
    post = Post(7, "roost", "post", body, "h", "template", State.CONFIRMED, "not_needed", 1.0, 1.0, 1.0, site_id=99)
    counts = Status(
        dict.fromkeys(State, 0) | {State.CONFIRMED: 3},
        3,
        0,
        snapshots=5,
        model_version=2,
        reply_model_version=0,
        opportunities={},
        accounts=0,
        lane=lane.Free(),
        stopped=None,
    )
    world.system.board.put(DATABASE_STATS, DatabaseStats(counts, (post,), world.system.runtime.now()))


def test_health_answers_while_nothing_else_is_there(web: Caller) -> None:
    status, headers, _ = web.get("/health")
    assert status == 200
    assert headers["Content-Type"] == "application/json"
    assert web.json("/health")["status"] == "ok"


def test_it_is_not_ready_before_anything_was_heard_of(web: Caller) -> None:
    assert web.get("/ready")[0] == 503
    assert web.json("/ready")["lane"] == {"ready": False, "detail": "starting"}


def test_it_is_ready_with_database_browser_and_lane_and_without_redis(web: Caller, world: FaceWorld) -> None:
    healthy(world, database=True, browser=True, redis=False)
    world.system.board.put("lane", Holding(lane.Lane("roost", "me", 4), until=1e9, stopped=None))
    assert web.get("/ready")[0] == 200
    healthy(world, database=False, browser=True, redis=True)
    assert web.get("/ready")[0] == 503


def test_status_counts_what_postgres_knows(web: Caller, world: FaceWorld) -> None:
    assert web.json("/status")["posts"]["confirmed"] == 0
    with_post(world, "hello")
    status = web.json("/status")
    assert status["posts"]["confirmed"] == 3
    assert status["metrics"]["snapshots"] == 5
    assert status["models"]["version"] == 2
    assert status["last_posts"][0]["site_id"] == "99"


def test_scraped_text_cannot_become_markup(web: Caller, world: FaceWorld) -> None:
    with_post(world, NASTY)
    world.system.board.put(
        "health", HealthView(reasons=(NASTY,), components=(ComponentView("database", False, NASTY, 0.0, 0.0),))
    )
    _, headers, body = web.get("/")
    assert "&lt;script&gt;alert(1)" in body
    assert body.count("<script>") == 1
    assert "<img" not in body
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy


@given(st.text())
def test_no_text_leaves_its_element(text: str) -> None:
    inside = tag("td", text, kind=text, title=text).removeprefix("<td").removesuffix("</td>")
    assert "<" not in inside
    assert inside.count(">") == 1


def test_the_page_is_whole_before_anything_has_started(world: FaceWorld) -> None:
    assert page(world.view).startswith("<!doctype html>")


def test_a_name_that_is_not_this_machine_is_refused(web: Caller) -> None:
    assert web.get("/health", Host="evil.example")[0] == 421
    assert web.get("/health", Host="localhost:1")[0] == 200


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "[::1]:8080", "LOCALHOST:1"])
def test_these_names_are_this_machine(host: str) -> None:
    assert host_is_ours(host)


@pytest.mark.parametrize("host", ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1"])
def test_these_are_not(host: str) -> None:
    assert not host_is_ours(host)


def test_what_is_no_page_is_said_to_be_none(web: Caller) -> None:
    status, _, body = web.get("/etc/passwd")
    assert status == 404
    assert "/status" in body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_changed_over_http(web: Caller, method: str) -> None:
    assert web.get("/status", method)[0] == 405


def test_head_has_no_body(web: Caller) -> None:
    assert web.get("/health", "HEAD")[2] == ""


def test_a_page_that_fails_does_not_take_the_server_with_it(world: FaceWorld) -> None:
    def broken(query: object) -> object:
        raise RuntimeError("a bug")

    listener = open_port("127.0.0.1", 0)
    served = {**routes(world.view), "/broken": broken}
    world.system.start("web", lambda: WebActor(listener, served, world.view.requests, True))  # type: ignore[arg-type]
    caller = Caller(listener.getsockname()[1])
    assert caller.get("/broken")[0] == 500
    assert caller.get("/health")[0] == 200
    assert world.view.requests.counts()["/broken", 500] == 1


def test_a_restart_of_the_web_actor_refuses_nobody(web: Caller, world: FaceWorld) -> None:
    actor = world.system.directory.whereis("web")
    assert isinstance(actor, WebActor)
    world.system.stop_and_wait(actor, 5.0)
    waiting = socket.create_connection(("127.0.0.1", web.port), timeout=5)
    waiting.sendall(b"GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n")
    served = routes(world.view)
    world.system.start("web", lambda: WebActor(actor.listener, served, world.view.requests, True))
    assert b"200" in waiting.recv(1000)
    waiting.close()


def test_callers_beyond_the_bound_are_told_to_come_back(web: Caller) -> None:
    idle = [socket.create_connection(("127.0.0.1", web.port)) for _ in range(MOST_CONNECTIONS)]
    try:
        assert eventually(lambda: web.get("/health")[0] == 503)
    finally:
        for connection in idle:
            connection.close()
    assert eventually(lambda: web.get("/health")[0] == 200)


def test_live_counts_the_actors(web: Caller) -> None:
    assert web.json("/live") == {"live": True, "actors": 1, "hung": []}


def test_who_works_too_long_or_takes_nothing_hangs() -> None:
    busy, stuck = Beat("a", 1, LIMIT + 1, 0.0), Beat("b", 1, None, LIMIT + 1)
    well = [Beat("c", 1, LIMIT - 1, LIMIT + 50), Beat("d", 1, None, 0.0)]
    assert hung([busy, stuck, *well]) == [busy, stuck]


def test_a_taken_port_is_said_in_one_line() -> None:
    holder = open_port("127.0.0.1", 0)
    port = holder.getsockname()[1]
    with pytest.raises(
        StartupError, match=f"port {port} of 127.0.0.1: cannot listen, since another program listens there"
    ):
        open_port("127.0.0.1", port)
    holder.close()


def test_an_address_that_is_not_ours_is_said_in_one_line() -> None:
    with pytest.raises(StartupError, match=r"this machine has no such address\. Set HOST"):
        open_port("203.0.113.7", 0)


def test_the_report_and_what_follows_from_it_are_on_the_page_and_in_the_status(web: Caller, world: FaceWorld) -> None:
    assert web.json("/status")["analysis"]["report"] is None
    with_post(world, "hello")
    figures = world.system.board.get(DATABASE_STATS)
    report = {"at": 1e9, "lines": ["12 posts", NASTY]}
    found = Analysis(report, (Insight("topic", "sleep", "more", "sleep does best"),), {FLOOR: 0.07})
    world.system.board.put(DATABASE_STATS, replace(figures, analysis=found))
    analysis = web.json("/status")["analysis"]
    assert analysis["report"]["lines"][0] == "12 posts"
    assert analysis["insights"] == [{"about": "topic sleep", "text": "sleep does best"}]
    assert analysis["knobs"][FLOOR] == {"value": 0.07, "default": 0.05, "bounds": [0.02, 0.2]}
    body = web.get("/")[2]
    assert "12 posts" in body
    assert "sleep does best" in body
    assert body.count("<script>") == 1
