"""Keeps the registry of agents in line with what is seen."""

import sqlite3
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

from hive_tui.domain.agents import Agent, Hosting, PaneRef
from hive_tui.domain.durations import in_words
from hive_tui.domain.errors import StoreError
from hive_tui.domain.panes import Pane, PaneList, Topology, topology
from hive_tui.domain.ports import Clock, Locks
from hive_tui.domain.reconcile import Change, Seen, ServerState, applied, finished, looked_at, match, reconcile
from hive_tui.domain.sightings import Sighting
from hive_tui.services.eyes import Eyes
from hive_tui.services.hub import Hub
from hive_tui.services.liveness import Liveness, Signs
from hive_tui.services.steady_agents import Registry, Steady, steady
from hive_tui.store import agents as agent_store
from hive_tui.store import journal, settings, unread
from hive_tui.store.database import Database
from hive_tui.store.remembered import Remembered


@dataclass(frozen=True, slots=True)
class Observation:
    """The registry after one look, with what was seen of each agent."""

    at: datetime
    state: ServerState
    trouble: str
    """What is wrong with tmux, in words; empty while it answers."""
    agents: tuple[Agent, ...]
    sightings: Mapping[str, Sighting]
    """By agent id; agents that are not running have none."""
    panes: PaneList
    answered_at: datetime | None = None
    """When tmux last answered, as far as anybody has noted it; now, unless `state` is HUNG."""
    signs: Signs = field(default_factory=Signs)
    """When running agents last gave a sign of life."""

    @property
    def stale_for(self) -> timedelta | None:
        """How old what is shown of running agents is; None while tmux answers, or where nobody knows."""
        if self.state is not ServerState.HUNG or self.answered_at is None:
            return None
        return max(timedelta(), self.at - self.answered_at)

    def staleness(self) -> str:
        """That what is known of running agents is old, as a sentence; empty while tmux answers."""
        if self.state is not ServerState.HUNG:
            return ""
        return f"What is shown is stale: it was {self.seen_in_words()}."

    def seen_in_words(self) -> str:
        """When running agents were seen: `seen 3m ago`."""
        return "seen before" if self.stale_for is None else f"seen {in_words(self.stale_for)} ago"

    def pane_of(self, agent: Agent) -> Pane | None:
        """The agent's pane, if this run of the tmux server has it."""
        return self.panes.get(agent.pane)


class Observer:
    """Looks, and writes down what changed. Safe to run in several processes at once."""

    def __init__(
        self, database: Database, eyes: Eyes, locks: Locks, clock: Clock, hub: Hub, liveness: Liveness
    ) -> None:
        self._database = database
        self._liveness = liveness
        self._eyes = eyes
        self._locks = locks
        self._clock = clock
        self._hub = hub
        self._saved_topology: Topology | None = None
        self._looking = threading.Lock()
        self._answered_at: datetime | None = None
        self._signs = Signs()
        self._remembered = Remembered(database)
        self._before: Steady | None = None
        self._is_layout_kept = True

    def observe(self, *, trust_s: float = 0.0) -> Observation:
        """Look once, bring the registry up to date, and say what is there.

        A tmux server that is down or hung is no error here: see `Observation.state`.

        Args:
            trust_s: What was read of an agent no longer ago is believed, if nothing has moved since then.
        """
        with self._looking:
            return self._observe(trust_s)

    def screen_of(self, pane: PaneRef) -> str | None:
        """What an agent's pane showed at the last look, with its colours; None where nobody looked. In any thread."""
        return self._eyes.screen_of(pane)

    def _observe(self, trust_s: float) -> Observation:
        known = self._remembered.read(_registry)
        seen, listed, trouble = self._eyes.look(known.agents, trust_s=trust_s)
        before, self._before = self._before, None
        by_agent = before.again(known.agents, seen) if before is not None else None
        if before is None or by_agent is None:
            return self._observed_anew(known.agents, seen, listed, trouble)
        if known.unread:
            self._clear_unread(known.agents, seen)
        if not (self._is_layout_kept and before.has_layout_of(listed)):
            self._keep_topology(listed, known.agents, by_agent)
        self._before = before.with_these(by_agent, listed) if not trouble else None
        return self._observed(known.agents, by_agent, seen, listed, trouble)

    def _observed_anew(self, known: list[Agent], seen: Seen, listed: PaneList, trouble: str) -> Observation:
        """Write down what has changed."""
        agents = known
        wanted = self._changes(known, seen, self._database.read(agent_store.worth_keeping, known))
        if wanted:
            try:
                agents, changes = self._database.write(self._write, seen)
                self._hub.publish(*(change.event for change in changes))
            except StoreError as error:
                # A locked database or a full disk must not hide the agents; the next look writes it down.
                agents, trouble = applied(known, wanted), trouble or error.what
        self._clear_unread(agents, seen)
        by_agent = {agent.id: sighting for agent, sighting in match(agents, seen) if agent is not None}
        self._keep_topology(listed, agents, by_agent)
        is_up = seen.state is ServerState.UP
        self._before = steady(agents, by_agent, listed) if is_up and not trouble else None
        return self._observed(agents, by_agent, seen, listed, trouble)

    def _observed(
        self, agents: list[Agent], by_agent: Mapping[str, Sighting], seen: Seen, listed: PaneList, trouble: str
    ) -> Observation:
        # Of a server that does not answer nothing was seen: that says nothing about its agents.
        is_up = seen.state is ServerState.UP
        signs = self._liveness.look(agents, by_agent, seen.at) if is_up else self._signs
        self._signs = signs
        return Observation(seen.at, seen.state, trouble, tuple(agents), by_agent, listed, self._answered(seen), signs)

    def _answered(self, seen: Seen) -> datetime | None:
        """When tmux last answered: this process, or else the heartbeat."""
        if seen.state is not ServerState.HUNG:
            self._answered_at = seen.at
        elif self._answered_at is None:
            with suppress(StoreError):
                noted = self._database.read(settings.get, settings.HEARTBEAT) or {}
                if looked_at := noted.get(settings.ANSWERED_AT):
                    return datetime.fromisoformat(str(looked_at))
        return self._answered_at

    def _changes(self, agents: list[Agent], seen: Seen, worth_keeping: set[str]) -> list[Change]:
        # The locks are asked for after the agents were read: whoever naps or wakes one takes
        # its lock first and writes second, so a state in between is never taken for a final one.
        locked = self._locks.held_agents(agent.id for agent in agents)
        return reconcile(agents, seen, locked=locked, worth_keeping=worth_keeping, new_id=lambda: str(uuid4()))

    def _write(self, db: sqlite3.Connection, seen: Seen) -> tuple[list[Agent], list[Change]]:
        agents = agent_store.everyone(db)
        changes = self._changes(agents, seen, agent_store.worth_keeping(db, agents))
        for change in changes:
            if change.after is None:
                assert change.before is not None
                agent_store.drop_unused(db, change.before.id, now=seen.at)
            elif change.before is None:
                agent_store.add(db, change.after, now=seen.at)
            else:
                agent_store.put(db, change.after)
            if change.event is not None:
                journal.log(db, change.event, now=seen.at)
            if change.after is not None and finished(change, seen):
                unread.mark(db, change.after.id, now=seen.at)
        return agent_store.everyone(db), changes

    def _clear_unread(self, agents: Sequence[Agent], seen: Seen) -> None:
        """What somebody has looked at, or what goes on, has nothing to show any more."""
        with suppress(StoreError):  # the next look does it
            known = self._database.read(unread.everyone)
            ended = {agent_id for agent_id in known if agent_id not in {agent.id for agent in agents}}
            done = known & looked_at(agents, seen) | ended
            if done:
                self._database.write(unread.clear, sorted(done))

    def _keep_topology(self, listed: PaneList, agents: Sequence[Agent], sightings: Mapping[str, Sighting]) -> None:
        """Remember the layout around agents, for the day the tmux server is gone."""
        agent_of = {pane.id: pane.agent_id for pane in listed.panes if pane.agent_id}
        agent_of |= {sighting.pane.id: agent_id for agent_id, sighting in sightings.items()}
        if not agent_of:
            return
        in_shells = {agent.id for agent in agents if agent.hosting is Hosting.SHELL}
        shells = {pane_id for pane_id, agent_id in agent_of.items() if agent_id in in_shells}
        found = topology(listed.server, listed.panes, agent_of, shells)
        self._is_layout_kept = found == self._saved_topology
        if self._is_layout_kept:
            return
        with suppress(StoreError):  # the next look keeps it
            if found not in self._database.read(settings.topologies)[:1]:
                self._database.write(settings.save_topology, found, now=self._clock.now())
            self._saved_topology, self._is_layout_kept = found, True


def _registry(db: sqlite3.Connection) -> Registry:
    return Registry(agent_store.everyone(db), unread.everyone(db))
