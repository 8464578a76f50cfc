"""What the operator orders of breakers: those of the resources, and that of publishing itself."""

from typing import Any

from actors.face.admin.command import Command, CommandAnswer, CommandError, Reply, UsageError, with_arguments
from actors.face.context import AppContext
from actors.face.http.status import RESOURCES, health, pools
from actors.protocol.account import ORDER, Order
from actors.protocol.resources import SetBreaker

STATES = ("open", "closed", "auto")
PUBLISHING = "publishing"
JOBS = ("posting", "reply_posting")  # they say how publishing is


def breakers(view: AppContext) -> dict[str, Any]:
    """Each breaker in a word, and what publishing says of its own."""
    states = {name: pool["breaker"] for name, pool in pools(view).items()}
    said = health(view)["components"]
    order = view.system.board.get(ORDER)
    match order:
        case Order(state, reason):
            publishing = f"forced_{state}: {reason}"
        case _:
            publishing = "; ".join(f"{job}: {said[job]['detail']}" for job in JOBS if job in said) or "closed"
    return {**states, PUBLISHING: publishing}


def _breaker(view: AppContext, arguments: list[str], who: str) -> Reply:
    match arguments:
        case []:
            now = breakers(view)
            return CommandAnswer("\n".join(f"{name:<12}{state}" for name, state in now.items()), now)
        case [name, state, *words] if state in STATES and name in (*RESOURCES, PUBLISHING):
            reason = " ".join(words) or f"by {who}"
        case _:
            names = ", ".join((*RESOURCES, PUBLISHING))
            return UsageError(f"breaker NAME open|closed|auto [REASON]; NAME is one of {names}")
    if name == PUBLISHING:
        view.system.board.put(ORDER, None if state == "auto" else Order(state, reason))
    elif not view.system.tell(name, SetBreaker(state, reason)):
        return CommandError(f"{name} is not up just now; say it again in a moment")
    return CommandAnswer(f"{name}: {state}", {"breaker": name, "state": state, "reason": reason})


COMMANDS: dict[str, Command] = {
    "breaker": Command(
        "breaker [NAME open|closed|auto [REASON]]",
        "every breaker; or hold one open or closed, or let it be, until the next start",
        _breaker,
        with_arguments,
    ),
}
