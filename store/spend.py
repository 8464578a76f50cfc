"""Dollars spent on the model's API, call by call: the budget of a day is a sum over them."""

import math
from dataclasses import dataclass

from store.sql import Connection, changed, row


@dataclass(frozen=True, slots=True)
class Spend:
    """One call. call_id: its own, so that it counts once however often it is recorded. at: calendar Unix seconds."""

    call_id: str
    at: float
    usd: float
    input_tokens: int
    output_tokens: int
    model: str
    job: str


def record(conn: Connection, spend: Spend) -> bool:
    """Keep what a call cost; False if it was kept before."""
    query = """
        insert into model_spend (call_id, at, usd, input_tokens, output_tokens, model, job)
        values (%(call_id)s, to_timestamp(%(at)s), %(usd)s, %(input_tokens)s, %(output_tokens)s, %(model)s, %(job)s)
        on conflict do nothing
    """
    return changed(conn, query, {name: getattr(spend, name) for name in Spend.__slots__}) == 1


def since(conn: Connection, start: float, before: float = math.inf) -> float:
    """Dollars spent from `start` (calendar Unix seconds) on, and before the other."""
    query = """
        select coalesce(sum(usd), 0)::float8 as usd from model_spend
        where at >= to_timestamp(%(start)s) and at < to_timestamp(%(before)s)
    """
    found = row(conn, query, {"start": start, "before": before})
    assert found is not None
    usd: float = found["usd"]
    return usd
