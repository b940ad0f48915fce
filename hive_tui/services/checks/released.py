"""Whether naps have given back what they took: processes, temporary files, open files."""

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

from hive_tui.adapters.locks import FileLock
from hive_tui.domain.agents import Agent, Lifecycle
from hive_tui.domain.durations import bytes_in_words, counted
from hive_tui.domain.ports import Clock, Processes
from hive_tui.services.checks.finding import Check, Finding
from hive_tui.store import agents as agent_store
from hive_tui.store.database import Database

AREA = "released resources"
TEMPORARY = "*.tmp*"
OLD = timedelta(hours=1)
"""What is younger may belong to work that is under way."""
MANY_FILES = 500
SHORTEST_SESSION = 8
"""A shorter id may stand in a command line by chance."""


class Released:
    """What is left behind."""

    def __init__(
        self, home: Path, database: Callable[[], Database], processes: Processes, lock: FileLock, clock: Clock
    ) -> None:
        self._home = home
        self._database = database
        self._processes = processes
        self._lock = lock
        self._clock = clock

    def checks(self) -> list[Check]:
        """Memory first."""
        return [
            Check(AREA, "left processes", self.left_processes),
            Check(AREA, "temporary files", self.temporary_files),
            Check(AREA, "open files", self.open_files),
        ]

    def left_processes(self) -> Iterator[Finding]:
        """Processes that hold the conversation of an agent which sleeps."""
        asleep = [one for one in self._database().read(agent_store.everyone) if one.lifecycle is Lifecycle.ASLEEP]
        left = list(self._holding(asleep))
        if not left:
            yield Finding("left processes", "ok", f"none of {counted(len(asleep), 'agent')} asleep")
        for agent, pid in left:
            size = bytes_in_words(self._processes.anonymous_bytes(pid))
            said = f"process {pid} ({size}) still holds the conversation of {agent.name}, which sleeps"
            yield Finding(
                "left processes", "warning", said, f"Look with `ps -fp {pid}`; if nobody needs it: `kill {pid}`"
            )

    def _holding(self, asleep: list[Agent]) -> Iterator[tuple[Agent, int]]:
        by_session = {
            one.session_id: one for one in asleep if one.session_id and len(one.session_id) >= SHORTEST_SESSION
        }
        by_process = {one.process.pid: one for one in asleep if one.process and self._processes.is_alive(one.process)}
        for process in self._processes.table() if by_session or by_process else ():
            if process.pid == os.getpid():
                continue
            words = {word.rpartition("=")[2] for word in self._processes.argv(process.pid)}
            session = next((one for one in words if one in by_session), None)
            agent = by_process.get(process.pid) or (by_session[session] if session else None)
            if agent is not None:
                yield agent, process.pid

    def temporary_files(self) -> Iterator[Finding]:
        """Those of work that was cut off."""
        until = (self._clock.now() - OLD).timestamp()
        old = [path for path in self._found() if _changed_at(path) < until]
        if not old:
            yield Finding("temporary files", "ok", "none is left")
            return
        size = sum(path.lstat().st_size for path in old if path.exists())
        said = f"{counted(len(old), 'file')} or folders ({bytes_in_words(size)}) of work that was cut off, as {old[0]}"
        yield Finding("temporary files", "warning", said, "`hive-tui recover` removes them")

    def _found(self) -> set[Path]:
        files = {path for name in ("checkpoints", "backups") for path in (self._home / name).rglob(TEMPORARY)}
        return files | set((self._home / "scratch").glob("[0-9]*-*"))

    def open_files(self) -> Iterator[Finding]:
        """How many the heartbeat has open, where that can be seen."""
        pid = self._lock.holder().get("pid")
        if not self._lock.is_held() or not isinstance(pid, int):
            return
        count = len(self._processes.open_files(pid))
        status = "warning" if count > MANY_FILES else "ok"
        mend = f"Start it anew: `kill {pid}`, then `hive-tui serve`" if count > MANY_FILES else ""
        yield Finding("open files", status, f"process {pid} has {counted(count, 'file')} open", mend)


def _changed_at(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:  # it has gone meanwhile
        return float("inf")
