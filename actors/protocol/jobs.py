"""What a job is doing and has done: the values that its actor keeps, shows on the board and starts again from.

The snapshot on the board is the job actor's whole memory, so a new incarnation goes on where the last one was.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from actors.core.board import Keys
from actors.core.sender import Asker, Teller
from domain.flags import JobControl
from domain.jobs.health import Record
from domain.jobs.spec import JobSpec

EndWord = Literal["succeeded", "failed", "skipped", "cancelled"]

REMEMBERED = 20  # ends of runs that the success rate is taken from


@dataclass(frozen=True, slots=True)
class Waiting:
    """For its next tick."""


@dataclass(frozen=True, slots=True)
class Gated:
    """It is due, and may not run now. It is looked at again while these reasons stand."""

    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Running:
    """An attempt is at work. actor: its name. since: monotonic seconds. stopping: its deadline is over."""

    actor: str
    since: float
    stopping: bool = False


@dataclass(frozen=True, slots=True)
class BackingOff:
    """An attempt failed; the next one comes at `until` (monotonic seconds). gate: why not yet, though it is past."""

    reason: str
    until: float
    gate: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Paused:
    """By the operator."""

    by: str


State = Waiting | Gated | Running | BackingOff | Paused


def word(state: State) -> str:
    """The state in the words of the operator's page."""
    match state:
        case Waiting():
            return "waiting"
        case Gated():
            return "gated"
        case Running():
            return "running"
        case BackingOff():
            return "backing off"
        case Paused():
            return "paused"


@dataclass(frozen=True, slots=True)
class Run:
    """The run under way: one or more attempts. began: calendar seconds. attempt: from 1."""

    run_id: str
    began: float
    attempt: int
    asked_by: str  # "schedule", or whoever asked for it now


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a run. outcome: succeeded, failed or cancelled. at: calendar. seconds: real, of all attempts."""

    run_id: str
    outcome: EndWord
    reason: str
    at: float
    seconds: float
    attempts: int
    done: int = 0
    of: int = 0
    detail: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """To the recorder: one row of the run history. Times are calendar seconds."""

    run_id: str
    job: str
    started_at: float
    ended_at: float
    outcome: EndWord
    attempts: int
    reason: str | None = None
    detail: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def of_skip(cls, job: str, run_id: str, at: float, kind: str, reasons: tuple[str, ...]) -> "RunRecord":
        """The row of a run that was not admitted."""
        return cls(run_id, job, at, at, "skipped", 0, "; ".join(reasons), {"kind": kind})

    @classmethod
    def of_run(cls, job: str, run: Run, end: Ended, without: tuple[str, ...]) -> "RunRecord":
        """The row of a run that has ended."""
        detail = {"done": end.done, "of": end.of, "seconds": round(end.seconds, 3), "asked_by": run.asked_by}
        more = {"without": list(without)} if without else {}
        reason = end.reason or None
        return cls(
            run.run_id, job, run.began, end.at, end.outcome, end.attempts, reason, {**detail, **more, **end.detail}
        )


@dataclass(frozen=True, slots=True)
class JobSnapshot:
    """A job at one moment. Times are calendar seconds but where a name says otherwise.

    interval: in force now. every: without the level's factor. override: the operator's interval, seconds.
    started: attempts ever begun in this process. skips: by reason, as (reason, count). recent: the last ends, newest
    last, True for success. factor: the level's, on the interval.
    """

    spec: JobSpec
    state: State
    interval: float
    factor: float = 1.0
    override: float | None = None
    paused_by: str | None = None
    run: Run | None = None
    next_due: float | None = None
    grid: float | None = None
    last_start: float | None = None
    last_success: float | None = None
    last_end: Ended | None = None
    started: int = 0
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    skips: tuple[tuple[str, int], ...] = ()
    recent: tuple[bool, ...] = ()
    seconds_total: float = 0.0
    notes: tuple[str, ...] = ()  # what the last run had to do without
    changed_at: float = 0.0
    stopped: str | None = None  # why the level lets it not run, if so

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def success_rate(self) -> float | None:
        """The share of the last runs that succeeded; None before the first."""
        return sum(self.recent) / len(self.recent) if self.recent else None

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is in its state, one line each."""
        match self.state:
            case Gated(reasons):
                return reasons
            case BackingOff(reason, gate=gate):
                return (reason, *gate)
            case Paused(by):
                return (f"paused by {by}",)
            case Running(stopping=True):
                return ("past its deadline, told to stop",)
            case _:
                return ()

    def skipped(self, reason: str, times: int = 1) -> "JobSnapshot":
        """One more tick (or several) without a run."""
        counts = dict(self.skips)
        counts[reason] = counts.get(reason, 0) + times
        return replace(self, skips=tuple(sorted(counts.items())))

    def changed_by(self, end: Ended) -> dict[str, Any]:
        """The fields that the end of its run changes, with their new values; the state is the caller's to change."""
        success = end.outcome == "succeeded"
        return {
            "run": None,
            "last_end": end,
            "last_success": end.at if success else self.last_success,
            "succeeded": self.succeeded + success,
            "failed": self.failed + (end.outcome == "failed"),
            "cancelled": self.cancelled + (end.outcome == "cancelled"),
            "recent": (*self.recent, success)[-REMEMBERED:] if end.outcome != "cancelled" else self.recent,
            "seconds_total": self.seconds_total + end.seconds,
        }

    def record(self) -> Record:
        """As the rules of health and the watchdog want it."""
        return Record(
            interval=self.interval,
            last_start=self.last_start,
            last_success=self.last_success,
            running_since=self.state.since if isinstance(self.state, Running) else None,
            expected=self.expected,
        )

    @property
    def expected(self) -> bool:
        """Whether it is meant to run at all now."""
        if self.spec.once and self.last_start is not None:
            return False
        return self.paused_by is None and self.stopped is None


JOB = Keys[JobSnapshot]("job:")


@dataclass(frozen=True, slots=True)
class RunNow:
    """Run without waiting for the tick. by: whoever asks, for the record. though_paused: if it is paused as well."""

    by: str
    though_paused: bool = False


@dataclass(frozen=True, slots=True)
class Accepted:
    """It runs. run_id: as in the run history."""

    run_id: str


@dataclass(frozen=True, slots=True)
class Busy:
    """It is running already."""

    actor: str


@dataclass(frozen=True, slots=True)
class Barred:
    """It may not run now, for these reasons."""

    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pause:
    """Start no further run. The one at work is not stopped."""

    by: str


@dataclass(frozen=True, slots=True)
class Resume:
    """End the pause; the next tick runs."""


@dataclass(frozen=True, slots=True)
class PauseSet:
    """The answer to `Pause` and `Resume`."""

    job: str
    paused: bool


@dataclass(frozen=True, slots=True)
class SetInterval:
    """Run every so many calendar seconds, before the level's factor. None: as the spec and the settings say."""

    seconds: float | None


@dataclass(frozen=True, slots=True)
class IntervalSet:
    """The answer to `SetInterval`. interval: in force now, calendar seconds."""

    job: str
    interval: float


@dataclass(frozen=True, slots=True)
class Controlled:
    """From the flags' actor: what the operator set for this job, in an earlier life or on another instance."""

    control: JobControl


@dataclass(frozen=True, slots=True)
class Recall:
    """To the recorder: tell me `Recalled` as soon as you know."""

    job: str


@dataclass(frozen=True, slots=True)
class Recalled:
    """When the job last ran in earlier lives of Roost, calendar seconds; None if it never did."""

    last_start: float | None
    last_success: float | None


@dataclass(frozen=True, slots=True)
class Due:
    """To itself: the next tick is here."""


@dataclass(frozen=True, slots=True)
class LookAgain:
    """To itself: see whether the gate is open now."""


@dataclass(frozen=True, slots=True)
class TryAgain:
    """To itself: the wait between two attempts is over."""


@dataclass(frozen=True, slots=True)
class DeadlineOver:
    """To itself: the attempt has had its time."""

    actor: str


@dataclass(frozen=True, slots=True)
class GraceOver:
    """To itself: the attempt was told to stop, and has had its time for that too."""

    actor: str


# What a job's actor is told and asked: `job` is the job's name.


def run_now(
    by: Asker, job: str, who: str, timeout: float, *, though_paused: bool = False
) -> Accepted | Busy | Barred:
    """As `RunNow`."""
    answer: Accepted | Busy | Barred = by.ask(f"job:{job}", RunNow(who, though_paused), timeout)
    return answer


def nudge(by: Teller, job: str, who: str) -> bool:
    """Let it run now, if it may; whoever says so does not wait to hear it."""
    return by.tell(f"job:{job}", RunNow(who))


def pause(by: Asker, job: str, who: str, timeout: float) -> PauseSet:
    """As `Pause`."""
    answer: PauseSet = by.ask(f"job:{job}", Pause(who), timeout)
    return answer


def resume(by: Asker, job: str, timeout: float) -> PauseSet:
    """As `Resume`."""
    answer: PauseSet = by.ask(f"job:{job}", Resume(), timeout)
    return answer


def set_interval(by: Asker, job: str, seconds: float | None, timeout: float) -> IntervalSet:
    """As `SetInterval`. Raises CallerError where it is none."""
    answer: IntervalSet = by.ask(f"job:{job}", SetInterval(seconds), timeout)
    return answer


def control(by: Teller, job: str, control: JobControl) -> bool:
    """As `Controlled`."""
    return by.tell(f"job:{job}", Controlled(control))


# What the recorder is told.


def record(by: Teller, run: RunRecord) -> bool:
    """One row of the run history."""
    return by.tell("recorder", run)


def recall(by: Teller, job: str) -> bool:
    """Have `Recalled` told to the job's actor. False: there is no recorder."""
    return by.tell("recorder", Recall(job))
