"""Who is who: name → the living incarnation, and who watches whom.

Nobody keeps a ref across a restart; messages go to names, and this is where a name is resolved. Generations only
grow, over all names, so a late word from an earlier life can be told from the present one and nothing need be
remembered of a name that nobody bears.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actors.core.runtime import Runtime

if TYPE_CHECKING:
    from actors.core.base import Actor

REMEMBERED_ENDS = 256


class NameTaken(Exception):
    """Somebody living bears that name. generation: who."""

    def __init__(self, name: str, generation: int) -> None:
        super().__init__(f"{name}: already started (generation {generation}); stop it first, or take another name")
        self.generation = generation


class SupervisorFenced(Exception):
    """A supervisor that was itself abandoned starts nobody."""


@dataclass(frozen=True, slots=True)
class Registration:
    """One name's present holder, for the operator."""

    name: str
    generation: int


class Directory:
    """The names of one system."""

    def __init__(self, runtime: Runtime) -> None:
        self._lock = runtime.condition("directory")
        self._now = runtime.now
        self.living: dict[str, Actor] = {}  # written here alone; one look into it needs no lock
        self._generation = 0
        self._watchers: dict[str, dict[str, None]] = {}  # watched → watchers, in order of their asking
        self._watching: dict[str, dict[str, None]] = {}  # the same, from the watcher's side: a watch ends with either
        self._ends: OrderedDict[str, str] = OrderedDict()

    def register(self, actor: "Actor", supervisor: "Actor | None" = None) -> int:
        """Give the actor its name and a new generation.

        Raises: NameTaken, SupervisorFenced.
        """
        with self._lock:
            if supervisor is not None and supervisor.fenced:
                raise SupervisorFenced(f"{actor.name}: its supervisor {supervisor.name} was abandoned meanwhile")
            if (holder := self.living.get(actor.name)) is not None:
                raise NameTaken(actor.name, holder.generation)
            self._generation += 1
            actor.generation = self._generation
            self.living[actor.name] = actor
            self._ends.pop(actor.name, None)
            self._lock.notify_all()
            return actor.generation

    def whereis(self, name: str) -> "Actor | None":
        """The living incarnation of `name`, or None. No lock: one look into one dict."""
        return self.living.get(name)

    def unregister(self, actor: "Actor", why: str) -> list[str]:
        """Take it out, if it still holds its name, and its watches with it. Returns who watched it, each once.

        why: the reason of its end, in words.
        """
        with self._lock:
            if self.living.get(actor.name) is not actor:
                return []
            del self.living[actor.name]
            self._ends[actor.name] = why
            if len(self._ends) > REMEMBERED_ENDS:
                self._ends.popitem(last=False)
            for watched in self._watching.pop(actor.name, ()):
                self._forget(self._watchers, watched, actor.name)
            watchers = list(self._watchers.pop(actor.name, ()))
            for watcher in watchers:
                self._forget(self._watching, watcher, actor.name)
            return watchers

    def watch(self, name: str, watcher: str) -> bool:
        """Have `watcher` told when `name` ends. Returns False if there is no `name` now."""
        with self._lock:
            if name not in self.living:
                return False
            self._watchers.setdefault(name, {})[watcher] = None
            self._watching.setdefault(watcher, {})[name] = None
            return True

    def unwatch(self, name: str, watcher: str) -> None:
        """Forget it; no error if there was none."""
        with self._lock:
            self._forget(self._watchers, name, watcher)
            self._forget(self._watching, watcher, name)

    def watchers_of(self, name: str) -> list[str]:
        """Who is told when `name` ends, in the order of their asking."""
        with self._lock:
            return list(self._watchers.get(name, ()))

    def last_end(self, name: str) -> str | None:
        """Why the last bearer of `name` ended, if nobody bears it now and that was not too many ends ago."""
        return self._ends.get(name)

    def wait_for(self, name: str, newer_than: int, timeout: float) -> "Actor | None":
        """Wait until an incarnation of `name` with a generation above `newer_than` is registered; None: in vain."""
        deadline = self._now() + timeout
        with self._lock:
            while (actor := self.living.get(name)) is None or actor.generation <= newer_than:
                if (left := deadline - self._now()) <= 0:
                    return None
                self._lock.wait(left)
            return actor

    def registrations(self) -> list[Registration]:
        """Everybody, by name."""
        return [Registration(actor.name, actor.generation) for actor in self.actors()]

    def actors(self) -> "list[Actor]":
        """Every living incarnation, by name. For metrics and watchdogs."""
        with self._lock:
            return [self.living[name] for name in sorted(self.living)]

    def children_of(self, supervisor: str) -> "list[Actor]":
        """Who was started by `supervisor`, newest first."""
        with self._lock:
            children = [actor for actor in self.living.values() if actor.supervisor == supervisor]
            return sorted(children, key=lambda actor: -actor.generation)

    @staticmethod
    def _forget(pairs: dict[str, dict[str, None]], one: str, other: str) -> None:
        others = pairs.get(one)
        if others is not None:
            others.pop(other, None)
            if not others:
                del pairs[one]
