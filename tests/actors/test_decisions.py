"""The operator's commands about posts, on a real Postgres and a real journal."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actors.account.journal import JournalActor
from actors.core.base import Actor
from actors.core.lifecycle import Shutdown
from actors.face.admin.command import CommandAnswer, CommandError, Reply, UsageError
from actors.face.admin.commands import COMMANDS
from actors.face.context import AppContext
from actors.face.log_book import LogBook
from actors.protocol.journal import OPT_OUTS, GetWaiting, Recall
from actors.resources.specs import resource_specs
from domain.publishing.states import State
from store import posts
from store.journal import Cached
from store.posts import Queued
from store.sql import Connection
from store.writes import Entry, OptOut
from tests.resources import World
from tests.store import world as rows
from tests.store.world import ACCOUNT, NOW, claimed, held, reply, token


class Desk:
    """An operator before a Roost that has a database and a journal, and nothing else."""

    def __init__(self, dsn: str, home: Path) -> None:
        self.world = World(DATABASE_URL=dsn, DATABASE_POOL_SIZE="3")
        system = self.world.system
        system.start("admin", Actor)
        system.start("journal", lambda: JournalActor(home / "journal.sqlite3", "one", 1.0))
        book = LogBook(io.StringIO(), ())
        self.view = AppContext(system, self.world.settings, book, home, "one", 0.0, lambda why: None)

    def with_database(self) -> "Desk":
        self.world.start(next(spec for spec in resource_specs(self.world.settings, {}) if spec.id == "database"))
        return self

    def says(self, line: str) -> CommandAnswer:
        answer = self.tries(line)
        assert isinstance(answer, CommandAnswer), answer
        return answer

    def tries(self, line: str) -> Reply:
        name, *arguments = line.split()
        return COMMANDS[name].run(self.view, arguments, "user 0")

    def stop(self) -> None:
        self.world.stop()
        for name in ("journal", "admin"):
            self.world.system.stop(name, Shutdown())


@pytest.fixture
def desk(dsn: str, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(dsn, tmp_path)
    yield made
    made.stop()


def waiting_reply(conn: Connection, text: str = "well seen", to: int = 11, author: str = "ada_walks") -> int:
    answer = posts.queue(conn, ACCOUNT, reply(text, to, author, approval="waiting"), who="reply_posting", now=NOW)
    assert isinstance(answer, Queued)
    return answer.post_ids[0]


def needs_human(conn: Connection) -> int:
    post = rows.one_claimed(conn, held(conn))
    posts.arm(conn, post.id, token(post), who="one", at=NOW)
    posts.lose_sight(conn, post.id, token(post), "no answer", who="one", at=NOW)
    posts.ask_human(conn, post.id, "nowhere to be seen", who="id_recovery", at=NOW, evidence={})
    return post.id


def ids(listed: list[dict[str, Any]]) -> list[int]:
    return [post["id"] for post in listed]


def test_the_queue_says_what_waits_for_whom(desk: Desk, conn: Connection) -> None:
    human, asking, planned = needs_human(conn), waiting_reply(conn), rows.queued(conn, "a thrush sings")
    said = desk.with_database().says("queue")
    assert ids(said.data["needs_human"]) == [human]
    assert ids(said.data["waiting_for_approval"]) == [asking]
    assert ids(said.data["planned"]) == [planned]
    assert said.data["under_way"] == []
    assert "to @ada_walks" in said.text
    assert "nowhere to be seen" in said.text


def test_a_post_is_told_from_plan_to_outcome(desk: Desk, conn: Connection) -> None:
    post = rows.one_claimed(conn, held(conn))
    posts.arm(conn, post.id, token(post), who="one", at=NOW)
    posts.confirm(conn, post.id, token(post), 99, who="one", at=NOW, evidence={"by": "toast"})
    said = desk.with_database().says(f"post {post.id}")
    assert [event["event"] for event in said.data["trail"]] == ["queued", "claimed", "armed", "confirmed"]
    assert (said.data["state"], said.data["site_id"]) == ("confirmed", "99")
    assert "toast" in said.text
    assert desk.tries("post 987654") == CommandError("there is no post 987654; `queue` lists those there are")


def test_an_approved_reply_may_go_and_a_rejected_one_never(desk: Desk, conn: Connection) -> None:
    good, bad = waiting_reply(conn), waiting_reply(conn, "not so", 12, "ben_reads")
    desk.with_database()
    assert desk.says(f"post {good} approve").data == {"post": good, "state": "planned"}
    assert desk.says(f"post {bad} reject").data == {"post": bad, "state": "failed_definite"}
    assert ids([{"id": post.id} for post in claimed(conn, held(conn), what="replies")]) == [good]
    assert rows.now(conn, bad).decided_by == "user 0"


def test_what_needs_a_human_is_settled_by_one(desk: Desk, conn: Connection) -> None:
    post = needs_human(conn)
    desk.with_database()
    refused = desk.tries(f"post {post} approve")
    assert isinstance(refused, CommandError)
    assert "give its id on the site" in refused.text
    assert desk.says(f"post {post} approve 4242").data["state"] == "reconciled"
    assert rows.now(conn, post).site_id == 4242


def test_a_failed_post_is_retried(desk: Desk, conn: Connection) -> None:
    post = rows.one_claimed(conn, held(conn))
    posts.fail(conn, post.id, token(post), "refused", who="one", at=NOW)
    desk.with_database().says(f"post {post.id} retry")
    assert rows.now(conn, post).state is State.PLANNED


def test_who_opts_out_is_left_alone_at_once(desk: Desk, conn: Connection) -> None:
    post = waiting_reply(conn)
    said = desk.with_database().says("optout @Ada_Walks")
    assert said.data == {"author": "Ada_Walks", "ended": [post]}
    assert rows.now(conn, post).state is State.FAILED_DEFINITE
    kept = desk.view.system.ask("journal", Recall(OPT_OUTS), 5.0)
    assert isinstance(kept, Cached)
    assert kept.value == ["ada_walks"]


def test_an_opt_out_is_kept_while_postgres_is_away(desk: Desk) -> None:
    said = desk.says("optout ada_walks")
    assert "Postgres learns of it later" in said.text
    (entry,) = desk.view.system.ask("journal", GetWaiting(), 5.0)
    assert isinstance(entry, Entry)
    assert isinstance(entry.write, OptOut)
    assert entry.write.author == "ada_walks"
    refused = desk.tries("queue")
    assert isinstance(refused, CommandError)
    assert refused.text.startswith("the queue cannot be read now")


@pytest.mark.parametrize("line", ["post", "post x", "post 1 burn", "optout", "optout a b", "optout no-handle!"])
def test_what_cannot_be_read_is_answered_with_what_to_say(desk: Desk, line: str) -> None:
    assert isinstance(desk.tries(line), CommandError | UsageError)


def test_only_looking_is_free(desk: Desk) -> None:
    assert not COMMANDS["queue"].changes([])
    assert not COMMANDS["post"].changes(["7"])
    assert COMMANDS["post"].changes(["7", "approve"])
    assert COMMANDS["optout"].changes(["ada"])
