"""What a supervisor is asked and answers: OTP's words and cases.

Beside the actors and not beside the supervisors, since the operator's tools and the job actors speak these too and
lie below them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from actors.core.base import Actor
from actors.core.board import Keys
from domain.backoff import Backoff


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What a supervisor needs to know of a child; OTP's words and defaults, in threads' terms.

    id: the child's name in its supervisor and in the directory.
    start: makes the actor object (not yet running): `lambda: MyActor(...)`.
    restart: permanent, transient (restarted only after an abnormal end) or temporary (never).
    shutdown: seconds to stop in, before it is fenced; None is infinity; 0 fences at once (OTP's brutal_kill).
    hang_limit: seconds one handler may run before the incarnation counts as hung; None: no limit. A supervisor's
    handlers start and stop children and have none.
    backoff: how long a restart waits, by its failures in a row; None: not at all.
    reset_after: seconds of life after which a failure counts as the first again.
    start_limit: seconds for its `on_start`; None: no limit. A supervisor's children have theirs, so it has none.
    """

    id: str
    start: "Callable[[], Actor]"
    restart: str = "permanent"
    shutdown: float | None = 5.0
    type: str = "worker"
    significant: bool = False
    backoff: Backoff | None = None
    reset_after: float = 30.0
    hang_limit: float | None = 30.0
    start_limit: float | None = 30.0


@dataclass(frozen=True, slots=True)
class StartChild:
    """Start this child and keep its spec. Answers: Started, Ignored, AlreadyStarted, AlreadyPresent, StartError,
    FaultySpec, TooManyChildren."""

    spec: ChildSpec


@dataclass(frozen=True, slots=True)
class StartFromTemplate:
    """Of a dynamic supervisor with a template: start a child made from these arguments. Answers as `StartChild`."""

    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class TerminateChild:
    """Stop it, or cancel its restart; the spec is kept (temporary and dynamic ones go). Answers: Done, NotFound."""

    id: str


@dataclass(frozen=True, slots=True)
class RestartChild:
    """Start a child that was terminated. Answers: Started, Ignored, StartError, StillRunning, StillRestarting,
    NotFound, NotForDynamic."""

    id: str


@dataclass(frozen=True, slots=True)
class Restart:
    """Stop a child, if it runs, and start it anew; a start that fails is tried again as after a crash.

    Beyond OTP, where it is two questions and a child whose start fails stays down. One whose restart is due already
    is left alone. Answers: Started, Ignored, StartError, StillRestarting, NotFound (a temporary one has been stopped,
    and is gone), NotForDynamic.
    """

    id: str


@dataclass(frozen=True, slots=True)
class DeleteChild:
    """Forget the spec of a terminated child.

    Answers: Done, StillRunning, StillRestarting, NotFound, NotForDynamic.
    """

    id: str


@dataclass(frozen=True, slots=True)
class WhichChildren:
    """Answer: a tuple of ChildInfo, newest first; dynamic ones by incarnation, oldest first, restarting ones last."""


@dataclass(frozen=True, slots=True)
class WhichChild:
    """Answers: ChildInfo, NotFound."""

    id: str


@dataclass(frozen=True, slots=True)
class CountChildren:
    """Answer: ChildCounts."""


@dataclass(frozen=True, slots=True)
class GetChildSpec:
    """Answers: ChildSpec, as it was given; NotFound."""

    id: str


@dataclass(frozen=True, slots=True)
class Started:
    """The child runs. info: what its `on_start` returned."""

    id: str
    generation: int
    info: Any = None


@dataclass(frozen=True, slots=True)
class Ignored:
    """Its `on_start` raised Ignore: no process, and no error (OTP's `{ok, undefined}`)."""

    id: str


@dataclass(frozen=True, slots=True)
class Done:
    """It is so now (OTP's `ok`)."""


@dataclass(frozen=True, slots=True)
class AlreadyStarted:
    """A child of that id runs."""

    id: str
    generation: int


@dataclass(frozen=True, slots=True)
class AlreadyPresent:
    """A child of that id is known, and does not run."""

    id: str


@dataclass(frozen=True, slots=True)
class StartError:
    """It could not start. cause: as raised."""

    id: str
    cause: BaseException


@dataclass(frozen=True, slots=True)
class SpecFault:
    """One thing that is wrong with a spec or with flags. reason: OTP's word, such as `invalid_restart_type`."""

    reason: str
    value: Any


@dataclass(frozen=True, slots=True)
class FaultySpec:
    """The spec is no spec; all its faults."""

    faults: tuple[SpecFault, ...]


@dataclass(frozen=True, slots=True)
class TooManyChildren:
    """The dynamic supervisor has as many children as it may."""

    limit: int


@dataclass(frozen=True, slots=True)
class NotFound:
    """No child of that id."""

    id: str


@dataclass(frozen=True, slots=True)
class StillRunning:
    """Not while it runs."""

    id: str


@dataclass(frozen=True, slots=True)
class StillRestarting:
    """Not while a restart of it is due."""

    id: str


@dataclass(frozen=True, slots=True)
class NotForDynamic:
    """A dynamic supervisor keeps no child that does not run (OTP's `simple_one_for_one` error)."""


@dataclass(frozen=True, slots=True)
class ChildInfo:
    """One child. state: running, restarting or undefined (OTP's word: its spec is kept, it does not run).

    generation: None unless it runs. restarts: since its supervisor started. last_reason: of its last end.
    """

    id: str
    type: str
    state: str
    generation: int | None
    restarts: int = 0
    last_reason: str | None = None


@dataclass(frozen=True, slots=True)
class ChildCounts:
    """specs: known. active: running. supervisors, workers: known ones by type, running or not."""

    specs: int
    active: int
    supervisors: int
    workers: int


@dataclass(frozen=True, slots=True)
class RestartRecord:
    """One restart. at: real Unix seconds. generation: the new one. seconds: from the end to serving again."""

    at: float
    id: str
    reason: str
    generation: int
    seconds: float


@dataclass(frozen=True, slots=True)
class SupervisorSnapshot:
    """On the board under `supervisor:<name>`.

    children: in start order (dynamic: too). history: the last 50 restarts, newest last. restarts: (child, kind of
    reason, number) since the supervisor started. restart_seconds: (upper bound, cumulated number). cooling_until:
    monotonic seconds; None unless it waits at its restart limit.
    """

    name: str
    strategy: str
    children: tuple[ChildInfo, ...]
    history: tuple[RestartRecord, ...]
    restarts: tuple[tuple[str, str, int], ...]
    restart_seconds: tuple[tuple[float, int], ...]
    cooling_until: float | None = None


SUPERVISOR = Keys[SupervisorSnapshot]("supervisor:")
