"""Keeps when each agent last gave a sign of life, and tells once of those that are silent and should not be."""

import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from hive_tui.domain.agents import Activity, Agent, Lifecycle
from hive_tui.domain.durations import in_words
from hive_tui.domain.errors import StoreError
from hive_tui.domain.events import OBSERVER, Event, EventKind, Severity
from hive_tui.domain.liveness import BUSY_SHARE, Sign, is_stale, last_of
from hive_tui.domain.sightings import Sighting
from hive_tui.kinds import status_file
from hive_tui.services.hub import Hub
from hive_tui.store import journal, stale
from hive_tui.store.database import Database
from hive_tui.store.remembered import Remembered

TOLERANCE = timedelta(seconds=2)
"""File systems and processes tell times a little otherwise than the clock does."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What is known of all agents."""

    last: Mapping[str, Sign] = field(default_factory=dict)
    """By agent id; only of those that run."""
    stale: frozenset[str] = frozenset()
    """Ids of those that should work, and have been silent for too long."""

    def silence_of(self, agent_id: str, now: datetime) -> timedelta | None:
        """For how long an agent that is stale has been silent; None for any other."""
        return now - self.last[agent_id].at if agent_id in self.stale else None


class Liveness:
    """Used by one thread at a time.

    Args:
        after: Silence of so long is told; None for never.
    """

    def __init__(self, database: Database, hub: Hub, *, after: timedelta | None) -> None:
        self._database = database
        self._hub = hub
        self._remembered = Remembered(database)
        self._after = after
        self._last: dict[str, Sign] = {}
        self._since: dict[str, datetime] = {}
        self._seen: Mapping[str, Sighting] = {}

    def look(self, agents: Sequence[Agent], sightings: Mapping[str, Sighting], at: datetime) -> Signs:
        """The signs of life up to this look."""
        running: list[Agent] = []
        since: dict[str, datetime] = {}
        last: dict[str, Sign] = {}
        for agent in agents:  # in one go: there are many, and this is done each second
            agent_id, sighting = agent.id, sightings.get(agent.id)
            if sighting is None or agent.lifecycle is not Lifecycle.AWAKE:
                continue
            running.append(agent)
            since[agent_id] = self._since.get(agent_id, at)
            known = self._last.get(agent_id)
            # The very same sighting is of one at rest of which nothing has moved since it was read, its files included.
            is_at_rest = sighting is self._seen.get(agent_id) and agent.activity is not Activity.WORKING
            if known is not None and is_at_rest and (sighting.cpu_share or 0.0) < BUSY_SHARE:
                last[agent_id] = known
            else:
                last[agent_id] = self._sign_of(agent, sighting, at)
        self._since, self._last, self._seen = since, last, sightings
        with suppress(StoreError):  # the next look does it
            return Signs(self._last, self._told(running, at))
        return Signs(self._last)

    def _sign_of(self, agent: Agent, sighting: Sighting, at: datetime) -> Sign:
        pane = sighting.pane.output_at
        signs = [
            self._last.get(agent.id),
            Sign(sighting.started_at, "its start") if sighting.started_at else None,
            Sign(datetime.fromtimestamp(pane, UTC), "output in its pane") if pane else None,
            Sign(at, "CPU") if (sighting.cpu_share or 0.0) >= BUSY_SHARE else None,
            *(_touched(path, by) for path, by in files_of(agent).items()),
        ]
        # What was written by a clock that was set back since says nothing.
        last = last_of(one for one in signs if one is not None and one.at <= at + TOLERANCE)
        return Sign(min(last.at, at), last.by) if last is not None else Sign(at, "this look")

    def _told(self, running: Sequence[Agent], at: datetime) -> frozenset[str]:
        """Write down and tell who has become stale, and forget those that live; who is stale."""
        known = self._remembered.read(stale.everyone)
        working = (agent for agent in running if agent.activity is Activity.WORKING)  # others may be silent
        silent = [agent for agent in working if not self._is_alive(agent, known, at)]
        news = [agent for agent in silent if agent.id not in known]
        gone = known.keys() - {agent.id for agent in silent}
        if news or gone:
            events = self._database.write(self._write, news, gone, at)
            self._hub.publish(*events)
        return frozenset(agent.id for agent in silent)

    def _is_alive(self, agent: Agent, known: Mapping[str, datetime], at: datetime) -> bool:
        if self._after is None or not is_stale(agent, self._last[agent.id], at, self._after):
            return True
        # Work that shows in nothing but CPU is seen only by who has looked for as long.
        return agent.id not in known and at - self._since[agent.id] < self._after

    def _write(self, db: sqlite3.Connection, news: Sequence[Agent], gone: Iterable[str], at: datetime) -> list[Event]:
        for agent_id in gone:
            stale.clear(db, agent_id)
        events = []
        for agent in news:
            last = self._last[agent.id]
            if stale.mark(db, agent.id, last.at):
                said = f"{agent.name} seems to work, but gave no sign of life for {in_words(at - last.at)}"
                payload = {"last_seen_at": last.at.isoformat(), "by": last.by}
                text = f"{said}; the last one was {last.by}"
                event = Event(EventKind.AGENT_STALE, text, agent.id, OBSERVER, Severity.WARNING, payload)
                journal.log(db, event, now=at)
                events.append(event)
        return events


def files_of(agent: Agent) -> Mapping[str, str]:
    """The watched files of an agent."""
    return watched_files(agent.transcript, agent.config_dir, agent.process.pid if agent.process else None)


@lru_cache(maxsize=512)
def watched_files(transcript: str | None, config_dir: str | None, pid: int | None) -> Mapping[str, str]:
    """Files that change when an agent does something, also where its screen stays as it is; what each is."""
    files = {transcript: "its transcript"} if transcript else {}
    if config_dir and pid is not None:
        files[str(status_file.path_of(Path(config_dir), pid))] = "its status file"
    return files


def _touched(path: str, by: str) -> Sign | None:
    with suppress(OSError):
        return Sign(datetime.fromtimestamp(os.stat(path).st_mtime, UTC), by)  # noqa: PTH116 - half the time
    return None
