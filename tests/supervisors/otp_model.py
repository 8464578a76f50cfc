"""OTP's supervisor as a function of values: what `supervisor.erl` does, without processes.

Written from OTP's documentation and source, not from ours, so that the two can disagree. Starts are planned: a list
of outcomes for each id, used up one a start.
"""

from dataclasses import dataclass, field

FAIL, IGNORE, OK = "fail", "ignore", "ok"


@dataclass
class Kid:
    id: str
    restart: str
    significant: bool
    state: str = "undefined"
    incarnation: int = 0  # the present one, or the last: they grow as pids do


@dataclass
class Model:
    """A supervisor. up: whether it lives. log: +id at each start, -id at each end with a clean-up."""

    strategy: str
    intensity: int
    period: int
    auto_shutdown: str
    plans: dict[str, list[str]]
    kids: list[Kid] = field(default_factory=list)
    restarts: list[int] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    up: bool = True
    incarnations: int = 0

    # the life of one child

    def _start(self, kid: Kid) -> str:
        outcome = self.plans[kid.id].pop(0) if self.plans.get(kid.id) else OK
        kid.state = "running" if outcome == OK else "undefined"
        if outcome == OK:
            self.incarnations += 1
            kid.incarnation = self.incarnations
            self.log.append(f"+{kid.id}")
        return outcome

    def _stop(self, kid: Kid) -> None:
        if kid.state == "running":
            self.log.append(f"-{kid.id}")
        kid.state = "undefined"

    def _stop_all(self) -> None:
        for kid in reversed(self.kids):
            self._stop(kid)
        self.kids = []
        self.up = False

    def find(self, id: str) -> Kid | None:
        return next((kid for kid in self.kids if kid.id == id), None)

    # events

    def begin(self, kids: list[Kid]) -> None:
        for kid in kids:
            outcome = self._start(kid)
            if outcome == FAIL:
                self._stop_all()
                return
            if outcome == OK or kid.restart != "temporary":
                self.kids.append(kid)

    def end(self, id: str, abnormal: bool, now: float, cleans_up: bool = True) -> None:
        """A running child has ended by itself, at `now` monotonic seconds."""
        kid = self.find(id)
        assert kid is not None
        assert kid.state == "running"
        if cleans_up:
            self.log.append(f"-{id}")
        kid.state = "undefined"
        if kid.restart == "permanent" or (kid.restart == "transient" and abnormal):
            self._restart(kid, now)
            return
        if kid.restart == "temporary" or self.strategy == "dynamic":
            self.kids.remove(kid)
        self._auto_shutdown(kid)

    def _auto_shutdown(self, ended: Kid) -> None:
        others = any(kid.significant and kid.state != "undefined" for kid in self.kids)
        if ended.significant and (
            self.auto_shutdown == "any_significant" or (self.auto_shutdown == "all_significant" and not others)
        ):
            self._stop_all()

    def _restart(self, kid: Kid, now: float) -> None:
        while True:
            self.restarts = [at for at in self.restarts if int(now) - at <= self.period] + [int(now)]
            if len(self.restarts) > self.intensity:
                self._stop_all()
                return
            failed = self._try(kid)
            if failed is None:
                return
            failed.state = "restarting"
            kid = failed

    def _try(self, kid: Kid) -> Kid | None:
        if self.strategy in ("one_for_one", "dynamic"):
            outcome = self._start(kid)
            if outcome == IGNORE and self.strategy == "dynamic":
                self.kids.remove(kid)
            return kid if outcome == FAIL else None
        first = 0 if self.strategy == "one_for_all" else self.kids.index(kid)
        group = self.kids[first:]
        for one in reversed(group):
            self._stop(one)
            if one.restart == "temporary":
                self.kids.remove(one)
        for one in self.kids[first:]:
            if self._start(one) == FAIL:
                return one
        return None

    def which_children(self) -> list[Kid]:
        """Static ones in the order in which they would be ended. Dynamic ones are the keys of a map: pids, and
        behind them what stands for those that restart."""
        if self.strategy == "dynamic":
            return sorted(self.kids, key=lambda kid: (kid.state == "restarting", kid.incarnation))
        return self.kids[::-1]

    # questions; each returns the name of the answer's type

    def start_child(self, new: Kid) -> str:
        known = self.find(new.id)
        if known is not None:
            return "AlreadyStarted" if known.state == "running" else "AlreadyPresent"
        outcome = self._start(new)
        keeps = outcome == OK or (outcome == IGNORE and new.restart != "temporary" and self.strategy != "dynamic")
        if keeps:
            self.kids.append(new)
        return {OK: "Started", IGNORE: "Ignored", FAIL: "StartError"}[outcome]

    def terminate_child(self, id: str) -> str:
        kid = self.find(id)
        if kid is None:
            return "NotFound"
        self._stop(kid)
        if kid.restart == "temporary" or self.strategy == "dynamic":
            self.kids.remove(kid)
        return "Done"

    def restart_child(self, id: str) -> str:
        if self.strategy == "dynamic":
            return "NotForDynamic"
        kid = self.find(id)
        if kid is None:
            return "NotFound"
        if kid.state != "undefined":
            return "StillRunning"
        return {OK: "Started", IGNORE: "Ignored", FAIL: "StartError"}[self._start(kid)]

    def delete_child(self, id: str) -> str:
        if self.strategy == "dynamic":
            return "NotForDynamic"
        kid = self.find(id)
        if kid is None:
            return "NotFound"
        if kid.state != "undefined":
            return "StillRunning"
        self.kids.remove(kid)
        return "Done"
