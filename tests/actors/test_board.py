"""The board: typed keys, one writer each, and nothing of a fenced incarnation."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from actors.core.base import Actor
from actors.core.board import Board, Key, Keys, NotYours
from actors.core.future import ActorDead
from actors.core.simulation import SimulatedRuntime
from actors.core.system import System

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Weather:
    sky: str = "not looked yet"


WEATHER = Key("weather", Weather())
CITY = Keys[Weather]("city:")


class Observer(Actor):
    """Puts up what it is told to."""

    def receive(self, message: Any) -> Any:
        match message:
            case ("sleep", seconds):
                self.system.runtime.sleep(seconds)
                self.put_up(WEATHER, Weather("seen by the fenced"))
            case (Key() as key, Weather() as seen):
                self.put_up(key, seen)


@pytest.fixture
def system() -> Iterator[System]:
    runtime = SimulatedRuntime(1)
    yield System(runtime)
    runtime.close()


def test_a_key_reads_as_its_default_before_the_first_word() -> None:
    board = Board()
    assert board[WEATHER] == Weather()
    assert board.get(WEATHER) is None
    assert board[CITY("bern")] is None


def test_a_key_reads_as_what_was_put_up_last_until_it_is_taken_down() -> None:
    board = Board()
    board.put(WEATHER, Weather("grey"), by="one")
    board.put(WEATHER, Weather("blue"), by="one")
    assert board[WEATHER] == board.get(WEATHER) == Weather("blue")
    board.take_down(WEATHER)
    assert board[WEATHER] == Weather()


def test_a_family_lists_its_own_by_key() -> None:
    board = Board()
    for name in ("thun", "bern"):
        board.put(CITY(name), Weather(name), by=name)
    board.put(WEATHER, Weather("blue"), by="one")
    assert dict(board.under(CITY)) == {"city:bern": Weather("bern"), "city:thun": Weather("thun")}


def test_an_actor_that_writes_the_key_of_another_crashes(system: System) -> None:
    system.start("one", Observer)
    system.start("two", Observer)
    system.ask("one", (WEATHER, Weather("grey")), 1.0)
    with pytest.raises(ActorDead) as raised:
        system.ask("two", (WEATHER, Weather("blue")), 1.0)
    assert isinstance(raised.value.__cause__, NotYours)
    assert system.board[WEATHER] == Weather("grey")


def test_the_next_incarnation_writes_the_key_of_the_one_before(system: System) -> None:
    system.start("one", Observer)
    system.ask("one", (WEATHER, Weather("grey")), 1.0)
    system.stop("one")
    system.runtime.sleep(1.0)
    system.start("one", Observer)
    system.ask("one", (WEATHER, Weather("blue")), 1.0)
    assert system.board[WEATHER] == Weather("blue")


def test_what_a_fenced_incarnation_puts_up_counts_for_nothing(system: System) -> None:
    hung = system.start("one", Observer)
    system.tell("one", ("sleep", 10.0))
    system.runtime.sleep(1.0)
    system.fence(hung, "it hung")
    system.start("one", Observer)
    system.ask("one", (WEATHER, Weather("blue")), 1.0)
    system.runtime.sleep(20.0)
    assert system.board[WEATHER] == Weather("blue")


def test_nobody_writes_to_the_board_but_an_actor_for_itself_or_reads_it_by_a_bare_name() -> None:
    found = []
    for top in ("app", "supervisors", "actors", "main.py"):
        for path in [ROOT / top] if top.endswith(".py") else (ROOT / top).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                match node:
                    case ast.Call(
                        ast.Attribute(ast.Attribute(attr="board") | ast.Name("board"), "put" | "get" as what), args
                    ) if what == "put" or isinstance(args[0], ast.Constant | ast.JoinedStr):
                        found.append(f"{path.relative_to(ROOT)}: {what}")
    assert found == ["actors/core/base.py: put"]
