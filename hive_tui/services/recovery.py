"""After a crash of the tmux server, the machine or hive itself: finish what was begun, and bring back what is gone."""

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from msgspec import structs

from hive_tui.adapters.locks import FileLock
from hive_tui.archive import reader
from hive_tui.domain.agents import Activity, Agent, Lifecycle
from hive_tui.domain.durations import counted
from hive_tui.domain.errors import AgentBusy, HiveError, NotFound, TmuxError
from hive_tui.domain.events import Actor, Event, EventKind, Severity
from hive_tui.domain.panes import SavedSession
from hive_tui.domain.ports import Clock, Locks, Panes, Processes, Progress
from hive_tui.domain.reconcile import ServerState
from hive_tui.domain.wakeups import Action, NewWakeup, Trigger, Wakeup, WakeupStatus
from hive_tui.services.dispatch import Dispatcher
from hive_tui.services.ending import Ender, let_pane_close
from hive_tui.services.hub import Hub
from hive_tui.services.nap import WAKE_KEY, fall_asleep, remembered_tree
from hive_tui.services.observer import Observation, Observer
from hive_tui.services.pane_building import PaneBuilder
from hive_tui.services.queue import WakeupQueue
from hive_tui.services.restore_ending import RestoreEnding, wake_after
from hive_tui.services.rounds import Rounds
from hive_tui.services.snapshot import Snapshotter
from hive_tui.store import agents as agent_store
from hive_tui.store import checkpoints, journal, settings
from hive_tui.store.database import Database
from hive_tui.store.journal import Operation

STAGGER = timedelta(seconds=1)
EXIT_GRACE_S = 5.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What a recovery would do, or did."""

    finished: tuple[str, ...]
    """Interrupted operations that were finished or rolled back, in words."""
    sessions: tuple[str, ...]
    """tmux sessions with panes to build."""
    agents: tuple[Agent, ...]
    """Crashed agents to wake."""
    blank: tuple[Agent, ...] = ()
    """Crashed agents to which nothing had been said: there is nothing that a wake could bring back."""
    wakeups: tuple[Wakeup, ...] = ()
    """Their wakeups, once they are enqueued."""
    swept: tuple[Path, ...] = ()
    left: tuple[str, ...] = ()
    """What a person stopped before it was begun, in words."""


class Recovery:
    """Everything here may be done again at any time, and then does nothing more."""

    def __init__(
        self,
        database: Database,
        observer: Observer,
        panes: Panes,
        builder: PaneBuilder,
        processes: Processes,
        locks: Locks,
        snapshotter: Snapshotter,
        restores: RestoreEnding,
        queue: WakeupQueue,
        dispatcher: Dispatcher,
        heartbeat_lock: FileLock,
        clock: Clock,
        hub: Hub,
    ) -> None:
        self._database = database
        self._observer = observer
        self._panes = panes
        self._processes = processes
        self._locks = locks
        self._snapshotter = snapshotter
        self._restores = restores
        self._queue = queue
        self._dispatcher = dispatcher
        self._heartbeat_lock = heartbeat_lock
        self._clock = clock
        self._hub = hub
        self._builder = builder
        self._ender = Ender(panes, processes, clock)

    def finish_interrupted(self) -> list[str]:
        """Finish or roll back naps, wakes and restores whose process has died; what was done, in words."""
        return [said for said, _ in self._finish_interrupted(Rounds())]

    def _finish_interrupted(self, rounds: Rounds) -> list[tuple[str, Wakeup | None]]:
        """What was done, and the wake that follows where there is one."""
        done: list[tuple[str, Wakeup | None]] = []
        names = self._database.read(agent_store.names)

        def ending(operation: Operation) -> str:
            return f"ending the interrupted {operation.kind} of {names.get(operation.agent_id, operation.agent_id[:8])}"

        for operation in rounds.each(self._database.read(journal.operations), ending):
            with suppress(AgentBusy, NotFound), self._locks.agent(operation.agent_id, purpose="recovery"):
                still_open = [one for one in self._database.read(journal.operations) if one == operation]
                if still_open:
                    done.append(self._finish(operation))
        return done

    def sweep(self) -> list[Path]:
        """Remove temporary files of processes that have died."""
        table = self._processes.table()
        return self._snapshotter.sweep(lambda pid: table.get(pid) is not None)

    def plan(self) -> Plan:
        """What `recover` would do now; changes only what every look at the agents changes."""
        observation = self._observer.observe()
        crashed, blank = self._crashed(observation)
        sessions = tuple(sorted({session.name for session, _ in self._lost_sessions(observation)}))
        open_ones = tuple(f"{one.kind} at step {one.step}" for one in self._database.read(journal.operations))
        return Plan(open_ones, sessions, crashed, blank)

    def recover(self, actor: Actor, *, wake: bool = True, progress: Progress | None = None) -> Plan:
        """Finish what was interrupted, build sessions again, and enqueue the wakes of crashed agents with stagger.

        A person can stop it between two of them; what was done stays done, and the plan says what was not.
        """
        rounds = Rounds(progress)
        finished = self._finish_interrupted(rounds)
        finished += self._take_up_orphans()
        swept = self.sweep()
        observation = self._observer.observe()
        if observation.state is ServerState.HUNG:
            raise TmuxError(observation.trouble, hint="Nothing was recovered; try again when tmux answers.")
        sessions = self._rebuild(observation, rounds)
        crashed, blank = self._crashed(observation)
        to_wake = rounds.each([agent for agent in crashed if wake and not agent.held], _waking)
        asked = {wakeup.id: wakeup for _, wakeup in finished if wake and wakeup is not None}
        asked |= {one.id: one for one in (self._enqueue(agent, n, actor) for n, agent in enumerate(to_wake))}
        said = tuple(said for said, _ in finished)
        plan = Plan(said, tuple(sessions), crashed, blank, tuple(asked.values()), tuple(swept), tuple(rounds.left))
        if finished or sessions or crashed:
            text = f"Recovered: {counted(len(sessions), 'session')} built"
            text += f", {counted(len(crashed), 'crashed agent')} to wake"
            text += f", {counted(len(finished), 'interrupted operation')} ended" if finished else ""
            text += f"; stopped before {', '.join(rounds.left)}" if rounds.left else ""
            event = Event(EventKind.RECOVERED, text, None, actor, payload={"agents": [one.name for one in crashed]})
            self._database.write(journal.log, event, now=self._clock.now())
            self._hub.publish(event)
        return plan

    def call_off(self, asked: Sequence[Wakeup], actor: Actor) -> list[Wakeup]:
        """Cancel the wakes of a recovery that have not begun; those that were cancelled."""
        off: list[Wakeup] = []
        for wakeup in asked:
            with suppress(HiveError):  # it has begun meanwhile, or ended
                self._queue.cancel(wakeup, actor)
                off.append(wakeup)
        return off

    def _take_up_orphans(self) -> list[tuple[str, Wakeup | None]]:
        """Wakeups whose process died go back to the queue; with a heartbeat alive that is its own affair."""
        if not self._heartbeat_lock.try_take("recover"):
            return []
        try:
            orphans = self._dispatcher.recover_orphans(only_expired=False)
        finally:
            self._heartbeat_lock.release()
        names = {agent.id: agent.name for agent in self._database.read(agent_store.everyone)}
        again = [one if one.status is WakeupStatus.PENDING and one.action is Action.WAKE else None for one in orphans]
        return [
            (f"{names[orphan.agent_id]}: an interrupted {orphan.action} {_goes_on(orphan)}", wakeup)
            for orphan, wakeup in zip(orphans, again, strict=True)
        ]

    def _crashed(self, observation: Observation) -> tuple[tuple[Agent, ...], tuple[Agent, ...]]:
        """The agents that a crash took away: those that a wake can bring back, and those without a conversation."""
        crashed = [agent for agent in observation.agents if agent.has_crashed]
        saved = self._database.read(checkpoints.newest_by_agent)
        known = [one for one in crashed if one.session_id is not None and (one.transcript or one.id in saved)]
        return tuple(known), tuple(one for one in crashed if one not in known)

    def _enqueue(self, agent: Agent, number: int, actor: Actor) -> Wakeup:
        key = f"recover:{agent.id}:{agent.since_at.isoformat()}"
        new = NewWakeup(
            agent.id, Trigger.RECOVER, self._clock.now() + STAGGER * number, idempotency_key=key, context={}
        )
        return self._queue.enqueue(new, actor).wakeup

    def _lost_sessions(self, observation: Observation) -> list[tuple[SavedSession, str]]:
        """Saved sessions with an agent that does not run and whose tmux server is not the one of now."""
        lost = {
            agent.id: agent.pane.server
            for agent in observation.agents
            if agent.pane is not None
            and agent.pane.server != observation.panes.server
            and agent.lifecycle in (Lifecycle.ASLEEP, Lifecycle.FAILED)
        }
        return [
            (session, saved.server)
            for saved in self._database.read(settings.topologies)
            for session in saved.sessions
            if any(lost.get(agent_id) == saved.server for agent_id in session.agent_ids)
        ]

    def _rebuild(self, observation: Observation, rounds: Rounds) -> list[str]:
        built: list[str] = []
        by_id = {agent.id: agent for agent in observation.agents}
        for session, server in rounds.each(self._lost_sessions(observation), _building):
            panes = self._builder.rebuild_session(session, server)
            built.append(session.name)
            for window in session.windows:
                for pane in window.panes:
                    agent = by_id.get(pane.agent_id)
                    if agent is not None and agent.pane is not None and agent.pane.server == server:
                        self._builder.hand_over(agent, panes[pane.pane_id])
        return built

    def _finish(self, operation: Operation) -> tuple[str, Wakeup | None]:
        agent = self._database.read(agent_store.get, operation.agent_id)
        if operation.kind == "nap":
            return self._finish_nap(agent, operation)
        if operation.kind == "restore":
            return self._restores.finish_interrupted(agent, operation)
        self._database.write(journal.end, agent.id)
        return f"{agent.name}: its wake was interrupted; the queue goes on with it", None

    def _finish_nap(self, agent: Agent, operation: Operation) -> tuple[str, Wakeup | None]:
        tree = remembered_tree(operation.state)
        if operation.step == "exiting" and agent.process is not None:
            self._ender.await_end(agent.process, EXIT_GRACE_S)
        now = self._clock.now()
        if agent.process is not None and self._processes.is_alive(agent.process):
            awake = structs.replace(
                agent, lifecycle=Lifecycle.AWAKE, reason="its nap was interrupted; it runs on", since_at=now
            )
            with suppress(TmuxError):
                if agent.pane is not None:
                    let_pane_close(self._panes, agent.pane.pane_id)
            said = Event(EventKind.AGENT_NAP_REFUSED, f"{agent.name}: {awake.reason}", agent.id)
            return self._end(awake, said), None
        if operation.step == "exiting" and self._is_good(str(operation.state.get("checkpoint_id"))):
            self._ender.finish(tree)
            # Why it was to sleep is kept: who has put it to sleep finds it by that, and wakes it.
            why = agent.reason if agent.lifecycle is Lifecycle.NAPPING else "napped"
            asleep = fall_asleep(agent, f"{why}; hive-tui was interrupted at the end of it", 0, None, now)
            wakeup = self._wake_after(agent, operation)
            said = Event(EventKind.AGENT_SLEEPING, f"{agent.name}: {asleep.reason}", agent.id)
            return self._end(asleep, said), wakeup
        reason = "crashed: its process ended during a nap that was interrupted"
        failed = structs.replace(
            agent,
            lifecycle=Lifecycle.FAILED,
            activity=Activity.UNKNOWN,
            reason=reason,
            since_at=now,
            process=None,
            started_at=None,
        )
        event = Event(EventKind.AGENT_CRASHED, f"{agent.name} {reason}", agent.id, severity=Severity.FAILURE)
        return self._end(failed, event), None

    def _wake_after(self, agent: Agent, operation: Operation) -> Wakeup | None:
        """The wake of an agent that slept only so that it could be restored; by its key it is asked for once."""
        key = str(operation.state.get(WAKE_KEY, ""))
        if not key:
            return None
        new = wake_after(agent.id, key, self._clock.now())
        return self._queue.enqueue(new, Actor.person("restore")).wakeup

    def _is_good(self, checkpoint_id: str) -> bool:
        try:
            checkpoint = self._database.read(checkpoints.get, checkpoint_id)
        except HiveError:
            return False
        return not reader.verify(Path(checkpoint.path), checkpoint.sha256)

    def _end(self, agent: Agent, event: Event) -> str:
        self._database.write(_end, agent, event, now=self._clock.now())
        self._hub.publish(event)
        return event.text


def _waking(agent: Agent) -> str:
    return f"waking {agent.name}"


def _building(lost: tuple[SavedSession, str]) -> str:
    return f"building the session {lost[0].name}"


def _goes_on(orphan: Wakeup) -> str:
    return "goes back to the queue" if orphan.status is WakeupStatus.PENDING else "was given up: it failed too often"


def _end(db: sqlite3.Connection, agent: Agent, event: Event, *, now: datetime) -> None:
    agent_store.put(db, agent)
    journal.end(db, agent.id)
    journal.log(db, event, now=now)
