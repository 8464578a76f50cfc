"""What a job actor can be told and asked, and its answers. Every question is answered at once."""

from dataclasses import dataclass

from domain.flags import JobControl


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


# What it tells itself.


@dataclass(frozen=True, slots=True)
class Due:
    """To itself: tick number `number` is here. Older numbers were rescheduled."""

    number: int


@dataclass(frozen=True, slots=True)
class LookAgain:
    """To itself: see whether the gate is open now."""

    number: int


@dataclass(frozen=True, slots=True)
class TryAgain:
    """To itself: the wait between two attempts is over."""

    run_id: str


@dataclass(frozen=True, slots=True)
class NotStarted:
    """`runs` has not started the attempt, and why."""

    actor: str
    why: str


@dataclass(frozen=True, slots=True)
class TakeOver:
    """After a restart: watch the attempt of the former incarnation, which has begun by now if it ever will."""

    actor: str


@dataclass(frozen=True, slots=True)
class DeadlineOver:
    """To itself: the attempt has had its time."""

    actor: str


@dataclass(frozen=True, slots=True)
class GraceOver:
    """To itself: the attempt was told to stop, and has had its time for that too."""

    actor: str
