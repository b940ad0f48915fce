"""A hive whose agents are only told of: real database and rules, looks made up by the test."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from msgspec import structs

from hive_tui.domain.agents import Activity, Agent, Lifecycle
from hive_tui.domain.beat import Beat
from hive_tui.domain.errors import NapRefused
from hive_tui.domain.idle import IdlePolicy, Memory
from hive_tui.domain.panes import PaneList
from hive_tui.domain.reconcile import ServerState
from hive_tui.domain.sightings import Sighting
from hive_tui.domain.vetoes import vetoes
from hive_tui.services.auto_naps import AutoNaps
from hive_tui.services.dashboard import AgentView, Dashboard
from hive_tui.services.hub import Hub
from hive_tui.services.idle_naps import IdleNaps
from hive_tui.services.limit_naps import LimitNaps
from hive_tui.services.nap import NapRequest, evidence_of
from hive_tui.services.observer import Observation
from hive_tui.services.queue import WakeupQueue
from hive_tui.store import agents as agent_store
from hive_tui.store import journal, settings
from hive_tui.store.database import Database
from tests.builders import SERVER, a_sighting, an_agent
from tests.clocks import FakeClock
from tests.migrated import migrated

MINUTE = 60.0
ANNOUNCE_S = 60.0


class Sleeper:
    """Does of a nap what is left of it without processes: looks once more, refuses, else the agent sleeps."""

    def __init__(self, rest: "Rest") -> None:
        self._rest = rest
        self.reasons: dict[str, str] = {}
        self.before: Callable[[Agent], None] = lambda _: None

    def nap(self, agent_id: str, request: NapRequest, _: object) -> None:
        agent = self._rest.stored(agent_id)
        self.before(agent)
        sighting = self._rest.sightings[agent_id]
        found = vetoes(evidence_of(sighting, is_pinned=agent.pinned, wake_due=False))
        if found or agent.lifecycle is not Lifecycle.AWAKE:
            raise NapRefused(f"{agent.name} stays awake: {found}", hint="")
        self.reasons[agent.name] = request.reason
        asleep = structs.replace(
            agent,
            lifecycle=Lifecycle.ASLEEP,
            activity=Activity.UNKNOWN,
            reason=request.reason,
            since_at=self._rest.clock.now(),
            process=None,
        )
        self._rest.database.write(agent_store.put, asleep)


class Rest:
    """Agents by name; `look` is one round of the heartbeat."""

    def __init__(self, path: Path, policy: IdlePolicy | None = None, *, limits: bool = False) -> None:
        self.clock = FakeClock()
        self.database = Database(migrated(path), self.clock)
        self.hub = Hub()
        self.memory = Memory()
        self.sightings: dict[str, Sighting] = {}
        self.sleeper = Sleeper(self)
        self._policy = policy
        self.start: Callable[[Callable[[], object]], object] = lambda work: work()
        self._has_limits = limits
        self.naps = self.new_naps()

    def new_naps(self) -> AutoNaps:
        """As another heartbeat would have them."""
        queue = WakeupQueue(self.database, lambda: None, self.clock, self.hub)
        limits = LimitNaps(self.database, queue, self.clock, Random(1), say="Go on.")
        sources: list[Any] = [limits] if self._has_limits else []
        if self._policy is not None:
            sources.append(IdleNaps(self._policy, lambda: self.memory, self.clock))
        napper: Any = self.sleeper
        return AutoNaps(
            self.database,
            napper,
            sources,
            self.clock,
            self.hub,
            announce_s=ANNOUNCE_S,
            start=lambda work: self.start(work),
        )

    def restart(self) -> None:
        self.naps = self.new_naps()

    def add(self, name: str, **facts: Any) -> Agent:
        agent = an_agent(name, since_at=self.clock.now(), **facts)
        self.database.write(agent_store.add, agent, now=self.clock.now())
        self.show(agent, activity=agent.activity)
        return agent

    def show(self, agent: Agent, **facts: Any) -> None:
        """What is seen of the agent from now on."""
        self.sightings[agent.id] = a_sighting(**facts)

    def look(self, *, state: ServerState = ServerState.UP) -> None:
        self.naps.note(self.seen(state))
        if not self.database.read(settings.get, settings.PAUSED, False):  # as with all chores
            self.naps.keep()

    def seen(self, state: ServerState = ServerState.UP) -> Observation:
        """All that there is to see now."""
        agents = self.database.read(agent_store.everyone)
        awake = [one.id for one in agents if one.lifecycle is Lifecycle.AWAKE]
        seen = {one: self.sightings[one] for one in awake if one in self.sightings and state is ServerState.UP}
        return Observation(self.clock.now(), state, "", tuple(agents), seen, PaneList(SERVER, ()))

    def listed(self) -> tuple[AgentView, ...]:
        """What the dashboard lists."""
        return Dashboard(self.database, self.clock).hive(self.seen(), Beat()).agents

    def pass_time(self, minutes: float, *, every_s: float = 5.0) -> None:
        """With a look every few seconds, as the heartbeat has them of agents that do nothing."""
        for _ in range(round(minutes * MINUTE / every_s)):
            self.clock.advance(every_s)
            self.look()

    def stored(self, agent_id: str) -> Agent:
        return self.database.read(agent_store.get, agent_id)

    def asleep(self) -> list[str]:
        return [one.name for one in self.database.read(agent_store.everyone) if one.lifecycle is Lifecycle.ASLEEP]

    def said(self) -> list[str]:
        return [one.event.text for one in self.database.read(journal.events, limit=200)]
