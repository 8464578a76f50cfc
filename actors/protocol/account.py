"""What belongs to the account: the lane, the flags, and what the operator orders of breakers."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from actors.core.board import Board, Key
from actors.core.sender import Asker, Teller
from domain import flags as rules
from domain.flags import BreakerOrder, JobControl
from domain.settings import Settings
from store.flags import Flag
from store.lane import Lane


@dataclass(frozen=True, slots=True)
class Holding:
    """The lane is ours. until: monotonic seconds. stopped: why the site refuses the account, if it does."""

    lane: Lane
    until: float
    stopped: str | None


@dataclass(frozen=True, slots=True)
class StandingBy:
    """It is not ours. why: one line. stopped: why the site refuses the account, as far as it is known here.

    holder: the other instance that has it, where that is known.
    """

    why: str
    stopped: str | None = None
    holder: str | None = None


LaneState = Holding | StandingBy
LANE: Key[LaneState] = Key("lane", StandingBy("not asked yet"))


@dataclass(frozen=True, slots=True)
class StopAccount:
    """The site refused the account: nothing more is claimed or sent for it from now on. at: calendar seconds."""

    reason: str
    at: float


@dataclass(frozen=True, slots=True)
class ClearStop:
    """A person says that the account may act again. The answer comes once it is written: whether it was stopped."""


@dataclass(frozen=True, slots=True)
class SetFlag:
    """Set a flag, as a person writes it; `default` gives it back to the environment.

    The answer is `FlagSet`; CallerError where the value is none, or is against other settings.
    """

    name: str
    text: str
    by: str


@dataclass(frozen=True, slots=True)
class FlagSet:
    """It is in force. kept: whether the journal has it; if not, a kill before Postgres has it loses it."""

    flag: Flag
    kept: bool


@dataclass(frozen=True, slots=True)
class KeepJob:
    """From a job actor: this is what the operator set for it."""

    job: str
    control: JobControl
    by: str


@dataclass(frozen=True, slots=True)
class OrderBreaker:
    """By the operator: hold this breaker (a resource's name, or `PUBLISHING`) open or closed, or let it be (None).

    The answer is `FlagSet`.
    """

    name: str
    order: BreakerOrder | None
    by: str


@dataclass(frozen=True, slots=True)
class AreKept:
    """The answer, True, comes when all that was set before is on the journal's disk; CannotAnswer if it is not."""


@dataclass(frozen=True, slots=True)
class FlagsState:
    """On the board under "flags". known: what was set before is in it. problems: stored flags that are not obeyed."""

    known: bool
    flags: Mapping[str, Flag]
    problems: tuple[str, ...] = ()

    def control(self, job: str) -> JobControl | None:
        """What is set for the job, if anything ever was."""
        name = rules.job_flag(job)
        flag = self.flags.get(name)
        return rules.controls({name: flag.value}).get(job) if flag is not None else None

    def breaker_order(self, breaker: str) -> BreakerOrder | None:
        """What is ordered of the breaker, if anything is."""
        name = rules.breaker_flag(breaker)
        flag = self.flags.get(name)
        return rules.breaker_orders({name: flag.value}).get(breaker) if flag is not None else None


FLAGS = Key("flags", FlagsState(True, MappingProxyType({})))  # where nobody owns flags, there are none


def settings_in_force(base: Settings, board: Board, stored: Mapping[str, Flag] | None = None) -> Settings:
    """The settings with the newest flags. stored: those that Postgres has, where they have just been read."""
    here = board[FLAGS].flags
    flags = newest(here, stored) if stored else here
    return rules.in_force(base, {name: flag.value for name, flag in flags.items()})[0]


def newest(one: Mapping[str, Flag], other: Mapping[str, Flag]) -> dict[str, Flag]:
    """Of each flag the one that was set last."""
    found = dict(one)
    for name, flag in other.items():
        if name not in found or found[name].at < flag.at:
            found[name] = flag
    return found


PUBLISHING = "publishing"  # the name of publishing's own breaker; the others are the resources'


# What the flags' actor and the lane are told and asked.


def set_flag(by: Asker, name: str, text: str, who: str, timeout: float) -> FlagSet:
    """As `SetFlag`. Raises CallerError where the value is none, or is against other settings."""
    answer: FlagSet = by.ask("flags", SetFlag(name, text, who), timeout)
    return answer


def order_breaker(by: Asker, name: str, order: BreakerOrder | None, who: str, timeout: float) -> FlagSet:
    """As `OrderBreaker`."""
    answer: FlagSet = by.ask("flags", OrderBreaker(name, order, who), timeout)
    return answer


def await_kept(by: Asker, timeout: float) -> None:
    """Return once all that was set before is on the journal's disk. Raises CannotAnswer if it is not."""
    by.ask("flags", AreKept(), timeout)


def keep_job(by: Teller, job: str, control: JobControl, who: str) -> bool:
    """What the operator set for the job, to be kept."""
    return by.tell("flags", KeepJob(job, control, who))


def stop_account(by: Teller, reason: str, at: float) -> bool:
    """Nothing more is claimed or sent for the account. at: calendar seconds."""
    return by.tell("lane", StopAccount(reason, at))


def clear_stop(by: Asker, timeout: float) -> bool:
    """A person says that the account may act again. Returns whether it was stopped, once that is written."""
    return bool(by.ask("lane", ClearStop(), timeout))
