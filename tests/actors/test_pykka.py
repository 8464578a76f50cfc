"""A Roost actor is a pykka actor to whoever knows pykka; and each private thing of pykka that we stand on.

Standalone, on real threads, unless a test says otherwise. pykka's own suite is run against this class beside the
project; docs/supervision.md has a row for each of its cases that does not hold.
"""

import asyncio
import inspect
import queue
import re
import threading
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pykka
import pytest
from pykka import ActorDeadError, ActorRegistry
from pykka.messages import ProxyCall

from actors.core import Actor
from actors.core.base import NO_REPLY
from actors.core.future import CallerError, Refused
from actors.core.lifecycle import Normal
from actors.core.pykka_adapter import PykkaActor, PykkaFuture
from actors.core.runtime import ThreadedRuntime
from actors.core.simulation import SimulatedRuntime, simulate
from actors.core.supervision import ChildSpec
from actors.core.system import StartFailed, System
from supervisors.specs import Flags
from supervisors.supervisor import Supervisor

SOON = 10.0  # seconds

pytestmark = pytest.mark.usefixtures("_all_stop")


@pytest.fixture
def _all_stop() -> Iterator[None]:
    yield
    ActorRegistry.stop_all()


class Tape:
    pykka_traversable = True

    def __init__(self) -> None:
        self.position = 7

    def wind(self, by: int) -> int:
        self.position += by
        return self.position


class Recorder(Actor):
    """Written as for pykka."""

    kind = "recorder"

    def __init__(self, first: str = "") -> None:
        super().__init__()
        self.heard = [first] if first else []
        self.tape = Tape()
        self.ends: queue.Queue[Any] = queue.Queue()

    def on_start(self) -> None:
        self.registered = ActorRegistry.get_by_urn(self.actor_urn)

    def on_receive(self, message: Any) -> Any:
        match message:
            case "never":
                return NO_REPLY
            case ("wait", gate):
                gate.wait(SOON)
            case BaseException():
                raise message
        self.heard.append(message)
        return len(self.heard)

    def on_stop(self) -> None:
        self.ends.put("stopped")

    def on_failure(self, exception_type: Any, exception_value: Any, traceback: Any) -> None:
        self.ends.put((exception_type, exception_value, traceback is not None))

    def add(self, one: int, other: int) -> int:
        return one + other

    def fail(self) -> None:
        raise ValueError("as told")

    def mine(self) -> Any:
        return self.actor_ref.proxy().add(1, 1)


def test_it_is_started_by_its_class_and_asked_and_told_through_its_ref() -> None:
    ref = Recorder.start("first")
    assert isinstance(ref, pykka.ActorRef)
    ref.tell("second")
    assert ref.ask("third") == 3
    assert ref.ask("fourth", timeout=SOON) == 4
    future = ref.ask("fifth", block=False)
    assert isinstance(future, pykka.Future)
    assert [future.get(timeout=SOON), future.get()] == [5, 5]


def test_a_ref_says_whose_it_is() -> None:
    ref = Recorder.start()
    assert ref.actor_class is Recorder
    assert UUID(ref.actor_urn).version == 4
    assert str(ref) == f"Recorder ({ref.actor_urn})"
    assert ref.proxy().actor_urn.get(timeout=SOON) == ref.actor_urn
    assert ref.is_alive()
    assert Recorder.start().actor_urn != ref.actor_urn


def test_a_stop_comes_after_what_was_told_before_and_returns_when_it_has_ended() -> None:
    ref = Recorder.start()
    gate = threading.Event()
    ref.tell(("wait", gate))
    ref.tell("before")
    stopping = ref.stop(block=False)
    late = ref.ask("after", block=False)
    proxy = ref.proxy()
    with pytest.raises(pykka.Timeout):
        stopping.get(timeout=0)
    gate.set()
    assert stopping.get(timeout=SOON) is True
    with pytest.raises(ActorDeadError):
        late.get(timeout=SOON)
    assert not ref.is_alive()
    assert ref.actor_stopped.wait(0)
    assert ref.stop() is False
    assert ref.stop(block=False).get() is False
    with pytest.raises(ActorDeadError, match="not found"):
        ref.tell("x")
    with pytest.raises(ActorDeadError, match="not found"):
        ref.ask("x")
    with pytest.raises(ActorDeadError):
        ref.proxy()
    assert proxy._actor.heard[1:] == ["before"]
    assert proxy._actor.ends.get(timeout=SOON) == "stopped"
    assert proxy._actor.ends.empty()


def test_an_actor_stops_itself_and_on_failure_replaces_on_stop_after_a_crash() -> None:
    error = ValueError("as told")
    ref = Recorder.start()
    actor = ref.proxy()._actor
    ref.tell(error)
    assert actor.ends.get(timeout=SOON) == (ValueError, error, True)
    assert ref.actor_stopped.wait(SOON)
    assert actor.ends.empty()

    ref = Recorder.start()
    actor = ref.proxy()._actor
    ref.proxy().stop().get(timeout=SOON)
    assert ref.actor_stopped.wait(SOON)
    assert actor.ended.get() == Normal()


def test_a_failed_ask_raises_its_error_at_the_asker_s_and_ends_the_actor() -> None:
    ref = Recorder.start()
    queued = ref.ask("never", block=False)
    with pytest.raises(ValueError, match="as told"):
        ref.ask(ValueError("as told"))
    with pytest.raises(ActorDeadError, match="before it answered"):
        queued.get(timeout=SOON)
    assert ref.actor_stopped.wait(SOON)
    ref = Recorder.start()
    with pytest.raises(CallerError, match="wrong"):
        ref.ask(CallerError("wrong"))
    assert ref.ask("and lives on") == 1


def test_what_is_no_exception_is_not_raised_at_the_asker_s() -> None:
    ref, other = Recorder.start(), Recorder.start()
    with pytest.raises(ActorDeadError, match="SystemExit"):
        ref.ask(SystemExit(3), timeout=SOON)
    assert other.is_alive()


def test_a_proxy_calls_reads_sets_and_goes_down_to_what_is_traversable() -> None:
    proxy = Recorder.start("first").proxy()
    assert proxy.add(1, other=2).get(timeout=SOON) == 3
    assert proxy.kind.get() == "recorder"
    proxy.kind = "player"
    assert proxy.kind.get() == "player"
    assert proxy.tape.wind(2).get() == 9
    proxy.tape.wind.defer(1)
    assert proxy.tape.position.get() == 10
    assert proxy.mine().get().get(timeout=SOON) == 2
    assert proxy.actor_ref.ask(ProxyCall(("add",), (2,), {"other": 3})) == 5
    with pytest.raises(AttributeError):
        proxy.none_such()
    assert proxy == proxy.actor_ref.proxy()


def test_a_deferred_call_that_raises_ends_the_actor_as_a_told_message_does() -> None:
    ref = Recorder.start()
    actor = ref.proxy()._actor
    ref.proxy().fail.defer()
    assert actor.ends.get(timeout=SOON)[0] is ValueError


def test_futures_are_mapped_joined_filtered_reduced_and_awaited() -> None:
    ref = Recorder.start()
    one, two = ref.ask("a", block=False), ref.ask("b", block=False)
    assert one.map(lambda n: n * 10).get(timeout=SOON) == 10
    assert one.join(two).get(timeout=SOON) == [1, 2]
    assert one.join(two).filter(lambda n: n > 1).get() == [2]
    assert one.join(two).reduce(lambda a, b: a + b).get() == 3
    assert pykka.get_all([one, two], timeout=SOON) == [1, 2]

    async def awaited() -> Any:
        return await two

    assert asyncio.run(awaited()) == 2
    with pytest.raises(queue.Full):
        one.set(7)
    with pytest.raises(queue.Full):
        one.set_get_hook(lambda timeout: 7)


def test_a_future_that_was_not_there_in_time_may_be_asked_again_and_a_hook_replaces_the_answer() -> None:
    ref = Recorder.start()
    gate = threading.Event()
    ref.tell(("wait", gate))
    late, hooked = ref.ask("a", block=False), ref.ask("b", block=False)
    with pytest.raises(pykka.Timeout):
        late.get(timeout=0)
    with pytest.raises(pykka.Timeout):
        ref.ask("given up", timeout=0)
    hooked.set_get_hook(lambda timeout: "hook")
    gate.set()
    assert late.get(timeout=SOON) == 2
    assert hooked.get(timeout=SOON) == "hook"
    assert "given up" not in ref.proxy().heard.get(timeout=SOON)


def test_an_ask_may_be_answered_by_whoever_holds_its_future() -> None:
    ref = Recorder.start()
    answered, failed = ref.ask("never", block=False), ref.ask("never", block=False)
    answered.set("by hand")
    failed.set_exception((OSError, OSError("by hand"), None))
    assert answered.get() == "by hand"
    with pytest.raises(OSError, match="by hand"):
        failed.get()


def test_a_full_mailbox_refuses_what_comes_by_a_ref_too() -> None:
    class Small(Recorder):
        mailbox_capacity = 1

    ref = Small.start()
    gate = threading.Event()
    started = ref.ask(("wait", gate), block=False)
    while ref.actor_inbox.qsize():
        pass
    ref.tell("fits")
    with pytest.raises(Refused):
        ref.tell("does not")
    with pytest.raises(Refused):
        ref.ask("does not")
    gate.set()
    assert started.get(timeout=SOON) == 1


def test_the_registry_knows_who_was_started_by_its_class_for_as_long_as_it_lives() -> None:
    class Other(Recorder):
        pass

    ref, other = Recorder.start(), Other.start()
    assert ActorRegistry.get_by_urn(ref.actor_urn) is ref
    assert set(ActorRegistry.get_by_class(Recorder)) == {ref, other}
    assert ActorRegistry.get_by_class_name("Other") == [other]
    assert ref.proxy().registered.get(timeout=SOON) is ref
    ActorRegistry.broadcast("to all")
    ActorRegistry.broadcast("to some", target_class=Other)
    assert ref.proxy().heard.get(timeout=SOON) == ["to all"]
    assert other.proxy().heard.get(timeout=SOON) == ["to all", "to some"]
    ref.tell(ValueError("as told"))
    assert ref.actor_stopped.wait(SOON)
    assert ActorRegistry.get_all() == [other]
    assert ActorRegistry.stop_all() == [True]
    assert ActorRegistry.get_all() == []


def test_a_supervised_actor_has_a_ref_and_a_proxy_and_is_in_no_registry() -> None:
    system = System(ThreadedRuntime())
    root = system.start("sup", lambda: Supervisor(Flags(), (ChildSpec("a", Recorder),)), timeout=None)
    actor = system.directory.whereis("a")
    assert actor is not None
    ref = actor.actor_ref
    assert ref.ask("x", timeout=SOON) == 1
    assert ref.proxy().add(1, 2).get(timeout=SOON) == 3
    assert ActorRegistry.get_all() == []
    assert ref.stop(timeout=SOON) is True
    again = system.directory.wait_for("a", newer_than=actor.generation, timeout=SOON)
    assert again is not None  # its supervisor decides what becomes of it
    assert not ref.is_alive()
    assert again.actor_ref.is_alive()
    system.stop_and_wait(root, SOON)


def test_a_start_that_fails_raises_and_leaves_nobody() -> None:
    class Bad(Recorder):
        def on_start(self) -> None:
            raise ValueError("no")

    with pytest.raises(StartFailed, match="did not start"):
        Bad.start()
    assert ActorRegistry.get_all() == []


def test_an_actor_made_by_hand_is_one_that_does_not_run_yet() -> None:
    actor = Recorder("first")
    assert str(actor) == f"Recorder ({actor.actor_urn})"
    assert ActorRegistry.get_all() == []


def test_a_crash_that_no_supervisor_hears_of_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    ref = Recorder.start()
    ref.tell(ValueError("as told"))
    assert ref.actor_stopped.wait(SOON)
    assert [record.getMessage() for record in caplog.records] == [f"Unhandled exception in {ref}:"]
    assert caplog.records[0].exc_info is not None


def test_refs_and_proxies_work_in_a_simulation_too() -> None:
    def scenario(runtime: SimulatedRuntime) -> None:
        system = System(runtime)
        ref = system.start("a", Recorder).actor_ref
        ref.tell("x")
        assert ref.ask("y", timeout=1) == 2
        assert ref.proxy().add(1, 2).map(lambda n: n + 1).get(timeout=1) == 4
        began = runtime.now()
        with pytest.raises(pykka.Timeout):
            ref.ask("never", timeout=5)
        assert runtime.now() - began == 5
        assert ref.stop() is True

    for seed in range(4):
        simulate(scenario, seed=seed)


# each private thing of pykka that we stand on


def test_pykka_s_constructor_makes_nothing_that_ours_does_not() -> None:
    made = set(re.findall(r"self\.(\w+) = ", inspect.getsource(pykka.Actor.__init__)))
    assert made == {"actor_urn", "actor_inbox", "actor_stopped", "_actor_ref"}
    assert all(hasattr(PykkaActor, name) or name == "actor_inbox" for name in made)


def test_pykka_starts_an_actor_by_the_method_we_override() -> None:
    source = inspect.getsource(pykka.Actor.start.__func__)  # type: ignore[attr-defined]
    assert re.search(r"register\(obj\.actor_ref\).*_start_actor_loop\(\)", source, re.DOTALL)


def test_pykka_s_ref_is_made_of_what_ours_gives_it() -> None:
    made = set(re.findall(r"self\.(\w+) = ", inspect.getsource(pykka.ActorRef.__init__)))
    assert made == {"_actor_weakref", "actor_class", "actor_urn", "actor_inbox", "actor_stopped"}


def test_pykka_handles_its_own_messages_by_the_method_we_call() -> None:
    handled = set(re.findall(r"messages\.(\w+)\)", inspect.getsource(pykka.Actor._handle_receive)))
    assert handled == {"_ActorStop", "ProxyCall", "ProxyGetAttr", "ProxySetAttr"}


def test_pykka_s_futures_make_others_of_their_class_without_arguments() -> None:
    for method in (pykka.Future.map, pykka.Future.filter, pykka.Future.join, pykka.Future.reduce):
        assert "self.__class__()" in inspect.getsource(method)
    hooked: PykkaFuture[int] = PykkaFuture()
    hooked.set_get_hook(lambda timeout: 7)
    assert hooked.get() == 7
