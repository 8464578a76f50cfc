"""A Chromium that is closed while it opens leaves nothing behind, at whatever moment that is."""

import os
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from actors.core.runtime import ThreadedRuntime
from actors.resources.chromium import Chromium
from actors.servers.process_tree import command_line, descendants
from domain.settings import parse
from tests.waiting import eventually

STAGES: dict[str, Callable[[list[str]], bool]] = {
    "before anything": lambda lines: True,
    "the driver starts": lambda lines: any("run-driver" in line for line in lines),
    "Chromium starts": lambda lines: any("--remote-debugging-pipe" in line for line in lines),
}


@pytest.mark.parametrize("stage", STAGES)
def test_closed_while_it_opens_it_leaves_no_process(stage: str) -> None:
    before = {process.pid for process in descendants(os.getpid())}

    def new() -> list[str]:
        return [command_line(process.pid) for process in descendants(os.getpid()) if process.pid not in before]

    chromium = Chromium(parse(dict(os.environ), {}), ThreadedRuntime(), "loop", lambda why: None)

    def open_it() -> None:
        with suppress(Exception):  # it is closed under it
            chromium.open()

    opening = threading.Thread(target=open_it, daemon=True)
    opening.start()
    eventually(lambda: STAGES[stage](new()))
    chromium.close()
    eventually(lambda: not new())
    assert not chromium.alive()
