"""Looks for what is wrong, and says how to mend it."""

import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from hive_tui.adapters.locks import FileLock
from hive_tui.adapters.tmux.client import TmuxClient
from hive_tui.domain.durations import bytes_in_words, counted, in_words
from hive_tui.domain.errors import MAKE_ROOM, HiveError, StoreError, TmuxDown
from hive_tui.domain.ports import Clock, Panes, StreamServer
from hive_tui.services.backups import list_backups
from hive_tui.services.mending import Mender
from hive_tui.services.offsite import Offsite
from hive_tui.services.sources.sources import TROUBLES
from hive_tui.settings import Settings
from hive_tui.store import checkpoints, journal, offsite, settings
from hive_tui.store.database import Database

LOW_DISK_BYTES = 2_000_000_000
NO_DISK_BYTES = 1_000_000
"""With less nothing works but what frees space."""
OLD_COPY = timedelta(days=2)
SAFE_SQLITE = (3, 51, 3)
"""Versions before may corrupt a WAL database when one connection writes while another checkpoints."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    status: str
    """`ok`, `warning` or `broken`."""
    found: str
    mend: str = ""

    def to_json(self) -> dict[str, str]:
        """For `--json`."""
        return asdict(self)


class Doctor:
    """Each examination stands alone: one that fails is a finding of its own."""

    def __init__(
        self,
        home: Path,
        database: Callable[[], Database],
        panes: Panes,
        tmux: TmuxClient,
        heartbeat_lock: FileLock,
        probe_notifier: Callable[[], str],
        loaded: Settings,
        clock: Clock,
        stream_server: Callable[[], StreamServer | None],
        mender: Callable[[], Mender],
        offsite: Callable[[], Offsite],
    ) -> None:
        self._home = home
        self._database = database
        self._panes = panes
        self._tmux = tmux
        self._heartbeat_lock = heartbeat_lock
        self._probe_notifier = probe_notifier
        self._settings = loaded
        self._clock = clock
        self._stream_server = stream_server
        self._mender = mender
        self._offsite = offsite

    def examine(self) -> list[Finding]:
        """Everything, the most important first."""
        found: list[Finding] = []
        for examination in (
            self._database_file,
            self._copies,
            self._checkpoints,
            self._strays,
            self._second_place,
            self._interrupted,
            self._tmux_server,
            self._heartbeat,
            self._git,
            self._redis,
            self._sources,
            self._notifications,
            self._disk,
            self._versions,
        ):
            try:
                found += examination()
            except HiveError as error:
                what = examination.__name__.strip("_").replace("_", " ")
                found.append(Finding(what, "broken", error.what, error.hint))
        return found

    def _database_file(self) -> Iterator[Finding]:
        path = self._home / "hive.db"
        copies = sorted(path.parent.glob(f"{path.name}.v*.bak"))
        kept = f"; copies: {', '.join(copy.name for copy in copies)}" if copies else ""
        daily = list(list_backups(self._home / "backups").values())
        newest = daily[-1:] or copies[-1:]
        mend = f"End every hive-tui, move {path}, {path.name}-wal and {path.name}-shm away"
        mend += f", then copy {newest[0]} to {path}" if newest else ""
        try:
            errors = self._database().integrity_errors()
        except StoreError as error:
            is_damaged = isinstance(error.__cause__, sqlite3.DatabaseError) and any(
                words in error.what for words in ("malformed", "not a database")
            )
            yield Finding("database", "broken", error.what, mend if is_damaged else error.hint)
            return
        if errors:
            yield Finding("database", "broken", f"{path}: {errors[0]}{kept}", mend)
        else:
            yield Finding("database", "ok", f"{path} is sound{kept}")
        if sqlite3.sqlite_version_info < SAFE_SQLITE:
            yield Finding(
                "SQLite",
                "warning",
                f"{sqlite3.sqlite_version} has a rare bug with several writers (fixed in 3.51.3); "
                "one process alone checkpoints the log, which avoids most of it",
                "Use a Python that comes with a newer SQLite when you can",
            )

    def _copies(self) -> Iterator[Finding]:
        found = list_backups(self._home / "backups")
        if not found:
            mend = "The heartbeat makes one a day: open hive-tui, or run `hive-tui serve`"
            yield Finding("database copies", "warning", "none yet", mend)
            return
        taken_at, path = list(found.items())[-1]
        age = self._clock.now() - taken_at
        what = f"{len(found)}, the newest {in_words(age)} old: {path}"
        if age < OLD_COPY:
            yield Finding("database copies", "ok", what)
        else:
            yield Finding("database copies", "warning", what, "`hive-tui events` says why there is no newer one")

    def _redis(self) -> Iterator[Finding]:
        server = self._stream_server()
        if server is None:
            return
        try:
            server.look([])
            yield Finding("Redis", "ok", "it answers")
        except HiveError as error:
            status = "broken" if self._settings.redis.required else "warning"
            yield Finding("Redis", status, error.what, error.hint)

    def _sources(self) -> Iterator[Finding]:
        """What the heartbeat has found wrong with them; it says nothing where none runs."""
        if not self._heartbeat_lock.is_held():
            return
        for place, trouble in self._database().read(settings.get, TROUBLES, {}).items():
            yield Finding(f"wakes from {place}", "warning", trouble["what"], trouble["hint"])

    def _checkpoints(self) -> Iterator[Finding]:
        known = self._database().read(checkpoints.everything)
        damaged = [one for one in known if not one.is_valid]
        missing = [one for one in known if one.is_local and not Path(one.path).exists()]
        size = sum(one.size_bytes for one in known if one.is_local)
        if damaged or missing:
            what = f"{len(damaged)} of {len(known)} damaged, {counted(len(missing), 'file')} missing"
            yield Finding("checkpoints", "broken", what, "`hive-tui validate --all` names them")
        else:
            yield Finding("checkpoints", "ok", f"{len(known)} in the catalog, {bytes_in_words(size)}")

    def _strays(self) -> Iterator[Finding]:
        strays = self._mender().strays()
        if strays.files or strays.rows:
            files, entries = counted(len(strays.files), "file"), counted(len(strays.rows), "entry")
            what = f"{files} without an entry, {entries} without a file"
            yield Finding("catalog", "broken", what, "`hive-tui doctor --mend` brings them together again")

    def _second_place(self) -> Iterator[Finding]:
        destination = self._offsite().destination
        if not destination:
            return
        copies = [
            one for one in self._database().read(offsite.by_checkpoint).values() if one.destination == destination
        ]
        good = sum(one.is_good for one in copies)
        state = self._offsite().state()
        if state.failures:
            yield Finding("second place", "broken", f"{state.error} ({state.failures} times)", "`hive-tui offsite`")
        elif any(one.error for one in copies):
            yield Finding("second place", "warning", f"{good} of {len(copies)} copies are good", "`hive-tui offsite`")
        else:
            yield Finding("second place", "ok", f"{destination}: {good} of {len(copies)} copies are there, verified")

    def _interrupted(self) -> Iterator[Finding]:
        count = len(self._database().read(journal.operations))
        if count:
            yield Finding("operations", "warning", f"{count} under way or interrupted", "`hive-tui recover` ends them")

    def _tmux_server(self) -> Iterator[Finding]:
        version = self._tmux.check_version()
        try:
            panes = self._panes.list().panes
            yield Finding("tmux", "ok", f"{version}, {counted(len(panes), 'pane')}")
        except TmuxDown as error:
            yield Finding("tmux", "warning", f"{version}; {error.what}", error.hint)

    def _heartbeat(self) -> Iterator[Finding]:
        beat_at = self._database().read(settings.updated_at, settings.HEARTBEAT)
        if self._heartbeat_lock.is_held():
            holder = self._heartbeat_lock.holder()
            last = f", last sign {beat_at:%H:%M:%S} UTC" if beat_at else ""
            yield Finding("heartbeat", "ok", f"process {holder.get('pid', '?')}{last}")
        else:
            yield Finding("heartbeat", "warning", "none runs", "Open hive-tui, or run `hive-tui serve`")

    def _git(self) -> Iterator[Finding]:
        found = shutil.which("git")
        if found:
            yield Finding("git", "ok", found)
        else:
            yield Finding("git", "broken", "there is no git on the PATH", "Install git; naps need it for repositories")

    def _notifications(self) -> Iterator[Finding]:
        if not self._settings.notify.desktop:
            yield Finding("notifications", "ok", "switched off in the settings")
            return
        try:
            yield Finding("notifications", "ok", self._probe_notifier())
        except HiveError as error:
            yield Finding("notifications", "warning", error.what, error.hint)

    def _disk(self) -> Iterator[Finding]:
        free = shutil.disk_usage(self._home).free
        status = "ok" if free > LOW_DISK_BYTES else "warning" if free > NO_DISK_BYTES else "broken"
        mend = "" if status == "ok" else f"Free some space below {self._home}. {MAKE_ROOM}"
        yield Finding("disk", status, f"{bytes_in_words(free)} free for checkpoints", mend)

    def _versions(self) -> Iterator[Finding]:
        yield Finding("Python", "ok", f"{sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}")
