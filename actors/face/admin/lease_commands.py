"""What is lent to whom, and the operator's way to take it back."""

from dataclasses import asdict

from actors.core.future import AskError
from actors.face.admin.command import Command, CommandAnswer, CommandError, Reply, UsageError, always
from actors.face.context import AppContext
from actors.protocol.resources import LeaseInfo, LeaseList, RequestInfo, list_leases, revoke
from domain.resources.levels import RESOURCES

ASK_SECONDS = 5.0


def _leases(view: AppContext, arguments: list[str], who: str) -> Reply:
    match arguments:
        case []:
            wanted: tuple[str, ...] = RESOURCES
        case [name] if name in RESOURCES:
            wanted = (name,)
        case _:
            return UsageError(f"leases [{'|'.join(RESOURCES)}]")
    lists: dict[str, LeaseList] = {}
    silent: dict[str, str] = {}
    for name in wanted:
        try:
            lists[name] = list_leases(view.system, name, ASK_SECONDS)
        except AskError as error:
            silent[name] = str(error)
    lines = [_lease_line(lease) for found in lists.values() for lease in found.leases]
    lines += [_request_line(request) for found in lists.values() for request in found.waiting]
    lines += [f"{name} does not say: {why}" for name, why in silent.items()]
    data = {
        "leases": [asdict(lease) for found in lists.values() for lease in found.leases],
        "waiting": [asdict(request) for found in lists.values() for request in found.waiting],
        "silent": silent,
    }
    return CommandAnswer("\n".join(lines or ["nothing is lent, and nobody waits"]), data)


def _lease_line(lease: LeaseInfo) -> str:
    return (
        f"{lease.token}  {lease.resource:<9}{lease.job} ({lease.holder})  held {lease.held:.1f} s, "
        f"{lease.left:.1f} s left"
    )


def _request_line(request: RequestInfo) -> str:
    return (
        f"{'waits':<18}{request.resource:<9}{request.job} ({request.holder})  priority {request.priority}, "
        f"{max(0.0, request.left):.1f} s until it is refused"
    )


def _lease(view: AppContext, arguments: list[str], who: str) -> Reply:
    match arguments:
        case [token, "revoke", *words] if token.isascii() and token.isdigit():
            reason = f"revoked by {who}" + (f": {' '.join(words)}" if words else "")
        case _:
            return UsageError("lease TOKEN revoke [REASON]; `leases` lists the tokens")
    silent = []
    for name in RESOURCES:
        try:
            if revoke(view.system, name, int(token), reason, ASK_SECONDS):
                return CommandAnswer(f"lease {token} of {name} is revoked", {"token": int(token), "resource": name})
        except AskError as error:
            silent.append(f"{name} does not say: {error}")
    why = f"; {'; '.join(silent)}" if silent else ""
    return CommandError(f"no lease {token} is in force{why}; `leases` lists those that are")


COMMANDS: dict[str, Command] = {
    "leases": Command("leases [RESOURCE]", "what is lent to whom, and who waits", _leases),
    "lease": Command("lease TOKEN revoke [REASON]", "take one lease from its holder", _lease, always),
}
