"""Whether something wakes agents: the heartbeat, Redis, what asks for wakes; what failed, and what waits too long."""

import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from hive_tui.adapters.locks import FileLock
from hive_tui.domain.durations import counted, in_words
from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import EventKind
from hive_tui.domain.ports import Clock, StreamServer
from hive_tui.domain.wakeups import Wakeup, WakeupStatus
from hive_tui.services.answering import answers_at, lock_of
from hive_tui.services.checks.finding import Check, Finding
from hive_tui.services.sources.sources import TROUBLES
from hive_tui.settings import Settings
from hive_tui.store import agents as agent_store
from hive_tui.store import journal, settings, wake_states, wakeups
from hive_tui.store.database import Database

SOURCES, RETRIES = "wake sources", "timeouts and retries"
RECENT = timedelta(days=1)
OVERDUE = timedelta(minutes=5)
"""What is due and not under way after so long waits for something that does not come."""
SILENT = timedelta(minutes=3)
"""A heartbeat signs every quarter of a minute."""


class Waking:
    """What should wake agents, and what became of it lately."""

    def __init__(
        self,
        home: Path,
        database: Callable[[], Database],
        heartbeat_lock: FileLock,
        loaded: Settings,
        clock: Clock,
        stream_server: Callable[[], StreamServer | None],
    ) -> None:
        self._home = home
        self._database = database
        self._heartbeat_lock = heartbeat_lock
        self._settings = loaded
        self._clock = clock
        self._stream_server = stream_server

    def checks(self) -> list[Check]:
        """First what wakes, then how that went."""
        return [
            Check(SOURCES, "heartbeat", self.heartbeat),
            Check(SOURCES, "Redis", self.redis),
            Check(SOURCES, "sources", self.sources),
            Check(SOURCES, "HTTP", self.http),
            Check(RETRIES, "overdue", self.overdue),
            Check(RETRIES, "failed wakes", self.failed),
            Check(RETRIES, "circuit breakers", self.breakers),
            Check(RETRIES, "steps", self.steps),
        ]

    def heartbeat(self) -> Iterator[Finding]:
        """Whether one runs, and lives."""
        beat_at = self._database().read(settings.updated_at, settings.HEARTBEAT)
        if not self._heartbeat_lock.is_held():
            yield Finding("heartbeat", "warning", "none runs", "Open hive-tui, or run `hive-tui serve`")
            return
        holder = self._heartbeat_lock.holder()
        pid, silent_for = holder.get("pid", "?"), self._clock.now() - beat_at if beat_at else None
        last = f", last sign {beat_at:%H:%M:%S} UTC" if beat_at else ""
        if holder.get("purpose") == "heartbeat" and silent_for is not None and silent_for > SILENT:
            said = f"process {pid} has given no sign for {in_words(silent_for)}"
            yield Finding("heartbeat", "broken", said, f"End it: `kill {pid}`; the next one takes up what it did")
        else:
            yield Finding("heartbeat", "ok", f"process {pid}{last}")

    def redis(self) -> Iterator[Finding]:
        """Whether it answers, where it is set up."""
        server = self._stream_server()
        if server is None:
            return
        try:
            server.look([])
            yield Finding("Redis", "ok", "it answers")
        except HiveError as error:
            status = "broken" if self._settings.redis.required else "warning"
            yield Finding("Redis", status, error.what, error.hint)

    def sources(self) -> Iterator[Finding]:
        """What the heartbeat has found wrong with them; it says nothing where none runs."""
        if not self._heartbeat_lock.is_held():
            return
        for place, trouble in self._database().read(settings.get, TROUBLES, {}).items():
            yield Finding(f"wakes from {place}", "warning", trouble["what"], trouble["hint"])

    def http(self) -> Iterator[Finding]:
        """Whether programs are answered, where the settings want it."""
        wanted = self._settings.http.address
        found = answers_at(self._home)
        if found:
            yield Finding("HTTP", "ok", f"process {lock_of(self._home).holder().get('pid', '?')} answers at {found}")
        elif wanted and self._heartbeat_lock.is_held():
            mend = "`hive-tui events --kind http.failed` says why"
            yield Finding("HTTP", "warning", f"nobody answers at {wanted}, although the settings want it", mend)

    def overdue(self) -> Iterator[Finding]:
        """What should have begun long ago."""
        due_at = self._database().read(wakeups.next_due_at)
        late = self._clock.now() - due_at if due_at else timedelta(0)
        if due_at is None or late < OVERDUE:
            yield Finding("overdue", "ok", "nothing waits longer than it should")
        elif self._database().read(settings.get, settings.PAUSED, False):
            yield Finding("overdue", "warning", "all automatic actions are paused", "`hive-tui unpause`")
        else:
            said = f"the first in the queue was due {in_words(late)} ago"
            yield Finding("overdue", "warning", said, "`hive-tui wakeup-gate` works it off; `hive-tui queue` shows it")

    def failed(self) -> Iterator[Finding]:
        """Wakes that were given up."""
        failed = self._database().read(_failed_since, self._clock.now() - RECENT)
        if not failed:
            yield Finding("failed wakes", "ok", "none in the last 24 hours")
            return
        last = failed[0]
        said = f"{counted(len(failed), 'wakeup')} in the last 24 hours; the last: {last.last_error or 'no reason kept'}"
        yield Finding("failed wakes", "warning", said, f"`hive-tui queue retry {last.id[:8]}` tries it again")

    def breakers(self) -> Iterator[Finding]:
        """Agents that are left alone."""
        now = self._clock.now()
        found = [name for name, until in self._database().read(_open_breakers).items() if until > now]
        if found:
            said = f"open for {', '.join(found)}"
            yield Finding("circuit breakers", "warning", said, f"`hive-tui explain {found[0]}` says why")

    def steps(self) -> Iterator[Finding]:
        """Steps of the heartbeat that hung or failed."""
        kinds = (str(EventKind.STEP_FAILED),)
        logged = self._database().read(journal.events, kinds=kinds)
        recent = [one for one in logged if self._clock.now() - one.at < RECENT]
        if recent:
            said = f"{len(recent)} failed in the last 24 hours; the last: {recent[-1].event.text}"
            mend = "`hive-tui events --kind heartbeat.step_failed` lists them"
            yield Finding("steps", "warning", said, mend)
        else:
            yield Finding("steps", "ok", "the heartbeat did all it had to in the last 24 hours")


def _failed_since(db: sqlite3.Connection, since: datetime) -> list[Wakeup]:
    ended = wakeups.ended(db, 100, (str(WakeupStatus.FAILED),))
    return [one for one in ended if one.finished_at is not None and one.finished_at > since]


def _open_breakers(db: sqlite3.Connection) -> dict[str, datetime]:
    until = {agent.name: wake_states.breaker(db, agent.id).open_until for agent in agent_store.everyone(db)}
    return {name: at for name, at in until.items() if at is not None}
