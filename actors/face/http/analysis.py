"""What the analyses found, for the pages: the report, the insights, the knobs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from actors.face.context import iso
from domain.analysis.insights import Insight
from domain.analysis.knobs import KNOBS, in_force
from store.analysis import insights, knobs, rollups
from store.analysis.knobs import Move
from store.sql import Connection

LAST_MOVES = 12


@dataclass(frozen=True, slots=True)
class Analysis:
    """report: as `domain.analysis.report.as_json`, with its time; None before the first. moves: newest first."""

    report: Mapping[str, Any] | None = None
    insights: tuple[Insight, ...] = ()
    knobs: Mapping[str, float] = field(default_factory=dict)
    moves: tuple[Move, ...] = ()


def read(connection: Connection, account: str) -> Analysis:
    """What is there now."""
    return Analysis(
        report=rollups.newest_report(connection, account),
        insights=insights.newest(connection, account, since=0.0),
        knobs=knobs.values(connection, account),
        moves=knobs.history(connection, account, limit=LAST_MOVES),
    )


def told(found: Analysis) -> dict[str, Any]:
    """The same for `/status`."""
    report = found.report
    return {
        "report": None if report is None else {**report, "at": iso(report["at"])},
        "insights": [{"about": f"{each.dimension} {each.key}", "text": each.text} for each in found.insights],
        "knobs": {
            name: {
                "value": round(value, 4),
                "default": KNOBS[name].default,
                "bounds": [KNOBS[name].low, KNOBS[name].high],
            }
            for name, value in in_force(found.knobs).items()
        },
        "knob_moves": [
            {
                "id": move.id,
                "knob": move.knob,
                "at": iso(move.at),
                "was": round(move.was, 4),
                "value": round(move.value, 4),
                "who": move.who,
                "evidence": move.evidence,
            }
            for move in found.moves
        ],
    }
