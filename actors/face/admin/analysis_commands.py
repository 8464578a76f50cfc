"""What the operator asks of the analyses: the report, and the knobs, whose every move can be taken back."""

from collections.abc import Mapping
from typing import Any

from actors.face.admin.command import Command, CommandAnswer, CommandError, Reply, UsageError, with_arguments
from actors.face.context import AppContext, plain
from actors.face.http.status import figures
from actors.protocol.resources import LeaseError
from actors.resources.client import Leases
from domain.resources.admission import Budget
from store.analysis import knobs
from store.analysis.knobs import Move, NotReverted

MOST_DIGITS = 18  # of a move's id


def _report(view: AppContext, arguments: list[str], who: str) -> Reply:
    now = plain(figures(view)["analysis"])
    return CommandAnswer("\n".join(report_lines(now)), {name: now[name] for name in ("report", "insights")})


def _knobs(view: AppContext, arguments: list[str], who: str) -> Reply:
    match arguments:
        case []:
            now = plain(figures(view)["analysis"])
            return CommandAnswer("\n".join(knob_lines(now)), {name: now[name] for name in ("knobs", "knob_moves")})
        case ["revert", number] if number.isascii() and number.isdecimal() and len(number) <= MOST_DIGITS:
            try:
                answer = take_back(view, int(number), who)
            except LeaseError as error:
                return CommandError(f"the knob stays as it is: {error}")
        case _:
            return UsageError(COMMANDS["knobs"].usage)
    match answer:
        case Move(knob=knob, value=value):
            return CommandAnswer(f"{knob} is back at {value:g}", plain(answer))
        case NotReverted(why):
            return CommandError(why)


COMMANDS: dict[str, Command] = {
    "report": Command("report", "how the last weeks went, and what follows from it", _report),
    "knobs": Command(
        "knobs [revert MOVE]", "what the optimizer turned and why; or take a move back", _knobs, with_arguments
    ),
}


def report_lines(now: Mapping[str, Any]) -> list[str]:
    """The report and the insights for people. now: as `told`."""
    report = now["report"]
    if report is None:
        return ["no report yet: `analytics` writes the first one about an hour and a quarter after the first boot"]
    return [
        f"as of {report['at']}",
        *report["lines"],
        *(f"insight: {each['text']}" for each in now["insights"]),
    ]


def knob_lines(now: Mapping[str, Any]) -> list[str]:
    """The knobs and their last moves for people. now: as `told`."""
    lines = [
        f"{name:<20}{knob['value']:<8g}{knob['bounds'][0]:g} to {knob['bounds'][1]:g}, at first {knob['default']:g}"
        for name, knob in now["knobs"].items()
    ]
    for move in now["knob_moves"]:
        why = ", ".join(f"{name} {value}" for name, value in move["evidence"].items())
        moved = f"{move['knob']} {move['was']:g} to {move['value']:g}"
        lines.append(f"move {move['id']}  {move['at']}  {moved}, {move['who']}: {why}")
    return lines


def take_back(view: AppContext, move_id: int, who: str) -> Move | NotReverted:
    """Put a knob back to where it stood before a move. Raises LeaseRefused without a database."""
    leases = Leases(view.system, holder="admin", job="admin", priority=1, budget=Budget(database=1))
    with leases.database(wait=3.0, hold=5.0) as connection:
        now = view.system.runtime.calendar()
        return knobs.revert(connection, view.settings.account, move_id, who=who, now=now)
