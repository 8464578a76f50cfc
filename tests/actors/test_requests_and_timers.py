"""What an actor asks without waiting, and what it wants to be told later. In simulation, and on real threads."""

from collections.abc import Iterator
from typing import Any

import pytest

from actors.core.base import NO_REPLY, Actor
from actors.core.future import ActorDead, AskTimeout, CannotAnswer, Refused
from actors.core.lifecycle import SystemMessage, TaskDone, TaskFailed
from actors.core.runtime import ThreadedRuntime
from actors.core.simulation import SimulatedRuntime, seeds
from actors.core.system import System


@pytest.fixture(params=[*seeds(3), None], ids=lambda seed: "threads" if seed is None else f"seed{seed}")
def system(request: pytest.FixtureRequest) -> Iterator[System]:
    if request.param is None:
        yield System(ThreadedRuntime())
        return
    runtime = SimulatedRuntime(request.param)
    yield System(runtime)
    runtime.close()


class Urgent(SystemMessage):
    """Goes to the system lane."""


class Asked(Actor):
    """Answers as it is told."""

    mailbox_capacity = 1

    def receive(self, message: Any) -> Any:
        match message:
            case "silence":
                return NO_REPLY
            case "refuse":
                raise CannotAnswer("not now")
            case "crash":
                raise ValueError("as told")
            case ("wait", gate):
                gate.wait(None)
            case _:
                return f"answer to {message}"


class Owner(Actor):
    """Does what the function says that it is told, in its own thread, and keeps what else it hears."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Any] = []

    def receive(self, message: Any) -> Any:
        if callable(message):
            return message(self)
        if message == "heard":
            return list(self.heard)
        self.heard.append(message)
        return None


def do(system: System, what: Any) -> Any:
    return system.ask("owner", what, 5.0)


def heard(system: System, number: int = 1) -> list[Any]:
    """What the owner has heard, once there are so many."""
    for _ in range(500):
        found: list[Any] = system.ask("owner", "heard", 5.0)
        if len(found) >= number:
            break
        system.runtime.sleep(0.01)
    return found


def idle_mailbox(system: System) -> None:
    """Wait until nothing waits at the one that is asked."""
    actor = system.directory.whereis("asked")
    assert actor is not None
    while not actor.mailbox.empty():
        system.runtime.sleep(0.001)


@pytest.fixture(autouse=True)
def actors(system: System) -> None:
    system.start("owner", Owner)
    system.start("asked", Asked)


def test_the_answer_of_a_request_is_told_to_whoever_made_it_under_its_label(system: System) -> None:
    do(system, lambda owner: owner.request(("why", 7), "asked", "this"))
    assert heard(system) == [TaskDone(("why", 7), "answer to this")]


@pytest.mark.parametrize(
    ("name", "message", "error"),
    [("asked", "refuse", CannotAnswer), ("asked", "crash", ActorDead), ("nobody", "hello", ActorDead)],
)
def test_a_request_without_an_answer_fails(system: System, name: str, message: str, error: type[Exception]) -> None:
    do(system, lambda owner: owner.request("label", name, message))
    (failed,) = heard(system)
    assert isinstance(failed, TaskFailed)
    assert failed.label == "label"
    assert isinstance(failed.error, error)


def test_a_request_that_is_never_answered_fails_in_its_time(system: System) -> None:
    do(system, lambda owner: owner.request("label", "asked", "silence", timeout=0.05))
    (failed,) = heard(system)
    assert isinstance(failed, TaskFailed)
    assert isinstance(failed.error, AskTimeout)
    assert str(failed.error) == "asked: an answer to str: none in 0.05 s"


def test_a_request_that_has_timed_out_is_not_executed(system: System) -> None:
    gate = system.runtime.gate("asked", "the test of")
    system.tell("asked", ("wait", gate))
    idle_mailbox(system)
    do(system, lambda owner: owner.request("label", "asked", "crash", timeout=0.05))
    assert len(heard(system)) == 1
    gate.open()
    idle_mailbox(system)
    assert system.ask("asked", "still there", 5.0) == "answer to still there"


def test_a_request_answered_in_time_says_nothing_when_its_time_is_over(system: System) -> None:
    do(system, lambda owner: owner.request("label", "asked", "this", timeout=0.05))
    heard(system)
    system.runtime.sleep(0.1)
    assert heard(system) == [TaskDone("label", "answer to this")]


def test_a_request_to_a_full_mailbox_is_refused(system: System) -> None:
    gate = system.runtime.gate("asked", "the test of")
    system.tell("asked", ("wait", gate))
    idle_mailbox(system)
    system.tell("asked", "fills it")
    do(system, lambda owner: owner.request("label", "asked", "this"))
    (failed,) = heard(system)
    gate.open()
    assert isinstance(failed.error, Refused)


def test_a_timer_speaks_once_and_in_its_lane(system: System) -> None:
    def both(owner: Owner) -> None:
        owner.timer("word", 0.0, "user")
        owner.timer("urgent", 0.0, urgent)

    urgent = Urgent()
    do(system, both)
    assert heard(system, 2) == [urgent, "user"]


def test_a_timer_set_again_says_the_new_word_alone(system: System) -> None:
    def twice(owner: Owner) -> None:
        owner.timer("word", 0.02, "old")
        owner.timer("word", 0.04, "new")

    do(system, twice)
    heard(system)
    system.runtime.sleep(0.1)
    assert heard(system) == ["new"]


def test_a_timer_set_again_is_silent_also_where_its_message_waits(system: System) -> None:
    def fired(owner: Owner) -> None:
        owner.timer("word", 0.01, "old")
        system.runtime.sleep(0.05)
        assert not owner.mailbox.empty()
        owner.timer("word", 0.0, "new")

    do(system, fired)
    assert heard(system) == ["new"]


def test_a_cancelled_timer_is_silent_also_where_its_message_waits(system: System) -> None:
    def fired(owner: Owner) -> tuple[bool, bool]:
        owner.timer("word", 0.01, "old")
        system.runtime.sleep(0.05)
        assert not owner.mailbox.empty()
        return owner.cancel_timer("word"), owner.cancel_timer("word")

    assert do(system, fired) == (True, False)
    assert heard(system, 0) == []


def test_timers_of_other_names_do_not_know_of_each_other(system: System) -> None:
    def three(owner: Owner) -> None:
        owner.timer("one", 0.0, 1)
        owner.timer("two", 0.0, 2)
        owner.timer("three", 0.0, 3)
        owner.cancel_timer("two")

    do(system, three)
    assert heard(system, 2) == [1, 3]


def test_a_timer_may_be_set_by_what_it_says(system: System) -> None:
    def again(owner: Owner) -> None:
        owner.heard.append("tick")
        if len(owner.heard) < 3:
            owner.timer("tick", 0.001, again)

    do(system, again)
    assert heard(system, 3) == ["tick"] * 3


def test_timers_end_with_their_actor_and_nobody_misses_them(system: System) -> None:
    def fired(owner: Owner) -> None:
        owner.timer("waits", 0.01, "old")
        owner.timer("is to come", 0.1, "old")
        system.runtime.sleep(0.05)
        owner.end()

    actor = system.directory.whereis("owner")
    assert actor is not None
    do(system, fired)
    actor.ended.get(5.0)
    system.start("owner", Owner)
    system.runtime.sleep(0.2)
    assert heard(system, 0) == []
    assert not system.dead_letters
