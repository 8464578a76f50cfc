"""What the operator orders of breakers: those of the resources, and that of publishing itself."""

from typing import Any

from actors.core.future import AskError
from actors.face.admin.command import Command, CommandAnswer, CommandError, Reply, UsageError, with_arguments
from actors.face.context import AppContext
from actors.face.http.status import health, pools
from actors.protocol.account import FLAGS, PUBLISHING, order_breaker
from actors.protocol.jobs import JOB
from domain.flags import BreakerOrder
from domain.resources.levels import RESOURCES

ASK_SECONDS = 20.0  # the journal writes to the disk before it answers


def breakers(view: AppContext) -> dict[str, Any]:
    """Each breaker in a word, and what publishing says of its own."""
    states = {name: pool["breaker"] for name, pool in pools(view).items()}
    said = health(view)["components"]
    match view.system.board[FLAGS].breaker_order(PUBLISHING):
        case BreakerOrder(state, reason):
            publishing = f"forced_{state}: {reason}"
        case _:
            told = (f"{job}: {said[job]['detail']}" for job in _publishers(view) if job in said)
            publishing = "; ".join(told) or "closed"
    return {**states, PUBLISHING: publishing}


def _publishers(view: AppContext) -> list[str]:
    """The jobs that publish: they say how publishing is."""
    return [job.spec.name for job in view.system.board.under(JOB).values() if job.spec.publishes]


def _breaker(view: AppContext, arguments: list[str], who: str) -> Reply:
    match arguments:
        case []:
            now = breakers(view)
            return CommandAnswer("\n".join(f"{name:<12}{state}" for name, state in now.items()), now)
        case [name, ("open" | "closed" | "auto") as state, *words] if name in (*RESOURCES, PUBLISHING):
            order = None if state == "auto" else BreakerOrder(state, " ".join(words) or f"by {who}")
        case _:
            names = ", ".join((*RESOURCES, PUBLISHING))
            return UsageError(f"breaker NAME open|closed|auto [REASON]; NAME is one of {names}")
    try:
        answer = order_breaker(view.system, name, order, who, ASK_SECONDS)
    except AskError as error:
        return CommandError(f"{name} is not set: {error}")
    told = f"{name}: {state}"
    if not answer.kept:
        told += ". The journal could not keep it: it survives a restart once Postgres has it"
    reason = None if order is None else order.reason
    return CommandAnswer(told, {"breaker": name, "state": state, "reason": reason, "kept": answer.kept})


COMMANDS: dict[str, Command] = {
    "breaker": Command(
        "breaker [NAME open|closed|auto [REASON]]",
        "every breaker; or hold one open or closed until changed again, or let it be",
        _breaker,
        with_arguments,
    ),
}
