"""Sees to it that what a waking agent needs runs: its services, in their order, and its models."""

import threading
from contextlib import suppress

from hive_tui.domain.agents import Agent
from hive_tui.domain.errors import HiveError, NeedsPerson, WakeFailed
from hive_tui.domain.events import HEARTBEAT, Event, EventKind, Severity
from hive_tui.domain.models import ModelServerFailed
from hive_tui.domain.ports import Clock
from hive_tui.domain.services import ServiceRefused
from hive_tui.services.hub import Hub
from hive_tui.services.model_keeper import ModelKeeper
from hive_tui.services.service_keeper import ServiceKeeper
from hive_tui.services.service_users import ServiceUsers
from hive_tui.store import journal
from hive_tui.store.database import Database


class Readiness:
    """Called in the middle of a wake, before the agent's pane is touched."""

    def __init__(
        self,
        database: Database,
        keeper: ServiceKeeper,
        models: ModelKeeper,
        users: ServiceUsers,
        clock: Clock,
        hub: Hub,
    ) -> None:
        self._database = database
        self._keeper = keeper
        self._models = models
        self._users = users
        self._clock = clock
        self._hub = hub

    def ready_for(self, agent: Agent) -> None:
        """Return once all that the agent needs is ready; models are loaded meanwhile, and nobody waits for them.

        Raises:
            WakeFailed: A service that it needs did not get ready; a later attempt may succeed.
            NeedsPerson: A service that it needs is switched off.
        """
        needs = self._users.of(agent.name)
        for name in needs.wanted:
            try:
                self._keeper.ensure_ready([name])
            except HiveError as error:
                self._tell_without(agent, error)
        try:
            self._keeper.ensure_ready(needs.services)
        except ServiceRefused as error:
            raise NeedsPerson(f"{agent.name} was not woken: {error.what}", hint=error.hint) from error
        except HiveError as error:
            raise WakeFailed(f"{agent.name} was not woken: {error.what}", hint=error.hint) from error
        if needs.models:
            # Loading may take minutes, and the agent may begin without it; what fails is told there.
            threading.Thread(target=self._preload, args=(needs.models,), name="preload", daemon=True).start()

    def _preload(self, models: tuple[str, ...]) -> None:
        with suppress(ModelServerFailed):
            self._models.preload(models)

    def _tell_without(self, agent: Agent, error: HiveError) -> None:
        text = f"{agent.name} is woken without a service that it wants: {error.what}"
        event = Event(EventKind.SERVICE_FAILED, text, agent.id, HEARTBEAT, Severity.WARNING)
        self._database.write(journal.log, event, now=self._clock.now())
        self._hub.publish(event)
