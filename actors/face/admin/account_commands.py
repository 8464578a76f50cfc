"""What the operator says about the account: its session, why it is stopped, what it may do, what needs a person."""

import base64
import json
from typing import Any

from actors.core.future import AskError, CallerError
from actors.face.admin.command import Command, CommandAnswer, CommandError, Reply, UsageError, always, with_arguments
from actors.face.context import AppContext, iso, plain
from actors.face.http.status import lane
from actors.protocol import alerts
from actors.protocol.alerts import ALERTS
from domain.flags import DEFAULT, FLAGS
from domain.publishing.stops import is_for_session
from domain.setting_types import InvalidSetting, login_cookies
from domain.setting_types import session as session_kind
from domain.settings import shown

ASK_SECONDS = 20.0  # the lane writes to Postgres before it answers
TRY_SECONDS = 45.0
LOOK_SECONDS = 30.0


def _session(view: AppContext, arguments: list[str], who: str) -> Reply:
    """The client sends the file's content as base64: a line of the socket is words."""
    from actors.protocol.resources import LeaseError
    from actors.resources.session import SetSession, TakeBackSession, keep_session
    from social.site import UNUSABLE, SiteError

    match arguments:
        case [text]:
            pass
        case _:
            return UsageError("session FILE")
    try:
        found = session_kind(text).reveal()
    except InvalidSetting as wrong:
        return CommandError(f"the session is not taken, since {wrong.why}. {wrong.fix}")
    state = json.loads(base64.b64decode(found))
    view.book.hide([found, *login_cookies(found)])
    view.system.tell("browser", SetSession(state))
    try:
        handle = _signed_in(view)
    except UNUSABLE as error:
        view.system.tell("browser", TakeBackSession())
        return CommandError(f"the session is not taken, it is no good: {error}")
    except (SiteError, LeaseError, TimeoutError) as error:
        return CommandError(
            f"the session is in use and not proved: {error}. `job session_monitor run` tries it again, "
            "and `account resume` lets the account go on"
        )
    keep_session(view.settings, state)
    alerts.clear_alert(view.system, "session")
    said = f"the session is good: signed in as @{handle}"
    reason = lane(view)["stopped"]
    resumed = False
    if reason is not None and is_for_session(reason):
        answer = _resume(view)
        if isinstance(answer, CommandError):
            return CommandError(f"{said}; {answer.text}")
        resumed = True
        said += "; the account goes on"
    elif reason is not None:
        said += f"; the account stays stopped ({reason}), until `account resume`"
    return CommandAnswer(said, {"handle": handle, "resumed": resumed})


def _signed_in(view: AppContext) -> str:
    """Who the new session is of, by a look at the site. Raises SiteError, LeaseError, TimeoutError."""
    from actors.account.current_site import PresentSite
    from actors.protocol.resources import LeaseRefused, rebuild, resource
    from actors.resources.client import Leases

    runtime, site = view.system.runtime, PresentSite(view.settings, view.system.board)
    until = runtime.now() + TRY_SECONDS
    state = view.system.board[resource("browser")]
    if state is not None and state.state != "up":
        rebuild(view.system, "browser", "there is a session now")  # the want of one may be why it is down
    leases = Leases(view.system, holder="admin", job="session", priority=0)
    while True:
        try:
            with leases.browser("posting", wait=max(1.0, until - runtime.now()), hold=2 * LOOK_SECONDS) as browser:
                return str(browser.run(site.session, timeout=LOOK_SECONDS))
        except LeaseRefused:
            if runtime.now() >= until:
                raise
            runtime.sleep(0.5)  # it opens


def _account(view: AppContext, arguments: list[str], who: str) -> Reply:
    match arguments:
        case []:
            return _account_now(view)
        case ["resume"]:
            return _resume(view)
    return UsageError("account [resume]")


def _account_now(view: AppContext) -> CommandAnswer:
    now, account = lane(view), view.settings.account
    reason, since = now["stopped"], None
    for alert in view.system.board[ALERTS].standing:
        if alert.key == "account":
            since = iso(alert.since)
    if reason is None:
        text = f"@{account} may act; the lane is {now['detail']}"
    else:
        cure = "give it a new one: `session FILE`" if is_for_session(reason) else "see to it on the site"
        when = f" since {since}" if since else ""
        text = f"@{account} is stopped{when}: {reason}\nTo let it go on, {cure}; then `account resume`"
    return CommandAnswer(text, {"account": account, "stopped": reason, "since": since, "lane": now})


def _resume(view: AppContext) -> Reply:
    from actors.protocol.account import clear_stop

    try:
        was_stopped = clear_stop(view.system, ASK_SECONDS)
    except AskError as error:
        return CommandError(f"the account is not resumed: {error}. Try again when the database is there")
    text = "the account goes on" if was_stopped else "the account was not stopped"
    return CommandAnswer(text, {"resumed": bool(was_stopped)})


def _alerts(view: AppContext, arguments: list[str], who: str) -> Reply:
    state = view.system.board[ALERTS]
    lines = [f"{alert.key:<22}since {iso(alert.since)}, {alert.times} ×: {alert.text}" for alert in state.standing]
    lines += [
        f"{alert.key:<22}over {iso(alert.over or alert.since)}: {alert.text}" for alert in reversed(state.past[-10:])
    ]
    return CommandAnswer("\n".join(lines) or "nothing needs a person", plain(state))


def _flag(view: AppContext, arguments: list[str], who: str) -> Reply:
    from actors.protocol.account import set_flag

    match arguments:
        case []:
            found = _flags_now(view)
            width = max(map(len, found))
            return CommandAnswer("\n".join(f"{name:<{width}}  {flag['text']}" for name, flag in found.items()), found)
        case [name] if name.upper() in FLAGS:
            flag = _flags_now(view)[name.upper()]
            return CommandAnswer(f"{name.upper()}={flag['text']}", flag)
        case [name, text]:
            pass
        case _:
            return UsageError(f"flag [NAME [VALUE|{DEFAULT}]]. The flags are: {', '.join(FLAGS)}")
    name = name.upper()
    try:
        answer = set_flag(view.system, name, text.lower(), who, ASK_SECONDS)
    except CallerError as error:
        return CommandError(str(error))
    except AskError as error:
        return CommandError(f"{name} is not set: {error}")
    flag = _flags_now(view)[name]
    said = f"{name}={flag['text']}"
    if not answer.kept:
        said += ". The journal could not keep it: it survives a restart once Postgres has it"
    return CommandAnswer(said, {**flag, "kept": answer.kept})


def _flags_now(view: AppContext) -> dict[str, dict[str, Any]]:
    """Each flag: its value in force, and where that comes from."""
    from actors.protocol.account import FLAGS as FLAGS_KEY
    from actors.protocol.account import settings_in_force

    flags = view.system.board[FLAGS_KEY].flags
    settings = settings_in_force(view.settings, view.system.board)
    found: dict[str, dict[str, Any]] = {}
    for name in FLAGS:
        value, origin = shown(getattr(settings, name.lower())), settings.origins.get(name, DEFAULT)
        said = f"{value} ({origin})"
        by = at = None
        flag = flags.get(name)
        if flag is not None and origin == "operator":
            by, at = flag.who, iso(flag.at)
            said = f"{value} (set by {by}, {at})"
        found[name] = {"value": value, "origin": origin, "by": by, "at": at, "text": said}
    return found


COMMANDS: dict[str, Command] = {
    "alerts": Command("alerts", "what needs a person, and what did", _alerts),
    "account": Command(
        "account [resume]", "whether the account may act, and why not; or let it go on", _account, with_arguments
    ),
    "session": Command(
        "session FILE",
        "give the account a new session: a Playwright storage state as JSON",
        _session,
        always,
        secret=True,
    ),
    "flag": Command(
        f"flag [NAME [VALUE|{DEFAULT}]]",
        f"what the account may do, until changed again: {', '.join(FLAGS)}",
        _flag,
        lambda arguments: len(arguments) > 1,
    ),
}
