"""Checkpoints of awake agents now and then, where something has changed. A failure never leaves this module."""

import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from hive_tui.domain.agents import Agent, Lifecycle
from hive_tui.domain.checkpoints import CheckpointReason
from hive_tui.domain.errors import AgentBusy, HiveError
from hive_tui.domain.events import HEARTBEAT, Event, EventKind, Severity
from hive_tui.domain.ports import Clock, Locks
from hive_tui.domain.progress import Unwatched
from hive_tui.kinds.catalog import Kinds
from hive_tui.services.hub import Hub
from hive_tui.services.snapshot import Snapshotter
from hive_tui.store import agents as agent_store
from hive_tui.store import checkpoints, journal, settings
from hive_tui.store.database import Database

LOOKED_AT = "periodic.looked"
RETRY = timedelta(minutes=5)
"""An agent whose checkpoint failed is tried again so much later at the earliest."""


class PeriodicCheckpoints:
    """Each agent on its own time, counted from its newest checkpoint.

    Args:
        every: Between two checkpoints of an agent; None for never.
    """

    def __init__(
        self,
        database: Database,
        snapshotter: Snapshotter,
        locks: Locks,
        kinds: Kinds,
        clock: Clock,
        hub: Hub,
        *,
        every: timedelta | None,
    ) -> None:
        self._database = database
        self._snapshotter = snapshotter
        self._locks = locks
        self._kinds = kinds
        self._clock = clock
        self._hub = hub
        self._every = every

    def due(self) -> list[Agent]:
        """Awake agents whose last checkpoint, or last look, is old enough."""
        if self._every is None:
            return []
        now = self._clock.now()
        newest = self._database.read(checkpoints.newest_by_agent)
        waits: dict[str, str] = self._database.read(settings.get, LOOKED_AT, {})
        found = []
        for agent in self._database.read(agent_store.everyone):
            if agent.lifecycle is not Lifecycle.AWAKE or agent.session_id is None:
                continue
            last = newest[agent.id].created_at if agent.id in newest else None
            is_old = last is None or now - last >= self._every
            if is_old and waits.get(agent.id, "") <= now.isoformat():
                found.append(agent)
        return found

    def take_due(self) -> int:
        """Take the checkpoints that are due; how many were taken. Raises nothing."""
        taken = 0
        try:
            for agent in self.due():
                taken += self._take(agent)
        except Exception as error:
            self._tell(None, error)
        return taken

    def _take(self, agent: Agent) -> bool:
        try:
            with self._locks.agent(agent.id, purpose="checkpoint"):
                # It may have gone to sleep since the look.
                now = self._database.read(agent_store.get, agent.id)
                marks = self._marks(now)
                if now.lifecycle is not Lifecycle.AWAKE or marks == self._database.read(settings.get, _key(now)):
                    self._look_again(now, self._every or RETRY)
                    return False
                self._snapshotter.take(now, CheckpointReason.SCHEDULE, HEARTBEAT, Unwatched())
                self._database.write(settings.put, _key(now), marks, now=self._clock.now())
            return True
        except AgentBusy:
            return False
        except HiveError:
            pass  # the snapshot has told it already
        except Exception as error:
            self._tell(agent, error)
        with suppress(HiveError):
            self._look_again(agent, RETRY)
        return False

    def _marks(self, agent: Agent) -> Sequence[str]:
        """What changes when work was done: the conversation's files, and what git and the folder show at a glance."""
        files = [file.path for file in self._kinds.get(agent.kind).session_files(agent)]
        root = next((one for one in (Path(agent.cwd), *Path(agent.cwd).parents) if (one / ".git").exists()), None)
        if root is not None:
            files += [root / ".git" / name for name in ("HEAD", "index", "logs/HEAD")]
        return [_mark(path) for path in files]

    def _look_again(self, agent: Agent, after: timedelta) -> None:
        waits: dict[str, str] = self._database.read(settings.get, LOOKED_AT, {})
        waits[agent.id] = (self._clock.now() + after).isoformat()
        self._database.write(settings.put, LOOKED_AT, waits, now=self._clock.now())

    def _tell(self, agent: Agent | None, error: Exception) -> None:
        said = error.what if isinstance(error, HiveError) else f"{type(error).__name__}: {error}"
        text = f"The periodic checkpoint of {agent.name if agent else 'the agents'} failed: {said}"
        event = Event(EventKind.CHECKPOINT_FAILED, text, agent.id if agent else None, severity=Severity.FAILURE)
        with suppress(HiveError):
            self._database.write(journal.log, event, now=self._clock.now())
        self._hub.publish(event)


def _key(agent: Agent) -> str:
    return f"periodic.marks.{agent.id}"


def _mark(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return json.dumps([str(path), None])
    return json.dumps([str(path), found.st_size, found.st_mtime_ns])
