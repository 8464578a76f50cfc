"""The whole tree on one page: who restarts whom, and why so.

    root (one_for_one)
    ├─ face (one_for_one)        web, admin, figures
    ├─ ground (one_for_one)      postgres-server, redis-server, sandbox-server, journal
    ├─ resources (one_for_one)   database, redis, browser, model
    ├─ account (one_for_one)     lane, flags
    ├─ care (one_for_one)        health, alerts, recorder, watchdog
    └─ work (rest_for_one)       runs (dynamic), jobs (one_for_one)

The order is the boot order, and turned round it is that of the end: the lane is given up when the work has ended, and
while there is a database to tell. `/health` must answer before anything heavy is loaded, so an actor's module is
imported when the actor is made, in its turn: the web server first, all else after it.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from actors.core.base import Actor
from actors.core.supervision import ChildSpec
from actors.face.context import AppContext
from actors.face.http.routes import routes
from actors.face.http.web import WebActor
from actors.face.listeners import Listeners
from domain.backoff import Backoff
from domain.setting_types import is_loopback
from supervisors.specs import Flags
from supervisors.supervisor import Supervisor

if TYPE_CHECKING:
    from actors.resources.specs import Make
    from actors.scheduling.run_actor import Job

# A branch ends when it cannot hold its children, and is started again with all of them. Past five of that in a
# minute nothing inside helps: the root ends, and with it the process, for the container to start it afresh.
ROOT = Flags("one_for_one", intensity=5, period=60.0)

# Nobody's work depends on the face, so a child that keeps failing is left down for a while, and takes nobody along.
FACE = Flags("one_for_one", intensity=10, period=60.0, cool_down=10.0)

# These treat the failures of their servers, files and clients themselves, as a state, and seldom crash. One that does
# ten times a minute has a bug that a new branch may cure, and that a rest of ten seconds does not make worse: the
# other resources work on meanwhile, at a lower level.
GROUND = Flags("one_for_one", intensity=10, period=60.0, cool_down=10.0)
RESOURCES = Flags("one_for_one", intensity=10, period=60.0, cool_down=10.0)
ACCOUNT = Flags("one_for_one", intensity=10, period=60.0, cool_down=10.0)

# What it knows hangs on the board or comes again within seconds, so a new incarnation is as good as the old one.
CARE = Flags("one_for_one", intensity=10, period=60.0)

# A job keeps the state of its run: where `runs` is gone, the jobs begin anew, and not the other way round.
WORK = Flags("rest_for_one", intensity=3, period=60.0)

# Runs are temporary: their end restarts nothing, so the limit never counts.
RUNS = Flags("one_for_one", intensity=1, period=5.0)
MOST_RUNS = 64

# One bad job must not restart the others. Each backs off by itself, and 30 restarts a minute are all of them in turn.
JOBS = Flags("one_for_one", intensity=30, period=60.0, cool_down=30.0)

# A child that fails at once again: not in a tight loop, but soon.
SOON = Backoff(least=0.1, base=0.1, most=5.0)


def root(view: AppContext, listeners: Listeners) -> Supervisor:
    """The root, not yet started. Its start returns when the whole tree is up."""
    boot = view.system.runtime.calendar()

    @cache
    def jobs() -> "tuple[Job, ...]":
        from actors.jobs.registry import load

        return load(view.settings)

    return Supervisor(
        ROOT,
        (
            _branch("face", lambda: face(view, listeners)),
            _branch("ground", lambda: ground(view)),
            _branch("resources", lambda: resources(view, jobs())),
            _branch("account", lambda: account(view)),
            _branch("care", lambda: care(view, jobs(), boot)),
            _branch("work", lambda: work(view, jobs(), boot)),
        ),
    )


def face(view: AppContext, listeners: Listeners) -> Supervisor:
    """What the outside sees."""

    def web() -> Actor:
        listeners.early_health.leave()
        return WebActor(listeners.port, routes(view), view.requests, loopback_only=is_loopback(view.settings.host))

    def admin() -> Actor:
        from actors.face.admin.admin import AdminActor

        return AdminActor(listeners.admin, view)

    def figures() -> Actor:
        from actors.face.http.database_stats import DatabaseStatsActor

        return DatabaseStatsActor(view.settings.account)

    return Supervisor(FACE, (_child("web", web), _child("admin", admin), _child("figures", figures)))


def ground(view: AppContext) -> Supervisor:
    """What the rest stands on."""
    from actors.servers.embedded import server_specs

    def journal() -> Actor:
        from actors.account.journal import JournalActor

        return JournalActor(view.home / "journal.sqlite3", view.instance, view.settings.speed)

    return Supervisor(GROUND, (*server_specs(view.settings), _child("journal", journal)))


def account(view: AppContext) -> Supervisor:
    """What this instance may do for the account."""

    def lane() -> Actor:
        from actors.account.lane import LaneActor

        return LaneActor(view.settings.account, view.instance)

    def flags() -> Actor:
        from actors.account.flags import FlagsActor

        return FlagsActor(view.settings)

    return Supervisor(ACCOUNT, (_child("lane", lane), _child("flags", flags)))


def resources(view: AppContext, jobs: "tuple[Job, ...]", others: "Mapping[str, Make] | None" = None) -> Supervisor:
    """What is lent. others: what is made instead of an actor of this name."""
    from actors.jobs.registry import budgets
    from actors.resources.specs import resource_specs

    return Supervisor(RESOURCES, resource_specs(view.settings, budgets(jobs), others or {}))


def care(view: AppContext, jobs: "tuple[Job, ...]", boot: float) -> Supervisor:
    """Who looks after the rest. boot: calendar seconds."""
    from actors.care.alerts import AlertsActor
    from actors.care.health import HealthActor
    from actors.care.watchdog import WatchdogActor
    from actors.scheduling.recorder import RecorderActor

    names = [job.spec.name for job in jobs]
    return Supervisor(
        CARE,
        (
            _child("health", HealthActor),
            _child("alerts", AlertsActor),
            _child("recorder", lambda: RecorderActor(view.instance)),
            _child("watchdog", lambda: WatchdogActor(names, boot)),
        ),
    )


def work(view: AppContext, jobs: "tuple[Job, ...]", boot: float, site: Any = None) -> Supervisor:
    """Who does the work. boot: calendar seconds. site: a `social.site.Site`; None: the one of the settings."""
    from actors.account.current_site import PresentSite
    from actors.jobs.registry import children
    from actors.scheduling.run_context import RunEnvironment
    from supervisors.dynamic import DynamicSupervisor

    site = site or PresentSite(view.settings, view.system.board)
    environment = RunEnvironment(view.settings, site, view.instance)
    return Supervisor(
        WORK,
        (
            ChildSpec("runs", lambda: DynamicSupervisor(RUNS, MOST_RUNS), type="supervisor", shutdown=None),
            _branch("jobs", lambda: Supervisor(JOBS, children(jobs, environment, boot))),
        ),
    )


def _child(name: str, start: Callable[[], Actor]) -> ChildSpec:
    return ChildSpec(name, start, backoff=SOON)


def _branch(name: str, start: Callable[[], Supervisor]) -> ChildSpec:
    return ChildSpec(name, start, type="supervisor", shutdown=None)
