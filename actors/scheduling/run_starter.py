"""The run actors of one job, from outside: begun under `runs`, stopped at their deadline, fenced if they do not stop.

Nothing here waits. What becomes of an attempt comes to the job actor as `RunEnded` or `Down`; what does not become of
it, as `NotStarted`, `DeadlineOver` and `GraceOver`.
"""

import logging

from actors.core.base import Actor
from actors.core.future import AskError, Future
from actors.core.lifecycle import Crashed, ExitReason, NoProcess, Shutdown
from actors.core.runtime import Timer
from actors.core.supervision import ChildSpec, StartChild, Started, WhichChild
from actors.protocol.jobs import DeadlineOver, GraceOver, NotStarted, TakeOver
from actors.scheduling.outcome import Cancelled, Failed, Result
from actors.scheduling.run_actor import Job, RunActor
from actors.scheduling.run_context import RunEnvironment, RunRequest
from domain.jobs.retries import Failure

log = logging.getLogger("roost.work")

GRACE = 5.0  # seconds between the stop of a run past its deadline and its fencing
RUNS = "runs"  # the supervisor of run actors


class RunStarter:
    """What a job actor does with its run actors."""

    def __init__(self, owner: Actor, job: Job, environment: RunEnvironment) -> None:
        self._owner = owner
        self._job = job
        self._deadline = job.spec.deadline
        self._surroundings = environment
        self._limit: Timer | None = None  # of the attempt under way

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
        self._limit = self._owner.after(self._deadline, DeadlineOver(actor))
        asked = self._owner.system.ask_later(RUNS, StartChild(child))
        asked.on_settled(lambda answer: self._answered(actor, answer))

    def take_over(self, actor: str, since: float) -> None:
        """Go on with the attempt of a former incarnation. since: monotonic seconds.

        It may not have begun yet: `runs` answers after it has read what the former incarnation had sent it.
        """
        left = max(0.0, since + self._deadline - self._owner.now())
        self._limit = self._owner.after(left, DeadlineOver(actor))
        asked = self._owner.system.ask_later(RUNS, WhichChild(actor))
        asked.on_settled(lambda _: self._owner.tell_myself(TakeOver(actor)))

    def over(self) -> None:
        """The attempt has ended: its deadline means nothing any more."""
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None

    def exists(self, actor: str) -> bool:
        """Whether it lives now."""
        return self._owner.system.directory.whereis(actor) is not None

    def stop(self, actor: str) -> None:
        """Tell it that its time is over."""
        log.warning("%s: %s is %s; told to stop", self._owner.name, actor, self.past_deadline())
        self._owner.system.stop(actor, Shutdown(self.past_deadline()))
        self._owner.after(GRACE, GraceOver(actor))

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

    def _answered(self, actor: str, answer: Future) -> None:
        """In the thread of whoever settles it: hand it over, if there is anything to say."""
        try:
            said = answer.get(0.0)
        except AskError as error:
            said = error
        if not isinstance(said, Started):
            self._owner.tell_myself(NotStarted(actor, str(said)))
