"""Agents that are as the registry has them: of those a look has nothing to write down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hive_tui.domain.agents import Lifecycle
from hive_tui.domain.reconcile import ServerState, from_sighting

if TYPE_CHECKING:
    from hive_tui.domain.agents import Agent
    from hive_tui.domain.panes import Pane, PaneList
    from hive_tui.domain.processes import ProcessId
    from hive_tui.domain.reconcile import Seen
    from hive_tui.domain.sightings import Sighting

STILL = (Lifecycle.ASLEEP, Lifecycle.FAILED)
"""Agents that nobody expects to see."""


@dataclass(frozen=True, slots=True)
class Registry:
    """What the database knew at one moment."""

    agents: list[Agent]
    unread: frozenset[str]


@dataclass(frozen=True, slots=True)
class Steady:
    """The registry after a look that has left nothing to be done."""

    agents: Sequence[Agent]
    running: Mapping[ProcessId, Agent]
    sightings: Mapping[str, Sighting]
    """By agent id."""
    listed: PaneList

    def again(self, agents: Sequence[Agent], seen: Seen) -> dict[str, Sighting] | None:
        """The new sightings by agent id; None where the registry may have to be changed.

        Who is who follows from process and conversation: as long as both are the same, all that is left is whether
        an agent shows what is known of it. Most are not even another sighting than before.
        """
        if seen.state is not ServerState.UP or seen.server != self.listed.server or agents != self.agents:
            return None
        if len(seen.sightings) != len(self.sightings):
            return None
        found: dict[str, Sighting] = {}
        # Most are in their places, and are the very same.
        for sighting, (agent_id, before) in zip(seen.sightings, self.sightings.items(), strict=True):
            if sighting is before:
                found[agent_id] = sighting
                continue
            agent = self.running.get(sighting.root.id)
            if agent is None or not self._shows(agent, sighting, seen):
                return None
            found[agent.id] = sighting
        return found if len(found) == len(self.sightings) else None

    def with_these(self, sightings: Mapping[str, Sighting], listed: PaneList) -> Steady:
        """After a look that has seen the same agents `again`."""
        return replace(self, sightings=sightings, listed=listed)

    def _shows(self, agent: Agent, sighting: Sighting, seen: Seen) -> bool:
        is_same = (sighting.kind, sighting.session.id) == (agent.kind, agent.session_id)
        return is_same and from_sighting(agent, sighting, seen.at, seen.zone_of) == agent

    def has_layout_of(self, listed: PaneList) -> bool:
        """Whether the panes stand as they stood."""
        if len(listed.panes) != len(self.listed.panes):
            return False
        pairs = zip(self.listed.panes, listed.panes, strict=True)
        return all(before is now or _place(before) == _place(now) for before, now in pairs)


def steady(agents: Sequence[Agent], sightings: Mapping[str, Sighting], listed: PaneList) -> Steady | None:
    """None where an agent is not as the registry has it, or runs out of sight: then each look judges it anew."""
    running: dict[ProcessId, Agent] = {}
    for agent in agents:
        sighting = sightings.get(agent.id)
        if sighting is not None and sighting.root.id == agent.process and agent.lifecycle is Lifecycle.AWAKE:
            running[sighting.root.id] = agent
        elif sighting is not None or agent.lifecycle not in STILL:
            return None
    return Steady(agents, running, sightings, listed) if len(running) == len(sightings) else None


def _place(pane: Pane) -> tuple[object, ...]:
    return (
        pane.ref,
        pane.session_name,
        pane.window_id,
        pane.window_index,
        pane.window_name,
        pane.window_size,
        pane.layout,
        pane.pane_index,
        pane.is_active,
        pane.agent_id,
        pane.cwd,
        pane.start_command,
    )
