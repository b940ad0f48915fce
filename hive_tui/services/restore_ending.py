"""The end of a restore, after its files: conversation, streams, registry, and the wake that follows.

Killed in between, it is done again from the journal by whoever comes next.
"""

import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from msgspec import structs

from hive_tui.domain.agents import Agent, Lifecycle
from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.domain.events import Actor, Event, EventKind, Severity
from hive_tui.domain.ports import Clock, Workspaces
from hive_tui.domain.wakeups import AFTER, RESTORE, NewWakeup, Trigger, Wakeup
from hive_tui.services.conversation import Conversation
from hive_tui.services.hub import Hub
from hive_tui.services.queue import enqueue_within
from hive_tui.services.restore_views import EVERYTHING, Part
from hive_tui.services.streams import Streams
from hive_tui.store import agents as agent_store
from hive_tui.store import checkpoints, journal
from hive_tui.store.database import Database
from hive_tui.store.journal import Operation

MADE = "made_by_restore"
"""In the summary of a safety checkpoint: what the restore after it has made."""


class RestoreEnding:
    """Whatever it does may be done again, and then gives the same."""

    def __init__(
        self,
        database: Database,
        workspaces: Workspaces,
        conversation: Conversation,
        streams: Streams,
        ring: Callable[[], None],
        clock: Clock,
        hub: Hub,
    ) -> None:
        self._database = database
        self._workspaces = workspaces
        self._conversation = conversation
        self._streams = streams
        self._ring = ring
        self._clock = clock
        self._hub = hub

    def finish_interrupted(self, agent: Agent, operation: Operation) -> tuple[str, Wakeup | None]:
        """Roll an interrupted restore forward, or back where nothing was changed yet.

        Returns:
            What was done, in words; and the wake of an agent that was awake before.
        """
        folder = Path(str(operation.state["folder"]))
        wanted = self._database.read(checkpoints.get, str(operation.state["checkpoint_id"]))
        applied = self._workspaces.resume(folder / "journal") if operation.step == "begun" else None
        if operation.step != "begun" or applied is not None:
            _, _, wakeup = self.finish(agent, wanted, operation.state, was_interrupted=True)
            done = f"an interrupted restore to generation {wanted.generation} was finished"
            return f"{agent.name}: {done}{_and_woken(wakeup)}", wakeup
        shutil.rmtree(folder, ignore_errors=True)
        asked = self._wake_after(agent, operation.state)
        done = f"a restore to generation {wanted.generation} was interrupted before it changed anything"
        actor = Actor.person(str(operation.state.get("actor", "you")))
        event = Event(EventKind.RESTORE_FAILED, f"{agent.name}: {done}", agent.id, actor, Severity.WARNING)
        wakeup = self.close(agent, event, asked)
        return f"{agent.name}: {done}{_and_woken(wakeup)}", wakeup

    def finish(
        self, agent: Agent, wanted: Checkpoint, state: Mapping[str, Any], *, was_interrupted: bool = False
    ) -> tuple[Agent, list[str], Wakeup | None]:
        """The conversation, the streams, the registry, and the wake. Done again after a crash it gives the same.

        Args:
            agent: Who goes back.
            wanted: Where to.
            state: What the journal says of this restore.
            was_interrupted: Another process has begun it, and has died.

        Returns:
            The agent as it is now, warnings, and the wake that was asked for.
        """
        folder, parts = Path(str(state["folder"])), frozenset(map(Part, state.get("parts", EVERYTHING)))
        actor = Actor.person(str(state.get("actor", "you")))
        self._database.write(journal.advance, agent.id, "conversation", now=self._clock.now())
        now = self._clock.now()
        taken = f"the checkpoint of {wanted.created_at:%Y-%m-%d %H:%M} UTC"
        words = "" if parts == EVERYTHING else f", {' and '.join(sorted(parts))} only"
        # What it has failed at is no longer what is there.
        lifecycle = Lifecycle.ASLEEP if agent.lifecycle is Lifecycle.FAILED else agent.lifecycle
        restored = structs.replace(agent, lifecycle=lifecycle, reason=f"restored to {taken}{words}", since_at=now)
        if Part.CONVERSATION in parts:
            transcript = self._conversation.put_back(folder / "wanted")
            restored = structs.replace(
                restored,
                session_id=wanted.session_id or agent.session_id,
                transcript=transcript or agent.transcript,
            )
        warnings: list[str] = []
        if Part.STREAMS in parts:
            is_safe = bool(state.get("streams_are_safe"))
            warnings = self._streams.put_back(agent, folder / "wanted", folder.name, is_safe=is_safe)
        ended = "; the restore had been interrupted, and was finished now" if was_interrupted else ""
        text = f"{agent.name} was restored to {taken}{words}{ended}"
        payload = {"checkpoint_id": wanted.id, "was_interrupted": was_interrupted}
        event = Event(EventKind.RESTORE_DONE, text, agent.id, actor, payload=payload)
        undo = (str(state.get("safety_id", "")), dict(state.get("made", {})))
        # After a part of it the agent stands at no older checkpoint: the newest one has all that is there.
        stands_at = wanted.id if parts == EVERYTHING else undo[0]
        asked = self._wake_after(agent, state)
        wakeup, said = self._database.write(_end, restored, stands_at, undo, event, asked, now=now)
        self._tell(event, said)
        if not any((folder / "journal").glob("displaced/*")):
            with suppress(OSError):
                shutil.rmtree(folder)
        return self._database.read(agent_store.get, agent.id), warnings, wakeup

    def close(self, agent: Agent, event: Event, asked: NewWakeup | None = None) -> Wakeup | None:
        """End an operation that has changed nothing."""
        wakeup, said = self._database.write(_close, agent.id, event, asked, now=self._clock.now())
        self._tell(event, said)
        return wakeup

    def _tell(self, event: Event, asked: Event | None) -> None:
        self._hub.publish(event, asked)
        if asked is not None:
            self._ring()

    def _wake_after(self, agent: Agent, state: Mapping[str, Any]) -> NewWakeup | None:
        """The wake of an agent that was put to sleep for the restore."""
        if not state.get("wake"):
            return None
        return wake_after(agent.id, wake_key(state), self._clock.now())


def wake_key(state: Mapping[str, Any]) -> str:
    """The key of the wake after the restore of this state: asked for twice it is one."""
    return f"restore:{Path(str(state['folder'])).name}"


def wake_after(agent_id: str, key: str, now: datetime) -> NewWakeup:
    """The wake of an agent that was put to sleep for a restore."""
    return NewWakeup(agent_id, Trigger.MANUAL, now, idempotency_key=key, context={AFTER: RESTORE})


def _end(
    db: sqlite3.Connection,
    agent: Agent,
    checkpoint_id: str,
    undo: tuple[str, Mapping[str, str]],
    event: Event,
    asked: NewWakeup | None,
    *,
    now: datetime,
) -> tuple[Wakeup | None, Event | None]:
    safety_id, made = undo
    checkpoints.note(db, safety_id, MADE, dict(made))
    agent_store.put(db, agent)
    agent_store.set_checkpoint(db, agent.id, checkpoint_id)
    return _close(db, agent.id, event, asked, now=now)


def _close(
    db: sqlite3.Connection, agent_id: str, event: Event, asked: NewWakeup | None, *, now: datetime
) -> tuple[Wakeup | None, Event | None]:
    """End the operation, and ask for the wake that follows it in the same moment: no kill can come in between."""
    from hive_tui.services import restore_effects  # here, since the heartbeat makes us before the first screen

    restore_effects.end(db, agent_id, event, now=now)
    journal.end(db, agent_id)
    journal.log(db, event, now=now)
    if asked is None:
        return None, None
    enqueued, said = enqueue_within(db, asked, str(uuid4()), event.actor, now=now)
    return enqueued.wakeup, said


def _and_woken(wakeup: Wakeup | None) -> str:
    return ", and its wake was asked for, since it was awake" if wakeup else ""
