"""Settings that the operator changes while Roost runs: which, and what they make of the settings in force.

A flag is a setting under its own name, and the rules that hold between settings hold for it too. One that was stored
and is against them now (`MODE=live` of the sandbox, after a restart on another site) is left out and told, never
obeyed. `None` says: as the environment has it. What is set for one job, its interval and its pause, is kept beside
the flags under the job's name, and so is what the operator orders of a breaker.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from domain.setting_types import InvalidSetting, SettingType
from domain.settings import Problem, Settings, against_each_other, shown

FLAGS = ("POSTING_DISABLED", "MODE", "REPLIES", "THREADS")
DEFAULT = "default"  # what to say for None
OPERATOR = "operator"  # where a value comes from that a flag has set

_KINDS: Mapping[str, SettingType] = {
    column.name.upper(): column.metadata["kind"] for column in fields(Settings) if column.name.upper() in FLAGS
}


@dataclass(frozen=True, slots=True)
class JobControl:
    """What the operator set for one job. interval: calendar seconds, None for its own. paused_by: None if it runs."""

    interval: float | None = None
    paused_by: str | None = None


@dataclass(frozen=True, slots=True)
class BreakerOrder:
    """What the operator orders of a breaker. state: "open" (nothing goes) or "closed" (all goes, whatever fails)."""

    state: Literal["open", "closed"]
    reason: str


def parsed(name: str, text: str) -> Any:
    """The value of a flag as a person writes it; None for `default`. Raises Wrong."""
    if name not in FLAGS:
        raise InvalidSetting("there is no such flag", f"The flags are: {', '.join(FLAGS)}.")
    return None if text == DEFAULT else _KINDS[name].parse(text)


def in_force(settings: Settings, flags: Mapping[str, Any]) -> tuple[Settings, tuple[Problem, ...]]:
    """The settings with these flags in force, and why some of them are not.

    flags: values by name; other names are no business of this function.
    """
    problems: list[Problem] = []
    for name in FLAGS:
        value = flags.get(name)
        if value is None:
            continue
        try:
            known = _KINDS[name].parse(shown(value))
        except InvalidSetting as wrong:
            problems.append(Problem(name, shown(value)[:60], wrong.why, wrong.fix))
            continue
        with_it = replace(settings, **{name.lower(): known}, origins={**settings.origins, name: OPERATOR})
        against = [problem for problem in against_each_other(with_it) if problem.name == name]
        if against:
            problems += against
        else:
            settings = with_it
    return settings, tuple(problems)


def job_flag(job: str) -> str:
    """The name under which a job's control is kept."""
    return f"job:{job}"


def controls(flags: Mapping[str, Any]) -> dict[str, JobControl]:
    """What is set for jobs, by job; what cannot be read as that is left out."""
    found = {}
    for name, value in flags.items():
        kind, _, job = name.partition(":")
        if kind == "job" and job:
            control = _control(value)
            if control is not None:
                found[job] = control
    return found


def breaker_flag(name: str) -> str:
    """The name under which the order to a breaker is kept."""
    return f"breaker:{name}"


def breaker_orders(flags: Mapping[str, Any]) -> dict[str, BreakerOrder | None]:
    """What is ordered of breakers, by name; None: an order that was taken back. What cannot be read is left out."""
    found: dict[str, BreakerOrder | None] = {}
    for flag, value in flags.items():
        kind, _, name = flag.partition(":")
        if kind != "breaker" or not name:
            continue
        match value:
            case None:
                found[name] = None
            case {"state": "open" | "closed" as state, "reason": str() as reason}:
                found[name] = BreakerOrder(state, reason)
    return found


def order_as_value(order: BreakerOrder | None) -> dict[str, Any] | None:
    """An order as JSON keeps it."""
    return None if order is None else {"state": order.state, "reason": order.reason}


def _control(value: Any) -> JobControl | None:
    match value:
        case {"interval": None | int() | float() as interval, "paused_by": None | str() as paused_by}:
            good = interval is None or interval > 0
            return JobControl(None if interval is None else float(interval), paused_by) if good else None
    return None


def as_value(control: JobControl) -> dict[str, Any]:
    """A control as JSON keeps it."""
    return {"interval": control.interval, "paused_by": control.paused_by}
