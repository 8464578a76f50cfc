"""Nobody's code ends a supervisor, and what it does at its limits is said in the log.

What fails is the start, the question or the child; the supervisor answers on. In simulation, and on real threads
where a thread makes the difference.
"""

import asyncio
from typing import Any

import pytest
from supervision_world import Child, Finish, Hang, World

from actors.core.lifecycle import ExitReason, Killed, Normal, Shutdown
from actors.core.runtime import ThreadedRuntime
from actors.core.supervision import (
    ChildSpec,
    DeleteChild,
    Done,
    FaultySpec,
    GetChildSpec,
    NotForDynamic,
    NotFound,
    Restart,
    RestartChild,
    StartChild,
    Started,
    StartError,
    StartFromTemplate,
    TerminateChild,
    WhichChild,
)
from actors.core.system import System
from supervisors.decisions import is_ordered, is_reported
from supervisors.dynamic import DynamicSupervisor
from supervisors.specs import Flags
from supervisors.supervisor import Supervisor, supervisor_spec

NO_EXCEPTIONS = [SystemExit(1), KeyboardInterrupt(), GeneratorExit(), asyncio.CancelledError()]
SHUTDOWN = 2.0


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise ValueError("no words for it")

    __repr__ = __str__


def raising(error: BaseException) -> Any:
    def start(*arguments: object) -> Any:
        raise error

    return start


def name_of(value: object) -> str:
    return type(value).__name__


@pytest.mark.parametrize("error", [Unspeakable(), *NO_EXCEPTIONS], ids=name_of)
@pytest.mark.parametrize("dynamic", [False, True])
def test_a_start_that_raises_anything_is_a_failed_start(world: World, dynamic: bool, error: BaseException) -> None:
    world.dynamic() if dynamic else world.supervise()
    assert isinstance(world.ask(StartChild(world.child("a"))), Started)
    answer = world.ask(StartChild(ChildSpec("b", raising(error))))
    assert isinstance(answer, StartError)
    assert answer.cause.__cause__ is error
    assert world.ids() == ["a"]


@pytest.mark.parametrize("error", [Unspeakable(), *NO_EXCEPTIONS], ids=name_of)
@pytest.mark.parametrize("dynamic", [False, True])
def test_a_restart_that_raises_anything_is_tried_again(world: World, dynamic: bool, error: BaseException) -> None:
    failures = [error, error]

    def start() -> Child:
        if failures and world.system.directory.last_end("a") is not None:
            raise failures.pop()
        return Child(world)

    spec = ChildSpec("a", start)
    world.dynamic(intensity=5) if dynamic else world.supervise(intensity=5)
    world.ask(StartChild(spec))
    world.crash("a")
    assert failures == []
    assert world.state("a") == "running"


@pytest.mark.parametrize("error", [Unspeakable(), *NO_EXCEPTIONS], ids=name_of)
def test_a_template_that_raises_anything_is_a_failed_start(world: World, error: BaseException) -> None:
    world.dynamic(template=raising(error))
    world.ask(StartChild(world.child("a")))
    answer = world.ask(StartFromTemplate(("x",)))
    assert isinstance(answer, StartError)
    assert answer.cause.__cause__ is error
    assert isinstance(world.ask(StartFromTemplate(7)), StartError)  # type: ignore[arg-type]
    assert world.ids() == ["a"]


class NoHash(str):
    """An id of somebody's own that cannot be looked up."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]


class FailingHash(str):
    __slots__ = ()

    def __hash__(self) -> int:
        raise SystemExit("while looked up")


@pytest.mark.parametrize("id", [["a"], {}, NoHash("a"), FailingHash("a")], ids=name_of)
@pytest.mark.parametrize("dynamic", [False, True])
def test_an_id_that_cannot_be_looked_up_is_nobody_s(world: World, dynamic: bool, id: Any) -> None:
    world.dynamic() if dynamic else world.supervise()
    world.ask(StartChild(world.child("a")))
    for question in (WhichChild(id), GetChildSpec(id), TerminateChild(id)):
        assert isinstance(world.ask(question), NotFound)
    for question in (RestartChild(id), Restart(id), DeleteChild(id)):
        assert isinstance(world.ask(question), NotForDynamic if dynamic else NotFound)
    assert isinstance(world.ask(StartChild(ChildSpec(id, raising(ValueError("never made"))))), FaultySpec)
    assert world.ids() == ["a"]


class Uncomparable:
    def __eq__(self, other: object) -> bool:
        raise SystemExit("while compared")

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        raise SystemExit("while looked at")


@pytest.mark.parametrize("field", ["id", "restart", "shutdown", "type", "significant", "hang_limit", "backoff"])
@pytest.mark.parametrize("dynamic", [False, True])
def test_a_spec_that_cannot_be_looked_at_is_a_faulty_one(world: World, dynamic: bool, field: str) -> None:
    world.dynamic() if dynamic else world.supervise()
    fields: dict[str, Any] = {"id": "b", "start": lambda: Child(world), field: Uncomparable()}
    assert isinstance(world.ask(StartChild(ChildSpec(**fields))), FaultySpec)
    assert world.ids() == []


def test_a_message_that_cannot_be_put_in_words_is_logged_and_not_fatal(world: World) -> None:
    world.supervise(world.child("a"))
    world.tell("sup", Unspeakable())
    assert world.ids() == ["a"]


@pytest.mark.parametrize("make", [lambda: Supervisor(Flags(), ()), DynamicSupervisor], ids=["static", "dynamic"])
def test_without_a_thread_to_be_had_a_start_fails_and_the_supervisor_lives_on(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Quiet(Child):
        def __init__(self) -> None:
            super().__init__(None)  # type: ignore[arg-type]

        def on_start(self) -> None:
            pass

    system = System(ThreadedRuntime())
    system.start("sup", make, timeout=None)
    with monkeypatch.context() as patch:
        patch.setattr("threading.Thread.start", raising(RuntimeError("can't start new thread")))
        answer = system.ask("sup", StartChild(ChildSpec("a", Quiet)), 10)
        assert isinstance(answer, StartError)
        assert "can't start new thread" in str(answer.cause)
    assert isinstance(system.ask("sup", StartChild(ChildSpec("a", Quiet)), 10), Started)


# what is said of it


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "roost.supervisors"]


def test_a_supervisor_that_gives_up_says_so_and_so_does_whoever_restarts_it(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.supervise(supervisor_spec("branch", Flags(intensity=0), (world.child("a"),)))
    with caplog.at_level("ERROR", logger="roost"):
        world.crash("a")
    limit = "over 0 restarts in 5 s, the last of a"
    assert lines(caplog) == [
        f"branch: gives up: child a ({limit})",
        "branch: child a ended (crashed: ValueError: as told); now undefined",
        f"sup: child branch ended (shutdown: {limit}); now running",
    ]


def test_a_supervisor_that_cools_down_at_its_limit_says_so(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.supervise(world.child("a"), intensity=0, cool_down=30.0)
    with caplog.at_level("ERROR", logger="roost"):
        world.crash("a")
    assert lines(caplog)[0] == "sup: leaves it down for 30 s: child a (over 0 restarts in 5 s)"


@pytest.mark.parametrize("dynamic", [False, True])
def test_a_child_that_is_fenced_as_it_is_stopped_is_reported(
    world: World, dynamic: bool, caplog: pytest.LogCaptureFixture
) -> None:
    children = [world.child(id, shutdown=SHUTDOWN, hang_limit=None) for id in "abc"]
    if dynamic:
        world.dynamic()
        for child in children:
            world.ask(StartChild(child))
    else:
        world.supervise(*children)
    for id in "ab":
        world.tell(id, Hang(1_000.0))
    with caplog.at_level("ERROR", logger="roost"):
        world.stop()
    why = "killed: not stopped in 2 s"
    if dynamic:
        assert lines(caplog) == [f"sup: shutdown error: 2 of 3 children ({why})"]
    else:
        assert lines(caplog) == [f"sup: shutdown error: child {id} ({why})" for id in "ba"]


def test_a_child_whose_clean_up_fails_as_it_is_stopped_is_reported_with_its_error(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.supervise(world.child("a"))
    world.dies_badly.add("a")
    with caplog.at_level("ERROR", logger="roost"):
        assert world.ask(TerminateChild("a")) == Done()
    assert lines(caplog) == ["sup: shutdown error: child a (crashed: ValueError: and even its clean-up fails)"]
    assert caplog.records[-1].exc_info is not None


def test_a_child_that_does_not_start_with_its_supervisor_is_reported(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.supervise(supervisor_spec("branch", Flags(intensity=0), (world.child("a"),)), intensity=5)
    world.plan("a", "fail")
    with caplog.at_level("ERROR", logger="roost"):
        world.crash("a")
    assert any(line.startswith("branch: start error: child a (a: did not start: ") for line in lines(caplog))


@pytest.mark.parametrize("reason", [Normal(), Shutdown(), Shutdown("own")])
def test_a_permanent_child_s_own_end_is_reported_and_another_s_only_if_it_is_abnormal(
    world: World, reason: ExitReason, caplog: pytest.LogCaptureFixture
) -> None:
    world.supervise(world.child("a"), world.child("b", restart="transient"), world.child("c", restart="temporary"))
    with caplog.at_level("ERROR", logger="roost"):
        for id in "abc":
            world.tell(id, Finish(reason))
    assert lines(caplog) == [f"sup: child a ended ({reason}); now running"]


def test_what_is_reported_is_what_otp_reports() -> None:
    killed, own = Killed("for the test"), Shutdown("own")
    assert [is_reported("permanent", reason) for reason in (Normal(), own, killed)] == [True, True, True]
    assert [is_reported("transient", reason) for reason in (Normal(), own, killed)] == [False, False, True]
    assert [is_ordered("permanent", 5.0, reason) for reason in (Shutdown(), own, Normal(), killed)] == [
        True,
        False,
        False,
        False,
    ]
    assert [is_ordered("transient", 5.0, reason) for reason in (Shutdown(), own, Normal(), killed)] == [
        True,
        True,
        True,
        False,
    ]
    assert [is_ordered("permanent", 0, reason) for reason in (Shutdown(), own, killed)] == [False, False, True]
    assert [is_ordered("temporary", 0, reason) for reason in (Shutdown(), own, killed)] == [True, True, True]
