"""What a run can reach: leases, time, chance, settings, the site, other actors. Nothing else is handed to a job.

A run may block, so everything here blocks where it must, always with an end: a lease has its wait deadline, an ask
its time-out, a sleep ends when the run is told to stop.
"""

import logging
import random
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from actors.core.base import Actor
from actors.core.board import Key, Keys
from actors.core.future import Future
from actors.protocol import account
from actors.resources.client import Cache, Leases, LentBrowser, LentModel
from actors.scheduling.outcome import RunCancelled
from domain.jobs.spec import Holds, JobSpec
from domain.resources.effects import Effects
from domain.settings import Settings
from store.sql import Connection

if TYPE_CHECKING:
    from domain.flags import BreakerOrder
    from store.flags import Flag

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One attempt to be made.

    owner: the job actor's name. budget: what it may hold now. effects: the level's, as the attempt begins. without:
    what it has to do without, one line each.
    """

    spec: JobSpec
    owner: str
    run_id: str
    attempt: int
    budget: Holds
    effects: Effects
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunEnvironment:
    """What all runs of a Roost share. site: a `social.site.Site`. instance: this Roost's id, the same after a
    restart."""

    settings: Settings
    site: Any
    instance: str = "roost"


class RunContext:
    """The world of one attempt. Used by its own thread alone."""

    def __init__(self, actor: Actor, ticket: RunRequest, environment: RunEnvironment) -> None:
        self._actor = actor
        self._system = actor.system
        self.spec = ticket.spec
        self.run_id = ticket.run_id
        self.attempt = ticket.attempt
        self.effects = ticket.effects
        self.without = ticket.without
        self._settings = environment.settings
        self.site = environment.site
        self.instance = environment.instance
        self.actor_name = actor.name
        spec = ticket.spec
        self._leases = Leases(self._system, actor.name, spec.name, spec.priority, spec.holds, spec.category)

    @cached_property
    def log(self) -> "logging.LoggerAdapter[logging.Logger]":
        """The run's own: its lines say which run of which job they are of."""
        job, actor = self.spec.name, self._actor
        of = {"actor": actor.name, "generation": actor.generation, "run": self.run_id, "job": job}
        return logging.LoggerAdapter(logging.getLogger(f"roost.jobs.{job}"), of)

    # settings

    @property
    def settings(self) -> Settings:
        """The settings in force at this moment: what the operator changed while Roost runs is in them."""
        return account.settings_in_force(self._settings, self._system.board)

    def settings_with(self, stored: "Mapping[str, Flag]") -> Settings:
        """The same, with the flags that Postgres has, which another instance may have set a moment ago."""
        return account.settings_in_force(self._settings, self._system.board, stored)

    def flags_known(self) -> bool:
        """Whether it is known what the operator set in earlier lives; until then nothing may be published."""
        return self._system.board[account.FLAGS].known

    def breaker_order(self, name: str) -> "BreakerOrder | None":
        """What the operator orders of the breaker of this name, if anything."""
        return self._system.board[account.FLAGS].breaker_order(name)

    # chance

    @cached_property
    def random(self) -> random.Random:
        """The run's own source of chance."""
        return self._system.runtime.random(f"run:{self.spec.name}")

    # time

    def now(self) -> float:
        """Monotonic seconds."""
        return self._system.runtime.now()

    def wall(self) -> float:
        """Real Unix seconds, for what other machines read."""
        return self._system.runtime.wall()

    def calendar(self) -> float:
        """Calendar Unix seconds."""
        return self._system.runtime.calendar()

    def sleep(self, seconds: float) -> None:
        """Wait so many real seconds. Raises RunCancelled as soon as the run is told to stop."""
        if self._actor.mailbox.await_stop(seconds):
            raise RunCancelled

    def check_cancelled(self) -> None:
        """Raises RunCancelled if the run was told to stop. To be called between one thing and the next."""
        if self._actor.fenced or self._actor.mailbox.await_stop(0.0):
            raise RunCancelled

    def new_id(self) -> str:
        """An id that nothing else has."""
        return self._system.runtime.new_id()

    # leases

    def database(self, wait: float = 10.0, hold: float = 30.0) -> AbstractContextManager[Connection]:
        """A connection in autocommit, in a `with`. wait, hold: seconds. Raises LeaseRefused, LeaseEnded."""
        return self._leases.database(wait, hold)

    def redis(self, wait: float = 0.5, hold: float = 10.0) -> AbstractContextManager[Cache]:
        """A cache, in a `with`: an empty one, at once, where Redis is away or busy."""
        return self._leases.redis(wait, hold)

    def browser(self, category: str | None = None, wait: float = 60.0) -> AbstractContextManager[LentBrowser]:
        """A browser context with the site's session, in a `with`, for as long as the job's spec says. Raises
        LeaseOrder while a connection is held."""
        return self._leases.browser(category, wait, self.spec.browser_seconds)

    def model(self, wait: float = 10.0, hold: float = 120.0) -> AbstractContextManager[LentModel]:
        """The language model, in a `with`. Raises LeaseRefused where there is none, or its budget is spent."""
        return self._leases.model(wait, hold)

    # others

    def ask(self, name: str, message: Any, timeout: float = 5.0) -> Any:
        """Ask an actor and wait. Raises `AskError`, or what the actor answered with as an error."""
        return self._system.ask(name, message, timeout)

    def ask_later(self, name: str, message: Any) -> Future:
        """Ask an actor, and get the place where its answer will arrive."""
        return self._system.ask_later(name, message)

    def tell(self, name: str, message: Any) -> bool:
        """Tell an actor. False: nobody got it."""
        return self._system.tell(name, message)

    def board(self, key: Key[T]) -> T:
        """What an actor last said of itself there."""
        return self._system.board[key]

    def boards(self, family: Keys[T]) -> Collection[T]:
        """What all of the family last said."""
        return self._system.board.under(family).values()
