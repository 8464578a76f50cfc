"""One actor for every job: when it runs, whether it may, what follows a failure. The work itself is a run's.

Waiting → (gated) → running → (backing off → running) → waiting, or paused. Whether a run may start is `gate`'s to
say, when it is due `domain.jobs.schedule`'s, whether a failure is tried again `domain.jobs.retries`'. Here is only
what they need: timers, the board, and the run actor under `runs`. A handler never waits: the run is started by an ask
whose answer comes back as a message, and ends with `RunEnded` or `Down`.
"""

import logging
import math
from dataclasses import replace
from typing import Any

from actors.core.base import Actor
from actors.core.future import CallerError
from actors.core.lifecycle import Down, ExitReason, TaskDone, TaskFailed
from actors.core.supervision import Started
from actors.protocol.account import FLAGS, keep_job
from actors.protocol.health import LevelChanged
from actors.protocol.jobs import (
    JOB,
    Accepted,
    BackingOff,
    Barred,
    Busy,
    Controlled,
    DeadlineOver,
    Due,
    Ended,
    EndWord,
    Gated,
    GraceOver,
    IntervalSet,
    JobSnapshot,
    LookAgain,
    Pause,
    Paused,
    PauseSet,
    Recalled,
    Resume,
    Run,
    Running,
    RunNow,
    RunRecord,
    SetInterval,
    State,
    TryAgain,
    Waiting,
    recall,
    record,
)
from actors.scheduling import admission as gate
from actors.scheduling.outcome import Cancelled, Failed, Outcome, Result, Succeeded
from actors.scheduling.run_actor import Job, RunEnded
from actors.scheduling.run_context import RunEnvironment, RunRequest
from actors.scheduling.run_starter import Begun, Known, RunStarter
from actors.scheduling.ticks import Place, Ticks
from domain.calendar import minutes
from domain.flags import JobControl
from domain.jobs import retries
from domain.jobs.retries import Failure, GiveUp, RetryIn
from domain.jobs.schedule import interval_in_force
from domain.resources.admission import Admitted, Skipped
from domain.resources.effects import Goes
from domain.resources.leases import NextUse

log = logging.getLogger("roost.work")

LOOK_AGAIN = 10.0  # seconds between looks at the gate while a run is due and may not start
LOOK, RETRY = "look at the gate", "another attempt"  # timers: each means something in one state, and ends with it
RECALL_SECONDS = 10.0  # the most that a first run waits to learn when the job ran last, in an earlier life


class JobActor(Actor):
    """Schedules one job. Its snapshot on the board is its memory: a new incarnation goes on from there."""

    def __init__(self, job: Job, place: Place, environment: RunEnvironment) -> None:
        super().__init__()
        self.spec = job.spec
        self.key = JOB(job.spec.name)
        self.place = place
        self.every = minutes(environment.settings.job_intervals.get(self.spec.name, 0.0)) or self.spec.every
        self.rng = self.system.runtime.random(self.name)
        self.book = JobSnapshot(self.spec, Waiting(), interval=self.every)
        self.ticks = Ticks(self, self.spec, place, self.rng)
        self.attempts = RunStarter(self, job, environment)
        self._begun_at = 0.0  # monotonic start of the run under way
        self._recall_until: float | None = None

    def on_start(self) -> None:
        before = self.system.board[self.key]
        if before is not None:
            self.book = replace(before, spec=self.spec, state=Waiting())
        self._take_controls()
        self._take_level()
        if before is not None:
            self._go_on(before.state)
        else:
            self.book = replace(self.book, state=self._at_rest())
            self.ticks.first(None, self.book.interval)
            if recall(self, self.spec.name):
                self._recall_until = self.now() + RECALL_SECONDS
        self._become(self.book.state)

    def terminate(self, reason: ExitReason) -> None:
        if self.system.in_transit and self.book.run is not None:
            # All ends, and no incarnation comes that could take the run over. What it has done is done all the same.
            self._end_run("cancelled", "Roost was stopped")

    def receive(self, message: Any) -> Any:
        match message:
            case Due():
                self._on_tick()
            case LookAgain():
                self._try_to_run()
            case TaskDone(Begun(), Started()):
                pass  # it says itself how it ends
            case TaskDone(Begun(actor), why) | TaskFailed(Begun(actor), why):
                self._on_not_started(actor, str(why))
            case TaskDone(Known(actor)) | TaskFailed(Known(actor)):
                self.monitor(actor)
            case RunEnded(actor, result) if self._is_mine(actor):
                self._on_result(result)
            case Down(actor, _, reason) if self._is_mine(actor):
                self._on_result(self.attempts.meaning(reason, self._is_stopping()))
            case RunEnded() | Down():
                pass  # of an attempt that has been counted as ended
            case DeadlineOver(actor):
                self._stop_run(actor)
            case GraceOver(actor):
                self.attempts.fence(actor)
            case TryAgain():
                self._on_try_again()
            case LevelChanged():
                self._on_level()
            case Recalled():
                self._on_recalled(message)
            case RunNow(by, though_paused):
                return self._run_now(by, though_paused)
            case Pause(by):
                return self._kept(self._pause(by))
            case Resume():
                return self._kept(self._resume())
            case SetInterval(seconds):
                return self._kept(self._set_interval(seconds))
            case Controlled(control):
                self._obey(control)
            case _:
                return super().receive(message)

    # ticks

    def _on_tick(self) -> None:
        if self._recall_until is not None and self.now() < self._recall_until:
            self.ticks.put_off(min(1.0, self._recall_until - self.now()))
            return
        tick = self.ticks.next
        assert tick is not None
        if tick.missed:
            self.book = self.book.skipped("missed", tick.missed)
        # Nothing follows on the heels of a start that was asked for between two others.
        not_before = self.calendar() + self.book.interval / 2 if tick.extra else 0.0
        self.ticks.after(tick.grid, self.book.interval, not_before)
        match self.book.state:
            case Running() | BackingOff():
                self._become(self.book.state, skip="overlap", grid=tick.grid)
            case Paused():
                self._become(self.book.state, skip="paused", grid=tick.grid)
            case _:
                self._try_to_run(tick.grid)

    # the gate

    def _try_to_run(self, tick: float | None = None) -> None:
        """tick: where on the grid it stands, if this is the first look of a tick."""
        match gate.look(self.system, self.spec, self.place.boot):
            case Admitted() as admitted:
                self._begin_run("schedule", admitted, tick)
            case Skipped() as skipped:
                self._stay_gated(skipped, tick)

    def _stay_gated(self, skipped: Skipped, tick: float | None) -> None:
        kind, reasons = skipped.reasons[0].why.value, tuple(reason.text for reason in skipped.reasons)
        if tick is not None and not isinstance(self.book.state, Gated):
            # One row for each time that the gate closes; every tick is counted all the same.
            run_id = self.system.runtime.new_id()
            record(self, RunRecord.of_skip(self.spec.name, run_id, self.calendar(), kind, reasons))
        if tick is None:
            self._become(Gated(reasons))
        else:
            self._become(Gated(reasons), skip=kind, grid=tick)
        self.timer(LOOK, LOOK_AGAIN, LookAgain())

    # runs

    def _begin_run(self, asked_by: str, admitted: Admitted, tick: float | None = None) -> str:
        """Returns its id. tick: the grid's, if it begins at one."""
        now = self.calendar()
        self._begun_at = self.now()
        grid = self.book.grid if tick is None else tick
        if isinstance(self.book.state, Gated) and grid is not None:
            # It comes late: the next tick must not follow on its heels.
            self.ticks.after(grid, self.book.interval, not_before=now + self.book.interval / 2)
        run = Run(self.system.runtime.new_id(), now, 1, asked_by)
        self._begin_attempt(admitted, run, last_start=now, grid=now if grid is None else grid)
        return run.run_id

    def _begin_another_attempt(self, admitted: Admitted) -> str:
        assert self.book.run is not None
        run = replace(self.book.run, attempt=self.book.run.attempt + 1)
        self._begin_attempt(admitted, run)
        return run.run_id

    def _begin_attempt(self, admitted: Admitted, run: Run, **more: Any) -> None:
        actor = f"run:{self.spec.name}:{self.book.started + 1}"
        ticket = RunRequest(
            self.spec, self.name, run.run_id, run.attempt, admitted.budget, admitted.effects, admitted.missing
        )
        self._become(
            Running(actor, since=self.now()), run=run, started=self.book.started + 1, notes=admitted.missing, **more
        )
        self.attempts.begin(actor, ticket)

    def _on_not_started(self, actor: str, why: str) -> None:
        if self._is_mine(actor) and not self.attempts.exists(actor):
            self._on_result(Failed(Failure.UNAVAILABLE, f"the run could not be started: {why}"))

    def _is_mine(self, actor: str) -> bool:
        return isinstance(self.book.state, Running) and self.book.state.actor == actor

    def _is_stopping(self) -> bool:
        return isinstance(self.book.state, Running) and self.book.state.stopping

    def _stop_run(self, actor: str) -> None:
        assert isinstance(self.book.state, Running)
        self._become(replace(self.book.state, stopping=True))
        self.attempts.stop(actor)

    # ends

    def _on_result(self, result: Result) -> None:
        run = self.book.run
        assert run is not None
        self.attempts.over()
        match result:
            case Succeeded(outcome):
                self._end_run("succeeded", outcome.note, outcome)
            case Cancelled() if self._is_stopping():
                self._on_failure(Failed(Failure.TIMED_OUT, self.attempts.past_deadline()), run)
            case Cancelled(why):
                self._end_run("cancelled", why)
            case Failed():
                self._on_failure(result, run)

    def _on_failure(self, failed: Failed, run: Run) -> None:
        match retries.after_failure(failed.failure, run.attempt, self.spec.attempts, self.rng):
            case RetryIn(seconds) if self.book.paused_by is None:
                self._become(BackingOff(failed.reason, self.now() + seconds))
                self.timer(RETRY, seconds, TryAgain())
            case RetryIn():
                self._end_run("failed", f"{failed.reason} (not tried again: paused)")
            case GiveUp(why):
                log.warning("%s: run failed: %s (%s)", self.name, failed.reason, why)
                self._end_run("failed", f"{failed.reason} ({why})")

    def _on_try_again(self) -> None:
        state = self.book.state
        assert isinstance(state, BackingOff)
        match gate.look(self.system, self.spec, self.place.boot):
            case Admitted() as admitted:
                self._begin_another_attempt(admitted)
            case Skipped(reasons) if self.now() < state.until + self.spec.deadline:
                # What failed the attempt most often closes the gate as well: it is not the run's end.
                self._become(replace(state, gate=tuple(reason.text for reason in reasons)))
                self.timer(RETRY, LOOK_AGAIN, TryAgain())
            case Skipped() as skipped:
                self._end_run("failed", f"{state.reason} (not tried again: {skipped})")

    def _end_run(self, outcome: EndWord, reason: str, said: Outcome | None = None) -> None:
        run, now = self.book.run, self.calendar()
        assert run is not None
        said = said or Outcome()
        seconds = self.now() - self._begun_at
        end = Ended(run.run_id, outcome, reason, now, seconds, run.attempt, said.done, said.of, said.detail)
        record(self, RunRecord.of_run(self.spec.name, run, end, self.book.notes))
        if said.again_in is not None:
            self.ticks.at_latest(said.again_in, self.book.interval)
        self._become(self._at_rest(), **self.book.changed_by(end))

    # the level

    def _take_level(self) -> None:
        effects = gate.effects(self.system, self.spec)
        self.book = replace(
            self.book,
            factor=effects.interval_factor,
            interval=interval_in_force(self.every, effects.interval_factor, self.book.override),
            stopped=None if isinstance(effects.verdict, Goes) else effects.verdict.reason,
        )

    def _on_level(self) -> None:
        interval = self.book.interval
        self._take_level()
        if self.book.interval != interval:
            self.ticks.retime(self.book.grid, self.book.interval)
        if isinstance(self.book.state, Gated):
            # Not all at the same moment: what was held back comes in its order of urgency, spread over some seconds.
            self.timer(LOOK, self.rng.uniform(0.0, self.spec.priority), LookAgain())
        self._become(self.book.state)

    # earlier lives

    def _go_on(self, state: State) -> None:
        """From where the incarnation before this one stopped: its run may be alive still, and is ours now."""
        if self.book.grid is None:
            self.ticks.first(None, self.book.interval)
        else:
            self.ticks.after(self.book.grid, self.book.interval)
        run = self.book.run
        if run is None:
            self.book = replace(self.book, state=self._at_rest())
            return
        self._begun_at = self.now() - self.system.runtime.real_seconds(self.calendar() - run.began)
        match state:
            case Running(actor, since):
                self.book = replace(self.book, state=Running(actor, since))
                self.attempts.take_over(actor, since)
            case BackingOff(until=until):
                self.book = replace(self.book, state=state)
                self.timer(RETRY, until - self.now(), TryAgain())
            case _:
                self._end_run("cancelled", "its job actor ended, and the run with it")

    def _on_recalled(self, recalled: Recalled) -> None:
        self._recall_until = None
        known = self.book.last_success
        if recalled.last_success is not None and (known is None or known < recalled.last_success):
            self.book = replace(self.book, last_success=recalled.last_success)
        if self.book.last_start is None and recalled.last_start is not None and not self.spec.once:
            self.book = replace(self.book, last_start=recalled.last_start)
            self.ticks.first(recalled.last_start, self.book.interval)
        self._become(self.book.state)

    # the operator

    def _run_now(self, by: str, though_paused: bool) -> Accepted | Busy | Barred:
        if isinstance(self.book.state, Running):
            return Busy(self.book.state.actor)
        paused_by = None if though_paused else self.book.paused_by
        match gate.look(self.system, self.spec, self.place.boot, paused_by):
            case Skipped(reasons):
                return Barred(tuple(reason.text for reason in reasons))
            case Admitted() as admitted if isinstance(self.book.state, BackingOff):
                return Accepted(self._begin_another_attempt(admitted))
            case Admitted() as admitted:
                return Accepted(self._begin_run(by, admitted))

    def _pause(self, by: str) -> PauseSet:
        self.book = replace(self.book, paused_by=by)
        match self.book.state:
            case Running():
                self._become(self.book.state)
            case BackingOff(reason):
                self._end_run("failed", f"{reason} (not tried again: paused)")
            case _:
                self._become(Paused(by))
        return PauseSet(self.spec.name, True)

    def _resume(self) -> PauseSet:
        self.book = replace(self.book, paused_by=None)
        self._become(Waiting() if isinstance(self.book.state, Paused) else self.book.state)
        return PauseSet(self.spec.name, False)

    def _set_interval(self, seconds: float | None) -> IntervalSet:
        if seconds is not None and not seconds > 0:
            raise CallerError(f"{self.spec.name}: an interval must be above 0 seconds, not {seconds:g}; None ends it")
        self.book = replace(self.book, override=seconds)
        self._take_level()
        self.ticks.retime(self.book.grid, self.book.interval)
        self._become(self.book.state)
        return IntervalSet(self.spec.name, self.book.interval)

    def _kept(self, answer: PauseSet | IntervalSet) -> PauseSet | IntervalSet:
        """The answer, after what was set has been sent to where it survives a restart."""
        keep_job(self, self.spec.name, JobControl(self.book.override, self.book.paused_by), "operator")
        return answer

    def _take_controls(self) -> None:
        """What the operator set in an earlier life, as far as it is known already; the rest comes as `Controlled`."""
        control = self.system.board[FLAGS].control(self.spec.name)
        if control is not None:
            self.book = replace(self.book, override=control.interval, paused_by=control.paused_by)

    def _obey(self, control: JobControl) -> None:
        if control.interval != self.book.override:
            self._set_interval(control.interval)
        if control.paused_by is None and self.book.paused_by is not None:
            self._resume()
        elif control.paused_by is not None and self.book.paused_by is None:
            self._pause(control.paused_by)

    # the board

    def _at_rest(self) -> State:
        return Paused(self.book.paused_by) if self.book.paused_by else Waiting()

    def _become(self, state: State, skip: str | None = None, **more: Any) -> None:
        """Be in this state, with `more` of the book changed, and show it. skip: why a tick led to no run."""
        if not isinstance(state, Gated):
            self.cancel_timer(LOOK)
        if not isinstance(state, BackingOff):
            self.cancel_timer(RETRY)
        book = self.book.skipped(skip) if skip is not None else self.book
        self.book = replace(
            book,
            state=state,
            changed_at=self.calendar() if state != book.state else book.changed_at,
            next_due=self.ticks.next.at if self.ticks.next else None,
            **more,
        )
        self.put_up(self.key, self.book)
        if self.spec.holds.browser:
            self.tell("browser", NextUse(self.spec.name, self.spec.priority, self.spec.category, self._next_use()))

    def _next_use(self) -> float:
        """When a run may ask for its browser next (monotonic seconds): until then what is kept for it can be lent."""
        match self.book.state:
            case Running() | Gated():
                return self.now()
            case BackingOff(until=until):
                return until
            case Waiting() | Paused():
                if self.ticks.next is None:
                    return math.inf
                return self.now() + self.system.runtime.real_seconds(self.ticks.next.at - self.calendar())
