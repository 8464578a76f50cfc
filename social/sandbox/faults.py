"""Faults on demand: how the site is told to misbehave, and for how long.

A fault ends after a number of uses, after a time, or when it is cleared; with a probability it only bites sometimes.
Faults live in memory: a site that was started again behaves.

| kind | where | what happens |
| --- | --- | --- |
| commit_then_drop | create | the post is stored, then the connection breaks off within the response |
| no_toast | create | the post is stored, and the page shows no toast |
| odd_response | create | the post is stored; the response has an unknown form, the page shows its toast |
| errors_200 | create | nothing is stored; status 200 with `errors[]` of `code` |
| visibility_wrapper | create | the response is of the `TweetWithVisibilityResults` form |
| slow | create, pages | the response comes `delay` real seconds late; a post is stored before the delay |
| rate_limited | create, pages | status 429 |
| login_wall | create, pages | 401 and code 32, or a redirect to the login page, though the session is good |
| profile_lag | pages | the own profile hides posts younger than `lag` calendar seconds |
| pinned_decoy | pages | profile and permalink pages begin with a pinned old post and a stranger's viral one |
| broken_page | pages | "Something went wrong. Try reloading." in place of the posts |
| session_expired | create, pages | every session ends, until `/__sandbox/session` issues a new one |
"""

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass

KINDS = (
    "commit_then_drop",
    "no_toast",
    "odd_response",
    "errors_200",
    "visibility_wrapper",
    "slow",
    "rate_limited",
    "login_wall",
    "profile_lag",
    "pinned_decoy",
    "broken_page",
    "session_expired",
)
PLACES = ("all", "create", "pages")


class BadFault(ValueError):
    """The description of a fault makes no sense; the text says what and what would."""


@dataclass(slots=True)
class Fault:
    """One injected fault. times: uses left (None: no limit); until: real seconds (None: no end); on: where it bites.

    probability: of each use; code: for errors_200; delay: real seconds; lag: calendar seconds.
    """

    id: int
    kind: str
    times: int | None = None
    until: float | None = None
    probability: float = 1.0
    on: str = "all"
    code: int = 226
    delay: float = 5.0
    lag: float = 600.0


class FaultBoard:
    """The faults in force. Its randomness is the caller's."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._faults: list[Fault] = []
        self._last_id = 0

    def inject(self, wish: Mapping[str, object], real: float) -> Fault:
        """Adds the fault that `wish` describes (the fields of `Fault`, and `for_seconds` for its end)."""
        kind, place = wish.get("kind"), wish.get("on", "all")
        if kind not in KINDS:
            raise BadFault(f"unknown fault {kind!r}. Known: {', '.join(KINDS)}.")
        if place not in PLACES:
            raise BadFault(f"unknown place {place!r} for a fault. Known: {', '.join(PLACES)}.")
        known = {"kind", "on", "times", "for_seconds", "probability", "code", "delay", "lag"}
        if strange := sorted(set(wish) - known):
            raise BadFault(f"unknown field {', '.join(strange)}. Known: {', '.join(sorted(known))}.")
        lasting = _number(wish, "for_seconds") if wish.get("for_seconds") is not None else None
        times = _number(wish, "times") if wish.get("times") is not None else None
        self._last_id += 1
        fault = Fault(
            id=self._last_id,
            kind=str(kind),
            times=None if times is None else int(times),
            until=None if lasting is None else real + lasting,
            probability=_number(wish, "probability", 1.0),
            on=str(place),
            code=int(_number(wish, "code", 226.0)),
            delay=_number(wish, "delay", 5.0),
            lag=_number(wish, "lag", 600.0),
        )
        self._faults.append(fault)
        return fault

    def strike(self, kind: str, on: str, real: float) -> Fault | None:
        """The fault of that kind that bites at the place `on` now, with one of its uses spent."""
        for fault in self._in_force(real):
            if fault.kind == kind and fault.on in ("all", on) and self._rng.random() < fault.probability:
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None

    def listed(self, real: float) -> list[dict[str, object]]:
        """The faults in force, as JSON."""
        return [asdict(fault) for fault in self._in_force(real)]

    def clear(self, kind: str | None = None) -> None:
        """Ends the faults of a kind, or all."""
        self._faults = [fault for fault in self._faults if kind is not None and fault.kind != kind]

    def _in_force(self, real: float) -> list[Fault]:
        self._faults = [
            fault for fault in self._faults if fault.times != 0 and (fault.until is None or real < fault.until)
        ]
        return self._faults


def _number(wish: Mapping[str, object], name: str, default: float = 0.0) -> float:
    value = wish.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise BadFault(f"{name} must be a number from 0, not {value!r}.")
    return float(value)
