"""The children of `resources`."""

from collections.abc import Callable, Mapping

from actors.core.supervision import ChildSpec
from actors.resources.backend_slot import BackendSlot
from actors.resources.browser import BrowserActor
from actors.resources.database import DatabaseActor
from actors.resources.model import ModelActor
from actors.resources.redis import RedisActor
from actors.resources.resource_actor import ResourceActor
from actors.resources.session import SessionStore
from domain.resources.admission import Budget
from domain.settings import Settings

STOP_SECONDS = 8.0


Make = Callable[[Settings, Mapping[str, int], BackendSlot], ResourceActor]
NO_OTHERS: Mapping[str, Make] = {}


def resource_specs(
    settings: Settings, budgets: Mapping[str, Budget], others: Mapping[str, Make] = NO_OTHERS
) -> tuple[ChildSpec, ...]:
    """One spec a resource, in boot order. budgets: what each job may hold at once, by its name.

    others: what is made instead, by name: a simulation has backends of its own.
    """

    def spec(name: str, make: Make) -> ChildSpec:
        slot = BackendSlot()
        caps = {job: int(getattr(budget, name)) for job, budget in budgets.items()}
        return ChildSpec(id=name, start=lambda: others.get(name, make)(settings, caps, slot), shutdown=STOP_SECONDS)

    session_store = SessionStore()
    return (
        spec("database", DatabaseActor),
        spec("redis", RedisActor),
        spec("browser", lambda settings, caps, slot: BrowserActor(settings, caps, slot, session_store)),
        spec("model", ModelActor),
    )
