"""The parts of an actor system by themselves: directory, future, mailbox, statistics."""

import contextvars
import threading
from typing import Any

import pytest

from actors.core.base import Actor
from actors.core.directory import REMEMBERED_ENDS, NameTaken
from actors.core.future import AskTimeout, Future
from actors.core.lifecycle import Stop
from actors.core.mailbox import Envelope, Mailbox
from actors.core.runtime import IDLE, ThreadedRuntime
from actors.core.simulation import SimulatedRuntime, seeds, simulate
from actors.core.statistics import Histogram
from actors.core.system import StartFailed, System


class Plain(Actor):
    """Nothing of its own."""


def in_simulation(scenario: Any) -> None:
    for seed in seeds(5):
        simulate(scenario, seed)


def test_a_living_name_is_not_given_twice_and_generations_only_grow() -> None:
    def scenario(runtime: SimulatedRuntime) -> None:
        system = System(runtime)
        first = system.start("a", Plain)
        with pytest.raises(StartFailed) as failure:
            system.start("a", Plain)
        assert isinstance(failure.value.__cause__, NameTaken)
        system.stop_and_wait(first, 1)
        other = system.start("b", Plain)
        second = system.start("a", Plain)
        assert first.generation < other.generation < second.generation

    in_simulation(scenario)


def test_the_directory_forgets_what_is_gone() -> None:
    def scenario(runtime: SimulatedRuntime) -> None:
        system = System(runtime)
        system.start("lasting", Plain)
        for number in range(REMEMBERED_ENDS + 20):
            name = f"run{number}"
            actor = system.start(name, Plain)
            system.monitor("lasting", name)
            system.monitor(name, "lasting")
            system.stop_and_wait(actor, 1)
        parts = {key: len(value) for key, value in vars(system.directory).items() if hasattr(value, "__len__")}
        assert parts == {"living": 1, "_watchers": 0, "_watching": 0, "_ends": REMEMBERED_ENDS}

    simulate(scenario, seed=0)


def test_a_watch_can_be_given_up() -> None:
    def scenario(runtime: SimulatedRuntime) -> None:
        system = System(runtime)
        watched = system.start("watched", Plain)
        system.start("watcher", Plain)
        system.monitor("watched", "watcher")
        system.directory.unwatch("watched", "watcher")
        assert system.directory.unregister(watched, Stop().reason) == []

    in_simulation(scenario)


def test_one_can_wait_for_the_next_incarnation() -> None:
    def scenario(runtime: SimulatedRuntime) -> None:
        system = System(runtime)
        first = system.start("a", Plain)
        assert system.directory.wait_for("a", newer_than=first.generation, timeout=5) is None
        system.stop_and_wait(first, 1)
        runtime.spawn("starter", lambda: (runtime.sleep(2), system.start("a", Plain))[0])
        second = system.directory.wait_for("a", newer_than=first.generation, timeout=5)
        assert second is not None
        assert second.generation > first.generation

    in_simulation(scenario)


def test_a_future_is_settled_once_and_giving_up_settles_it() -> None:
    def scenario(runtime: SimulatedRuntime) -> None:
        future = Future(runtime)
        assert future.set(1)
        assert not future.set(2)
        assert not future.fail(ValueError())
        assert future.get(0) == 1
        given_up = Future(runtime)
        with pytest.raises(AskTimeout, match="tea: none in 3 s"):
            given_up.get(3, "tea")
        assert given_up.given_up
        assert not given_up.set(1)

    in_simulation(scenario)


def test_a_future_calls_back_each_once_also_when_it_is_settled_already() -> None:
    def scenario(runtime: SimulatedRuntime) -> None:
        future, heard = Future(runtime), []
        future.on_settled(lambda settled: heard.append(settled.get(0)))
        future.set("answer")
        future.on_settled(lambda settled: heard.append(settled.get(0)))
        assert heard == ["answer", "answer"]

    in_simulation(scenario)


def test_waiting_for_a_future_without_giving_up() -> None:
    def scenario(runtime: SimulatedRuntime) -> None:
        future = Future(runtime)
        assert not future.wait(1)
        runtime.call_at(runtime.now() + 5, lambda: future.set("answer") and None)
        assert not future.wait(1)
        assert future.wait(10)
        assert future.get(0) == "answer"

    in_simulation(scenario)


def test_a_mailbox_gives_system_messages_first_each_lane_in_order() -> None:
    def scenario(runtime: SimulatedRuntime) -> None:
        mailbox = Mailbox(runtime)
        first, second = Stop(), Stop()
        for message in (1, first, 2, second):
            mailbox.offer(Envelope(message))
        taken = [mailbox.get() for _ in range(4)]
        assert [envelope.message for envelope in taken if envelope is not None] == [first, second, 1, 2]
        assert mailbox.empty()

    in_simulation(scenario)


def test_a_closed_mailbox_hands_back_what_was_in_it_and_takes_no_more() -> None:
    def scenario(runtime: SimulatedRuntime) -> None:
        mailbox = Mailbox(runtime)
        mailbox.offer(Envelope(1))
        mailbox.offer(Envelope(Stop()))
        assert [envelope.message for envelope in mailbox.close()] == [Stop(), 1]
        assert mailbox.offer(Envelope(2)).refusal == "dead"
        assert mailbox.get() is None

    in_simulation(scenario)


def test_a_mailbox_s_statistics_tell_depth_age_and_refusals() -> None:
    def scenario(runtime: SimulatedRuntime) -> None:
        mailbox = Mailbox(runtime, capacity=2)
        mailbox.offer(Envelope(1))
        runtime.sleep(7)
        mailbox.offer(Envelope(2))
        mailbox.offer(Envelope(3))
        statistics = mailbox.statistics()
        assert (statistics.depth, statistics.capacity, statistics.refused) == (2, 2, 1)
        assert statistics.oldest_age == pytest.approx(7)
        assert mailbox.qsize() == 2

    in_simulation(scenario)


def test_a_long_handler_can_wait_for_a_stop() -> None:
    def scenario(runtime: SimulatedRuntime) -> None:
        mailbox = Mailbox(runtime)
        assert not mailbox.await_stop(3)
        mailbox.offer(Envelope("no stop"))
        runtime.call_at(runtime.now() + 4, lambda: mailbox.offer(Envelope(Stop())) and None)
        began = runtime.now()
        assert mailbox.await_stop(100)
        assert runtime.now() - began == pytest.approx(4)
        assert mailbox.qsize() == 2  # the stop is still there for the loop

    in_simulation(scenario)


def test_a_histogram_cumulates_when_it_is_read_and_takes_over_from_another() -> None:
    histogram, other = Histogram(), Histogram()
    for seconds in (0.0001, 0.0005, 0.003, 100.0):
        histogram.add(seconds)
    other.add(0.003)
    histogram.take_in(other)
    cumulated = dict(histogram.cumulated())
    assert (cumulated[0.0005], cumulated[0.005], cumulated[30.0], cumulated[float("inf")]) == (2, 4, 4, 5)
    assert histogram.sum == pytest.approx(100.0066)


def test_handler_seconds_are_counted_by_class_also_of_those_who_have_ended() -> None:
    class Sleeper(Actor):
        def receive(self, message: float) -> None:
            self.system.runtime.sleep(message)

    def scenario(runtime: SimulatedRuntime) -> None:
        system = System(runtime)
        first = system.start("a", Sleeper)
        system.tell("a", 2.0)
        runtime.sleep(3)
        system.stop_and_wait(first, 1)
        system.start("a", Sleeper)
        system.tell("a", 5.0)
        runtime.sleep(6)
        assert system.handler_seconds()["Sleeper"].sum == pytest.approx(7)

    in_simulation(scenario)


def test_a_thread_that_is_free_serves_the_next_actor_in_a_context_of_its_own() -> None:
    runtime, variable = ThreadedRuntime(), contextvars.ContextVar("variable", default="untouched")
    threads = []
    for name in ("first", "second"):
        done = Future(runtime)

        def work(done: Future = done) -> None:
            threads.append(threading.current_thread())
            done.set((threading.current_thread().name, variable.get()))
            variable.set("touched")

        runtime.spawn(name, work)
        assert done.get(5) == (name, "untouched")
        while threads[-1].name != IDLE:
            pass
        while not runtime._threads._idle:
            pass
    assert threads[0] is threads[1]


# the real runtime


def test_real_threads_are_named_after_their_actor_and_generation() -> None:
    class Named(Actor):
        def receive(self, message: Any) -> Any:
            return threading.current_thread().name

    system = System(ThreadedRuntime())
    actor = system.start("named", Named)
    assert system.ask("named", "who", timeout=5) == f"named#{actor.generation}"
    system.stop_and_wait(actor, 5)


def test_real_timers_fire_in_order_and_not_when_cancelled() -> None:
    runtime = ThreadedRuntime()
    fired: list[int] = []
    done = Future(runtime)
    now = runtime.now()
    runtime.call_at(now + 0.03, lambda: done.set(None) and None)
    runtime.call_at(now + 0.02, lambda: fired.append(2))
    runtime.call_at(now + 0.01, lambda: fired.append(1))
    runtime.call_at(now + 0.015, lambda: fired.append(99)).cancel()
    done.get(5)
    assert fired == [1, 2]


def test_a_real_timer_s_failure_leaves_the_other_timers_alone() -> None:
    runtime = ThreadedRuntime()
    done = Future(runtime)
    runtime.call_at(runtime.now(), lambda: 1 / 0)  # type: ignore[arg-type,return-value]
    runtime.call_at(runtime.now() + 0.01, lambda: done.set("fired") and None)
    assert done.get(5) == "fired"


def test_ids_and_clocks_of_the_real_runtime() -> None:
    runtime = ThreadedRuntime()
    ids = {runtime.new_id() for _ in range(200)}
    assert len(ids) == 200
    assert {len(id) for id in ids} == {32}
    assert runtime.wall() == pytest.approx(runtime.calendar(), abs=1.0)
    assert runtime.real_seconds(5) == 5
    assert runtime.random("x").random() < 1
