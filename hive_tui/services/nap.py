"""Puts an agent to sleep: a verified checkpoint first, then its processes end and their memory is free."""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec import structs

from hive_tui.adapters.zone import zone_of
from hive_tui.domain.agents import Activity, Agent, Hosting, Lifecycle
from hive_tui.domain.checkpoints import Checkpoint, CheckpointReason
from hive_tui.domain.errors import (
    Cancelled,
    CheckpointError,
    HiveError,
    NapRefused,
    TmuxError,
    WorkspaceError,
)
from hive_tui.domain.events import Actor, Event, EventKind, Severity
from hive_tui.domain.ports import Clock, Locks, Panes, Processes, Progress
from hive_tui.domain.processes import ProcessId
from hive_tui.domain.prompts import PromptLine
from hive_tui.domain.reconcile import ServerState, from_sighting, match
from hive_tui.domain.sightings import Sighting
from hive_tui.domain.vetoes import NapEvidence, Veto, vetoes
from hive_tui.kinds.catalog import Kinds
from hive_tui.kinds.screen import Screen
from hive_tui.services.ending import (
    AGENT_OPTION,
    WAKEUP_OPTION,
    Ended,
    Ender,
    await_card,
    keep_pane_open,
    let_pane_close,
    sleeping_card,
)
from hive_tui.services.eyes import Eyes
from hive_tui.services.hub import Hub
from hive_tui.services.shell_pane import ShellPane
from hive_tui.services.snapshot import Snapshotter
from hive_tui.store import agents as agent_store
from hive_tui.store import journal, wakeups
from hive_tui.store.database import Database

TOLD_ELSEWHERE = (NapRefused, Cancelled, CheckpointError, WorkspaceError, KeyboardInterrupt)
"""Ends of a nap that are no failure of their own: somebody wanted it so, or the checkpoint has told its failure."""
CPU_SPAN_S = 1.0
"""The CPU of an agent is judged over at least so long."""


@dataclass(frozen=True, slots=True)
class NapResult:
    """What a nap gave."""

    agent: Agent
    checkpoint: Checkpoint
    freed_bytes: int
    processes_ended: int
    warnings: tuple[str, ...] = ()


WAKE_KEY = "wake_key"


@dataclass(frozen=True, slots=True)
class NapRequest:
    """Who wants the nap, and how."""

    reason: str
    actor: Actor
    force: bool = False
    """Pass the vetoes; never the checkpoint."""
    passes: frozenset[str] = frozenset()
    """Rules of vetoes that do not count this time."""
    checkpoint_reason: CheckpointReason = CheckpointReason.NAP
    wake_key: str = ""
    """The key of the wake that whoever finishes this nap after a kill asks for; empty where it is to sleep on."""
    then: Callable[[sqlite3.Connection, Checkpoint], None] | None = None
    """What follows the nap: its first step is written together with the nap's last, so no kill comes in between."""


class Napper:
    """The nap as a transaction: any failure before the exit leaves the agent running and says why."""

    def __init__(
        self,
        database: Database,
        new_eyes: Callable[[], Eyes],
        panes: Panes,
        processes: Processes,
        locks: Locks,
        snapshotter: Snapshotter,
        kinds: Kinds,
        clock: Clock,
        hub: Hub,
    ) -> None:
        self._database = database
        self._new_eyes = new_eyes
        self._panes = panes
        self._processes = processes
        self._locks = locks
        self._snapshotter = snapshotter
        self._kinds = kinds
        self._clock = clock
        self._hub = hub
        self._ender = Ender(panes, processes, clock)

    def nap(self, agent_id: str, request: NapRequest, progress: Progress) -> NapResult:
        """Put the agent to sleep.

        Raises:
            NapRefused: Something speaks against it, or a wake arrived; the agent runs on.
            AgentBusy: Somebody else works on the agent.
            HiveError: A step failed; the agent runs on.
        """
        with self._locks.agent(agent_id, purpose="nap"):
            return self.nap_locked(agent_id, request, progress)

    def nap_locked(self, agent_id: str, request: NapRequest, progress: Progress) -> NapResult:
        """The same, for a caller that holds the agent's lock."""
        agent = self._database.read(agent_store.get, agent_id)
        eyes = self._new_eyes()
        progress.step("looking at the agent")
        sighting = self._see(eyes, agent)
        looked_at = self._clock.monotonic()
        agent = from_sighting(agent, sighting, self._clock.now(), zone_of)
        self.refuse_if_vetoed(agent, sighting, request)
        agent = self._begin(agent, request)
        try:
            checkpoint = self._snapshotter.take(agent, request.checkpoint_reason, request.actor, progress)
            self._advance(agent, "verified", {"checkpoint_id": checkpoint.id})
            progress.step("looking again")
            self._clock.sleep(max(0.0, CPU_SPAN_S - (self._clock.monotonic() - looked_at)))
            sighting = self._see(eyes, agent)
            self._refuse_if_changed(agent, sighting, request)
            progress.step("ending its processes")
            self._mark_exiting(agent, sighting, checkpoint)
        except BaseException as error:
            self._roll_back(agent, request, error)
            raise
        # From here on there is no way back: the checkpoint is verified, and the agent is asked to exit.
        ended = self._ender.end(sighting, self._kinds.get(agent.kind))
        if sighting.root.id in ended.left:
            stuck = NapRefused(f"{agent.name} could not be ended, not even by SIGKILL.", hint="Is its disk hanging?")
            self._roll_back(agent, request, stuck)
            raise stuck
        return self._finish(agent, sighting, checkpoint, ended, request, progress)

    def evidence(self, agent: Agent, sighting: Sighting) -> NapEvidence:
        """What the vetoes are judged by."""
        now = self._clock.now()
        wakes = self._database.read(wakeups.unfinished_wakes, agent.id)
        return evidence_of(
            sighting,
            is_pinned=self._database.read(agent_store.get, agent.id).pinned,
            wake_due=any(wake.scheduled_for <= now for wake in wakes),
        )

    def _see(self, eyes: Eyes, agent: Agent) -> Sighting:
        seen, _, trouble = eyes.look([agent])
        if seen.state is not ServerState.UP:
            raise NapRefused(f"{agent.name} was not put to sleep: {trouble}", hint="Nothing was changed.")
        for found, sighting in match([agent], seen):
            if found is not None:
                return sighting
        if agent.lifecycle is Lifecycle.ASLEEP:
            raise NapRefused(f"{agent.name} is asleep already.", hint=f"`hive-tui explain {agent.name}` says why.")
        raise NapRefused(
            f"{agent.name} does not run in any pane, so it cannot be put to sleep.",
            hint=f"`hive-tui wake {agent.name}` starts it." if agent.session_id else "`hive-tui agents` shows it.",
        )

    def refuse_if_vetoed(self, agent: Agent, sighting: Sighting, request: NapRequest) -> None:
        """Raise NapRefused, and log it, if something speaks against this nap now."""
        found = self._against(agent, sighting, request)
        if found and not request.force:
            self._log_refusal(agent, request, found)
            raise refusal(agent, found)

    def _against(self, agent: Agent, sighting: Sighting, request: NapRequest) -> tuple[Veto, ...]:
        found = vetoes(self.evidence(agent, sighting))
        return tuple(veto for veto in found if veto.is_for_good or veto.rule not in request.passes)

    def _refuse_if_changed(self, agent: Agent, sighting: Sighting, request: NapRequest) -> None:
        """The second look, right before the point of no return."""
        if sighting.root.id != agent.process or sighting.session.id != agent.session_id:
            raise NapRefused(
                f"{agent.name} was not put to sleep: its process or its conversation changed during the checkpoint.",
                hint="Try again.",
            )
        found = self._against(agent, sighting, request)
        arrived = tuple(veto for veto in found if veto.rule == "wake due")
        if arrived or (found and not request.force):
            raise refusal(agent, arrived or found)

    def _begin(self, agent: Agent, request: NapRequest) -> Agent:
        now = self._clock.now()
        agent = structs.replace(
            agent, lifecycle=Lifecycle.NAPPING, activity=Activity.UNKNOWN, reason=request.reason, since_at=now
        )
        event = Event(EventKind.AGENT_NAPPING, f"{agent.name} goes to sleep: {request.reason}", agent.id, request.actor)
        state = {WAKE_KEY: request.wake_key} if request.wake_key else {}
        self._database.write(_begin, agent, event, state, now=now)
        self._hub.publish(event)
        return agent

    def _mark_exiting(self, agent: Agent, sighting: Sighting, checkpoint: Checkpoint) -> None:
        keep_pane_open(self._panes, sighting, sleeping_card(agent))
        self._panes.set_options(sighting.pane.id, {AGENT_OPTION: agent.id, WAKEUP_OPTION: None})
        tree = [[process.pid, process.started] for process in sighting.tree]
        self._advance(agent, "exiting", {"checkpoint_id": checkpoint.id, "processes": tree})

    def _advance(self, agent: Agent, step: str, state: Mapping[str, Any]) -> None:
        self._database.write(journal.advance, agent.id, step, state, now=self._clock.now())

    def _finish(
        self,
        agent: Agent,
        sighting: Sighting,
        checkpoint: Checkpoint,
        ended: Ended,
        request: NapRequest,
        progress: Progress,
    ) -> NapResult:
        agent, checkpoint, warnings = self._check_farewell(agent, sighting, checkpoint, request, progress)
        if agent.session_id is None or agent.transcript is None:
            warnings += ("no wake can bring its conversation back, since there was nothing that could be resumed",)
        if ended.left:
            warnings += (f"{len(ended.left)} of its processes could not be ended, not even by SIGKILL",)
        now = self._clock.now()
        asleep = fall_asleep(agent, request.reason, ended.freed_bytes, self._tidy_pane(agent, sighting, ended), now)
        processes = "1 process" if ended.processes == 1 else f"{ended.processes} processes"
        text = f"{agent.name} sleeps: {request.reason} ({processes} ended)"
        severity = Severity.WARNING if warnings else Severity.INFO
        payload = {
            "checkpoint_id": checkpoint.id,
            "freed_bytes": ended.freed_bytes,
            "processes_ended": ended.processes,
            "warnings": list(warnings),
            "open": dict(ended.open),
        }
        event = Event(EventKind.AGENT_SLEEPING, text, agent.id, request.actor, severity, payload)
        self._database.write(_end_with, asleep, event, checkpoint, request.then, now=now)
        self._hub.publish(event)
        return NapResult(asleep, checkpoint, ended.freed_bytes, ended.processes, warnings)

    def _check_farewell(
        self, agent: Agent, sighting: Sighting, checkpoint: Checkpoint, request: NapRequest, progress: Progress
    ) -> tuple[Agent, Checkpoint, tuple[str, ...]]:
        """Many agents print the id of their conversation when they leave; where it is another one, it is right."""
        kind = self._kinds.get(agent.kind)
        said = self._said(sighting, kind.session_said)
        if said is None or said == agent.session_id or agent.config_dir is None:
            return agent, checkpoint, ()
        transcript = kind.find_transcript(Path(agent.config_dir), said)
        agent = structs.replace(agent, session_id=said, transcript=str(transcript) if transcript else None)
        warning = f"it left saying that its conversation is {said}; a second checkpoint holds that one"
        try:
            checkpoint = self._snapshotter.take(agent, request.checkpoint_reason, request.actor, progress)
        except HiveError as error:
            warning = f"it left saying that its conversation is {said}, of which there is no checkpoint: {error.what}"
        return agent, checkpoint, (warning,)

    def _said(self, sighting: Sighting, session_said: Callable[[Screen], str | None]) -> str | None:
        with suppress(TmuxError):
            return session_said(Screen(self._panes.capture(sighting.pane.id, history_lines=30)))
        return None

    def _tidy_pane(self, agent: Agent, sighting: Sighting, ended: Ended) -> PromptLine | None:
        """Bring the shell's pane back into order, and learn how its empty prompt looks."""
        if sighting.hosting is not Hosting.SHELL:
            await_card(self._panes, sighting.pane.id, self._clock)
            return None
        try:
            shell = ShellPane(sighting.pane.id, self._panes, self._processes, self._clock)
            prompt = shell.settled_prompt()
            # A child that lives longer than its parent may complain below the prompt that the shell has drawn. A menu
            # that is left there would be taken for one of the next start.
            is_lost = prompt is None or shell.has_text_below()
            is_spoilt = is_lost or ended.was_killed or sighting.pane.alternate_on
            if is_spoilt and shell.clean_up(is_lost=is_lost):
                prompt = shell.settled_prompt() or prompt
            self._panes.set_title(sighting.pane.id, f"💤 {agent.name} sleeps")
            return prompt
        except TmuxError:
            return None  # the pane went with its window; a wake builds another one

    def _roll_back(self, agent: Agent, request: NapRequest, error: BaseException) -> None:
        """The agent runs on."""
        why = error.what if isinstance(error, HiveError) else f"{type(error).__name__}: {error}"
        now = self._clock.now()
        awake = structs.replace(agent, lifecycle=Lifecycle.AWAKE, reason=f"its nap was stopped: {why}", since_at=now)
        severity = Severity.WARNING if isinstance(error, TOLD_ELSEWHERE) else Severity.FAILURE
        event = Event(EventKind.AGENT_NAP_REFUSED, why, agent.id, request.actor, severity)
        with suppress(HiveError):
            if agent.pane is not None:
                let_pane_close(self._panes, agent.pane.pane_id)
        with suppress(HiveError):
            self._database.write(_end, awake, event, now=now)
        self._hub.publish(event)

    def _log_refusal(self, agent: Agent, request: NapRequest, found: tuple[Veto, ...]) -> None:
        event = Event(
            EventKind.AGENT_NAP_REFUSED,
            f"{agent.name} stays awake: {'; '.join(map(str, found))}",
            agent.id,
            request.actor,
            payload={"vetoes": [veto.rule for veto in found]},
        )
        self._database.write(journal.log, event, now=self._clock.now())
        self._hub.publish(event)


def evidence_of(sighting: Sighting, *, is_pinned: bool, wake_due: bool) -> NapEvidence:
    """What a sighting tells for and against a nap, with what only the registry and the queue know."""
    return NapEvidence(
        activity=sighting.activity,
        activity_source=sighting.claims[0].source,
        background=sighting.background,
        draft=sighting.draft,
        session_id=sighting.session.id,
        has_transcript=sighting.session.transcript is not None,
        is_watched=sighting.pane.is_watched,
        is_pinned=is_pinned,
        cpu_share=sighting.cpu_share,
        wake_due=wake_due,
        session_source=sighting.session.source,
        is_in_front=sighting.is_in_front,
    )


def refusal(agent: Agent, found: tuple[Veto, ...]) -> NapRefused:
    """The sentence that says what speaks against a nap."""
    reasons = "; ".join(map(str, found))
    hint = (
        f"A later nap may find nothing against it; `hive-tui nap {agent.name} --force` passes it, never the checkpoint."
    )
    if any(veto.is_for_good for veto in found):
        hint = f"No wake could bring its conversation back; `hive-tui nap {agent.name} --force` ends it all the same."
    return NapRefused(f"{agent.name} was not put to sleep: {reasons}.", hint=hint)


def fall_asleep(agent: Agent, reason: str, freed_bytes: int, prompt: PromptLine | None, now: datetime) -> Agent:
    """The agent as it is once its processes are gone."""
    return structs.replace(
        agent,
        lifecycle=Lifecycle.ASLEEP,
        activity=Activity.UNKNOWN,
        reason=reason,
        since_at=now,
        process=None,
        started_at=None,
        freed_bytes=freed_bytes,
        memory_bytes=0,
        prompt=prompt.to_text() if prompt else None,
    )


def remembered_tree(state: Mapping[str, Any]) -> list[ProcessId]:
    """The processes that an interrupted nap was ending."""
    return [ProcessId(pid, started) for pid, started in state.get("processes", ())]


def _begin(db: sqlite3.Connection, agent: Agent, event: Event, state: Mapping[str, str], *, now: datetime) -> None:
    journal.begin(db, agent.id, "nap", state, now=now)
    agent_store.put(db, agent)
    journal.log(db, event, now=now)


def _end(db: sqlite3.Connection, agent: Agent, event: Event, *, now: datetime) -> None:
    agent_store.put(db, agent)
    journal.end(db, agent.id)
    journal.log(db, event, now=now)


def _end_with(
    db: sqlite3.Connection,
    agent: Agent,
    event: Event,
    checkpoint: Checkpoint,
    then: Callable[[sqlite3.Connection, Checkpoint], None] | None,
    *,
    now: datetime,
) -> None:
    _end(db, agent, event, now=now)
    if then is not None:
        then(db, checkpoint)
