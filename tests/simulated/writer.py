"""The language model of a simulated house: it takes its time, writes something of its own, and now and then fails."""

import json
import random
import re
from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from actors.core.system import System
from actors.protocol.model import ModelError
from actors.resources.model import ModelBackend, UsageLedger
from domain.settings import Settings
from tests.simulated.durations import Durations

if TYPE_CHECKING:
    import openai

BUSY = 0.01  # the probability that the API is overloaded
REQUEST = re.compile(r"^(\d+)\. topic (\w+)", re.MULTILINE)
CHARACTERS_PER_TOKEN = 4
WORDS = (
    "light walk water sleep stretch breath morning evening quiet window kitchen garden music letter friend habit "
    "minute hour week slow early late warm cool plain short steady simple pause glass chair stairs park book lamp"
)


class Writer(ModelBackend):
    """See `ModelBackend`; only the client differs, which is none."""

    def __init__(self, system: System, settings: Settings, books: UsageLedger, durations: Durations) -> None:
        super().__init__(system, settings, books)
        self.durations = durations

    def open(self) -> str:
        if self.settings.openai_api_key is not None:
            self._client = cast("openai.OpenAI", _NoClient())
        return self.check()

    def _post(
        self, system: str, user: str, schema: Mapping[str, Any], most_tokens: int, timeout: float
    ) -> "openai.types.chat.ChatCompletion":
        seconds = self.durations.of("answer")
        self.system.runtime.sleep(min(seconds, timeout))
        if seconds >= timeout:
            raise ModelError(f"model: no answer in {timeout:.0f} s", fault=True)
        if self.chance.random() < BUSY:
            raise ModelError("model: the API answers 503 (overloaded)", fault=True, free=True)
        text = written(user, self.chance)
        used = [len(said) // CHARACTERS_PER_TOKEN for said in (system + user, text)]
        # Its shape alone: openai's own classes are a second's import.
        answer = SimpleNamespace(
            usage=SimpleNamespace(prompt_tokens=used[0], completion_tokens=used[1]),
            choices=[SimpleNamespace(message=SimpleNamespace(content=text))],
        )
        return cast("openai.types.chat.ChatCompletion", answer)


def written(user: str, rng: random.Random) -> str:
    """An answer to a prompt of `domain.content.prompts`: one text for each request, of its topic."""
    asked = REQUEST.findall(user) or [("1", "this")]
    posts = [{"request": int(number), "text": _sentence(topic, rng)} for number, topic in asked]
    return json.dumps({"posts": posts})


def _sentence(topic: str, rng: random.Random) -> str:
    words = " ".join(rng.choice(WORDS.split()) for _ in range(12))
    return f"On {topic}: {words}."


class _NoClient:
    """What there is to close."""

    def close(self) -> None:
        """Nothing is open."""
