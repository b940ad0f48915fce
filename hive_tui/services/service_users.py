"""Which agents need which services and models, and which of them are awake."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hive_tui.domain.agents import Lifecycle
from hive_tui.domain.services import Service, start_order
from hive_tui.store import agents as agent_store
from hive_tui.store.database import Database

UP = (Lifecycle.AWAKE, Lifecycle.WAKING, Lifecycle.NAPPING)


@dataclass(frozen=True, slots=True)
class Needs:
    """What one agent needs."""

    services: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    """Services without which it is woken, too."""
    models: tuple[str, ...] = ()


class ServiceUsers:
    """Reads the registry of agents anew each time.

    Args:
        services: By name.
        needs: By name of the agent.
    """

    def __init__(self, database: Database, services: Mapping[str, Service], needs: Mapping[str, Needs]) -> None:
        self._database = database
        self._needs = needs
        depends_on = {name: one.depends_on for name, one in services.items()}
        self._services = {
            agent: set(start_order((*one.services, *one.wanted), depends_on)) for agent, one in needs.items()
        }

    def of(self, agent: str) -> Needs:
        """What an agent needs, by its name."""
        return self._needs.get(agent, Needs())

    def awake(self, service: str) -> tuple[str, ...]:
        """The agents that do not sleep and need a service, or one that depends on it."""
        return tuple(name for name in self._up() if service in self._services.get(name, ()))

    def awake_with(self, model: str, name: str) -> Sequence[str]:
        """The agents that do not sleep and need a model, by its key or by its plain name."""
        return [agent for agent in self._up() if {model, name} & set(self.of(agent).models)]

    def _up(self) -> list[str]:
        if not any(self._needs.values()):
            return []
        return sorted(agent.name for agent in self._database.read(agent_store.everyone) if agent.lifecycle in UP)
