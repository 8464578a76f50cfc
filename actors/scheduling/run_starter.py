"""The run actors of one job, from outside: begun under `runs`, stopped at their deadline, fenced if they do not stop.

Nothing here waits. What becomes of an attempt comes to the job actor as `RunEnded` or `Down`; what does not become of
it, as the answer to a request of its (`Begun`, `Known`), as `DeadlineOver` and as `GraceOver`.
"""

import logging
from dataclasses import dataclass

from actors.core.base import Actor
from actors.core.lifecycle import Crashed, ExitReason, NoProcess, Shutdown
from actors.core.supervision import ChildSpec, StartChild, WhichChild
from actors.protocol.jobs import DeadlineOver, GraceOver
from actors.scheduling.outcome import Cancelled, Failed, Result
from actors.scheduling.run_actor import Job, RunActor
from actors.scheduling.run_context import RunEnvironment, RunRequest
from domain.jobs.retries import Failure

log = logging.getLogger("roost.work")

GRACE = 5.0  # seconds between the stop of a run past its deadline and its fencing
RUNS = "runs"  # the supervisor of run actors


LIMIT = "limit of the attempt"  # the owner's timer: for its deadline first, then for its grace


@dataclass(frozen=True, slots=True)
class Begun:
    """The job actor's request to `runs`: start this attempt."""

    actor: str


@dataclass(frozen=True, slots=True)
class Known:
    """The job actor's request to `runs`, after a restart: whatever the answer, the attempt of the former incarnation
    has begun by now if it ever will."""

    actor: str


class RunStarter:
    """What a job actor does with its run actors."""

    def __init__(self, owner: Actor, job: Job, environment: RunEnvironment) -> None:
        self._owner = owner
        self._job = job
        self._deadline = job.spec.deadline
        self._surroundings = environment

    def begin(self, actor: str, ticket: RunRequest) -> None:
        """Start the attempt under this name."""
        job, environment = self._job, self._surroundings
        child = ChildSpec(
            id=actor,
            start=lambda: RunActor(job, ticket, environment),
            restart="temporary",
            shutdown=GRACE,
            hang_limit=None,  # its own deadline is the limit
        )
        self._owner.timer(LIMIT, self._deadline, DeadlineOver(actor))
        self._owner.request(Begun(actor), RUNS, StartChild(child))

    def take_over(self, actor: str, since: float) -> None:
        """Go on with the attempt of a former incarnation. since: monotonic seconds.

        It may not have begun yet: `runs` answers after it has read what the former incarnation had sent it.
        """
        left = max(0.0, since + self._deadline - self._owner.now())
        self._owner.timer(LIMIT, left, DeadlineOver(actor))
        self._owner.request(Known(actor), RUNS, WhichChild(actor))

    def over(self) -> None:
        """The attempt has ended: its deadline means nothing any more."""
        self._owner.cancel_timer(LIMIT)

    def exists(self, actor: str) -> bool:
        """Whether it lives now."""
        return self._owner.system.directory.whereis(actor) is not None

    def stop(self, actor: str) -> None:
        """Tell it that its time is over."""
        log.warning("%s: %s is %s; told to stop", self._owner.name, actor, self.past_deadline())
        self._owner.system.stop(actor, Shutdown(self.past_deadline()))
        self._owner.timer(LIMIT, GRACE, GraceOver(actor))

    def fence(self, actor: str) -> None:
        """It did not stop."""
        hung = self._owner.system.directory.whereis(actor)
        if hung is not None:
            log.error(
                "%s: %s did not stop in %g s; fenced, and its leases are revoked", self._owner.name, actor, GRACE
            )
            self._owner.system.fence(hung, self.past_deadline())

    def meaning(self, reason: ExitReason, stopping: bool) -> Result:
        """What the end of an attempt means that did not report its own. stopping: its deadline was over."""
        match reason:
            case Crashed(error):
                return Failed(Failure.CRASHED, f"{type(error).__name__}: {error}")
            case Shutdown():
                return Cancelled(str(reason))
            case NoProcess():
                return Cancelled("it ended while nobody scheduled the job")
            case _ if stopping:
                return Failed(Failure.TIMED_OUT, self.past_deadline())
            case _:
                return Failed(Failure.CRASHED, f"ended without a word ({reason})")

    def past_deadline(self) -> str:
        """For logs and records."""
        return f"past its deadline of {self._deadline:g} s"
