"""What the operator can say: one table, one function a command, from which `help` is made.

A command answers in two ways at once: lines for people, and a value for programs. It runs in the caller's thread, so
it may wait for an actor.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

from actors.core.future import AskError
from actors.core.supervision import NotForDynamic, NotFound, Restart, Started, StillRestarting
from actors.face.admin import account_commands as account
from actors.face.admin import analysis_commands as findings
from actors.face.admin import breaker_commands as breakers
from actors.face.admin import lease_commands as leases
from actors.face.admin import post_commands as posts
from actors.face.admin.command import Command, CommandAnswer, CommandError, Reply, UsageError, always, with_arguments
from actors.face.context import AppContext, plain
from actors.face.http.actor_tree import ROOT, drawn, tree
from actors.face.http.status import health, jobs, pools, status
from actors.protocol.health import pin, unpin
from actors.protocol.jobs import Accepted, Barred, Busy, IntervalSet, PauseSet, pause, resume, run_now, set_interval
from domain.calendar import minutes
from domain.resources.levels import RESOURCES, Level

log = logging.getLogger("roost.admin")

ASK_SECONDS = 5.0
RESTART_SECONDS = 30.0
LOG_LINES = 20
MOST_LOG_LINES = 2_000


def _help(view: AppContext, arguments: list[str], who: str) -> Reply:
    match arguments:
        case [name] if (command := COMMANDS.get(name)) is not None:
            return CommandAnswer(f"{command.usage} [--json]: {command.about}", {name: command.usage})
        case [name, *_]:
            return UsageError(COMMANDS["help"].usage)
    width = max(len(command.usage) for command in COMMANDS.values())
    lines = [f"{command.usage:<{width}}  {command.about}" for command in COMMANDS.values()]
    lines.append(
        "Add --json for a program's answer. Commands that change something are for Roost's own user and root."
    )
    return CommandAnswer("\n".join(lines), {name: command.usage for name, command in COMMANDS.items()})


def _tree(view: AppContext, arguments: list[str], who: str) -> Reply:
    found = tree(view.system)
    return CommandAnswer("\n".join(drawn(found)), asdict(found))


def _status(view: AppContext, arguments: list[str], who: str) -> Reply:
    now = plain(status(view))
    posts = ", ".join(f"{number} {state.replace('_', ' ')}" for state, number in now["posts"].items() if number)
    parts = ", ".join(name if part["healthy"] else f"{name} DOWN" for name, part in now["components"].items())
    lines = [
        f"level       {_level_line(now)}",
        f"components  {parts or 'none heard of yet'}",
        f"lane        {now['lane']['detail']}",
        f"posts       {posts or 'none yet'}",
        f"metrics     {now['metrics']['snapshots']} snapshots; model version {now['models']['version']}",
        f"site        {now['site']} as @{now['account']}, {now['mode']}; replies {now['replies']}",
        f"calendar    {now['calendar']} ({now['speed']:g} × as fast), up {now['uptime_seconds']:.0f} s",
    ]
    return CommandAnswer("\n".join(lines), now)


def _level_line(now: dict[str, Any]) -> str:
    level = now["level"]
    return "; ".join([level["name"], *level["reasons"]])


def _level(view: AppContext, arguments: list[str], who: str) -> Reply:
    match arguments:
        case []:
            now = health(view)
            return CommandAnswer(_level_line(now), now["level"])
        case ["auto"]:
            unpin(view.system, ASK_SECONDS)
        case [name] if name.upper() in Level.__members__:
            pin(view.system, name.lower(), who, ASK_SECONDS)
        case _:
            names = ", ".join(level.name.lower() for level in Level)
            return UsageError(f"level [NAME|auto]; NAME is one of {names}")
    now = health(view)
    return CommandAnswer(_level_line(now), now["level"])


def _jobs(view: AppContext, arguments: list[str], who: str) -> Reply:
    found = jobs(view)
    lines = []
    for name, job in found.items():
        last = job["last"]
        ended = "never ran" if last is None else f"{last['outcome']} {last['at']}"
        due = f", due {job['next_due']}" if job["next_due"] else ""
        why = f" ({'; '.join(job['reasons'])})" if job["reasons"] else ""
        lines.append(f"{name:<22}{job['state']:<12}{ended}{due}{why}")
    return CommandAnswer("\n".join(lines) or "no job has started yet", found)


def _job(view: AppContext, arguments: list[str], who: str) -> Reply:
    system = view.system
    ask: Callable[[], Accepted | Busy | Barred | PauseSet | IntervalSet]
    match arguments:
        case [name]:
            found = jobs(view).get(name)
            if found is None:
                return _no_such_job(view, name)
            return CommandAnswer(json.dumps(found, indent=2, ensure_ascii=False), found)
        case [name, "run"]:
            ask = partial(run_now, system, name, who, ASK_SECONDS, though_paused=True)
        case [name, "pause"]:
            ask = partial(pause, system, name, who, ASK_SECONDS)
        case [name, "resume"]:
            ask = partial(resume, system, name, ASK_SECONDS)
        case [name, "interval", "default"]:
            ask = partial(set_interval, system, name, None, ASK_SECONDS)
        case [name, "interval", number] if _is_minutes(number):
            ask = partial(set_interval, system, name, minutes(float(number)), ASK_SECONDS)
        case _:
            return UsageError(COMMANDS["job"].usage)
    if name not in jobs(view):
        return _no_such_job(view, name)
    answer = ask()
    if isinstance(answer, PauseSet | IntervalSet):
        _keep(view, name)
    match answer:
        case Accepted(run_id):
            return CommandAnswer(f"{name} runs, as {run_id}", {"job": name, "run": run_id})
        case Busy(actor):
            return CommandError(f"{name} runs already, in {actor}; wait for its end")
        case Barred(reasons):
            return CommandError(f"{name} may not run now: {'; '.join(reasons)}")
        case PauseSet(_, paused):
            return CommandAnswer(
                f"{name} is {'paused' if paused else 'no longer paused'}", {"job": name, "paused": paused}
            )
        case IntervalSet(_, interval):
            said = f"{name} runs every {interval / 60:g} min at the present level"
            return CommandAnswer(said, {"job": name, "interval_seconds": interval})


def _keep(view: AppContext, name: str) -> None:
    """Wait until what was set for the job would survive a kill. It is in force in any case."""
    from actors.protocol.account import await_kept

    try:
        await_kept(view.system, ASK_SECONDS)
    except AskError as error:
        log.warning("what was set for %s is in force, and may not survive a restart: %s", name, error)


def _is_minutes(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal() and 0 < float(text) <= 7 * 24 * 60


def _no_such_job(view: AppContext, name: str) -> CommandError:
    return CommandError(f"there is no job {name!r}. There are: {', '.join(jobs(view)) or 'none yet'}")


def _pools(view: AppContext, arguments: list[str], who: str) -> Reply:
    found = pools(view)
    lines = []
    for name in RESOURCES:
        if (pool := found.get(name)) is not None:
            holders = ", ".join(f"{job} {units}" for job, units in pool["by_job"])
            lines.append(
                f"{name:<10}{pool['in_use']} of {pool['capacity']} lent, {pool['waiting']} waiting, "
                f"{pool['quarantined']} quarantined" + (f"; {holders}" if holders else "")
            )
    return CommandAnswer("\n".join(lines) or "no resource has started yet", found)


def _restart(view: AppContext, arguments: list[str], who: str) -> Reply:
    match arguments:
        case [name]:
            actor = view.system.directory.whereis(name)
        case _:
            return UsageError(COMMANDS["restart"].usage)
    if name == ROOT:
        return CommandError("the root is Roost itself: `shutdown` ends it, and whoever started it starts it again")
    if actor is None or actor.supervisor is None:
        return CommandError(f"no supervised actor is called {name!r}; `tree` shows them all")
    try:
        begun = view.system.ask(actor.supervisor, Restart(name), RESTART_SECONDS)
    except AskError as error:
        return CommandError(f"{name} is not restarted: {error}")
    match begun:
        case Started(_, generation):
            return CommandAnswer(
                f"{name} is restarted, as {name}#{generation}", {"name": name, "generation": generation}
            )
        case NotFound():
            return CommandError(f"{name} has ended, and is not one that is started again")
        case NotForDynamic():
            return CommandError(f"{name} comes and goes with its work, and is not started again")
        case StillRestarting():
            return CommandError(f"{name} has ended by itself, and is started again already")
        case answer:
            return CommandError(f"{name} is stopped and did not start: {answer}")


def _logs(view: AppContext, arguments: list[str], who: str) -> Reply:
    match arguments:
        case []:
            count = LOG_LINES
        case [number] if number.isdecimal() and len(number) < 6:
            count = min(int(number), MOST_LOG_LINES)
        case _:
            return UsageError(COMMANDS["logs"].usage)
    entries = view.book.last(count)
    return CommandAnswer("\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries), entries)


def _shutdown(view: AppContext, arguments: list[str], who: str) -> Reply:
    view.leave(f"shutdown, by {who}")
    return CommandAnswer("it shuts down", {"shutdown": True})


COMMANDS: dict[str, Command] = {
    "help": Command("help [COMMAND]", "this, or one of these", _help),
    "tree": Command("tree", "every actor, under its supervisor", _tree),
    "status": Command("status", "how it is, at a glance", _status),
    "level": Command("level [NAME|auto]", "the level; or pin one, or give it back", _level, with_arguments),
    "jobs": Command("jobs", "every job: its state, its last run, when it is due", _jobs),
    "job": Command(
        "job NAME [run|pause|resume|interval MIN|interval default]",
        "one job; or run, pause, resume or re-time it",
        _job,
        lambda arguments: len(arguments) > 1,
    ),
    "pools": Command("pools", "every shared resource and who holds it", _pools),
    **breakers.COMMANDS,
    **leases.COMMANDS,
    **findings.COMMANDS,
    **account.COMMANDS,
    **posts.COMMANDS,
    "restart": Command("restart NAME", "stop an actor and start it again", _restart, always),
    "logs": Command("logs [N]", "the last N lines of the log", _logs),
    "shutdown": Command("shutdown", "end Roost in order", _shutdown, always),
}
