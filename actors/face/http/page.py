"""The first page: how Roost is, at a glance, from the same values as `/status`.

Rendered here, with no asset from elsewhere. What is shown was partly written by strangers and by a model, so every
text is escaped (`Markup` marks what is not), and the policy lets nothing run but the one script below, by its hash.
"""

import base64
import hashlib
from html import escape
from typing import Any

from actors.face.context import AppContext
from actors.face.http.actor_tree import Node, remarks, tree
from actors.face.http.status import status
from actors.face.http.style import SCRIPT, STYLE
from domain.resources.levels import RESOURCES


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


POLICY = (
    f"default-src 'none'; style-src {_hash(STYLE)}; script-src {_hash(SCRIPT)}; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def tag(name: str, *content: Any, kind: str = "", title: str = "") -> Markup:
    """One element. content: markup as it is, everything else as text. kind: its class."""
    inside = "".join(part if isinstance(part, Markup) else escape(str(part)) for part in content)
    attributes = (f' class="{escape(kind)}"' if kind else "") + (f' title="{escape(title)}"' if title else "")
    return Markup(f"<{name}{attributes}>{inside}</{name}>")


def page(view: AppContext) -> str:
    """The whole page."""
    now = status(view)
    body = tag(
        "main",
        _head(now),
        _alerts(now),
        _figures(now),
        tag("div", _components(now), tag("div", _pools(now), _servers(now)), kind="pair"),
        _jobs(now),
        _report(now),
        _posts(now),
        _tree(view),
        tag(
            "footer",
            f"Roost {now['version']} · pid {now['pid']} · up {span(now['uptime_seconds'])} · ",
            f"{now['actors']} actors · ",
            Markup('<a href="/status">status</a> <a href="/metrics">metrics</a> <a href="/logs">logs</a>'),
        ),
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Roost</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<noscript><meta http-equiv="refresh" content="5"></noscript>'
        f"<style>{STYLE}</style></head><body>{body}<script>{SCRIPT}</script></body></html>\n"
    )


def span(seconds: float) -> str:
    """A duration for people.

    >>> span(42), span(4000), span(200_000)
    ('42 s', '1 h 6 min', '2 d 7 h')
    """
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def _head(now: dict[str, Any]) -> Markup:
    level = now["level"]
    said = [level["name"]]
    if level["pinned"]:
        said.append("pinned")
    time = clock(now["calendar"]) + (f" · {now['speed']:g} × as fast" if now["speed"] != 1 else "")
    return tag(
        "header",
        tag("h1", "Roost"),
        tag("span", " · ".join(said), kind=f"level {level['name']}"),
        tag("p", f"@{now['account']} on {now['site']} · {now['mode']} · {time}", kind="quiet"),
        *(tag("p", reason, kind="reason") for reason in level["reasons"]),
    )


def _figures(now: dict[str, Any]) -> Markup:
    posts = now["posts"]
    waiting = posts.get("planned", 0) + posts.get("claimed", 0)
    open_ends = posts.get("unknown", 0) + posts.get("needs_human", 0)
    numbers = [
        (posts.get("published", 0), "published", ""),
        (waiting, "in the queue", ""),
        (open_ends, "unresolved", "bad" if open_ends else ""),
        (now["metrics"]["snapshots"], "metric snapshots", ""),
        (now["models"]["version"], "model version", ""),
    ]
    return tag(
        "section",
        *(
            tag("div", tag("b", number, kind=kind), tag("span", name), kind="figure")
            for number, name, kind in numbers
        ),
        kind="figures",
    )


def _alerts(now: dict[str, Any]) -> Markup:
    """What needs a person: nothing at all is shown while nothing does."""
    reminders = (now["startup"] or {}).get("reminders", [])
    if not now["alerts"] and not reminders:
        return Markup("")
    rows = [
        tag(
            "tr",
            tag("td", _dot(False), alert["key"]),
            tag("td", alert["text"]),
            tag("td", f"since {clock(alert['since'])}" + (f", {alert['times']} ×" if alert["times"] > 1 else "")),
        )
        for alert in now["alerts"]
    ]
    rows += [tag("tr", tag("td", _dot(None), "reminder"), tag("td", said), tag("td", "")) for said in reminders]
    return tag("section", tag("h2", "Needs a person"), tag("table", *rows))


def _dot(good: bool | None) -> Markup:
    kind = {True: "good", False: "bad", None: "idle"}[good]
    return tag("i", title=kind, kind=f"dot {kind}")


def _components(now: dict[str, Any]) -> Markup:
    rows = [
        tag("tr", tag("td", _dot(part["healthy"]), name), tag("td", part["detail"], kind="quiet"))
        for name, part in now["components"].items()
    ]
    if "lane" not in now["components"]:
        lane = now["lane"]
        rows.append(tag("tr", tag("td", _dot(lane["held"]), "lane"), tag("td", lane["detail"], kind="quiet")))
    return tag("section", tag("h2", "Components"), tag("table", *rows))


def _pools(now: dict[str, Any]) -> Markup:
    rows = []
    for name in RESOURCES:
        pool = now["pools"].get(name)
        if pool is None:
            continue
        said = [f"{pool['in_use']} of {pool['capacity']} lent"]
        said += [f"{pool[word]} {word}" for word in ("waiting", "quarantined") if pool[word]]
        holders = ", ".join(f"{job} {units}" for job, units in pool["by_job"])
        bar = Markup(f'<meter min="0" max="{int(pool["capacity"]) or 1}" value="{int(pool["in_use"])}"></meter>')
        rows.append(
            tag(
                "tr",
                tag("td", _dot(pool["healthy"]), name),
                tag("td", bar),
                tag("td", " · ".join(said)),
                tag("td", holders or f"breaker {pool['breaker']}", kind="quiet"),
            )
        )
    return tag("section", tag("h2", "Pools"), tag("table", *rows))


def _jobs(now: dict[str, Any]) -> Markup:
    head = tag("tr", *(tag("th", word) for word in ("Job", "State", "Last run", "Runs", "Due", "Every")))
    rows = []
    for name, job in now["jobs"].items():
        last = job["last"]
        told = "–" if last is None else f"{last['outcome']}, {last['seconds']:g} s"
        if last is not None and last["of"]:
            told += f", {last['done']} of {last['of']}"
        if last is not None and last["reason"]:
            told += f": {last['reason']}"
        good = None if last is None else last["outcome"] == "succeeded"
        missed = job["skipped"].get("missed", 0)  # while Roost was down: nobody decided to skip them
        skipped = sum(job["skipped"].values()) - missed
        others = ((job["failed"], "failed"), (skipped, "skipped"), (missed, "missed"))
        runs = f"{job['succeeded']} good" + "".join(f", {number} {word}" for number, word in others if number)
        rows.append(
            tag(
                "tr",
                tag("td", _dot(good), name),
                tag("td", job["state"], tag("small", "; ".join(job["reasons"]))),
                tag("td", told[:160], kind="quiet"),
                tag("td", runs, kind="runs"),
                tag("td", clock(job["next_due"]), kind="quiet"),
                tag("td", span(job["interval_seconds"]), kind="quiet"),
            )
        )
    return tag("section", tag("h2", "Jobs"), tag("table", head, *rows))


def _report(now: dict[str, Any]) -> Markup:
    report, found = now["analysis"]["report"], now["analysis"]["insights"]
    if report is None:
        return Markup("")
    return tag(
        "section",
        tag("h2", f"Report of {clock(report['at'])}"),
        *(tag("div", line) for line in report["lines"]),
        *(tag("div", each["text"], kind="quiet", title=each["about"]) for each in found),
    )


def _posts(now: dict[str, Any]) -> Markup:
    rows = []
    for post in now["last_posts"]:
        said = [post["kind"].replace("_", " "), clock(post["confirmed_at"] or post["due_at"])]
        said += [f"id {post['site_id']}"] if post["site_id"] else [post["why"]] if post["why"] else []
        rows.append(
            tag(
                "article",
                tag("p", post["body"]),
                tag(
                    "small",
                    tag("span", post["state"].replace("_", " "), kind=f"state {post['state']}"),
                    " " + " · ".join(said),
                ),
            )
        )
    nothing = tag("p", "None yet. The first is planned as soon as the database is up.", kind="quiet")
    return tag("section", tag("h2", "Last posts"), *(rows or [nothing]))


def _servers(now: dict[str, Any]) -> Markup:
    if not now["servers"]:
        return Markup("")
    rows = [
        tag(
            "tr",
            tag("td", _dot(server["up"]), name),
            tag("td", f"pid {server['pid']}, {server['restarts']} restarts"),
            tag("td", server["detail"], kind="quiet"),
        )
        for name, server in now["servers"].items()
    ]
    return tag("section", tag("h2", "Embedded servers"), tag("table", *rows))


def _tree(view: AppContext) -> Markup:
    return tag("section", tag("h2", "Actors"), _branch((tree(view.system),), "tree"))


def _branch(nodes: tuple[Node, ...], kind: str = "") -> Markup:
    return tag("ul", *(tag("li", *_leaf(node)) for node in nodes), kind=kind)


def _leaf(node: Node) -> list[Markup]:
    parts = [_dot(node.state == "running"), tag("span", node.name)]
    parts += [tag("small", said) for said in remarks(node)]
    return [*parts, _branch(node.children)] if node.children else parts


def clock(iso: str | None) -> str:
    """A time of the calendar for people.

    >>> clock("2026-03-01T07:30:00Z")
    '1 Mar 07:30'
    """
    if iso is None:
        return "–"
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return f"{int(iso[8:10])} {months[int(iso[5:7]) - 1]} {iso[11:16]}"
