"""What the operator says about posts: the queue, one post's whole trail, approvals, opt-outs."""

from typing import Any

from actors.face.admin.command import Command, CommandAnswer, CommandError, Reply, UsageError, always
from actors.face.admin.decisions import OutOfReach, audit, decide, opt_out, queue
from actors.face.context import AppContext
from domain.setting_types import InvalidSetting, handle
from store.posts import Decided, Duplicate, Impossible

MOST_DIGITS = 19  # of an id


def _queue(view: AppContext, arguments: list[str], who: str) -> Reply:
    try:
        found = queue(view)
    except OutOfReach as error:
        return CommandError(f"the queue cannot be read now: {error}")
    return CommandAnswer("\n".join(queue_lines(found)), found)


def _post(view: AppContext, arguments: list[str], who: str) -> Reply:
    try:
        match arguments:
            case [number] if _is_id(number):
                found = audit(view, int(number))
                if found is None:
                    return CommandError(f"there is no post {number}; `queue` lists those there are")
                return CommandAnswer("\n".join(audit_lines(found)), found)
            case [number, "approve", site_id] if _is_id(number) and _is_id(site_id):
                answer = decide(view, int(number), "approve", who, int(site_id))
            case [number, ("approve" | "reject" | "retry") as decision] if _is_id(number):
                answer = decide(view, int(number), decision, who, None)
            case _:
                return UsageError(COMMANDS["post"].usage)
    except OutOfReach as error:
        return CommandError(f"post {arguments[0]} is out of reach now: {error}")
    match answer:
        case Decided(state):
            return CommandAnswer(
                f"post {number} is {state.value.replace('_', ' ')}", {"post": int(number), "state": state.value}
            )
        case Duplicate(other, state):
            return CommandError(f"the same text is post {other}, which is {state.value.replace('_', ' ')}")
        case Impossible(why):
            return CommandError(why)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS


def _opt_out(view: AppContext, arguments: list[str], who: str) -> Reply:
    try:
        author = handle(arguments[0]) if len(arguments) == 1 else None
    except InvalidSetting as wrong:
        return CommandError(f"{arguments[0]!r}: {wrong.why}. {wrong.fix}")
    if author is None:
        return UsageError(COMMANDS["optout"].usage)
    try:
        ended = opt_out(view, author, who)
    except OutOfReach as error:
        return CommandAnswer(
            f"@{author} is left alone; Postgres learns of it later: {error}", {"author": author, "ended": []}
        )
    dropped = f"; not sent for it: {', '.join(map(str, ended))}" if ended else ""
    return CommandAnswer(f"@{author} is left alone from now on{dropped}", {"author": author, "ended": list(ended)})


def queue_lines(found: dict[str, Any]) -> list[str]:
    """The same for people. found: as `queue`."""
    lines = []
    for name, listed in found.items():
        lines.append(f"{name.replace('_', ' ')}: {len(listed)}")
        for post in listed:
            to = f" to @{post['answers']}" if post["answers"] else ""
            why = f" ({post['why']})" if post["why"] else ""
            lines.append(
                f"  {post['id']:>6}  {post['due_at']}  {post['kind']}{to}, {post['state']}{why}: {post['text']}"
            )
    return lines


def audit_lines(found: dict[str, Any]) -> list[str]:
    """The same for people. found: as `audit`."""
    head = {name: value for name, value in found.items() if name != "trail" and value not in (None, [], {})}
    lines = [f"{name:<16}{value}" for name, value in head.items()]
    for event in found["trail"]:
        detail = ", ".join(f"{name} {value}" for name, value in event["detail"].items())
        lines.append(f"{event['at']}  {event['event']}, by {event['who']}" + (f": {detail}" if detail else ""))
    return lines


COMMANDS: dict[str, Command] = {
    "queue": Command("queue", "what is planned, waits for approval, is under way, or needs a person", _queue),
    "post": Command(
        "post ID [approve [SITE_ID]|reject|retry]",
        "a post from plan to outcome; or decide about it",
        _post,
        lambda arguments: len(arguments) > 1,
    ),
    "optout": Command("optout HANDLE", "never reply to this account again", _opt_out, always),
}
