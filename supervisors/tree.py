"""The whole tree on one page: who restarts whom, and why so.

    root (one_for_one)
    ├─ face (one_for_one)        web, admin, figures
    └─ ground (one_for_one)      embedded servers where none is configured, journal

The order is the boot order. `/health` must answer before anything heavy is loaded, so an actor's module is imported
when the actor is made, in its turn: the web server first, all else after it.
"""

from collections.abc import Callable

from actors.base import Actor
from actors.face.doors import Doors
from actors.face.routes import routes
from actors.face.view import View
from actors.face.web import WebActor
from actors.protocol import Backoff, ChildSpec
from domain.setting_kinds import is_loopback
from supervisors.specs import Flags
from supervisors.supervisor import Supervisor

# A branch ends when it cannot hold its children, and is started again with all of them. Past five of that in a
# minute nothing inside helps: the root ends, and with it the process, for the container to start it afresh.
ROOT = Flags("one_for_one", intensity=5, period=60.0)

# Nobody's work depends on the face, so a child that keeps failing is left down for a while, and takes nobody along.
FACE = Flags("one_for_one", intensity=10, period=60.0, cool_down=10.0)

# The ground's actors treat the failures of their servers and files themselves; one that crashes this often is a bug
# of ours, which a new branch may cure.
GROUND = Flags("one_for_one", intensity=10, period=60.0)

# A child that fails at once again: not in a tight loop, but soon.
SOON = Backoff(min_seconds=0.1, max_seconds=5.0, reset_after=30.0)


def root(view: View, doors: Doors) -> Supervisor:
    """The root, not yet started. Its start returns when the whole tree is up."""
    return Supervisor(ROOT, (_branch("face", lambda: face(view, doors)), _branch("ground", lambda: ground(view))))


def face(view: View, doors: Doors) -> Supervisor:
    """What the outside sees."""

    def web() -> Actor:
        return WebActor(doors.port, routes(view), view.requests, loopback_only=is_loopback(view.settings.host))

    def admin() -> Actor:
        from actors.face.admin import AdminActor

        return AdminActor(doors.admin, view)

    return Supervisor(FACE, (ChildSpec("web", web, backoff=SOON), ChildSpec("admin", admin, backoff=SOON)))


def ground(view: View) -> Supervisor:
    """What the rest stands on."""
    from actors.ground.embedded import server_specs

    def journal() -> Actor:
        from actors.ground.journal import JournalActor

        return JournalActor(view.home / "journal.sqlite3", view.instance, view.settings.speed)

    return Supervisor(GROUND, (*server_specs(view.settings), ChildSpec("journal", journal, backoff=SOON)))


def _branch(name: str, start: Callable[[], Supervisor]) -> ChildSpec:
    return ChildSpec(name, start, type="supervisor", shutdown=None, hang_limit=None)
