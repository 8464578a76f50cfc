"""Who is who: name → the living incarnation, and who watches whom.

Nobody keeps a ref across a restart; messages go to names, and this is where a name is resolved. Generations only
grow, so a late word from an earlier life can be told from the present one.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from actors.protocol import ExitReason
from actors.runtime import Runtime

if TYPE_CHECKING:
    from actors.base import Actor


@dataclass(frozen=True, slots=True)
class Registration:
    """One name's present holder, for the operator."""

    name: str
    generation: int


class Directory:
    """The names of one system."""

    def __init__(self, runtime: Runtime) -> None:
        self._lock = runtime.condition()
        self._living: dict[str, Actor] = {}
        self._generations: dict[str, int] = {}
        self._watchers: dict[str, dict[str, None]] = {}  # watched → watchers, in order of their asking

    def enroll(self, actor: "Actor") -> int:
        """Give the actor its name and a new generation; whoever held the name before holds it no more."""
        with self._lock:
            generation = self._generations.get(actor.name, 0) + 1
            self._generations[actor.name] = generation
            self._living[actor.name] = actor
            return generation

    def find(self, name: str) -> "Actor | None":
        """The living incarnation of `name`, or None. No lock: one look into one dict."""
        return self._living.get(name)

    def strike(self, actor: "Actor", reason: ExitReason) -> list[str]:
        """Take it out, if it still holds its name. Returns who watched it, each once."""
        with self._lock:
            if self._living.get(actor.name) is not actor:
                return []
            del self._living[actor.name]
            return list(self._watchers.pop(actor.name, ()))

    def watch(self, name: str, watcher: str) -> bool:
        """Have `watcher` told when `name` ends. Returns False if there is no `name` now."""
        with self._lock:
            if name not in self._living:
                return False
            self._watchers.setdefault(name, {})[watcher] = None
            return True

    def unwatch(self, name: str, watcher: str) -> None:
        """Forget it; no error if there was none."""
        with self._lock:
            self._watchers.get(name, {}).pop(watcher, None)

    def registrations(self) -> list[Registration]:
        """Everybody, by name."""
        with self._lock:
            return [Registration(name, self._living[name].generation) for name in sorted(self._living)]

    def actors(self) -> "list[Actor]":
        """Every living incarnation, by name. For metrics and watchdogs."""
        with self._lock:
            return [self._living[name] for name in sorted(self._living)]
