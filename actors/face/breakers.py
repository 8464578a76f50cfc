"""What the operator orders of breakers: those of the resources, and that of publishing itself."""

from typing import Any

from actors.face.saying import Command, Mistake, Reply, Said, with_arguments
from actors.face.status import RESOURCES, health, pools
from actors.face.view import View
from actors.resources.loans import SetBreaker
from actors.work.brake import ORDER, Order

STATES = ("open", "closed", "auto")
PUBLISHING = "publishing"
JOBS = ("posting", "reply_posting")  # they say how publishing is


def breakers(view: View) -> dict[str, Any]:
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


def _breaker(view: View, arguments: list[str], who: str) -> Reply:
    match arguments:
        case []:
            now = breakers(view)
            return Said("\n".join(f"{name:<12}{state}" for name, state in now.items()), now)
        case [name, state, *words] if state in STATES and name in (*RESOURCES, PUBLISHING):
            reason = " ".join(words) or f"by {who}"
        case _:
            names = ", ".join((*RESOURCES, PUBLISHING))
            return Mistake(f"say: breaker NAME open|closed|auto [REASON]; NAME is one of {names}")
    if name == PUBLISHING:
        view.system.board.put(ORDER, None if state == "auto" else Order(state, reason))
    elif not view.system.tell(name, SetBreaker(state, reason)):
        return Mistake(f"{name} is not up just now; say it again in a moment")
    return Said(f"{name}: {state}", {"breaker": name, "state": state, "reason": reason})


COMMANDS: dict[str, Command] = {
    "breaker": Command(
        "breaker [NAME open|closed|auto [REASON]]",
        "every breaker; or hold one open or closed, or let it be, until the next start",
        _breaker,
        with_arguments,
    ),
}
