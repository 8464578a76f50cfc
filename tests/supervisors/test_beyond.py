"""What goes beyond OTP: hung children, backoff, cooling down, history, the board."""

import gc
import weakref

import pytest
from supervision_world import FAIL, Crash, Hang, World

from actors.core.lifecycle import Stop
from actors.core.simulation import ProcessExit
from actors.core.supervision import (
    NotForDynamic,
    NotFound,
    Restart,
    StartChild,
    Started,
    StartError,
    StillRestarting,
    SupervisorSnapshot,
    TerminateChild,
)
from domain.backoff import Backoff
from supervisors.decisions import hung
from supervisors.dynamic import DynamicSupervisor
from supervisors.specs import Flags
from supervisors.supervisor import supervisor_spec

SLOW = Backoff(least=1.0, base=1.0, most=8.0)


def test_a_handler_that_runs_too_long_ends_in_a_new_incarnation(world: World) -> None:
    world.supervise(world.child("a", hang_limit=10, shutdown=2))
    world.runtime.sleep(33)
    first, began = world.generation("a"), world.runtime.now()
    world.system.tell("a", Hang(1_000))
    found = world.system.directory.wait_for("a", newer_than=first, timeout=100)
    assert found is not None
    assert world.runtime.now() - began == pytest.approx(12)
    assert world.system.zombies() == [f"a#{first}"]
    world.runtime.sleep(1_000)
    assert world.system.zombies() == []
    assert world.generation("a") == found.generation


def test_a_handler_that_ends_within_the_grace_ends_its_incarnation_itself(world: World) -> None:
    world.supervise(world.child("a", hang_limit=10, shutdown=5))
    first = world.generation("a")
    world.system.tell("a", Hang(12))
    world.runtime.sleep(13)
    assert world.generation("a") > first
    assert world.log == ["+a", "-a", "+a"]  # it cleaned up: nobody was fenced
    assert world.system.fenced_total == 0


def test_a_clean_up_that_hangs_after_a_crash_does_not_keep_the_replacement_away(world: World) -> None:
    world.supervise(world.child("a", hang_limit=10, shutdown=2))
    world.slow_ends["a"] = 1_000
    first = world.generation("a")
    world.crash("a")
    world.runtime.sleep(13)
    assert world.generation("a") > first
    assert world.system.zombies() == [f"a#{first}"]


def test_nothing_of_a_dead_incarnation_is_kept_alive_by_its_supervisor(world: World) -> None:
    world.supervise(world.child("a"))
    dead = weakref.ref(world.system.directory.whereis("a") or object())
    world.crash("a")
    gc.collect()
    assert dead() is None


def test_the_watchdog_looks_no_more_often_than_the_limit() -> None:
    assert hung([], now=100.0) == ([], None)
    assert hung([(30.0, None), (30.0, 90.0)], now=100.0) == ([], 120.0)
    assert hung([(30.0, 70.0)], now=100.0) == ([0], 130.0)


def test_what_a_fenced_incarnation_says_counts_for_nothing(world: World) -> None:
    sup = world.supervise(world.child("a", shutdown=1, hang_limit=None), world.child("b"))
    world.system.tell("a", Hang(50))
    world.runtime.settle()
    zombie = world.system.directory.whereis("a")
    assert zombie is not None
    world.ask(TerminateChild("a"))
    assert zombie.fenced
    assert sup.children["a"].state == "undefined"  # type: ignore[attr-defined]
    before = world.system.dead_letters["fenced"]
    zombie.tell_myself("late")
    assert world.system.dead_letters["fenced"] == before + 1
    world.runtime.sleep(60)
    assert world.log == ["+a", "+b"]  # its clean-up did not run either


def test_too_many_abandoned_threads_end_the_process(world: World) -> None:
    world.supervise(world.child("a", shutdown=1, hang_limit=10), intensity=100)
    for _ in range(8):
        world.system.tell("a", Hang(100_000))
        world.runtime.sleep(15)
    assert len(world.system.zombies()) == 8
    world.system.tell("a", Hang(100_000))
    with pytest.raises(ProcessExit, match="9 abandoned threads"):
        world.runtime.sleep(15)


def test_children_fenced_at_once_that_end_in_time_do_not_count(world: World) -> None:
    world.supervise(*(world.child(f"c{number}", shutdown=0) for number in range(20)))
    world.stop()
    world.runtime.sleep(10)
    assert world.system.zombies() == []
    assert world.system.fenced_total == 20


# backoff


def test_restarts_back_off_and_the_wait_grows_to_its_limit(world: World) -> None:
    world.supervise(world.child("a", backoff=SLOW), intensity=100)
    waits = []
    for _ in range(12):
        first, began = world.generation("a"), world.runtime.now()
        world.crash("a")
        assert world.system.directory.wait_for("a", newer_than=first, timeout=100) is not None
        waits.append(world.runtime.now() - began)
    assert all(1 <= wait <= 8 for wait in waits)
    assert max(waits[6:]) > 2


def test_the_backoff_starts_anew_after_a_quiet_time(world: World) -> None:
    world.supervise(world.child("a", backoff=SLOW), intensity=100)
    for _ in range(6):
        world.crash("a")
        world.runtime.sleep(9)
    world.runtime.sleep(61)
    first, began = world.generation("a"), world.runtime.now()
    world.crash("a")
    assert world.system.directory.wait_for("a", newer_than=first, timeout=100) is not None
    assert world.runtime.now() - began == pytest.approx(1)


def test_a_child_terminated_while_it_backs_off_stays_down(world: World) -> None:
    world.supervise(world.child("a", backoff=SLOW))
    world.crash("a")
    assert world.state("a") == "restarting"
    world.ask(TerminateChild("a"))
    world.runtime.sleep(100)
    assert world.state("a") == "undefined"
    assert not world.alive("a")


def test_a_group_is_down_while_its_member_backs_off(world: World) -> None:
    world.supervise(
        world.child("a"), world.child("b", backoff=SLOW), world.child("c"), strategy="rest_for_one", intensity=9
    )
    world.crash("b")
    assert [world.alive(name) for name in "abc"] == [True, False, False]
    world.runtime.sleep(9)
    assert [world.alive(name) for name in "abc"] == [True, True, True]


# at the limit


@pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all", "rest_for_one"])
def test_a_supervisor_may_cool_down_at_its_limit_and_go_on(world: World, strategy: str) -> None:
    world.supervise(world.child("a"), world.child("b"), strategy=strategy, intensity=1, cool_down=30.0)
    world.crash("a", "a")
    assert world.ended() is None
    assert world.state("a") == "restarting"
    assert world.system.board.get("supervisor:sup").cooling_until == world.runtime.now() + 30
    world.runtime.sleep(31)
    assert world.counts() == (2, 2, 0, 2)
    assert world.system.board.get("supervisor:sup").cooling_until is None


def test_a_cooled_child_that_fails_again_counts_anew(world: World) -> None:
    world.supervise(world.child("a"), intensity=1, cool_down=30.0)
    world.crash("a")
    world.plan("a", *[FAIL] * 4)
    world.crash("a")
    world.runtime.sleep(100)
    assert world.ended() is None
    assert world.alive("a")


# what is remembered


def test_the_history_tells_when_who_why_which_and_how_long(world: World) -> None:
    world.supervise(world.child("a", backoff=Backoff(least=2.0, base=2.0, most=2.0)), world.child("b"), intensity=9)
    world.crash("a")
    world.runtime.sleep(3)
    snapshot: SupervisorSnapshot = world.system.board.get("supervisor:sup")
    (record,) = snapshot.history
    assert (record.id, record.reason) == ("a", "crashed: ValueError: as told")
    assert record.generation == world.generation("a")
    assert record.seconds == pytest.approx(2)
    assert snapshot.restarts == (("a", "crashed", 1),)
    assert snapshot.children[0].restarts == 1
    assert snapshot.restart_seconds[-1][1] == 1


def test_only_the_last_fifty_restarts_are_remembered_and_all_are_counted(world: World) -> None:
    world.supervise(world.child("a"), intensity=1_000)
    for _ in range(60):
        world.crash("a")
    snapshot: SupervisorSnapshot = world.system.board.get("supervisor:sup")
    assert len(snapshot.history) == 50
    assert snapshot.restarts == (("a", "crashed", 60),)


def test_a_group_restart_is_told_of_each_child_with_its_own_reason(world: World) -> None:
    world.supervise(world.child("a"), world.child("b"), strategy="one_for_all")
    world.crash("b")
    snapshot: SupervisorSnapshot = world.system.board.get("supervisor:sup")
    assert [(record.id, record.reason) for record in snapshot.history] == [
        ("a", "shutdown"),
        ("b", "crashed: ValueError: as told"),
    ]


def test_a_hung_supervisor_that_is_fenced_starts_nobody_any_more(world: World) -> None:
    inner = supervisor_spec("inner", Flags(), (world.child("a"),), shutdown=5.0)
    world.supervise(inner)
    world.plan("a", "hang")
    world.system.tell("a", Crash())
    world.runtime.settle()  # inner waits for the start of a
    world.tell("sup", Stop())
    world.runtime.sleep(200)
    assert world.system.directory.registrations() == []
    assert world.ended() is not None


def test_a_dynamic_supervisor_nests_and_shows_itself(world: World) -> None:
    world.start(lambda: DynamicSupervisor(Flags(intensity=3)), name="runs")
    assert world.system.board.get("supervisor:runs").strategy == "dynamic"


# a restart by order


def test_a_restart_by_order_ends_the_child_before_it_starts_the_next_and_leaves_its_siblings(world: World) -> None:
    for strategy in ("one_for_one", "one_for_all"):
        world.supervise(world.child("a"), world.child("b"), strategy=strategy, intensity=0)
        first = world.generation("a")
        world.forget_log()
        answer = world.ask(Restart("a"))
        assert answer == Started("a", world.generation("a"))
        assert answer.generation > first
        assert world.log == ["-a", "+a"]
        assert world.system.board.get("supervisor:sup").history == ()  # it is none of those that are counted
        world.stop()


def test_a_restart_by_order_starts_a_child_that_was_stopped(world: World) -> None:
    world.supervise(world.child("a"))
    world.ask(TerminateChild("a"))
    assert isinstance(world.ask(Restart("a")), Started)
    assert world.state("a") == "running"


def test_a_restart_by_order_whose_start_fails_is_tried_again(world: World) -> None:
    world.supervise(world.child("a"), intensity=3)
    world.plan("a", FAIL, FAIL)
    assert isinstance(world.ask(Restart("a")), StartError)
    world.runtime.settle()
    assert world.state("a") == "running"


def test_while_a_restart_is_due_another_by_order_changes_nothing(world: World) -> None:
    world.supervise(world.child("a", backoff=Backoff(least=5.0, base=5.0, most=5.0)))
    world.crash("a")
    world.forget_log()
    assert [world.ask(Restart("a")) for _ in range(3)] == [StillRestarting("a")] * 3
    world.runtime.sleep(6)
    assert world.log == ["+a"]
    assert world.state("a") == "running"


def test_a_restart_by_order_of_who_is_not_kept(world: World) -> None:
    world.supervise(world.child("a", restart="temporary"))
    assert world.ask(Restart("a")) == NotFound("a")
    assert not world.alive("a")
    assert world.ask(Restart("nobody")) == NotFound("nobody")
    world.stop()
    world.dynamic()
    world.ask(StartChild(world.child("a")))
    assert world.ask(Restart("a")) == NotForDynamic()
    assert world.alive("a")
