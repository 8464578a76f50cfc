"""Waiting for what real processes do, without a guess at how long they take."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(condition: Callable[[], T], within: float = 30.0, every: float = 0.01) -> T:
    """What `condition` returns once that is true; fails with its last value after `within` seconds, a generous limit.

    An exception of the condition counts as "not yet", and is the cause of the failure if it lasts.
    """
    deadline = time.monotonic() + within
    while True:
        value, error = None, None
        try:
            value = condition()
        except Exception as raised:  # noqa: BLE001 - shown if it does not pass
            error = raised
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s; last seen: {error or value!r}") from error
        time.sleep(every)
