"""The doorman answers before the web server is there, and hands the port over without refusing anybody."""

import socket
import urllib.error
import urllib.request
from http.client import HTTPConnection

import pytest

from actors.core.runtime import ThreadedRuntime
from actors.face.http.early_health import EarlyHealthServer


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def url(listener: socket.socket, path: str) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}{path}"


def test_health_is_answered_and_all_else_told_to_wait(listener: socket.socket) -> None:
    early_health = EarlyHealthServer(listener, ThreadedRuntime())
    with urllib.request.urlopen(url(listener, "/health"), timeout=5) as answer:
        assert answer.status == 200
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url(listener, "/status"), timeout=5)
    assert refused.value.code == 503
    assert refused.value.headers["Retry-After"] == "1"
    early_health.leave()


def test_a_caller_who_hangs_up_or_talks_nonsense_keeps_nobody_waiting(listener: socket.socket) -> None:
    early_health = EarlyHealthServer(listener, ThreadedRuntime())
    for said in (b"", b"\0\0\0", b"GET"):
        with socket.create_connection(listener.getsockname()) as caller:
            caller.sendall(said)
    with urllib.request.urlopen(url(listener, "/health"), timeout=10) as answer:
        assert answer.status == 200
    early_health.leave()


def test_who_calls_after_it_has_left_waits_for_the_next_at_the_port(listener: socket.socket) -> None:
    early_health = EarlyHealthServer(listener, ThreadedRuntime())
    early_health.leave()
    early_health.leave()
    caller = HTTPConnection(*listener.getsockname(), timeout=5)
    caller.request("GET", "/health")
    accepted, _ = listener.accept()
    with accepted:
        assert accepted.recv(100).startswith(b"GET /health")
    caller.close()
