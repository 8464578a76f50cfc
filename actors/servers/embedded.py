"""Which servers this Roost brings along: those for which nothing is configured."""

from collections.abc import Callable

from actors.core.supervision import ChildSpec
from actors.servers.postgres_server import PostgresServer
from actors.servers.redis_server import RedisServer
from actors.servers.sandbox_server import SandboxServer
from actors.servers.servers import ServerActor, absolute
from domain.settings import Settings

STOP_SECONDS = 8.0  # a server's own steps take up to 5


def server_specs(settings: Settings) -> tuple[ChildSpec, ...]:
    """The children of `ground` that own servers, in boot order."""
    home = absolute(settings.roost_home)
    specs = []
    if settings.database_url is None:
        specs.append(_spec("postgres-server", lambda: ServerActor(PostgresServer(home), ("database",))))
    if settings.redis_url is None:
        specs.append(_spec("redis-server", lambda: ServerActor(RedisServer(home), ("redis",))))
    if settings.site_url is None:
        site = SandboxServer(home, settings.account, home / "clock.json")
        specs.append(_spec("sandbox-server", lambda: ServerActor(site, ("browser",))))
    return tuple(specs)


def _spec(name: str, start: Callable[[], ServerActor]) -> ChildSpec:
    return ChildSpec(id=name, start=start, shutdown=STOP_SECONDS)
