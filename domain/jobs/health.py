"""Is a job doing its work? For those that depend on it (the gate), and for the watchdog.

Both count from the latest of what happened to the job, the boot and the last change of level: after either of the
latter a job must first be given the time to run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from domain.calendar import MINUTE
from domain.jobs.spec import JobSpec, Kind

HEALTHY_INTERVALS = 1.5
OVERDUE_INTERVALS = 1.5
SILENT_INTERVALS = 2.0
SILENT_AT_LEAST = 30 * MINUTE


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of a job's runs. Calendar seconds, except `running_since`.

    interval: in force now. running_since: monotonic seconds, while a run is under way.
    expected: False where it is not meant to run (paused by the operator or the level, or a `once` job that ran).
    """

    interval: float
    last_start: float | None = None
    last_success: float | None = None
    running_since: float | None = None
    expected: bool = True


@dataclass(frozen=True, slots=True)
class Healthy:
    """It succeeded lately, or has not had the time to."""


@dataclass(frozen=True, slots=True)
class Unhealthy:
    """It did not succeed for too long."""

    reason: str


def health(name: str, record: Record, boot: float, level_changed: float, now: float) -> Healthy | Unhealthy:
    """Whether a job that requires this one can count on it. All times calendar seconds."""
    since = max(boot, level_changed, boot if record.last_success is None else record.last_success)
    allowed = HEALTHY_INTERVALS * record.interval
    if now - since <= allowed:
        return Healthy()
    last = (
        "has not succeeded yet"
        if record.last_success is None
        else f"last succeeded {now - record.last_success:.0f} s ago"
    )
    return Unhealthy(f"{name} {last}; {allowed:.0f} s allowed (1.5 × its interval of {record.interval:.0f} s)")


@dataclass(frozen=True, slots=True)
class Proceed:
    """Run. without: why a required job that is not strictly needed is unhealthy, one line each."""

    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Skip:
    """Do not run this time; the reasons are recorded."""

    reasons: tuple[str, ...]


def gate(spec: JobSpec, required: Mapping[str, Healthy | Unhealthy]) -> Proceed | Skip:
    """What the health of the jobs it requires makes of a run. Raises KeyError where one's health is not given."""
    needed, wished = [], []
    for requirement in spec.requirements:
        match required[requirement.job]:
            case Unhealthy(reason) if requirement.needed:
                needed.append(reason)
            case Unhealthy(reason):
                wished.append(reason)
            case Healthy():
                pass
    return Skip(tuple(needed)) if needed else Proceed(tuple(wished))


class Trouble(Enum):
    """What the watchdog holds against a job."""

    OVERDUE = "overdue"
    PAST_DEADLINE = "past its deadline"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Finding:
    """One trouble of one job. by: seconds beyond what is allowed (real for PAST_DEADLINE, else calendar)."""

    job: str
    trouble: Trouble
    by: float


def findings(
    spec: JobSpec,
    record: Record,
    boot: float,
    level_changed: float,
    now: float,
    monotonic: float,
    speed: float = 1.0,
) -> tuple[Finding, ...]:
    """What the watchdog has to say of a job; nothing for one that is not expected to run.

    now, boot, level_changed: calendar seconds. monotonic: real seconds, as `record.running_since`.
    speed: calendar seconds in a real one. Where the calendar runs fast, an interval may be shorter than a run can be;
    then what is allowed is counted in the run's deadline instead.
    """
    found = []
    if record.running_since is not None:
        over = monotonic - record.running_since - spec.deadline
        if over > 0:
            found.append(Finding(spec.name, Trouble.PAST_DEADLINE, over))
    if record.expected:
        interval = max(record.interval, spec.deadline * speed)
        since_start = max(boot, level_changed, boot if record.last_start is None else record.last_start)
        overdue = now - since_start - OVERDUE_INTERVALS * interval
        if overdue > 0 and record.running_since is None:
            found.append(Finding(spec.name, Trouble.OVERDUE, overdue))
        since_success = max(boot, level_changed, boot if record.last_success is None else record.last_success)
        silent = now - since_success - max(SILENT_INTERVALS * interval, SILENT_AT_LEAST)
        if spec.kind is Kind.CRITICAL and silent > 0:
            found.append(Finding(spec.name, Trouble.SILENT, silent))
    return tuple(found)


class Step(Enum):
    """What the watchdog does, in this order, about a job that stays in trouble."""

    NUDGE = "nudge"
    RESTART = "restart"
    ALERT = "alert"


@dataclass(frozen=True, slots=True)
class Escalation:
    """The last step taken for a job in trouble, and when (calendar seconds)."""

    step: Step
    at: float


def escalated(last: Escalation | None, now: float, patience: float) -> Escalation | None:
    """The next step for a job still in trouble, or None while the last one may yet help.

    patience: calendar seconds that each step is given. The alert is not repeated: the caller forgets the escalation
    when the trouble is over.
    """
    match last:
        case None:
            return Escalation(Step.NUDGE, now)
        case Escalation(Step.ALERT):
            return None
        case Escalation(step, at) if now - at >= patience:
            return Escalation(Step.RESTART if step is Step.NUDGE else Step.ALERT, now)
        case _:
            return None
