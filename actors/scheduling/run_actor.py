"""One attempt of one job, in an actor of its own that may block.

It blocks in its handler, and so needs no second thread; whoever wants it to end sends a Stop, which waits in its
mailbox where the run looks for it (`RunContext.sleep`, `check_cancelled`). One that does not look is fenced, and its
leases are revoked because their holder died: that wakes most of what hangs.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from actors.core.base import Actor
from actors.core.lifecycle import SystemMessage
from actors.scheduling.failures import failure_of
from actors.scheduling.outcome import Cancelled, Failed, Outcome, Result, RunCancelled, Succeeded
from actors.scheduling.run_context import RunContext, RunEnvironment, RunRequest
from domain.jobs.spec import JobSpec


class Job(ABC):
    """What a job is: a spec, and the story of one run. Made once, and used by one run at a time."""

    spec: ClassVar[JobSpec]

    @abstractmethod
    def run(self, ctx: RunContext) -> Outcome:
        """Do the work. Raises `RunFailed` where it cannot be done; any other exception fails the run as well."""


@dataclass(frozen=True, slots=True)
class Begin:
    """To itself: the work, after the start has been reported."""


@dataclass(frozen=True, slots=True)
class RunEnded(SystemMessage):
    """To the job actor. In the system lane, so that it is read before the `Down` that follows it."""

    actor: str
    result: Result


class RunActor(Actor):
    """Makes one attempt, reports how it ended, and ends."""

    def __init__(self, job: Job, ticket: RunRequest, environment: RunEnvironment) -> None:
        super().__init__()
        self.job = job
        self.ticket = ticket
        self.environment = environment

    def on_start(self) -> None:
        # On the owner's behalf, before anything can go wrong: an attempt that ends early is never missed.
        self.system.monitor(self.name, self.ticket.owner)
        self.tell_myself(Begin())

    def receive(self, message: Any) -> Any:
        match message:
            case Begin():
                context = RunContext(self, self.ticket, self.environment)
                result = self._attempt(context)
                if self.tell(self.ticket.owner, RunEnded(self.name, result)):
                    self.system.directory.unwatch(self.name, self.ticket.owner)  # a Down would say nothing new
                self.end()
            case _:
                return super().receive(message)

    def _attempt(self, context: RunContext) -> Result:
        try:
            context.check_cancelled()
            return Succeeded(self.job.run(context))
        except RunCancelled:
            return Cancelled("told to stop")
        except Exception as error:
            failure = failure_of(error)
            if failure is None:
                raise  # nobody foresaw it: let it crash, and the job actor learns of it by Down
            context.log.info("attempt %d of %d failed: %s", context.attempt, context.spec.attempts, error)
            return Failed(failure, str(error))
