"""The embedded servers, with the real programs: they start, come back, keep their data, and never stay behind."""

import os
import pwd
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
from actors.protocol.servers import ServerState, ServerUp
from actors.servers.paths import SOCKET_LIMIT, socket_home
from actors.servers.postgres_server import PostgresServer
from actors.servers.processes import Command, leftovers
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
        eventually(lambda: all(not state.pid for state in self.system.board.under("server:").values()))


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


def test_a_long_home_has_its_sockets_elsewhere(home: Path) -> None:
    deep = home / ("d" * 100)
    deep.mkdir()
    place = socket_home(deep)
    assert len(bytes(place / "postgres" / ".s.PGSQL.5432")) <= SOCKET_LIMIT
    assert place == socket_home(deep) != socket_home(home / ("e" * 100))
    for made in (place, socket_home(home / ("e" * 100))):
        made.rmdir()


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
