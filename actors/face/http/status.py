"""What `/status`, `/ready` and `/health/system` tell: the board's snapshots, in the words of the operator.

One shape for the page, the programs and the admin socket, so that all three say the same.
"""

from typing import Any

from actors.face.context import AppContext, iso, plain
from actors.face.http.analysis import Analysis, told
from actors.face.http.database_stats import DATABASE_STATS
from actors.protocol.account import LANE, Holding, StandingBy, settings_in_force
from actors.protocol.alerts import ALERTS
from actors.protocol.health import HEALTH, MEMORY, STARTUP, HealthView, StartupView
from actors.protocol.jobs import JOB, JobSnapshot, word
from actors.protocol.journal import JOURNAL
from actors.protocol.resources import resources
from actors.protocol.servers import SERVER
from domain.setting_types import without_password
from domain.version import VERSION
from store.posts.values import Post

STARTING = "starting"


def status(view: AppContext) -> dict[str, Any]:
    """Everything at a glance."""
    system, settings = view.system, settings_in_force(view.settings, view.system.board)
    return {
        "version": VERSION,
        "pid": view.pid(),
        "uptime_seconds": round(view.uptime(), 1),
        "calendar": iso(system.runtime.calendar()),
        "speed": settings.speed,
        "account": settings.account,
        "mode": settings.mode,
        "may_send": settings.may_send,
        "replies": settings.replies,
        "posting_disabled": settings.posting_disabled,
        "threads": settings.threads,
        "site": settings.site_url or "sandbox",
        "home": str(view.home),
        **health(view),
        "lane": lane(view),
        "alerts": alerts(view),
        "usage": usage(view),
        "startup": startup(view),
        "journal": plain(system.board[JOURNAL]),
        "memory": plain(system.board[MEMORY]),
        "pools": pools(view),
        "jobs": jobs(view),
        "servers": servers(view),
        **figures(view),
        "actors": len(system.directory.registrations()),
        "dead_letters": dict(sorted(system.dead_letters.items())),
    }


def health(view: AppContext) -> dict[str, Any]:
    """The level and the components behind it."""
    match view.system.board.get(HEALTH):
        case HealthView() as found:
            return {
                "level": {
                    "name": found.level,
                    "value": found.in_force.level.value,
                    "since": iso(found.since),
                    "pinned": found.pinned,
                    "reasons": list(found.reasons),
                },
                "components": {
                    component.name: {"healthy": component.healthy, "detail": component.detail}
                    for component in found.components
                },
            }
    unknown = {"name": STARTING, "value": None, "since": None, "pinned": None, "reasons": ["health has not begun"]}
    return {"level": unknown, "components": {}}


def readiness(view: AppContext) -> dict[str, dict[str, Any]]:
    """What `/ready` asks for: the database, the browser and the lane. Redis is optional."""
    match view.system.board.get(HEALTH):
        case HealthView() as found:
            parts = {name: found.component(name) for name in ("database", "browser")}
        case _:
            parts = {"database": None, "browser": None}
    ready: dict[str, dict[str, Any]] = {
        name: {"ready": part.healthy, "detail": part.detail} if part else {"ready": False, "detail": STARTING}
        for name, part in parts.items()
    }
    held = lane(view)
    ready["lane"] = {"ready": held["held"], "detail": held["detail"]}
    return ready


def lane(view: AppContext) -> dict[str, Any]:
    """The right to act for the account."""
    match view.system.board.get(LANE):
        case Holding(lane=held, stopped=None):
            return {"held": True, "token": held.token, "stopped": None, "detail": "held"}
        case Holding(lane=held, stopped=reason):
            return {"held": True, "token": held.token, "stopped": reason, "detail": f"held, and stopped: {reason}"}
        case StandingBy(why, stopped=reason):
            return {"held": False, "token": None, "stopped": reason, "detail": why}
    return {"held": False, "token": None, "stopped": None, "detail": STARTING}


def alerts(view: AppContext) -> list[dict[str, Any]]:
    """What needs a person now."""
    return [
        {"key": alert.key, "text": alert.text, "since": iso(alert.since), "times": alert.times}
        for alert in view.system.board[ALERTS].standing
    ]


def usage(view: AppContext) -> dict[str, float]:
    """Of each pool, and each of the model's budgets, the share in use, smoothed over a minute."""
    return {name: round(share, 3) for name, share in view.system.board[ALERTS].usage}


def startup(view: AppContext) -> dict[str, Any] | None:
    """The startup check's verdict; None before it."""
    match view.system.board[STARTUP]:
        case StartupView(at, parts, asked, reminders) as found:
            return {
                "at": iso(at),
                "all_up": not found.missing,
                "missing": {part.name: part.detail for part in found.missing},
                "parts": {part.name: part.detail for part in parts},
                "asked": list(asked),
                "reminders": list(reminders),
            }
    return None


def pools(view: AppContext) -> dict[str, Any]:
    """Each resource: its leases, its breaker, its health."""
    return {name: plain(state) for name, state in resources(view.system.board).items()}


def jobs(view: AppContext) -> dict[str, Any]:
    """Each job: what it does, when it is due, how it went."""
    return {snapshot.name: _job(snapshot) for snapshot in view.system.board.under(JOB).values()}


def _job(job: JobSnapshot) -> dict[str, Any]:
    end = job.last_end
    return {
        "state": word(job.state),
        "reasons": list(job.reasons),
        "priority": job.spec.priority,
        "kind": job.spec.kind.value,
        "interval_seconds": round(job.interval, 1),
        "next_due": None if job.next_due is None else iso(job.next_due),
        "last_success": None if job.last_success is None else iso(job.last_success),
        "last": None
        if end is None
        else {
            "outcome": end.outcome,
            "reason": end.reason,
            "at": iso(end.at),
            "seconds": round(end.seconds, 2),
            "attempts": end.attempts,
            "done": end.done,
            "of": end.of,
        },
        "started": job.started,
        "succeeded": job.succeeded,
        "failed": job.failed,
        "cancelled": job.cancelled,
        "skipped": dict(job.skips),
        "notes": list(job.notes),
    }


def servers(view: AppContext) -> dict[str, Any]:
    """The embedded servers, if any."""
    return {
        state.name: {
            "up": state.up,
            "pid": state.pid,
            "restarts": state.restarts,
            "detail": state.detail,
            "url": without_password(state.url) if "://" in state.url else state.url,
        }
        for state in view.system.board.under(SERVER).values()
    }


def figures(view: AppContext) -> dict[str, Any]:
    """What Postgres knows, as of `figures_age_seconds` ago; zeros before the first look."""
    found = view.system.board[DATABASE_STATS]
    if found is None:
        return {
            "figures_age_seconds": None,
            "posts": {"confirmed": 0},
            "metrics": {"snapshots": 0},
            "models": {"version": 0, "replies": 0},
            "replying": {"opportunities": {}, "accounts": 0},
            "last_posts": [],
            "analysis": told(Analysis()),
        }
    counts = found.status
    return {
        "figures_age_seconds": round(view.system.runtime.now() - found.at, 1),
        "posts": {
            **{state.value: number for state, number in counts.posts.items()},
            "published": counts.published,
            "waiting_for_approval": counts.waiting_for_approval,
        },
        "metrics": {"snapshots": counts.snapshots},
        "models": {"version": counts.model_version, "replies": counts.reply_model_version},
        "replying": {"opportunities": counts.opportunities, "accounts": counts.accounts},
        "last_posts": [_post(post) for post in found.posts],
        "analysis": told(found.analysis),
    }


def _post(post: Post) -> dict[str, Any]:
    return {
        "id": post.id,
        "kind": post.kind,
        "state": post.state.value,
        "approval": post.approval,
        "body": post.body,
        "due_at": iso(post.due_at),
        "confirmed_at": None if post.confirmed_at is None else iso(post.confirmed_at),
        "site_id": None if post.site_id is None else str(post.site_id),
        "why": post.failure or post.needs_human,
    }
