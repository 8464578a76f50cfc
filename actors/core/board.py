"""What each actor last said of itself, for whoever wants to look without asking.

A page, a metric or an admission check must not wait for a busy actor's answer, so every actor puts up a frozen
snapshot at each change and readers take what hangs there (Erlang keeps such things in a protected ETS table: one
writer a key, any reader).

    HEALTH = Key("health", HealthView())      # one key; the default is what a reader finds before the first word
    JOB = Keys[JobSnapshot]("job:")           # a family of keys: one a job

    board[HEALTH]                             # a HealthView
    board[JOB("plan")]                        # a JobSnapshot, or None
    board.under(JOB)                          # all of them
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class NotYours(Exception):
    """Another actor writes this key: a mistake in the code, since each key has one writer."""


@dataclass(frozen=True)  # without slots: those and a type variable do not go together before Python 3.12
class Key(Generic[T]):
    """Where one snapshot hangs. default: what is read there before the first."""

    name: str
    default: T


@dataclass(frozen=True)  # without slots: those and a type variable do not go together before Python 3.12
class Keys(Generic[T]):
    """A family of keys, whose names begin with `prefix`. None is read where nothing hangs."""

    prefix: str

    def __call__(self, name: str) -> Key[T | None]:
        """The key of one of them."""
        return Key(self.prefix + name, None)


class Board:
    """Key → the newest snapshot. A bare name in place of a key is of any type: for tools and tests."""

    def __init__(self, checkpoint: Callable[..., None] = lambda *event: None) -> None:
        """checkpoint: told of each change, so that a simulation can look at it (`Runtime.checkpoint`)."""
        self._notes: dict[str, Any] = {}
        self._writers: dict[str, str] = {}
        self._checkpoint = checkpoint

    def put(self, key: Key[T] | str, snapshot: T, by: str | None = None) -> None:
        """Replace the snapshot. It must be frozen: others hold on to it. Actors call it by `Actor.put_up`.

        by: the name of the actor that writes; None: a test does, in place of one.
        Raises: NotYours, where another actor has written the key.
        """
        name = _name(key)
        if by is not None and self._writers.setdefault(name, by) != by:
            raise NotYours(f"board key {name!r} is written by {self._writers[name]}, and {by} wants to write it too")
        self._notes[name] = snapshot
        self._checkpoint("board", name)

    def take_down(self, key: Key[Any] | str) -> None:
        """Remove it; no error if there is none."""
        self._notes.pop(_name(key), None)

    def __getitem__(self, key: Key[T]) -> T:
        """The newest snapshot, or the key's default."""
        found: T = self._notes.get(key.name, key.default)
        return found

    @overload
    def get(self, key: Key[T]) -> T | None: ...
    @overload
    def get(self, key: str) -> Any: ...
    def get(self, key: Key[Any] | str) -> Any:
        """The newest snapshot; None, and no default, where nothing hangs."""
        return self._notes.get(_name(key))

    def under(self, family: Keys[T]) -> Mapping[str, T]:
        """All of the family, by the whole key."""
        notes = self._notes.copy()  # one step: writers may come and go meanwhile
        return {key: notes[key] for key in sorted(notes) if key.startswith(family.prefix)}


def _name(key: Key[Any] | str) -> str:
    return key if isinstance(key, str) else key.name
