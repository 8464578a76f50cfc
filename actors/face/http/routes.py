"""Which path answers what.

Only what `/health` needs is imported here at once; the pages and the metrics library load with their first caller, so
that they cost the boot nothing.
"""

import json
from typing import Any

from actors.face.context import AppContext, plain
from actors.face.http import liveness as live
from actors.face.http.web import HTML, JSON, Answer, Query, Routes

LOG_LINES = 200
MOST_LOG_LINES = 2000


def routes(view: AppContext) -> Routes:
    """Every path of the web server."""
    return {
        "/health": lambda _: as_json({"status": "ok", "uptime_seconds": round(view.uptime(), 3)}),
        "/live": lambda _: _live(view),
        "/ready": lambda _: _ready(view),
        "/health/system": lambda _: _health(view),
        "/status": lambda _: _status(view),
        "/metrics": lambda _: _metrics(view),
        "/logs": lambda query: _logs(view, query),
        "/railway/logs": lambda query: _logs(view, query),
        "/": lambda _: _page(view),
    }


def as_json(value: Any, status: int = 200) -> Answer:
    """An answer for programs."""
    return Answer(json.dumps(value, ensure_ascii=False).encode() + b"\n", JSON, status)


def _live(view: AppContext) -> Answer:
    beats = live.beats(view.system.directory, view.system.runtime.now())
    hung = [live.told(beat) for beat in live.hung(beats)]
    return as_json({"live": not hung, "actors": len(beats), "hung": hung}, 503 if hung else 200)


def _ready(view: AppContext) -> Answer:
    from actors.face.http.status import readiness

    parts = readiness(view)
    ready = all(part["ready"] for part in parts.values())
    return as_json({"ready": ready, **parts}, 200 if ready else 503)


def _health(view: AppContext) -> Answer:
    from actors.face.http.status import health

    return as_json(health(view))


def _status(view: AppContext) -> Answer:
    from actors.face.http.status import status

    return as_json(plain(status(view)))


def _metrics(view: AppContext) -> Answer:
    from actors.face.http.metrics import CONTENT_TYPE, exposition

    return Answer(exposition(view), CONTENT_TYPE)


def _logs(view: AppContext, query: Query) -> Answer:
    count = query.get("n", "")
    lines = min(int(count), MOST_LOG_LINES) if count.isdecimal() and len(count) < 10 else LOG_LINES
    entries = view.book.last(lines)
    body = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)
    return Answer(body.encode(), "application/x-ndjson; charset=utf-8")


def _page(view: AppContext) -> Answer:
    from actors.face.http.page import POLICY, page

    return Answer(page(view).encode(), HTML, headers={"Content-Security-Policy": POLICY})
