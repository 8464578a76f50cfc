"""What a supervisor may be told, and everything that is wrong with it.

Faults carry OTP's reasons (`supervisor:check_childspecs/1`), and a spec's faults are all found at once, since a list
of five is mended faster than five times one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from actors.core.foreign import as_repr, guarded
from actors.core.supervision import ChildSpec, SpecFault
from domain.backoff import Backoff

STRATEGIES = ("one_for_one", "one_for_all", "rest_for_one")
RESTARTS = ("permanent", "transient", "temporary")
TYPES = ("worker", "supervisor")
AUTO_SHUTDOWNS = ("never", "any_significant", "all_significant")


@dataclass(frozen=True, slots=True)
class Flags:
    """How a supervisor behaves; OTP's words and defaults.

    strategy: what a crash takes with it. intensity, period: so many restarts in so many seconds are borne.
    auto_shutdown: whether the end of significant children ends the supervisor: never, any_significant,
    all_significant. cool_down: None ends the supervisor at the limit, as in OTP; a number of seconds makes it leave
    the child down for that long instead, and then go on.
    """

    strategy: str = "one_for_one"
    intensity: int = 1
    period: float = 5.0
    auto_shutdown: str = "never"
    cool_down: float | None = None


class Faulty(ValueError):
    """Flags or specs that cannot be. faults: all of them."""

    def __init__(self, faults: Sequence[SpecFault]) -> None:
        super().__init__("; ".join(f"{fault.reason}: {as_repr(fault.value)}" for fault in faults))
        self.faults = tuple(faults)


def flag_faults(flags: Flags) -> list[SpecFault]:
    """All faults of the flags."""
    return _flag_faults(flags)


def spec_faults(spec: object, auto_shutdown: str = "never") -> list[SpecFault]:
    """All faults of one child spec, under a supervisor with this auto_shutdown.

    What cannot even be looked at (a field whose comparison raises) is no spec.
    """
    faults: list[SpecFault] = []
    if not issubclass(type(spec), ChildSpec) or guarded(lambda: faults.extend(_spec_faults(spec, auto_shutdown))):
        return [SpecFault("invalid_child_spec", spec)]
    return faults


def _flag_faults(flags: Any) -> list[SpecFault]:  # Any: what a caller without a type checker may have put in
    faults = []
    if flags.strategy not in STRATEGIES:
        faults.append(SpecFault("invalid_strategy", flags.strategy))
    if not _is_number(flags.intensity, int) or flags.intensity < 0:
        faults.append(SpecFault("invalid_intensity", flags.intensity))
    if not _is_number(flags.period) or flags.period <= 0:
        faults.append(SpecFault("invalid_period", flags.period))
    if flags.auto_shutdown not in AUTO_SHUTDOWNS:
        faults.append(SpecFault("invalid_auto_shutdown", flags.auto_shutdown))
    if flags.cool_down is not None and (not _is_number(flags.cool_down) or flags.cool_down <= 0):
        faults.append(SpecFault("invalid_cool_down", flags.cool_down))
    return faults


def _spec_faults(spec: Any, auto_shutdown: str) -> list[SpecFault]:
    faults = []
    if not spec.id:
        faults.append(SpecFault("missing_id", spec.id))
    elif guarded(hash, spec.id):
        faults.append(SpecFault("invalid_id", spec.id))
    if spec.start is None:
        faults.append(SpecFault("missing_start", spec.start))
    elif not callable(spec.start):
        faults.append(SpecFault("invalid_mfa", spec.start))
    if spec.restart not in RESTARTS:
        faults.append(SpecFault("invalid_restart_type", spec.restart))
    if not _is_span(spec.shutdown):
        faults.append(SpecFault("invalid_shutdown", spec.shutdown))
    if spec.type not in TYPES:
        faults.append(SpecFault("invalid_child_type", spec.type))
    if not isinstance(spec.significant, bool):
        faults.append(SpecFault("invalid_significant", spec.significant))
    elif spec.significant and (auto_shutdown == "never" or spec.restart == "permanent"):
        faults.append(SpecFault("bad_combination", (("auto_shutdown", auto_shutdown), ("restart", spec.restart))))
    if not _is_span(spec.hang_limit) or spec.hang_limit == 0:
        faults.append(SpecFault("invalid_hang_limit", spec.hang_limit))
    if not _is_span(spec.start_limit) or spec.start_limit == 0:
        faults.append(SpecFault("invalid_start_limit", spec.start_limit))
    if spec.backoff is not None and not isinstance(spec.backoff, Backoff):
        faults.append(SpecFault("invalid_backoff", spec.backoff))
    if not _is_number(spec.reset_after) or spec.reset_after < 0:
        faults.append(SpecFault("invalid_reset_after", spec.reset_after))
    return faults


def check(flags: Flags, specs: Sequence[ChildSpec]) -> None:
    """Raises: Faulty, with every fault of the flags and of all the specs."""
    faults = flag_faults(flags)
    seen: set[object] = set()
    for spec in specs:
        faults += spec_faults(spec, flags.auto_shutdown)
        id = getattr(spec, "id", None)
        if id in seen:
            faults.append(SpecFault("duplicate_child_name", id))
        seen.add(id)
    if faults:
        raise Faulty(faults)


def _is_number(value: object, kind: Any = (int, float)) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _is_span(value: Any) -> bool:
    return value is None or (_is_number(value) and value >= 0)
