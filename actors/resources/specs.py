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


Make = Callable[[Settings, Mapping[str, int], Shelf], ResourceActor]
NO_OTHERS: Mapping[str, Make] = {}


def resource_specs(
    settings: Settings, budgets: Mapping[str, Budget], others: Mapping[str, Make] = NO_OTHERS
) -> tuple[ChildSpec, ...]:
    """One spec a resource, in boot order. budgets: what each job may hold at once, by its name.

    others: what is made instead, by name: a simulation has backends of its own.
    """

    def spec(name: str, make: Make) -> ChildSpec:
        shelf = Shelf()
        caps = {job: int(getattr(budget, name)) for job, budget in budgets.items()}
        return ChildSpec(id=name, start=lambda: others.get(name, make)(settings, caps, shelf), shutdown=STOP_SECONDS)

    keeper = Keeper()
    return (
        spec("database", DatabaseActor),
        spec("redis", RedisActor),
        spec("browser", lambda settings, caps, shelf: BrowserActor(settings, caps, shelf, keeper)),
        spec("model", ModelActor),
    )
