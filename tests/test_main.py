"""The front door as a real process: what it says to bad input, and that it ends in order."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from actors.jobs.registry import load
from actors.servers.paths import socket_home
from app.check import check
from app.command_line import ABOUT, parsed
from app.home_files import load_or_create_clock, load_or_create_instance_id
from app.listeners import StartupError, cannot_write, lock_home, open_port, temporary
from domain.calendar import Anchor
from domain.settings import interval_setting, parse
from main import admin_path
from tests.waiting import eventually

MAIN = Path(__file__).parents[1] / "main.py"


def roost(home: Path, *words: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": os.environ["PATH"], "ROOST_HOME": str(home), "PORT": "0", **settings}
    command = [sys.executable, str(MAIN), *words]
    return subprocess.run(
        command, env=environment, cwd=home.parent, capture_output=True, text=True, timeout=30, check=False
    )


def only_line(done: "subprocess.CompletedProcess[str]") -> str:
    (line,) = done.stderr.splitlines()
    return line


def test_bad_settings_are_all_told_and_nothing_is_made(tmp_path: Path) -> None:
    done = roost(tmp_path / "home", PORT="eighty", SPEED="fast", DATABASE_URL="mysql://u:hunter2@h")
    assert done.returncode == 2
    assert [line.split("=")[0] for line in done.stderr.splitlines()] == [
        "roost: DATABASE_URL",
        "roost: PORT",
        "roost: SPEED",
    ]
    assert "hunter2" not in done.stderr
    assert not (tmp_path / "home").exists()


def test_an_unknown_command_names_the_way_to_the_known_ones(tmp_path: Path) -> None:
    done = roost(tmp_path / "home", "dance")
    assert done.returncode == 2
    assert "there is no command 'dance'" in only_line(done)


@pytest.mark.parametrize(
    ("line", "accepted"),
    [
        ("settings --jason", "settings [--json]"),
        ("settings --js", "settings [--json]"),
        ("settings all", "settings [--json]"),
        ("check --json", "check"),
        ("check database", "check"),
        ("restore", "restore FILE"),
        ("restore one two", "restore FILE"),
        ("restore one --force", "restore FILE"),
        ("ctl status --jason", "ctl COMMAND [WORD ...] [--json]"),
        ("ctl --verbose status", "ctl COMMAND [WORD ...] [--json]"),
        ("--speed 3", "[settings|check|restore|ctl|help]"),
        ("help dance", "help [settings|check|restore|ctl]"),
        ("--help settings now", "help [settings|check|restore|ctl]"),
    ],
)
def test_words_that_no_command_takes_are_one_line_that_says_what_it_takes(
    tmp_path: Path, line: str, accepted: str
) -> None:
    done = roost(tmp_path / "home", *line.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert only_line(done).endswith(f"Say: main.py {accepted}")
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["help"]])
def test_help_lists_every_command_and_needs_no_settings(tmp_path: Path, words: list[str]) -> None:
    done = roost(tmp_path / "home", *words, PORT="eighty")
    assert (done.returncode, done.stderr) == (0, "")
    for command, about in ABOUT.items():
        assert f"  {command:<9} {about}\n" in done.stdout


@pytest.mark.parametrize("command", ABOUT)
def test_each_command_says_what_it_takes(tmp_path: Path, command: str) -> None:
    told = {roost(tmp_path / "home", *words).stdout for words in ([command, "--help"], ["help", command])}
    (text,) = told
    accepted = text.splitlines()[0].removeprefix("usage: main.py ").split()
    assert accepted[0] == command
    for word in accepted[1:]:
        assert word.strip("[]").removesuffix("...") in text.split("\n", 1)[1] or word in ("COMMAND", "...]")


def test_help_on_a_command_of_ctl_is_asked_of_the_roost_that_runs() -> None:
    for words in (["ctl", "job", "--help"], ["ctl", "job", "plan", "-h"], ["ctl", "--help", "job"]):
        assert vars(parsed(words)) == {"command": "ctl", "words": ["help", "job"], "json": False}


def test_options_of_ctl_may_stand_anywhere() -> None:
    for line in ("ctl --json job plan run", "ctl job --json plan run", "ctl job plan run --json"):
        assert vars(parsed(line.split())) == {"command": "ctl", "words": ["job", "plan", "run"], "json": True}


@pytest.mark.parametrize("words", [["settings"], ["settings", "--json"], ["check"], ["--help"], ["help", "ctl"]])
def test_a_reader_that_has_read_enough_ends_it_quietly(tmp_path: Path, words: list[str]) -> None:
    assert into_closed_pipe(tmp_path / "home", *words) == (141, "")


def test_no_answer_gets_lost_without_a_word(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, str(MAIN), "settings"],
            env={"PATH": os.environ["PATH"]},
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 1
    assert only_line(done) == "roost: the answer cannot be written to stdout (No space left on device)."


@pytest.mark.parametrize("closing", ["<&- >&-", ">&- 2>&-", "2>&-"])
@pytest.mark.parametrize("command", ["settings", "dance"])
def test_a_command_without_standard_streams_ends_as_it_would_with_them(
    tmp_path: Path, command: str, closing: str
) -> None:
    shell = f'exec "$0" "$1" {command} {closing}'
    done = subprocess.run(["sh", "-c", shell, sys.executable, str(MAIN)], cwd=tmp_path, timeout=30, check=False)
    assert done.returncode == (0 if command == "settings" else 2)


def into_closed_pipe(home: Path, *words: str, **settings: str) -> tuple[int, str]:
    """What main says, and how it ends, when nobody reads its stdout any more."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, str(MAIN), *words],
            env={"PATH": os.environ["PATH"], "ROOST_HOME": str(home), "PORT": "0", **settings},
            cwd=home.parent,
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            timeout=30,
            check=False,
        )
    finally:
        os.close(writing)
    return done.returncode, done.stderr


def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    holder = open_port("127.0.0.1", 0)
    port = holder.getsockname()[1]
    done = roost(tmp_path / "home", PORT=str(port))
    assert done.returncode == 1
    assert only_line(done).startswith(f"roost: port {port} of 127.0.0.1: cannot listen")
    holder.close()


def test_a_second_instance_is_told_the_pid_of_the_first(tmp_path: Path) -> None:
    lock = lock_home(tmp_path)
    done = roost(tmp_path)
    assert done.returncode == 1
    assert f"another Roost (pid {os.getpid()}) runs there" in only_line(done)
    os.close(lock)


def test_the_lock_of_a_roost_that_is_gone_holds_nobody_back(tmp_path: Path) -> None:
    os.close(lock_home(tmp_path))
    os.close(lock_home(tmp_path))


def test_a_foreign_admin_socket_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "foreign.sock"
    foreign = socket.socket(socket.AF_UNIX)
    foreign.bind(str(path))
    foreign.listen()
    done = roost(tmp_path / "home", ADMIN_SOCKET=str(path))
    assert done.returncode == 1
    assert "another program listens there" in only_line(done)
    foreign.close()


def test_a_home_that_is_no_directory_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    done = roost(tmp_path / "home")
    assert done.returncode == 1
    assert "cannot be written" in only_line(done)


def test_a_full_disk_is_one_line() -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full")
    with pytest.raises(OSError) as full, open("/dev/full", "wb", buffering=0) as device:
        device.write(b"x")
    assert "Make room on that disk" in cannot_write(Path("/somewhere"), full.value)


def test_settings_are_listed_with_secrets_masked(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("ACCOUNT=wren\nOPENAI_API_KEY=sk-hunter2\n")
    done = roost(tmp_path / "home", "settings", "--json")
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert (rows["ACCOUNT"]["value"], rows["ACCOUNT"]["origin"]) == ("wren", ".env")
    assert rows["OPENAI_API_KEY"]["value"] == "***"
    assert rows["ROOST_HOME"]["origin"] == "environment"
    assert "hunter2" not in roost(tmp_path / "home", "settings").stdout


def test_check_says_what_cannot_be_reached(tmp_path: Path) -> None:
    done = roost(tmp_path / "home", "check", REDIS_URL="redis://:hunter2@127.0.0.1:1/0")
    assert done.returncode == 1
    lines = {line.split()[1]: line for line in done.stdout.splitlines()}
    assert lines["redis"].startswith("BAD redis     127.0.0.1:1 does not answer")
    assert lines["home"].startswith("ok ")
    assert "hunter2" not in done.stdout


def test_ctl_without_a_roost_says_so(tmp_path: Path) -> None:
    done = roost(tmp_path / "home", "ctl", "status")
    assert done.returncode == 1
    assert "no Roost listens at" in only_line(done)


# Servers that are configured and away: nothing embedded has to start, and the boot must not wait for them.
AWAY = {
    "DATABASE_URL": "postgresql://roost:hunter2@127.0.0.1:1/roost",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "SITE_URL": "http://127.0.0.1:1",
    "BROWSER_EXECUTABLE": "/nowhere/chromium",
}


def test_a_stale_socket_is_replaced_and_a_signal_ends_it_in_order(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "run").mkdir(parents=True)
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(home / "run" / "admin.sock"))
    stale.close()
    environment = {"PATH": os.environ["PATH"], "ROOST_HOME": str(home), "PORT": "0", **AWAY}
    with subprocess.Popen(
        [sys.executable, str(MAIN)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        assert process.stderr.readline().startswith("Roost: http://127.0.0.1:")
        status = json.loads(roost(home, "ctl", "status", "--json").stdout)
        assert status["posts"]["confirmed"] == 0
        process.send_signal(signal.SIGTERM)
        log = process.stdout.read()
        assert process.wait(15) == 0
    assert "ending in order: SIGTERM" in log
    assert "hunter2" not in log
    assert not (home / "run" / "admin.sock").exists()


@pytest.mark.parametrize("readers", ["gone", "never there"])
def test_it_runs_with_nobody_to_read_what_it_says_in_a_home_too_deep_for_sockets(
    tmp_path: Path, readers: str
) -> None:
    home = tmp_path / ("d" * 100)
    reading, writing = os.pipe()
    os.close(reading)
    shell = 'exec "$0" "$1"' + (" >&- 2>&-" if readers == "never there" else "")
    environment = {"PATH": os.environ["PATH"], "ROOST_HOME": str(home), "PORT": "0", **AWAY}
    with subprocess.Popen(
        ["sh", "-c", shell, sys.executable, str(MAIN)], env=environment, cwd=tmp_path, stdout=writing, stderr=writing
    ) as process:
        os.close(writing)
        eventually(lambda: "level" in roost(home, "ctl", "status").stdout)
        assert roost(home, "ctl", "shutdown").stdout == "it shuts down\n"
        assert process.wait(15) == 0
    sockets = socket_home(home)
    assert not sockets.is_relative_to(home)
    sockets.rmdir()


def test_a_home_with_no_place_for_sockets_is_one_line_that_says_so(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("actors.servers.paths.OUTSIDE", ())
    home = str(tmp_path / ("d" * 100))
    settings = parse({"ROOST_HOME": home}, {})
    (roosts,) = (found for found in check(settings, admin_path) if found.component == "roost")
    assert not roosts.good
    assert "Give ROOST_HOME a shorter path" in roosts.detail


def test_temporary_files_go_where_they_can_be_written(tmp_path: Path, monkeypatch) -> None:
    wanted, usual = tmp_path / "wanted", tmp_path / "usual"
    monkeypatch.setattr("app.listeners.TEMPORARY", (usual,))
    assert temporary(tmp_path, str(wanted)) == tmp_path / "tmp"
    assert (tmp_path / "tmp").stat().st_mode & 0o777 == 0o700
    usual.mkdir()
    assert temporary(tmp_path, str(wanted)) == temporary(tmp_path, None) == usual
    wanted.mkdir()
    assert temporary(tmp_path, str(wanted)) == wanted


def test_the_interval_of_every_job_of_the_registry_can_be_set_and_of_no_other(tmp_path: Path) -> None:
    jobs = [job.spec.name for job in load(parse({}, {}))]
    done = roost(tmp_path / "home", "settings", **dict.fromkeys(map(interval_setting, jobs), "7"))
    assert done.stdout.count("calendar minutes between runs of ") == len(jobs)
    done = roost(tmp_path / "home", "settings", JOBS_POSTNG_INTERVAL_MIN="7")
    assert done.returncode == 2
    assert "there is no such job. Did you mean JOBS_POSTING_INTERVAL_MIN? The jobs are: " in only_line(done)


def test_the_calendar_goes_on_where_it_was(tmp_path: Path) -> None:
    first = load_or_create_clock(tmp_path, speed=60.0, wall=1000.0)
    assert first == Anchor(real=1000.0, calendar=1000.0, speed=60.0)
    assert load_or_create_clock(tmp_path, speed=60.0, wall=2000.0) == first


def test_another_speed_makes_no_jump(tmp_path: Path) -> None:
    first = load_or_create_clock(tmp_path, speed=60.0, wall=1000.0)
    second = load_or_create_clock(tmp_path, speed=1.0, wall=1100.0)
    assert second.at(1100.0) == first.at(1100.0)
    assert second.at(1110.0) == first.at(1100.0) + 10
    assert load_or_create_clock(tmp_path, speed=1.0, wall=5000.0) == second


def test_a_clock_set_back_does_not_set_the_calendar_back(tmp_path: Path) -> None:
    first = load_or_create_clock(tmp_path, speed=2.0, wall=1000.0)
    assert load_or_create_clock(tmp_path, speed=2.0, wall=500.0).at(500.0) == first.calendar


@pytest.mark.parametrize("text", ["", "{", "[]", '{"real": 1}', '{"real": 1, "calendar": 1, "speed": 0}'])
def test_a_broken_anchor_is_said_and_not_replaced(tmp_path: Path, text: str) -> None:
    (tmp_path / "clock.json").write_text(text)
    with pytest.raises(StartupError, match="Put back a copy of it"):
        load_or_create_clock(tmp_path, speed=1.0, wall=1.0)
    assert (tmp_path / "clock.json").read_text() == text


def test_an_instance_keeps_its_id(tmp_path: Path) -> None:
    assert load_or_create_instance_id(tmp_path, "first") == "first"
    assert load_or_create_instance_id(tmp_path, "second") == "first"
