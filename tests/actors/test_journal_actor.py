"""What a run tells the journal of a post that it was about to send, and what the journal makes of it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from actors.account import journal
from actors.core.base import Actor
from actors.core.lifecycle import Shutdown
from actors.core.simulation import SimulatedRuntime, simulate
from actors.core.system import System
from actors.protocol.journal import Arm
from domain.calendar import HOUR
from domain.publishing.claims import Claim
from domain.publishing.states import State
from store.journal import Armed
from store.posts import Post
from tests.store.test_journal import post


class Run:
    """As much of a run as the journal sees."""

    instance = "one"

    def __init__(self, system: System, name: str) -> None:
        self.system, self.actor_name = system, name
        system.start(name, Actor)

    def ask(self, name: str, message: Any, timeout: float = 5.0) -> Any:
        return self.system.ask(name, message, timeout)

    def calendar(self) -> float:
        return self.system.runtime.calendar()

    def arm(self, of: Post) -> Any:
        return self.ask("journal", Arm(of, self.actor_name))

    def state(self) -> State:
        (kept,) = journal.claims(self).kept
        return kept.state

    def end(self) -> None:
        self.system.stop(self.actor_name, Shutdown())


def story(home: Path, tell: Callable[[Run, Run, Post], None]) -> None:
    """Two runs, and a post that is claimed."""

    def told(runtime: SimulatedRuntime) -> None:
        system = System(runtime)
        system.start("journal", lambda: journal.JournalActor(home / "journal.sqlite3", "one", 1.0))
        one, two = Run(system, "run 1"), Run(system, "run 2")
        of = replace(post(), publish_at=0.0, claim=Claim("one", 5, runtime.calendar() + 6 * HOUR, 77))
        journal.keep(one, [of])
        tell(one, two, of)
        system.stop("journal", Shutdown())

    simulate(told, seed=1)


def test_a_run_that_did_not_wait_fails_only_what_it_has_armed_itself(tmp_path: Path) -> None:
    def tell(one: Run, two: Run, of: Post) -> None:
        assert not journal.fail(one, of, "too slow", 0.0, if_armed_here=True)
        assert one.state() is State.CLAIMED, "it was never armed, and may be published by the next run"
        assert two.arm(of) == Armed()
        assert not journal.fail(one, of, "too slow", 0.0, if_armed_here=True)
        assert one.state() is State.ARMED, "another run may have it on its way"
        assert journal.fail(two, of, "too slow", 0.0, if_armed_here=True)
        assert one.state() is State.FAILED_DEFINITE

    story(tmp_path, tell)


def test_a_run_that_ends_in_between_leaves_its_post_unknown_and_its_word_still_counts(tmp_path: Path) -> None:
    def tell(one: Run, two: Run, of: Post) -> None:
        assert one.arm(of) == Armed()
        one.end()
        two.system.runtime.sleep(1.0)
        assert two.state() is State.UNKNOWN
        assert journal.confirm(two, of, 99, {"by": "toast"})
        assert two.state() is State.CONFIRMED

    story(tmp_path, tell)


def test_a_post_that_was_armed_is_not_given_back(tmp_path: Path) -> None:
    def tell(one: Run, two: Run, of: Post) -> None:
        one.arm(of)
        assert not journal.give_back(one, of, "its claim is over")
        assert one.state() is State.ARMED
        one.end()
        two.system.runtime.sleep(1.0)
        assert two.state() is State.UNKNOWN, "and it is still seen to when its run ends"

    story(tmp_path, tell)


def test_nothing_can_have_become_of_a_post_that_was_never_claimed(tmp_path: Path) -> None:
    def tell(one: Run, two: Run, of: Post) -> None:
        with pytest.raises(ValueError, match="was never claimed"):
            journal.fail(one, replace(of, claim=None), "refused")

    story(tmp_path, tell)
