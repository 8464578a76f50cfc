"""The newest model in the cache: what `learn` puts there is what `plan` finds, and what is damaged is no model."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from actors.jobs.learn import Learn, cached
from domain.learning import model as learning
from domain.settings import parse


class Context:
    """As much of a run's as the cache needs."""

    def __init__(self, account: str = "roost") -> None:
        self.settings = parse({"ACCOUNT": account}, {})
        self.log = logging.getLogger("roost.jobs.plan")
        self.kept: dict[str, Any] = {}

    @contextmanager
    def redis(self) -> Iterator[Any]:
        yield self

    def get(self, key: str) -> Any:
        return self.kept.get(key)


def test_what_was_learned_is_found_in_the_cache_by_its_account_alone() -> None:
    ctx, model = Context(), learning.unlearned(1e9)
    assert cached(ctx) is None  # type: ignore[arg-type]
    ctx.kept[Learn.cache_key("roost")] = json.dumps(learning.as_json(model)).encode()
    found = cached(ctx)  # type: ignore[arg-type]
    assert found is not None
    assert learning.as_json(found) == learning.as_json(model)
    other = Context("somebody")
    other.kept = ctx.kept
    assert cached(other) is None  # type: ignore[arg-type]


def test_a_damaged_one_is_none() -> None:
    ctx = Context()
    for damaged in (b"", b"\xff", b"[]", b'{"version": 1}'):
        ctx.kept[Learn.cache_key("roost")] = damaged
        assert cached(ctx) is None, damaged  # type: ignore[arg-type]
