"""What a person does with the registry: launch, adopt, rename, pin, forget."""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from msgspec import structs

from hive_tui.adapters.clock import wait_until
from hive_tui.domain.agents import Activity, Agent, Hosting, Lifecycle, Origin, checked_name, new_name
from hive_tui.domain.errors import HiveError, NotFound, PaneGone, TmuxError
from hive_tui.domain.events import Actor, Event, EventKind
from hive_tui.domain.panes import Pane
from hive_tui.domain.ports import Clock, Layouts, Locks, Panes, Processes
from hive_tui.domain.processes import Process
from hive_tui.domain.quoting import quoted
from hive_tui.kinds import commands
from hive_tui.kinds.catalog import GENERIC, Kinds
from hive_tui.services.ending import AGENT_OPTION
from hive_tui.services.found import is_interactive_shell
from hive_tui.services.hub import Hub
from hive_tui.services.observer import Observation, Observer
from hive_tui.store import agents as agent_store
from hive_tui.store import journal
from hive_tui.store.database import Database

LAUNCH_S = 10.0
SESSION = "hive"


class Registry:
    """Changes who is known under which name; ends nobody."""

    def __init__(
        self,
        database: Database,
        observer: Observer,
        panes: Panes,
        layouts: Layouts,
        processes: Processes,
        locks: Locks,
        kinds: Kinds,
        clock: Clock,
        hub: Hub,
    ) -> None:
        self._database = database
        self._observer = observer
        self._panes = panes
        self._layouts = layouts
        self._processes = processes
        self._locks = locks
        self._kinds = kinds
        self._clock = clock
        self._hub = hub

    def launch(self, name: str, cwd: Path, command: Sequence[str], actor: Actor) -> Agent:
        """Start an agent as the command of a new pane.

        Raises:
            NameTaken: The name is no name, or another agent's.
            HiveError: The command ended at once, or the folder is not there.
        """
        checked_name(name, self._names())
        if not cwd.is_dir():
            raise HiveError(f"There is no folder {cwd}.", hint="Make it first, or choose another --cwd.")
        line = quoted(command, "sh")
        if line is None:
            raise HiveError("The command has a control character in it.", hint="Put it into a script.")
        pane_id = self._layouts.open_pane(
            session=self._own_session(), window=name, cwd=str(cwd.resolve()), command=f"exec {line}", env={}
        )
        return self._register(pane_id, name, Origin.LAUNCHED, actor, command_line=line)

    def adopt(self, pane_id: str, name: str | None, actor: Actor) -> Agent:
        """Take the program in a pane into the registry, or give the agent that is known there a name.

        Raises:
            PaneGone: There is no such pane.
            NameTaken: The name is no name, or another agent's.
            HiveError: Only a shell runs there.
        """
        observation = self._observer.observe()
        pane = _pane(observation, pane_id)
        agent = _agent_in(observation, pane)
        if agent is None:
            agent = self._adopt_generic(pane, name)
        elif name is not None and agent.name != name:
            checked_name(name, self._names())
        adopted = self._database.write(_adopt, agent.id, name or agent.name, Origin.ADOPTED, actor, self._clock.now())
        with suppress(TmuxError):
            self._panes.set_options(pane.id, {AGENT_OPTION: agent.id})
        self._hub.publish(Event(EventKind.AGENT_ADOPTED, f"{adopted.name} was adopted", adopted.id, actor))
        return adopted

    def rename(self, agent: Agent, name: str, actor: Actor) -> Agent:
        """Give the agent another name.

        Raises:
            NameTaken: It is no name, or another agent's.
        """
        event = Event(EventKind.AGENT_RENAMED, f"{agent.name} is called {name} now", agent.id, actor)
        self._database.write(agent_store.rename, agent.id, name)
        self._log(event)
        return self._database.read(agent_store.get, agent.id)

    def pin(self, agent: Agent, pinned: bool, actor: Actor) -> None:
        """Pin the agent, so that it never naps unasked, or unpin it."""
        self._database.write(agent_store.set_pinned, agent.id, pinned)
        self._log(Event(EventKind.AGENT_PINNED, f"{agent.name} is {'pinned' if pinned else 'free'}", agent.id, actor))

    def hold(self, agent: Agent, held: bool, actor: Actor) -> None:
        """Hold the agent, so that only a person wakes it, or let go of it."""
        self._database.write(agent_store.set_held, agent.id, held)
        text = f"{agent.name} is woken by a person only" if held else f"{agent.name} may be woken unasked again"
        self._log(Event(EventKind.AGENT_HELD, text, agent.id, actor))

    def forget(self, agent: Agent, actor: Actor) -> None:
        """Take the agent out of the registry; its checkpoints stay on disk and in the catalog.

        Raises:
            HiveError: It runs, and would be found again at once.
        """
        with self._locks.agent(agent.id, purpose="forget"):
            observation = self._observer.observe()
            if agent.id in observation.sightings and agent.kind != GENERIC:
                raise HiveError(
                    f"{agent.name} runs in pane {observation.sightings[agent.id].pane.id}, so it would be found again.",
                    hint="Quit it or let it nap first.",
                )
            self._database.write(agent_store.forget, agent.id, now=self._clock.now())
        self._log(Event(EventKind.AGENT_FORGOTTEN, f"{agent.name} was forgotten", agent.id, actor))

    def _register(self, pane_id: str, name: str, origin: Origin, actor: Actor, *, command_line: str) -> Agent:
        """Wait until the new pane's program is there to be seen."""
        found: list[Agent] = []

        def is_there() -> bool:
            observation = self._observer.observe()
            pane = _pane(observation, pane_id, f"`{command_line}` ended at once, and its pane with it.")
            agent = _agent_in(observation, pane)
            if agent is None and self._is_settled(pane):
                agent = self._adopt_generic(pane, name)
            if agent is not None:
                found.append(agent)
            return agent is not None

        if not wait_until(is_there, timeout_s=LAUNCH_S, clock=self._clock, every_s=0.1):
            raise HiveError(f"{name} did not start within {LAUNCH_S:g} s.", hint=f"Look at pane {pane_id}.")
        self._panes.set_options(pane_id, {AGENT_OPTION: found[0].id})
        return self._database.write(_adopt, found[0].id, name, origin, actor, self._clock.now())

    def _is_settled(self, pane: Pane) -> bool:
        """Whether the pane's program runs for a while and is still of no known kind."""
        process = self._processes.table().get(pane.pid)
        if process is None:
            return False
        age = self._clock.now() - self._processes.started_at(process.id)
        return age.total_seconds() > 2.0

    def _adopt_generic(self, pane: Pane, name: str | None) -> Agent:
        """Take in a program of no known kind; as the agent that it was, where a person has started it again."""
        process = self._program_in(pane)
        if process is None:
            raise HiveError(
                f"Only a shell runs in pane {pane.id}.", hint="Start the agent there first, then adopt the pane."
            )
        now = self._clock.now()
        cwd = self._processes.cwd(process.pid) or pane.cwd
        agents = self._database.read(agent_store.everyone)
        argv = tuple(self._processes.argv(process.pid))
        known = next((one for one in agents if _is_again(one, argv, pane, name)), None)
        if known is None and name is not None:
            checked_name(name, [one.name for one in agents])
        agent = Agent(
            id=known.id if known else str(uuid4()),
            name=known.name if known else name or new_name(cwd, GENERIC, {one.name: one.kind for one in agents}),
            kind=GENERIC,
            lifecycle=Lifecycle.AWAKE,
            activity=Activity.UNKNOWN,
            reason="a program of no known kind; hive-tui cannot tell what it does",
            since_at=now,
            origin=Origin.ADOPTED,
            cwd=cwd,
            hosting=Hosting.COMMAND if process.pid == pane.pid else Hosting.SHELL,
            pane=pane.ref,
            process=process.id,
            argv=argv,
            started_at=self._processes.started_at(process.id),
        )
        if known is not None:
            self._database.write(agent_store.put, agent)
        else:
            self._database.write(agent_store.add, agent, now=now)
        return agent

    def _program_in(self, pane: Pane) -> Process | None:
        """The leader of the pane's foreground group, if it is no shell."""
        table = self._processes.table()
        for process in table.tree(pane.pid):
            if process.pgrp == process.tpgid:
                return None if is_interactive_shell(self._processes.argv(process.pid)) else process
        return None

    def _own_session(self) -> str:
        """The session that the command was typed in, or one of our own."""
        mine = os.environ.get("TMUX_PANE")
        with suppress(TmuxError):
            for pane in self._panes.list().panes:
                if pane.id == mine:
                    return pane.session_name
        return SESSION

    def _names(self) -> list[str]:
        return [agent.name for agent in self._database.read(agent_store.everyone)]

    def _log(self, event: Event) -> None:
        self._database.write(journal.log, event, now=self._clock.now())
        self._hub.publish(event)


def _pane(observation: Observation, pane_id: str, gone: str = "") -> Pane:
    if observation.trouble:
        raise TmuxError(
            observation.trouble,
            hint="Start tmux, install it where it is missing, or name its socket with --tmux-socket.",
        )
    pane = next((pane for pane in observation.panes.panes if pane.id == pane_id), None)
    if pane is None or pane.is_dead:
        if gone:
            raise PaneGone(gone, hint="Run it in a shell to see what it says, and check its spelling and its options.")
        there = ", ".join(one.id for one in observation.panes.panes[:12])
        raise PaneGone(f"There is no pane {pane_id}.", hint=f"Panes that are there: {there or 'none'}.")
    return pane


def _agent_in(observation: Observation, pane: Pane) -> Agent | None:
    for agent in observation.agents:
        sighting = observation.sightings.get(agent.id)
        if sighting is not None and sighting.pane.ref == pane.ref:
            return agent
    return None


def _is_again(agent: Agent, argv: Sequence[str], pane: Pane, name: str | None) -> bool:
    """Whether a program of no known kind is an agent of ours that has ended: by the name it is given, else its pane."""
    if agent.kind != GENERIC or agent.lifecycle not in (Lifecycle.ASLEEP, Lifecycle.FAILED):
        return False
    is_meant = agent.pane == pane.ref if name is None else agent.name == name
    before, now = commands.parted(agent.argv), commands.parted(argv)
    return is_meant and before is not None and now is not None and before.name == now.name


def _adopt(db: sqlite3.Connection, agent_id: str, name: str, origin: Origin, actor: Actor, now: datetime) -> Agent:
    try:
        agent_store.get(db, agent_id)
    except NotFound as error:
        raise HiveError(f"{name} ended while it was being adopted.", hint="Start it again.") from error
    agent_store.rename(db, agent_id, name)
    agent_store.set_origin(db, agent_id, origin)
    journal.log(db, Event(EventKind.AGENT_ADOPTED, f"{name} is known now ({origin})", agent_id, actor), now=now)
    return structs.replace(agent_store.get(db, agent_id), name=name, origin=origin)
