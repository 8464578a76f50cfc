"""What is tried with an ill component: the steps of `domain.resources.healing`, as messages.

It belongs to the health actor and works in its handlers, so it waits for nothing: a step is sent off, and looked at
again when it has had its time.
"""

import logging
from dataclasses import dataclass

from actors.core.base import Actor
from actors.core.supervision import Restart
from actors.protocol import alerts
from actors.protocol.health import HealingView
from actors.protocol.resources import ResourceState, check, rebuild, resource
from domain.resources import healing
from domain.resources.healing import ComponentFault, Escalation, Recovered, Step

log = logging.getLogger("roost.care")

STEP_SECONDS = 10.0  # that a step is given before it counts as no help; a rebuild's rest comes on top
GROUP = "resources"  # the supervisor of what can be healed
GROUP_OF = "root"  # and its own
NEIGHBOURS = (ComponentFault.DATABASE, ComponentFault.REDIS, ComponentFault.BROWSER)
# Components; the breaker is not one, but what ails one of these.
TREATED = frozenset({*NEIGHBOURS, ComponentFault.MODEL})


@dataclass(frozen=True, slots=True)
class StepTaken:
    """To the health actor: the next step of this component's treatment is due."""

    component: str


@dataclass(frozen=True, slots=True)
class StepOver:
    """To the health actor: the step has had its time, and the component is ill still if nobody said otherwise."""

    component: str


class Healer:
    """Treats one component at a time each, and remembers."""

    def __init__(self, owner: Actor) -> None:
        self._owner = owner
        self._courses: dict[str, Escalation] = {}
        self._under_way: dict[str, Step] = {}
        self._outcomes: dict[str, str] = {}  # what the step under way came to, where that is known
        self._chance = owner.system.runtime.random("healing")
        self.history: tuple[Recovered, ...] = ()

    def is_ill(self, component: str) -> None:
        """Treatment begins, if there is one for it and it has not begun."""
        fault = self._ailment(component)
        if fault is not None and component not in self._courses:
            self._courses[component] = healing.begin(fault, self._owner.now())
            self._arm(component)

    def is_well(self, component: str) -> None:
        """The end of its treatment, or of an alert that stands from an earlier life."""
        alerts.clear_alert(self._owner, f"ill:{component}")
        self._owner.cancel_timer(_timer(component))
        escalation = self._courses.pop(component, None)
        step = self._under_way.pop(component, None)
        if escalation is None:
            return
        healed = healing.after_success(escalation, step, self._owner.now())
        self.history = healing.remember(self.history, healed)
        log.info("%s is well again, after %d step(s)", component, healed.attempts)

    def receive(self, message: StepTaken | StepOver) -> None:
        """What the timer of a treatment says."""
        match message:
            case StepTaken(component):
                self._take(component, self._courses[component])
            case StepOver(component):
                self._no_help(component, self._courses[component])

    def views(self) -> tuple[HealingView, ...]:
        """What is treated now, and the last that was."""
        now = [
            HealingView(name, escalation.attempts, _last(escalation), ended=False)
            for name, escalation in self._courses.items()
        ]
        past = [
            HealingView(healed.fault.value, healed.attempts, str(healed.by or "by itself"), ended=True)
            for healed in self.history[-5:]
        ]
        return (*now, *past)

    def _arm(self, component: str) -> None:
        escalation = self._courses[component]
        self._owner.timer(_timer(component), escalation.due - self._owner.now(), StepTaken(component))

    def _ailment(self, component: str) -> ComponentFault | None:
        """What it suffers from by now. None: nothing that is treated, or the operator holds it open, and means to."""
        match self._owner.system.board[resource(component)]:
            case ResourceState(breaker="forced_open"):
                return None
            case ResourceState(breaker="open" | "half_open", state=state) if state != "down":
                return ComponentFault.BREAKER
        return ComponentFault(component) if component in TREATED else None

    def _take(self, component: str, escalation: Escalation) -> None:
        fault = self._ailment(component)
        if fault is None:
            del self._courses[component]  # if it is ill when the order ends, treatment begins anew
            return
        escalation = self._courses[component] = healing.diagnosed(escalation, fault)
        step = healing.next_step(escalation)
        rest = healing.PLANS[escalation.fault].rest_seconds
        level = logging.INFO if escalation.exhausted else logging.WARNING  # what goes on for hours is not news
        log.log(level, "healing %s: %s (step %d)", component, step.value, escalation.attempts + 1)
        self._outcomes.pop(component, None)
        self._under_way[component] = step
        match step:
            case Step.RETRY:
                check(self._owner, component)
            case Step.REBUILD:
                rebuild(self._owner, component, "healing", rest)
            case Step.RESTART_ACTOR:
                self._owner.tell(GROUP, Restart(component))
            case Step.RESTART_GROUP if self._neighbours_are_well(component):
                del self._under_way[component]
                self._outcomes[component] = "not taken: its neighbours are well, and would only be harmed"
            case Step.RESTART_GROUP:
                self._owner.tell(GROUP_OF, Restart(GROUP))
        wait = STEP_SECONDS + (rest if step is Step.REBUILD else 0.0)
        self._owner.timer(_timer(component), wait, StepOver(component))

    def _no_help(self, component: str, escalation: Escalation) -> None:
        self._under_way.pop(component, None)
        outcome = self._outcomes.pop(component, "still ill")
        escalation = healing.after_failure(escalation, outcome, self._owner.now(), self._chance)
        self._courses[component] = escalation
        if escalation.exhausted:
            text = f"{component} is ill since {self._owner.now() - escalation.began:.0f} s; all steps were tried"
            alerts.raise_alert(self._owner, f"ill:{component}", text)
        self._arm(component)

    def _neighbours_are_well(self, component: str) -> bool:
        return any(other.value not in self._courses for other in NEIGHBOURS if other.value != component)


def _timer(component: str) -> str:
    """The owner's timer for the treatment of this component: it ends with it."""
    return f"healing {component}"


def _last(escalation: Escalation) -> str:
    return f"{escalation.recent[-1].step.value}: {escalation.recent[-1].outcome}" if escalation.recent else "begins"
