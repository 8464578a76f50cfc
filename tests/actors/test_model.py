"""The model resource, against a loopback server that speaks the API: answers, retries, limits, and no key."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from actors.protocol.model import ModelError
from actors.protocol.resources import LeaseRefused
from actors.resources.specs import resource_specs
from tests.resources import World

SCHEMA = {"type": "object", "properties": {"posts": {"type": "array"}}}


class Api(ThreadingHTTPServer):
    """Answers each call with the next of `script` (status, body), and remembers what was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[tuple[int, dict[str, Any]]] = []
        self.asked: list[dict[str, Any]] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    server: Api

    def do_POST(self) -> None:
        self.server.asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        status, body = self.server.script.pop(0)
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def answer(text: str, tokens: tuple[int, int] = (1000, 200)) -> tuple[int, dict[str, Any]]:
    message = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    usage = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}
    return 200, {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [message],
        "usage": usage,
    }


def failure(status: int, code: str) -> tuple[int, dict[str, Any]]:
    return status, {"error": {"message": "no", "type": "x", "param": None, "code": code}}


@pytest.fixture
def api() -> Iterator[Api]:
    made = Api()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def world(api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr("actors.resources.model.RETRY_SECONDS", 0.01)
    made = world_with(OPENAI_API_KEY="sk-hunter22hunter22", OPENAI_BASE_URL=f"http://127.0.0.1:{api.server_port}/v1")
    yield made
    made.stop()


def world_with(**environment: str) -> World:
    made = World(**environment)
    made.start(next(spec for spec in resource_specs(made.settings, {}) if spec.id == "model"))
    return made


def ask(world: World) -> Any:
    with world.holder("plan:1").model() as model:
        return model.complete("You write.", "Write.", SCHEMA)


def test_an_answer_comes_with_what_it_cost(world: World, api: Api) -> None:
    api.script = [answer('{"posts": []}')]
    found = ask(world)
    assert (found.text, found.input_tokens, found.output_tokens) == ('{"posts": []}', 1000, 200)
    assert found.usd == pytest.approx(1000 * 0.25e-6 + 200 * 2e-6)
    assert api.asked[0]["response_format"]["json_schema"]["schema"] == SCHEMA
    world.settled("model", in_use=0, ended=1)
    used = dict(world.state("model").budgets)
    assert used["requests per minute"] == pytest.approx(1 / 60)
    assert 0.0 < used["dollars per day"] < 0.01


def test_what_may_pass_is_tried_again_and_what_may_not_is_not(world: World, api: Api) -> None:
    api.script = [failure(500, "oops"), failure(429, "rate_limit_exceeded"), answer("{}")]
    assert ask(world).text == "{}"
    api.script = [failure(429, "insufficient_quota"), answer("{}")]
    with pytest.raises(ModelError, match="insufficient_quota"):
        ask(world)
    assert len(api.script) == 1
    api.script = [failure(401, "invalid_api_key")]
    with pytest.raises(ModelError, match="401") as error:
        ask(world)
    assert "hunter22" not in str(error.value)


def test_an_api_that_fails_again_and_again_opens_the_breaker(world: World, api: Api) -> None:
    for _ in range(5):
        api.script = [failure(503, "busy")] * 3
        with pytest.raises(ModelError, match="503"):
            ask(world)
    world.settled("model", breaker="open", in_use=0)
    with pytest.raises(LeaseRefused, match="breaker is open"):
        ask(world)
    assert len(api.asked) == 15


def test_the_budget_of_the_day_is_an_end(api: Api) -> None:
    world = world_with(
        OPENAI_API_KEY="sk-hunter22hunter22",
        OPENAI_BASE_URL=f"http://127.0.0.1:{api.server_port}/v1",
        DAILY_BUDGET_USD="0.02",
    )
    try:
        api.script = [answer("{}", tokens=(1000, 9000))]
        assert ask(world).usd > 0.015
        with pytest.raises(LeaseRefused, match="dollars per day are used up; there is more tomorrow"):
            ask(world)
        assert len(api.asked) == 1
    finally:
        world.stop()


def test_without_a_key_there_is_no_model_and_nothing_is_wrong() -> None:
    world = world_with()
    try:
        assert "templates" in world.state("model").detail
        with pytest.raises(LeaseRefused, match="OPENAI_API_KEY is not set"):
            ask(world)
    finally:
        world.stop()
