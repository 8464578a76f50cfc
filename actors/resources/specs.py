"""The children of `resources`."""

from collections.abc import Callable, Mapping

from actors.protocol import ChildSpec
from actors.resources.browser import BrowserActor
from actors.resources.database import DatabaseActor
from actors.resources.loans import Shelf
from actors.resources.model import ModelActor
from actors.resources.redis import RedisActor
from actors.resources.session import Keeper
from actors.resources.shell import ResourceActor
from domain.resources.admission import Budget
from domain.settings import Settings

STOP_SECONDS = 8.0


def resource_specs(settings: Settings, budgets: Mapping[str, Budget]) -> tuple[ChildSpec, ...]:
    """One spec a resource, in boot order. budgets: what each job may hold at once, by its name."""

    def spec(name: str, make: Callable[[Mapping[str, int], Shelf], ResourceActor]) -> ChildSpec:
        shelf = Shelf()
        caps = {job: int(getattr(budget, name)) for job, budget in budgets.items()}
        return ChildSpec(id=name, start=lambda: make(caps, shelf), shutdown=STOP_SECONDS)

    keeper = Keeper()
    return (
        spec("database", lambda caps, shelf: DatabaseActor(settings, caps, shelf)),
        spec("redis", lambda caps, shelf: RedisActor(settings, caps, shelf)),
        spec("browser", lambda caps, shelf: BrowserActor(settings, caps, shelf, keeper)),
        spec("model", lambda caps, shelf: ModelActor(settings, caps, shelf)),
    )
