"""The supervisors against a pure model of OTP's: random specs, crashes, hangs, failing starts and questions.

ROOST_EXAMPLES multiplies the number of examples. A failure prints its steps; running the test again replays it.
"""

import os
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from otp_model import FAIL, IGNORE, OK, Kid, Model
from supervision_world import Crash, Finish, Hang, World

from actors.core.lifecycle import Normal, Shutdown
from actors.core.simulation import SimulatedRuntime
from actors.core.supervision import (
    CountChildren,
    DeleteChild,
    RestartChild,
    StartChild,
    TerminateChild,
    WhichChildren,
)
from actors.core.system import StartFailed
from supervisors.dynamic import DynamicSupervisor
from supervisors.specs import Flags
from supervisors.supervisor import Supervisor

IDS = ("a", "b", "c", "d", "e")
HANG_LIMIT, SHUTDOWN = 7.0, 3.0
EXAMPLES = 60 * int(os.environ.get("ROOST_EXAMPLES", "1"))

outcomes = st.sampled_from([OK, OK, FAIL, IGNORE])
ids = st.sampled_from(IDS)


@st.composite
def kids(draw: st.DrawFn, id: str, significant_allowed: bool) -> Kid:
    restart = draw(st.sampled_from(["permanent", "transient", "temporary"]))
    significant = significant_allowed and restart != "permanent" and draw(st.booleans())
    return Kid(id, restart, significant)


class SupervisorAgainstModel(RuleBasedStateMachine):
    """One supervisor and its model, step by step."""

    dynamic = False

    @initialize(
        seed=st.integers(0, 2**32),
        strategy=st.sampled_from(["one_for_one", "one_for_all", "rest_for_one"]),
        intensity=st.integers(0, 6),
        period=st.integers(1, 30),
        auto_shutdown=st.sampled_from(["never", "never", "any_significant", "all_significant"]),
        number=st.integers(0, 4),
        data=st.data(),
    )
    def begin(
        self,
        seed: int,
        strategy: str,
        intensity: int,
        period: int,
        auto_shutdown: str,
        number: int,
        data: st.DataObject,
    ) -> None:
        self.runtime = SimulatedRuntime(seed)
        self.world = World(self.runtime)
        self.auto_shutdown = auto_shutdown
        strategy = "dynamic" if self.dynamic else strategy
        chosen = [] if self.dynamic else [data.draw(self._kids(id)) for id in IDS[:number]]
        self.model = Model(strategy, intensity, period, auto_shutdown, {id: [] for id in IDS})
        if data.draw(st.integers(0, 4)) == 0 and chosen:
            self.plan(data.draw(st.sampled_from([kid.id for kid in chosen])), data.draw(outcomes))
        flags = Flags("one_for_one" if self.dynamic else strategy, intensity, period, auto_shutdown)
        specs = tuple(self._spec(kid) for kid in chosen)
        self.model.begin(chosen)
        try:
            if self.dynamic:
                self.world.sup = self.world.start(lambda: DynamicSupervisor(flags))
            else:
                self.world.sup = self.world.start(lambda: Supervisor(flags, specs))
        except StartFailed:
            assert not self.model.up

    def _kids(self, id: str) -> st.SearchStrategy[Kid]:
        return kids(id, self.auto_shutdown != "never")

    def _spec(self, kid: Kid) -> Any:
        return self.world.child(
            kid.id, restart=kid.restart, significant=kid.significant, hang_limit=HANG_LIMIT, shutdown=SHUTDOWN
        )

    def _running(self) -> list[str]:
        return [kid.id for kid in self.model.kids if kid.state == "running"]

    def teardown(self) -> None:
        if hasattr(self, "runtime"):
            self.runtime.close()

    # what happens to it

    @rule(id=ids, outcome=outcomes, times=st.integers(1, 3))
    def plan(self, id: str, outcome: str, times: int = 1) -> None:
        self.world.plan(id, *[outcome] * times)
        self.model.plans[id] += [outcome] * times

    @rule(seconds=st.sampled_from([0.4, 1.0, 3.0, 20.0]))
    def wait(self, seconds: float) -> None:
        self.runtime.sleep(seconds)

    @precondition(lambda self: self.model.up and self._running())
    @rule(data=st.data(), how=st.sampled_from(["crash", "normal", "shutdown"]))
    def end_of_a_child(self, data: st.DataObject, how: str) -> None:
        id = data.draw(st.sampled_from(self._running()))
        message = {"crash": Crash(), "normal": Finish(Normal()), "shutdown": Finish(Shutdown("own"))}[how]
        self.world.tell(id, message)
        self.model.end(id, abnormal=how == "crash", now=self.runtime.now())

    @precondition(lambda self: self.model.up and self._running())
    @rule(data=st.data())
    def hang_of_a_child(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(self._running()))
        began = self.runtime.now()
        self.world.tell(id, Hang(HANG_LIMIT + SHUTDOWN + 0.4))
        self.runtime.sleep(HANG_LIMIT + SHUTDOWN + 0.5)
        self.model.end(id, abnormal=True, now=began + HANG_LIMIT + SHUTDOWN, cleans_up=False)

    # what it is asked

    @precondition(lambda self: self.model.up)
    @rule(id=ids, data=st.data())
    def start_child(self, id: str, data: st.DataObject) -> None:
        kid = data.draw(self._kids(id))
        self._same(StartChild(self._spec(kid)), self.model.start_child(kid))

    @precondition(lambda self: self.model.up)
    @rule(id=ids)
    def terminate_child(self, id: str) -> None:
        self._same(TerminateChild(id), self.model.terminate_child(id))

    @precondition(lambda self: self.model.up)
    @rule(id=ids)
    def restart_child(self, id: str) -> None:
        self._same(RestartChild(id), self.model.restart_child(id))

    @precondition(lambda self: self.model.up)
    @rule(id=ids)
    def delete_child(self, id: str) -> None:
        self._same(DeleteChild(id), self.model.delete_child(id))

    @precondition(lambda self: self.model.up)
    @rule()
    def an_unknown_message(self) -> None:
        self.world.tell("sup", "what is this?")

    def _same(self, question: object, expected: str) -> None:
        answer = self.world.ask(question)
        assert type(answer).__name__ == expected, (question, answer)

    # how they must agree

    @invariant()
    def both_are_the_same(self) -> None:
        if not hasattr(self, "model"):
            return
        self.runtime.settle()
        living = [registration.name for registration in self.world.system.directory.registrations()]
        if not self.model.up:
            assert living == []
            assert sorted(self.world.log) == sorted(self.model.log)
            return
        assert living == sorted([*self._running(), "sup"])
        shown = [(info.id, info.state) for info in self.world.ask(WhichChildren())]
        assert shown == [(kid.id, kid.state) for kid in self.model.which_children()]
        expected = [(kid.id, kid.state) for kid in self.model.kids]
        counts = self.world.ask(CountChildren())
        assert (counts.specs, counts.active) == (len(expected), len(self._running()))
        assert self.world.log == self.model.log
        on_the_board = self.world.system.board.get("supervisor:sup")
        if expected:
            assert [(info.id, info.state) for info in on_the_board.children] == expected


class DynamicSupervisorAgainstModel(SupervisorAgainstModel):
    """The same for a dynamic supervisor."""

    dynamic = True


for machine in (SupervisorAgainstModel, DynamicSupervisorAgainstModel):
    machine.TestCase.settings = settings(
        max_examples=EXAMPLES,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )

TestSupervisorAgainstModel = SupervisorAgainstModel.TestCase
TestDynamicSupervisorAgainstModel = DynamicSupervisorAgainstModel.TestCase
