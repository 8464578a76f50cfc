"""The admin actor over a real Unix socket."""

import json
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.core.base import Actor
from actors.core.supervision import ChildSpec
from actors.face.admin.admin import AdminActor, Peer, Rights, rights
from actors.face.admin.command import Command
from actors.face.admin.commands import COMMANDS
from actors.face.admin.ctl import ctl
from app.listeners import StartupError, open_admin
from supervisors.specs import Flags
from supervisors.supervisor import Supervisor
from tests.actors.faceworld import FaceWorld, said


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FaceWorld]:
    made = FaceWorld(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def path(world: FaceWorld, tmp_path: Path) -> Iterator[Path]:
    where = tmp_path / "run" / "admin.sock"
    listener = open_admin(where)
    world.system.start("admin", lambda: AdminActor(listener, world.view))
    yield where
    listener.close()


def test_help_lists_every_command(path: Path) -> None:
    answer = said(path, "help")
    assert all(command.usage in answer for command in COMMANDS.values())


def test_several_lines_get_several_answers(path: Path) -> None:
    first, second = said(path, "level --json", "help --json").splitlines()
    assert json.loads(first)["name"] == "starting"
    assert "status" in json.loads(second)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("job nap run", "there is no job 'nap'"),
        ("restart nobody", "no supervised actor is called 'nobody'"),
        ("restart root", "the root is Roost itself"),
        ("say 'unclosed", "the line cannot be read"),
    ],
)
def test_a_mistake_is_answered_with_what_to_do(path: Path, line: str, why: str) -> None:
    assert said(path, line).startswith(f"error: {why}")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("dance", "there is no command 'dance'; `help` lists them"),
        ("level nowhere", "level [NAME|auto]; NAME is one of full, reduced, minimal, emergency"),
        ("job", "job NAME"),
        ("restart", "restart NAME"),
        ("logs many", "logs [N]"),
        ("help dance", "help [COMMAND]"),
    ],
)
def test_wrong_words_are_answered_with_those_that_are_accepted(path: Path, line: str, why: str) -> None:
    assert said(path, line).startswith(f"usage: {why}")


@pytest.mark.parametrize("command", COMMANDS.values(), ids=list(COMMANDS))
def test_no_command_takes_an_option_or_more_words_than_it_has(path: Path, world: FaceWorld, command: Command) -> None:
    name = command.usage.split()[0]
    words = ["1"] * command.usage.count(" ") + ["and", "much", "more"]
    for line in (f"{name} --jason", " ".join([name, *words])):
        if name == "breaker" and "--" not in line:
            line = "breaker nothing open"  # its reason may be of any words
        assert said(path, line).startswith(f"usage: {name}")
        assert json.loads(said(path, f"{line} --json"))["usage"].startswith(name)
    assert world.left == []


def test_help_on_a_command_is_its_line(path: Path) -> None:
    assert said(path, "help pools") == "pools [--json]: every shared resource and who holds it\n"


def test_a_program_gets_its_error_as_json(path: Path) -> None:
    assert "no supervised actor" in json.loads(said(path, "restart nobody --json"))["error"]
    assert "there is no command" in json.loads(said(path, "dance --json"))["usage"]


def test_a_command_that_fails_ends_neither_actor_nor_connection(path: Path) -> None:
    assert said(path, "level full", "level --json").startswith("error: level failed: health: no such actor")
    assert json.loads(said(path, "level --json"))["name"] == "starting"


def test_a_line_that_is_too_long_is_left_out(path: Path) -> None:
    first, second = said(path, "x" * 1_000_000, "level").splitlines()
    assert first == "error: the line is too long"
    assert second.startswith("starting")


def test_shutdown_asks_the_process_to_end(path: Path, world: FaceWorld) -> None:
    assert said(path, "shutdown") == "it shuts down\n"
    assert world.left == [f"shutdown, by user {os.geteuid()}"]


def test_restart_starts_a_new_life_under_the_same_supervisor(path: Path, world: FaceWorld) -> None:
    children = (ChildSpec("worker", Actor),)
    world.system.start("root", lambda: Supervisor(Flags(), children))
    before = world.system.directory.whereis("worker")
    assert said(path, "restart worker").startswith("worker is restarted")
    after = world.system.directory.whereis("worker")
    assert before is not None
    assert after is not None
    assert after.generation > before.generation
    assert said(path, "tree") == "root (one_for_one)\n└─ worker\n"


def test_logs_are_the_last_lines(path: Path, world: FaceWorld) -> None:
    assert json.loads(said(path, "logs 5 --json")) == world.view.book.last(5)


def test_the_owner_and_root_may_all_the_group_may_read_and_others_nothing() -> None:
    assert rights(Peer(1, uid=1000, gid=1), owner=1000, group=50) is Rights.ALL
    assert rights(Peer(1, uid=0, gid=0), owner=1000, group=50) is Rights.ALL
    assert rights(Peer(1, uid=1001, gid=50), owner=1000, group=50) is Rights.READ
    assert rights(Peer(1, uid=1001, gid=1001), owner=1000, group=50) is Rights.NONE


def test_who_may_only_look_changes_nothing(world: FaceWorld, tmp_path: Path) -> None:
    listener = open_admin(tmp_path / "admin.sock")
    actor = world.system.start("admin", lambda: AdminActor(listener, world.view))
    assert isinstance(actor, AdminActor)
    stranger = Peer(1, uid=4242, gid=4242)
    assert b"may only look" in actor._answer("shutdown", stranger, Rights.READ)
    assert b"may only look" in actor._answer("level full", stranger, Rights.READ)
    assert b"starting" in actor._answer("level", stranger, Rights.READ)
    assert b"may not ask" in actor._answer("level", stranger, Rights.NONE)
    assert world.left == []
    listener.close()


def test_socket_and_directory_keep_others_out(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o750


def test_a_socket_left_by_a_killed_roost_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    open_admin(path).close()


def test_a_socket_that_somebody_listens_on_is_not(tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"
    living = open_admin(path)
    with pytest.raises(StartupError, match="another program listens there"):
        open_admin(path)
    assert path.exists()
    living.close()


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"
    path.write_text("precious")
    with pytest.raises(StartupError, match="no socket stands there"):
        open_admin(path)
    assert path.read_text() == "precious"


def test_a_path_that_the_kernel_does_not_take_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match=r"the kernel takes 107\. Set ADMIN_SOCKET to a shorter path"):
        open_admin(tmp_path / ("x" * 120))


def test_the_client_tells_answers_from_errors(path: Path, tmp_path: Path) -> None:
    good, bad, wrong = ctl(path, ["level"], as_json=True), ctl(path, ["restart", "nobody"]), ctl(path, ["dance"])
    assert (good.code, good.error) == (0, False)
    assert (bad.code, bad.error) == (1, True)
    assert (wrong.code, wrong.error) == (2, True)
    assert ctl(path, ["restart", "nobody"], as_json=True).code == 1
    assert ctl(path, ["dance"], as_json=True).code == 2
    assert "no Roost listens at" in ctl(tmp_path / "nowhere.sock", ["help"]).text
