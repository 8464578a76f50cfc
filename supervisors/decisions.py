"""What a supervisor decides, as functions of values: no actor, no clock, no thread.

Each answers one question of OTP's `supervisor.erl`, one clause a case; `supervisor.py` does what they say.
"""

from collections.abc import Iterable, Sequence
from enum import Enum, auto
from typing import Protocol

from actors.core.lifecycle import Crashed, ExitReason, Killed, Normal, Shutdown
from actors.core.supervision import ChildSpec


class After(Enum):
    """What becomes of a child that ended by itself."""

    RESTART = auto()
    KEEP = auto()  # its spec is kept; it does not run
    FORGET = auto()


def is_abnormal(reason: ExitReason) -> bool:
    """Whether a transient child is restarted after it."""
    match reason:
        case Normal() | Shutdown():
            return False
        case _:
            return True


def is_reported(restart: str, reason: ExitReason) -> bool:
    """Whether a child's own end is news for the log: of a permanent one always, since it should not have ended."""
    return restart == "permanent" or is_abnormal(reason)


def is_ordered(restart: str, shutdown: float | None, reason: ExitReason) -> bool:
    """Whether a child that was stopped has ended as it was told to; any other reason is reported.

    Source: OTP's `shutdown/1`. A permanent child is not to end by itself, so of it only the plain order counts.
    shutdown: as in its spec.
    """
    match reason:
        case Shutdown(""):
            return shutdown != 0 or restart != "permanent"
        case Shutdown() | Normal():
            return restart != "permanent"
        case Killed():
            return shutdown == 0
        case _:
            return False


def after_exit(restart: str, reason: ExitReason) -> After:
    """OTP's `do_restart`: restart is the spec's restart type."""
    match restart:
        case "permanent":
            return After.RESTART
        case "transient":
            return After.RESTART if is_abnormal(reason) else After.KEEP
        case _:
            return After.FORGET


def affected(strategy: str, ids: Sequence[str], failed: str) -> list[str]:
    """Whom a restart of `failed` takes with it, itself included, in start order. ids: all, in start order."""
    match strategy:
        case "one_for_all":
            return list(ids)
        case "rest_for_one":
            return list(ids[ids.index(failed) :])
        case _:
            return [failed]


class HasEnd(Protocol):
    """What the decision of auto_shutdown looks at."""

    @property
    def spec(self) -> ChildSpec: ...
    @property
    def state(self) -> str: ...


def shuts_down(auto_shutdown: str, ended: ChildSpec, others: Iterable[HasEnd]) -> bool:
    """Whether the end of `ended`, which is not restarted, ends the supervisor. A restarting child still counts."""
    match auto_shutdown:
        case "any_significant":
            return ended.significant
        case "all_significant":
            return ended.significant and all(
                other.state == "undefined" for other in others if other.spec.significant and other.spec.id != ended.id
            )
        case _:
            return False


def kind_of(reason: ExitReason) -> str:
    """The reason in one word, for a metric's label."""
    match reason:
        case Normal():
            return "normal"
        case Shutdown():
            return "shutdown"
        case Crashed():
            return "crashed"
        case Killed():
            return "killed"
        case _:
            return "no process"


def hung(looks: Sequence[tuple[float, float | None]], now: float) -> tuple[list[int], float | None]:
    """Which children run past their limit (by index), and when to look again; None: there is nobody to look at.

    looks: (limit in seconds, since when a handler runs or None). Looking again one limit after a child was seen idle
    misses nothing: a handler that began right after the look passes its limit then, and no sooner.
    """
    over, next_look = [], None
    for index, (limit, since) in enumerate(looks):
        due = (now if since is None else since) + limit
        if due <= now:
            over.append(index)
            due = now + limit
        next_look = due if next_look is None else min(next_look, due)
    return over, next_look
