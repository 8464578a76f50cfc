"""Every way out of an actor's thread is one announced end, whatever its code brings with it.

Each in simulation, under several schedules, and on real threads.
"""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from actors.core.base import NO_REPLY, Actor
from actors.core.future import ActorDead, CallerError, CannotAnswer, Future
from actors.core.lifecycle import Crashed, Down, ExitReason, Killed, NoProcess, Shutdown, TaskFailed
from actors.core.runtime import ThreadedRuntime
from actors.core.simulation import SimulatedRuntime, seeds
from actors.core.supervision import ChildInfo, ChildSpec, Done, StartChild, Started, TerminateChild, WhichChild
from actors.core.system import StartFailed, System
from supervisors.specs import Flags
from supervisors.supervisor import Supervisor

SOON = 10.0  # seconds: nothing here takes long, so whoever waits that long waits for ever

NO_EXCEPTIONS = [SystemExit(1), KeyboardInterrupt(), GeneratorExit(), asyncio.CancelledError()]


@pytest.fixture(params=["threads", *seeds(4)], ids=str)
def system(request: pytest.FixtureRequest) -> Iterator[System]:
    if request.param == "threads":
        yield System(ThreadedRuntime())
    else:
        runtime = SimulatedRuntime(request.param)
        yield System(runtime)
        runtime.close()


class Unspeakable(Exception):
    """Fails wherever somebody wants to know more of it."""

    def __str__(self) -> str:
        raise ValueError("no words for it")

    __repr__ = __str__

    def __reduce__(self) -> str:
        raise TypeError("nor is it pickled")


class Unloggable(Unspeakable):
    """Fails in the traceback too."""

    @property
    def __notes__(self) -> list[str]:
        raise ValueError("no notes either")


class Exiting(Exception):
    def __str__(self) -> str:
        raise SystemExit("while put in words")


class SilentRefusal(CallerError, Unspeakable):
    """A refusal that cannot be logged."""


class SilentInability(CannotAnswer, Unspeakable):
    """The same."""


class OddShutdown(Shutdown):
    """A reason of somebody's own that cannot be put in words."""

    def __str__(self) -> str:
        raise ValueError("no words for it")


class Wild(Actor):
    """Does what the message says; what is raised in it is the message's."""

    def on_start(self) -> None:
        self.seen: list[Any] = []

    def receive(self, message: Any) -> Any:
        match message:
            case BaseException():
                raise message
            case ("end", reason):
                self.end(reason)
            case ("watch", name):
                self.monitor(name)
            case ("task", error):
                self.task("t", lambda: self._raise(error))
            case "seen":
                return list(self.seen)
            case "never":
                return NO_REPLY
            case _:
                self.seen.append(message)
        return None

    @staticmethod
    def _raise(error: BaseException) -> None:
        raise error


class FailingHandler(logging.Handler):
    """A log that nothing can be written to."""

    def emit(self, record: logging.LogRecord) -> None:
        raise OSError("the disk is full")


def until(system: System, holds: Any) -> None:
    """Wait for it, in either kind of world."""
    deadline = system.runtime.now() + SOON
    while not holds():
        assert system.runtime.now() < deadline, "it never came to that"
        system.runtime.sleep(0.001)


@pytest.mark.parametrize(
    "error", [Unspeakable(), Unloggable(), Exiting(), *NO_EXCEPTIONS], ids=lambda error: type(error).__name__
)
@pytest.mark.parametrize("asked", [True, False], ids=["asked", "told"])
def test_whatever_a_handler_raises_is_one_announced_end(system: System, error: BaseException, asked: bool) -> None:
    system.start("watcher", Wild)
    actor = system.start("a", Wild)
    system.ask("watcher", ("watch", "a"), SOON)
    waiting = system.ask_later("a", "never")
    if asked:
        with pytest.raises(ActorDead, match="a: ended"):
            system.ask("a", error, SOON)
    else:
        system.tell("a", error)
    reason = actor.ended.get(SOON)
    assert isinstance(reason, Crashed)
    assert reason.error is error
    with pytest.raises(ActorDead):
        waiting.get(SOON)
    assert system.directory.whereis("a") is None
    until(system, lambda: system.ask("watcher", "seen", SOON) == [Down("a", actor.generation, reason)])


def test_a_child_whose_error_cannot_be_put_in_words_is_restarted_and_answers_for_itself(system: System) -> None:
    flags = Flags(intensity=100, period=1)
    system.start("sup", lambda: Supervisor(flags, (ChildSpec("a", Wild),)), timeout=None)
    first = system.directory.whereis("a")
    assert first is not None
    system.tell("a", Unspeakable())
    assert system.directory.wait_for("a", newer_than=first.generation, timeout=SOON) is not None
    info = system.ask("sup", WhichChild("a"), SOON)
    assert isinstance(info, ChildInfo)
    assert (info.state, info.restarts) == ("running", 1)
    assert system.ask("sup", TerminateChild("a"), SOON) == Done()
    assert isinstance(system.ask("sup", StartChild(ChildSpec("b", Wild)), SOON), Started)


@pytest.mark.parametrize(
    "reason", [OddShutdown("own"), Crashed(Unspeakable()), "word"], ids=["shutdown", "crashed", "word"]
)
def test_a_reason_that_cannot_be_put_in_words_is_announced_like_any_other(system: System, reason: Any) -> None:
    system.start("sup", lambda: Supervisor(Flags(), (ChildSpec("a", Wild),)), timeout=None)
    first = system.directory.whereis("a")
    assert first is not None
    system.tell("a", ("end", reason))
    assert first.ended.get(SOON) is reason
    assert system.directory.wait_for("a", newer_than=first.generation, timeout=SOON) is not None


@pytest.mark.parametrize(
    "error", [Unspeakable(), Unloggable(), *NO_EXCEPTIONS], ids=lambda error: type(error).__name__
)
def test_a_clean_up_that_raises_anything_is_the_reason_of_the_end(system: System, error: BaseException) -> None:
    class Untidy(Wild):
        def terminate(self, reason: ExitReason) -> None:
            raise error

    actor = system.start("a", Untidy)
    system.stop("a")
    reason = actor.ended.get(SOON)
    assert isinstance(reason, Crashed)
    assert reason.error is error


def test_what_the_loop_itself_stumbles_over_is_an_announced_end_too(system: System) -> None:
    class Clockless(Wild):
        def now(self) -> float:
            raise OSError("no clock")

    actor = system.start("a", Clockless)
    system.stop("a")
    assert isinstance(actor.ended.get(SOON), Crashed)
    assert system.directory.whereis("a") is None


@pytest.mark.parametrize("refusal", [SilentRefusal(), SilentInability()], ids=["caller", "inability"])
def test_a_refusal_that_cannot_be_logged_ends_nobody(system: System, refusal: BaseException) -> None:
    system.start("a", Wild)
    system.tell("a", refusal)
    assert system.ask("a", "seen", SOON) == []


def test_a_log_that_fails_ends_nobody_and_loses_no_end(system: System) -> None:
    handler = FailingHandler()
    logger = logging.getLogger("roost")
    logger.addHandler(handler)
    try:
        actor = system.start("a", Wild)
        system.tell("a", SilentRefusal())
        system.tell("nobody", "a dead letter")
        assert system.ask("a", "seen", SOON) == []
        system.tell("a", ValueError("as told"))
        assert isinstance(actor.ended.get(SOON), Crashed)
    finally:
        logger.removeHandler(handler)


@pytest.mark.parametrize("error", [RuntimeError("closed"), *NO_EXCEPTIONS], ids=lambda error: type(error).__name__)
def test_a_callback_of_an_answer_that_raises_ends_neither_who_answers_nor_another_callback(
    system: System, error: BaseException
) -> None:
    class Slow(Wild):
        def receive(self, message: Any) -> Any:
            if message == "open":
                self.asked = self.asker
                return NO_REPLY
            if message == "answer":
                return self.reply(self.asked, "late")
            return super().receive(message)

    system.start("a", Slow)
    called: list[object] = []

    def fails(answer: Future) -> None:
        called.append(answer)
        raise error

    answer = system.ask_later("a", "open")
    answer.on_settled(fails)
    answer.on_settled(called.append)
    assert system.ask("a", "answer", SOON) is True
    assert answer.get(SOON) == "late"
    assert called == [answer, answer]
    answer.on_settled(fails)  # settled already: in this thread, and no other fate
    assert system.ask("a", "seen", SOON) == []


def test_a_callback_on_an_actor_s_end_that_raises_does_not_keep_the_news_from_its_supervisor(system: System) -> None:
    system.start("sup", lambda: Supervisor(Flags(), (ChildSpec("a", Wild),)), timeout=None)
    first = system.directory.whereis("a")
    assert first is not None

    def fails(answer: Future) -> None:
        raise RuntimeError("the loop is closed")

    first.ended.on_settled(fails)
    system.tell("a", ValueError("as told"))
    assert system.directory.wait_for("a", newer_than=first.generation, timeout=SOON) is not None


@pytest.mark.parametrize("seed", seeds(60))
@pytest.mark.parametrize("message", ["x", "never"])
def test_an_ask_whose_actor_is_fenced_as_it_takes_it_fails_at_once(seed: int, message: str) -> None:
    """Under many schedules: the actor may be fenced before it takes the message, just after, or as it answers."""
    runtime = SimulatedRuntime(seed)
    try:
        system = System(runtime)
        actor = system.start("a", Wild)
        runtime.spawn("fencer", lambda: system.fence(actor, "for the test"))
        began = runtime.now()
        try:
            assert system.ask("a", message, SOON) is None
        except ActorDead:
            pass
        assert runtime.now() == began
    finally:
        runtime.close()


def test_on_threads_no_ask_outlives_the_fencing_of_its_actor() -> None:
    system = System(ThreadedRuntime())
    for number in range(200):
        actor = system.start(f"a{number}", Wild)
        answers = [system.ask_later(actor.name, "never" if index % 2 else "x") for index in range(4)]
        system.fence(actor, "for the test")
        for answer in answers:
            assert answer.wait(SOON), "an ask that nobody answers"


@pytest.mark.parametrize("error", NO_EXCEPTIONS, ids=lambda error: type(error).__name__)
def test_a_constructor_that_raises_anything_is_a_failed_start(system: System, error: BaseException) -> None:
    class Never(Wild):
        def __init__(self) -> None:
            raise error

    with pytest.raises(StartFailed, match="a: could not be started") as failure:
        system.start("a", Never)
    assert failure.value.__cause__ is error
    assert system.directory.whereis("a") is None


@pytest.mark.parametrize(
    "error", [Unspeakable(), Unloggable(), *NO_EXCEPTIONS], ids=lambda error: type(error).__name__
)
def test_a_task_that_raises_anything_comes_back(system: System, error: BaseException) -> None:
    system.start("a", Wild)
    system.tell("a", ("task", error))
    until(system, lambda: system.ask("a", "seen", SOON) == [TaskFailed("t", error)])


def no_thread(name: str, target: Any) -> None:
    raise RuntimeError("can't start new thread")


def test_a_start_without_a_thread_leaves_nobody_behind(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(system.runtime, "spawn", no_thread)
        with pytest.raises(StartFailed, match="can't start new thread"):
            system.start("a", Wild)
    assert system.directory.whereis("a") is None
    assert system.zombies() == []
    assert system.ask(system.start("a", Wild).name, "seen", SOON) == []


def test_a_fenced_actor_s_end_is_told_once_however_it_goes_on(system: System) -> None:
    system.start("watcher", Wild)
    actor = system.start("a", Wild)
    system.ask("watcher", ("watch", "a"), SOON)
    system.ask("watcher", ("watch", "none"), SOON)
    system.tell("a", Unspeakable())
    system.fence(actor, "at the same time")
    reason = actor.ended.get(SOON)
    assert isinstance(reason, Crashed | Killed)
    expected = {Down("none", 0, NoProcess()), Down("a", actor.generation, reason)}
    until(system, lambda: len(system.ask("watcher", "seen", SOON)) == 2)
    assert set(system.ask("watcher", "seen", SOON)) == expected
