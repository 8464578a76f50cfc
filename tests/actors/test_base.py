"""What an actor is: crashes, answers, ends, fencing. In simulation, under several schedules."""

from collections.abc import Iterator
from typing import Any

import pytest

from actors.core.base import NO_REPLY, Actor, Ignore
from actors.core.future import ActorDead, AskTimeout, CallerError, CannotAnswer, Future, Refused
from actors.core.lifecycle import (
    Crashed,
    Down,
    Killed,
    NoProcess,
    Normal,
    Ping,
    Pong,
    Shutdown,
    Stop,
    TaskDone,
    TaskFailed,
)
from actors.core.simulation import SimulatedRuntime, seeds
from actors.core.system import StartFailed, System


@pytest.fixture(params=list(seeds(4)), ids=lambda seed: f"seed{seed}")
def system(request: pytest.FixtureRequest) -> Iterator[System]:
    runtime = SimulatedRuntime(request.param)
    yield System(runtime)
    runtime.close()


class Obedient(Actor):
    """Does what the message says."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Any] = []

    def receive(self, message: Any) -> Any:
        self.seen.append(message)
        match message:
            case "crash":
                raise ValueError("as told")
            case "exit":
                raise SystemExit(1)
            case "complain":
                raise CallerError("you are wrong")
            case "not now":
                raise CannotAnswer("the disk is full")
            case "later":
                self.after(5, ("answer", self.asker))
                return NO_REPLY
            case ("answer", Future() as asker):
                self.reply(asker, "late answer")
            case "never":
                return NO_REPLY
            case ("sleep", seconds):
                self.system.runtime.sleep(seconds)
                return "slept"
            case "end":
                self.end()
            case "work":
                self.task("sum", lambda: 1 + 1)
                self.task("fail", lambda: 1 / 0)
            case ("watch", name):
                self.monitor(name)
            case "seen":
                return [one for one in self.seen if one != "seen"]
            case "again":
                return "again"


def settle(system: System) -> None:
    runtime = system.runtime
    assert isinstance(runtime, SimulatedRuntime)
    runtime.settle()


def test_the_start_returns_when_the_actor_is_ready(system: System) -> None:
    class Slow(Actor):
        def on_start(self) -> str:
            self.system.runtime.sleep(3)
            return "ready"

    began = system.runtime.now()
    assert system.start("slow", Slow).info == "ready"
    assert system.runtime.now() - began == 3


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), KeyboardInterrupt()])
def test_a_start_that_raises_is_an_error_to_the_starter_and_leaves_nobody(
    system: System, error: BaseException
) -> None:
    class Bad(Actor):
        def on_start(self) -> None:
            raise error

    with pytest.raises(StartFailed, match="bad: did not start"):
        system.start("bad", Bad)
    assert system.directory.whereis("bad") is None
    with pytest.raises(ActorDead):
        system.ask("bad", "hello", timeout=1)


def test_an_actor_may_find_nothing_to_do(system: System) -> None:
    class Idle(Actor):
        def on_start(self) -> None:
            raise Ignore

    with pytest.raises(Ignore):
        system.start("idle", Idle)
    assert system.directory.whereis("idle") is None


def test_a_start_that_takes_too_long_is_abandoned_and_what_it_does_later_counts_for_nothing(system: System) -> None:
    class Slow(Actor):
        def on_start(self) -> None:
            self.system.runtime.sleep(10)
            self.tell("witness", "I am late")

    system.start("witness", Obedient)
    with pytest.raises(StartFailed, match="none in 2 s"):
        system.start("slow", Slow, timeout=2)
    fresh = system.start("slow", Obedient)
    system.runtime.sleep(20)
    assert system.directory.whereis("slow") is fresh
    assert system.ask("witness", "seen", timeout=1) == []
    assert system.zombies() == []


@pytest.mark.parametrize("how", ["crash", "exit"])
@pytest.mark.parametrize("asked", [True, False])
def test_what_a_handler_does_not_expect_ends_it_told_or_asked(system: System, how: str, asked: bool) -> None:
    actor = system.start("a", Obedient)
    if asked:
        with pytest.raises(ActorDead, match="a: ended"):
            system.ask("a", how, timeout=5)
    else:
        system.tell("a", how)
        settle(system)
    assert isinstance(actor.ended.get(), Crashed)
    assert system.directory.whereis("a") is None


def test_a_mistake_of_the_asker_is_their_answer_and_the_actor_lives_on(system: System) -> None:
    system.start("a", Obedient)
    with pytest.raises(CallerError, match="you are wrong"):
        system.ask("a", "complain", timeout=1)
    system.tell("a", "complain")
    assert system.ask("a", "again", timeout=1) == "again"


def test_an_actor_that_cannot_answer_now_says_why_and_lives_on(system: System) -> None:
    system.start("a", Obedient)
    with pytest.raises(CannotAnswer, match="the disk is full"):
        system.ask("a", "not now", timeout=1)
    system.tell("a", "not now")
    assert system.ask("a", "again", timeout=1) == "again"


def test_an_answer_may_come_later(system: System) -> None:
    system.start("a", Obedient)
    assert system.ask("a", "later", timeout=6) == "late answer"


def test_an_ask_times_out_and_an_answer_after_that_changes_nothing(system: System) -> None:
    system.start("a", Obedient)
    with pytest.raises(AskTimeout, match="an answer to str: none in 4 s"):
        system.ask("a", "later", timeout=4)
    system.runtime.sleep(10)
    assert system.ask("a", "again", timeout=1) == "again"


def test_a_timed_out_ask_that_is_still_queued_is_not_executed_later(system: System) -> None:
    system.start("a", Obedient)
    system.tell("a", ("sleep", 10))
    with pytest.raises(AskTimeout):
        system.ask("a", "again", timeout=1)
    system.runtime.sleep(20)
    assert system.ask("a", "seen", timeout=1) == [("sleep", 10)]
    assert system.dead_letters["asker gave up"] == 1


def test_an_ask_of_nobody_fails_at_once_with_the_reason(system: System) -> None:
    began = system.runtime.now()
    with pytest.raises(ActorDead, match="nobody: no such actor"):
        system.ask("nobody", "hello", timeout=100)
    system.start("a", Obedient)
    system.tell("a", "crash")
    settle(system)
    with pytest.raises(ActorDead, match=r"a: ended \(crashed: ValueError: as told\); it may be restarting"):
        system.ask("a", "hello", timeout=100)
    assert system.runtime.now() == began


@pytest.mark.parametrize("message", ["again", "never"])
def test_no_ask_hangs_however_the_actor_ends(system: System, message: str) -> None:
    """Whether the question was queued, being handled or owed an answer."""
    for end in ("crash", "end", Stop()):
        system.start("a", Obedient)
        futures = [system.ask_later("a", message) for _ in range(3)]
        system.tell("a", end)
        futures += [system.ask_later("a", message) for _ in range(3)]
        settle(system)
        assert all(future.settled() for future in futures)


def test_an_ask_of_an_actor_that_is_fenced_meanwhile_fails_at_once(system: System) -> None:
    actor = system.start("a", Obedient)
    at_work, queued = system.ask_later("a", ("sleep", 100)), system.ask_later("a", "again")
    settle(system)
    system.fence(actor, "for the test")
    for future in (at_work, queued):
        with pytest.raises(ActorDead, match="killed: for the test"):
            future.get(0.5)
    system.runtime.sleep(200)
    assert actor.ended.get() == Killed("for the test")


def test_a_stop_goes_before_a_thousand_messages(system: System) -> None:
    actor = system.start("a", Obedient)
    for _ in range(900):
        system.tell("a", ("sleep", 1))
    system.stop("a")
    actor.ended.get()
    assert len(vars(actor)["seen"]) <= 2


def test_a_full_mailbox_refuses_and_the_sender_learns_of_it(system: System) -> None:
    class Small(Obedient):
        mailbox_capacity = 2

    system.start("a", Small)
    system.tell("a", ("sleep", 10))
    settle(system)
    assert [system.tell("a", number) for number in range(3)] == [True, True, False]
    with pytest.raises(Refused, match="its mailbox is full"):
        system.ask("a", "again", timeout=1)
    assert system.dead_letters["mailbox full"] == 2
    assert isinstance(system.ask("a", Ping(), timeout=20), Pong)  # the system lane has room


def test_a_mailbox_may_drop_its_oldest_and_their_askers_learn_of_it(system: System) -> None:
    class Newest(Obedient):
        mailbox_capacity = 2
        mailbox_full = "drop oldest"

    system.start("a", Newest)
    system.tell("a", ("sleep", 10))
    settle(system)
    dropped = system.ask_later("a", "again")
    for number in range(3):
        assert system.tell("a", number)
    with pytest.raises(Refused, match="newer messages came"):
        dropped.get(0.1)
    system.runtime.sleep(20)
    assert system.ask("a", "seen", timeout=1) == [("sleep", 10), 1, 2]


def test_an_actor_s_own_messages_always_find_room(system: System) -> None:
    class Small(Obedient):
        mailbox_capacity = 1

    system.start("a", Small)
    system.tell("a", "work")
    settle(system)
    system.tell("a", ("sleep", 100))
    settle(system)
    system.tell("a", "fills it")
    actor = system.directory.whereis("a")
    assert actor is not None
    assert not system.tell("a", "one too many")
    actor.after(5, "tick")
    system.runtime.sleep(200)
    assert system.ask("a", "seen", timeout=1)[-2:] == ["fills it", "tick"]


def test_tasks_come_back_as_messages(system: System) -> None:
    system.start("a", Obedient)
    system.tell("a", "work")
    settle(system)
    done = {one.label: one for one in system.ask("a", "seen", timeout=1) if isinstance(one, TaskDone | TaskFailed)}
    assert done["sum"] == TaskDone("sum", 2)
    assert isinstance(done["fail"], TaskFailed)
    assert isinstance(done["fail"].error, ZeroDivisionError)


def test_a_watcher_is_told_once_of_the_end_also_of_one_that_is_dead_already(system: System) -> None:
    system.start("watcher", Obedient)
    system.tell("watcher", ("watch", "a"))
    settle(system)
    actor = system.start("a", Obedient)
    system.tell("watcher", ("watch", "a"))
    system.tell("watcher", ("watch", "a"))
    settle(system)
    system.tell("a", "end")
    settle(system)
    downs = [one for one in system.ask("watcher", "seen", timeout=1) if isinstance(one, Down)]
    assert downs == [Down("a", 0, NoProcess()), Down("a", actor.generation, Normal())]


def test_a_timer_of_an_earlier_life_says_nothing_to_the_next(system: System) -> None:
    system.start("a", Obedient)
    asked = system.ask_later("a", "later")
    system.tell("a", "end")
    settle(system)
    system.start("a", Obedient)
    system.runtime.sleep(10)
    assert system.ask("a", "seen", timeout=1) == []
    with pytest.raises(ActorDead):
        asked.get(0)


def test_a_failing_clean_up_is_the_reason_of_the_end(system: System) -> None:
    class Untidy(Obedient):
        def terminate(self, reason: Any) -> None:
            raise OSError("cannot clean up")

    actor = system.start("a", Untidy)
    system.stop("a")
    assert str(actor.ended.get()) == "crashed: OSError: cannot clean up"


@pytest.mark.parametrize("make", ["the same again", "one of another name", "none"])
def test_a_start_that_makes_no_new_actor_is_a_failed_start(system: System, make: str) -> None:
    first = system.start("a", Obedient)
    other = system.start("b", Obedient)
    system.stop_and_wait(first, None)
    made: Any = {"the same again": first, "one of another name": other, "none": object()}[make]
    with pytest.raises(StartFailed, match="made no new actor"):
        system.start("a", lambda: made)
    assert system.directory.whereis("a") is None


def test_an_actor_s_stop_is_its_end_behind_what_waits_in_its_mailbox(system: System) -> None:
    class Stopping(Obedient):
        def receive(self, message: Any) -> Any:
            if message == "go":
                self.tell_myself("before")
                self.stop()
                self.tell_myself("after")
            return super().receive(message)

    actor = system.start("a", Stopping)
    system.tell("a", "go")
    assert actor.ended.get() == Normal()
    assert vars(actor)["seen"] == ["go", "before"]


def test_dead_letters_are_counted_by_reason_and_sampled_in_the_log(
    system: System, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("WARNING", logger="roost"):
        for _ in range(100):
            system.tell("nobody", "hello")
        assert len(caplog.records) == 1
        system.runtime.sleep(11)
        system.tell("nobody", "hello")
    assert [record.getMessage() for record in caplog.records][1:] == [
        "dead letter: str to nobody: no such actor (101 so far)"
    ]
    assert system.dead_letters["no such actor"] == 101


def test_dead_letters_are_counted_and_no_news_while_the_tree_is_started_or_ended(
    system: System, caplog: pytest.LogCaptureFixture
) -> None:
    system.in_transit = True
    with caplog.at_level("INFO", logger="roost"):
        system.tell("nobody", "hello")
        assert not caplog.records
        system.in_transit = False
        system.tell("nobody", "hello")
    assert [record.getMessage() for record in caplog.records] == [
        "dead letter: str to nobody: no such actor (2 so far)"
    ]


def test_what_an_actor_was_to_tell_itself_ends_with_it_and_is_no_dead_letter(system: System) -> None:
    class Reminded(Actor):
        def on_start(self) -> None:
            self.after(5.0, "later")

    actor = system.start("a", Reminded)
    system.stop_and_wait(actor, None)
    system.runtime.sleep(6.0)
    assert not system.dead_letters


def test_a_shutdown_reason_says_why() -> None:
    assert str(Shutdown("over the limit")) == "shutdown: over the limit"
