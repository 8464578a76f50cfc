"""What the operator asks of the analyses, with a real Postgres behind the admin's lease."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.core.base import Actor
from actors.face.admin.analysis_commands import COMMANDS
from actors.face.admin.command import CommandAnswer, CommandError, Reply, UsageError
from actors.face.http.analysis import read
from actors.face.http.database_stats import DATABASE_STATS, DatabaseStats
from actors.protocol.resources import ResourceState
from actors.resources.specs import resource_specs
from domain.analysis.insights import Insight
from domain.analysis.knobs import FLOOR
from store.analysis import insights, knobs, rollups
from store.sql import Connection
from store.status import status
from tests.actors.faceworld import FaceWorld
from tests.store.world import ACCOUNT, NOW
from tests.waiting import eventually


class Findings(FaceWorld):
    """A face that has looked at the database."""

    def look(self, conn: Connection) -> None:
        now = self.system.runtime.now()
        self.system.board.put(DATABASE_STATS, DatabaseStats(status(conn, ACCOUNT), (), now, read(conn, ACCOUNT)))

    def say(self, name: str, *arguments: str) -> Reply:
        return COMMANDS[name].run(self.view, list(arguments), "ann")


@pytest.fixture
def world(tmp_path: Path, dsn: str) -> Iterator[Findings]:
    made = Findings(tmp_path, {"DATABASE_URL": dsn})
    made.system.start("admin", Actor)
    spec = next(each for each in resource_specs(made.view.settings, {}) if each.id == "database")
    made.system.start(spec.id, spec.start)

    def up() -> bool:
        state = made.system.board.get("database")
        return isinstance(state, ResourceState) and state.healthy

    eventually(up, 60.0)
    yield made
    made.stop()


def test_before_the_first_report_it_says_when_there_will_be_one(world: Findings) -> None:
    answer = world.say("report")
    assert isinstance(answer, CommandAnswer)
    assert "no report yet" in answer.text
    assert answer.data == {"report": None, "insights": []}


def test_the_report_comes_with_what_follows_from_it(world: Findings, conn: Connection) -> None:
    rollups.save_report(conn, ACCOUNT, {"lines": ["12 posts"]}, now=NOW)
    found = Insight("topic", "sleep", "more", "sleep does best", 1.2)
    insights.save(conn, ACCOUNT, "expert_analysis", [found], made_by="rule", run_id="a", now=NOW)
    world.look(conn)
    answer = world.say("report")
    assert isinstance(answer, CommandAnswer)
    assert answer.text.splitlines()[1:] == ["12 posts", "insight: sleep does best"]


def test_a_move_of_a_knob_is_told_with_its_evidence_and_taken_back_by_its_number(
    world: Findings, conn: Connection
) -> None:
    move = knobs.move(conn, ACCOUNT, FLOOR, was=0.05, value=0.07, who="optimizer", evidence={"skill": -0.4}, now=NOW)
    assert move is not None
    world.look(conn)
    answer = world.say("knobs")
    assert isinstance(answer, CommandAnswer)
    assert f"{FLOOR} 0.05 to 0.07, optimizer: skill -0.4" in answer.text
    answer = world.say("knobs", "revert", str(move.id))
    assert isinstance(answer, CommandAnswer)
    assert answer.text == f"{FLOOR} is back at 0.05"
    assert knobs.values(conn, ACCOUNT) == {FLOOR: 0.05}
    assert knobs.history(conn, ACCOUNT)[0].who == "ann"
    again = world.say("knobs", "revert", str(move.id))
    assert isinstance(again, CommandError)
    assert "taken back already" in again.text


def test_nonsense_is_answered_with_what_can_be_said(world: Findings) -> None:
    for arguments in (("revert",), ("revert", "x"), ("turn", "1")):
        answer = world.say("knobs", *arguments)
        assert isinstance(answer, UsageError)
        assert "knobs [revert MOVE]" in answer.accepted
