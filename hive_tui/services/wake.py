"""Wakes an agent: the same conversation, in the same pane."""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from msgspec import structs

from hive_tui.adapters.zone import zone_of
from hive_tui.domain.agents import Activity, Agent, Lifecycle
from hive_tui.domain.errors import HiveError, NeedsPerson, WakeFailed
from hive_tui.domain.events import HEARTBEAT, Event, EventKind, Severity
from hive_tui.domain.gate import Decision, Verdict
from hive_tui.domain.handoffs import Handoff
from hive_tui.domain.panes import Pane
from hive_tui.domain.ports import Clock, Locks, Panes, Processes
from hive_tui.domain.reconcile import ServerState, from_sighting, match
from hive_tui.domain.sightings import Sighting
from hive_tui.domain.wakeups import ON_RESUME, Wakeup, messages_of
from hive_tui.services.eyes import Eyes
from hive_tui.services.fill_in import FillIn, Source
from hive_tui.services.gate import Gatekeeper
from hive_tui.services.handoff import Handoffs
from hive_tui.services.hub import Hub
from hive_tui.services.messages import Messenger, NotNow
from hive_tui.services.starting import CameUpWrong, Started, Starter, put_pane_back
from hive_tui.store import agents as agent_store
from hive_tui.store import journal
from hive_tui.store.database import Database

NOT_WOKEN = "{} was not woken: "
CANNOT = "{} cannot be woken: "
"""How sentences about a failed wake begin; left out where the agent is named anyway."""
BUSY = "busy"
"""The rule that puts a message off until its agent takes it."""
LOCK_PATIENCE_S = 120.0
"""A nap that is under way either sees the wake and stops, or ends within this time."""


def why_not_woken(name: str, said: str) -> str:
    """A sentence about a failed wake, without the beginning that names the agent again."""
    return said.removeprefix(NOT_WOKEN.format(name)).removeprefix(CANNOT.format(name))


@dataclass(frozen=True, slots=True)
class WakeResult:
    """What a wake gave; `to_json` is what the queue keeps."""

    agent: Agent
    verdict: Verdict
    generation: int | None
    resumed: bool
    """False where the agent was awake already."""
    fallbacks: int
    restored: tuple[str, ...] = ()
    handoff: Handoff | None = None
    """What it started with, and why; None where it was awake already."""

    def to_json(self) -> dict[str, Any]:
        """For the queue and `--json`."""
        return {
            "agent": self.agent.name,
            "generation": self.generation,
            "session_id": self.agent.session_id,
            "resumed": self.resumed,
            "fallbacks": self.fallbacks,
            "restored": list(self.restored),
            "context": str(self.handoff.mode) if self.handoff else None,
            "context_reason": self.handoff.why if self.handoff else None,
        }


class Waker:
    """Runs one attempt of a wakeup."""

    def __init__(
        self,
        database: Database,
        new_eyes: Callable[[], Eyes],
        panes: Panes,
        processes: Processes,
        locks: Locks,
        fill_in: FillIn,
        starter: Starter,
        messenger: Messenger,
        gatekeeper: Gatekeeper,
        handoffs: Handoffs,
        clock: Clock,
        hub: Hub,
        ready: Callable[[Agent], None] = lambda _: None,
    ) -> None:
        """Take the parts; `ready` returns once the services that an agent needs are up, or raises a HiveError."""
        self._ready = ready
        self._database = database
        self._new_eyes = new_eyes
        self._panes = panes
        self._processes = processes
        self._locks = locks
        self._fill_in = fill_in
        self._starter = starter
        self._messenger = messenger
        self._gatekeeper = gatekeeper
        self._handoffs = handoffs
        self._clock = clock
        self._hub = hub

    def wake(self, wakeup: Wakeup, judged: Callable[[Verdict], None] = lambda _: None) -> WakeResult:
        """Bring the agent of a claimed wakeup up, if the gate lets it, and say to it what is to be said.

        Args:
            wakeup: It is claimed by the caller.
            judged: Told what the gate said, before anything is done about it.

        Raises:
            WakeFailed: It did not come up; a later attempt may.
            NeedsPerson: A person has to decide something first.
            HiveError: Something else stood in the way.
        """
        with self._locks.agent(wakeup.agent_id, purpose="wake", wait_s=LOCK_PATIENCE_S):
            agent = self._database.read(agent_store.get, wakeup.agent_id)
            sighting = self._see(agent)
            verdict = self._gatekeeper.judge(wakeup, agent, is_awake=sighting is not None)
            judged(verdict)
            if verdict.decision is Decision.ASK:
                raise _needs_a_yes(agent, verdict)
            if verdict.decision is Decision.DEFER:
                return WakeResult(agent, verdict, None, resumed=False, fallbacks=0)
            if sighting is not None:
                return self._already_awake(agent, sighting, wakeup, verdict)
            if verdict.decision is Decision.SKIP:
                return WakeResult(agent, verdict, None, resumed=False, fallbacks=0)
            return self._wake(agent, wakeup, verdict)

    def _see(self, agent: Agent) -> Sighting | None:
        """The agent, if it runs in a pane."""
        seen, _, trouble = self._new_eyes().look([agent])
        if seen.state is ServerState.HUNG:
            raise WakeFailed(f"{agent.name} was not woken: {trouble}", hint="It is tried again.")
        for found, sighting in match([agent], seen):
            if found is not None:
                return sighting
        if agent.process is not None and self._processes.is_alive(agent.process):
            raise WakeFailed(
                f"{agent.name} was not woken: its process {agent.process.pid} runs, but in no pane of this server.",
                hint="Start hive-tui with the --tmux-socket of its server, or end that process.",
            )
        return None

    def _already_awake(self, agent: Agent, sighting: Sighting, wakeup: Wakeup, verdict: Verdict) -> WakeResult:
        now = self._clock.now()
        awake = from_sighting(agent, sighting, now, zone_of)
        self._database.write(_end, awake, None, now=now)
        put_pane_back(self._panes, sighting.pane)
        busy = "" if sighting.activity is Activity.IDLE else _doing(sighting.activity)
        if not sighting.is_in_front:
            busy = "its shell has the keyboard, since it was stopped or sent to the background"
        # Who runs without our doing goes on by itself, or waits for a person.
        is_ours = sighting.pane.wakeup_id == wakeup.id and not busy
        said = self._say(awake, sighting.pane, wakeup, busy, is_started=is_ours)
        return WakeResult(awake, said or verdict, None, resumed=False, fallbacks=0)

    def _say(self, agent: Agent, pane: Pane, wakeup: Wakeup, busy: str, *, is_started: bool) -> Verdict | None:
        """Hand the messages over; where it is not the time for that, the verdict that puts the wakeup off.

        The agent runs and the registry knows: whatever fails here leaves it awake.
        """
        messages = (*self._handoffs.first_messages(wakeup), *messages_of(wakeup.context))
        if is_started and not wakeup.is_by_person and wakeup.context.get(ON_RESUME):
            messages += (str(wakeup.context[ON_RESUME]),)
        if not messages:
            return None
        try:
            self._messenger.deliver(agent, pane, messages, wakeup.id, busy=busy)
        except NotNow as error:
            return Verdict(Decision.DEFER, BUSY, error.what)
        return None

    def _wake(self, agent: Agent, wakeup: Wakeup, verdict: Verdict) -> WakeResult:
        before = agent = self._handoffs.mended(agent)
        self._begin(agent, wakeup)
        try:
            self._ready(agent)
            source = self._fill_in.prepare(agent, confirmed=bool(wakeup.context.get("confirmed")))
            handoff = self._handoffs.decide(agent, wakeup, source.transcript)
            before = agent = self._database.write(_set_transcript, agent.id, str(source.transcript))
            if handoff.is_new:
                agent = self._handoffs.left_behind(agent)
                self._database.write(agent_store.put, agent)
            started = self._starter.start(agent, wakeup.id)
            agent = self._awake(agent, started, Activity.IDLE, "it shows its prompt")
        except CameUpWrong as error:
            self._leave_running(agent, error)
            raise
        except BaseException as error:
            self._roll_back(before, error)
            raise
        if handoff.is_new:
            agent = self._handoffs.started(agent, handoff, started.look)
        put_pane_back(self._panes, started.pane)
        result = self._finish(agent, verdict, source, handoff)
        put_off = self._say(agent, started.pane, wakeup, busy="", is_started=True)
        return result if put_off is None else replace(result, verdict=put_off)

    def _begin(self, agent: Agent, wakeup: Wakeup) -> None:
        now = self._clock.now()
        waking = structs.replace(
            agent,
            lifecycle=Lifecycle.WAKING,
            activity=Activity.UNKNOWN,
            reason=f"woken by {wakeup.trigger}",
            since_at=now,
            process=None,
        )
        event = Event(EventKind.AGENT_WAKING, f"{agent.name} wakes ({wakeup.trigger})", agent.id, HEARTBEAT)
        self._database.write(_begin, waking, event, {"wakeup_id": wakeup.id}, now=now)
        self._hub.publish(event)

    def _leave_running(self, agent: Agent, error: CameUpWrong) -> None:
        """It runs, though not as it should: a person finds it where it is, and it is not started twice."""
        awake = self._awake(agent, error.started, error.activity, error.what)
        with suppress(HiveError):
            self._database.write(_end, awake, None, now=self._clock.now())

    def _awake(self, agent: Agent, started: Started, activity: Activity, reason: str) -> Agent:
        """The agent by the evidence of its process, so that it can nap again at once."""
        look = started.look
        return structs.replace(
            agent,
            lifecycle=Lifecycle.AWAKE,
            activity=activity,
            reason=reason,
            since_at=self._clock.now(),
            pane=started.pane.ref,
            process=look.root.id,
            argv=look.argv,
            started_at=self._processes.started_at(look.root.id),
        )

    def _finish(self, agent: Agent, verdict: Verdict, source: Source, handoff: Handoff) -> WakeResult:
        generation = source.checkpoint.generation if source.checkpoint else None
        result = WakeResult(agent, verdict, generation, True, source.fallbacks, source.restored, handoff)
        back = f"; brought back: {', '.join(source.restored)}" if source.restored else ""
        its = f"a new conversation and a handoff ({handoff.why})" if handoff.is_new else "its conversation"
        text = f"{agent.name} is awake again with {its}{back}"
        severity = Severity.WARNING if source.restored else Severity.INFO
        event = Event(EventKind.AGENT_AWAKE, text, agent.id, HEARTBEAT, severity, result.to_json())
        self._database.write(_end, agent, event, now=self._clock.now())
        self._hub.publish(event)
        return result

    def _roll_back(self, agent: Agent, error: BaseException) -> None:
        """The agent stays asleep; the queue decides whether it is tried again."""
        why = error.what if isinstance(error, HiveError) else f"{type(error).__name__}: {error}"
        why = why_not_woken(agent.name, why)
        now = self._clock.now()
        asleep = structs.replace(
            agent,
            lifecycle=Lifecycle.ASLEEP,
            activity=Activity.UNKNOWN,
            reason=f"its wake failed: {why}",
            since_at=now,
            process=None,
            started_at=None,
        )
        with suppress(HiveError):
            self._database.write(_end, asleep, None, now=now)


def _needs_a_yes(agent: Agent, verdict: Verdict) -> NeedsPerson:
    more = (
        f", `hive-tui budget set {agent.name} --tokens-per-day N` gives it more" if "tokens" in verdict.reason else ""
    )
    return NeedsPerson(
        f"{agent.name} was not woken: {verdict.reason}.",
        hint=f"`hive-tui wake {agent.name} --yes` wakes it all the same{more}.",
        confirmable=True,
    )


def _doing(activity: Activity) -> str:
    """What a busy agent does, as a sentence goes on."""
    return {
        Activity.WORKING: "it is working",
        Activity.PERMISSION: "it waits for a permission",
        Activity.QUESTION: "it waits for an answer",
        Activity.LIMITED: "its usage limit is reached",
    }.get(activity, "it does not wait for input")


def _begin(db: sqlite3.Connection, agent: Agent, event: Event, state: Mapping[str, Any], *, now: datetime) -> None:
    journal.begin(db, agent.id, "wake", state, now=now)
    agent_store.put(db, agent)
    journal.log(db, event, now=now)


def _set_transcript(db: sqlite3.Connection, agent_id: str, transcript: str) -> Agent:
    agent = structs.replace(agent_store.get(db, agent_id), transcript=transcript)
    agent_store.put(db, agent)
    return agent


def _end(db: sqlite3.Connection, agent: Agent, event: Event | None, *, now: datetime) -> None:
    agent_store.put(db, agent)
    journal.end(db, agent.id)
    if event is not None:
        journal.log(db, event, now=now)
