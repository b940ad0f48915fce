"""Whether what was kept can be brought back: the database, its copies, the checkpoints, the second place."""

import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

from hive_tui.domain.durations import bytes_in_words, counted, in_words
from hive_tui.domain.errors import StoreError
from hive_tui.domain.ports import Clock
from hive_tui.services.backups import list_backups
from hive_tui.services.checks.finding import Check, Finding
from hive_tui.services.mending import Mender
from hive_tui.services.offsite import Offsite
from hive_tui.store import checkpoints, journal, offsite
from hive_tui.store.database import Database

AREA = "checkpoints"
OLD_COPY = timedelta(days=2)
SAFE_SQLITE = (3, 51, 3)
"""Versions before may corrupt a WAL database when one connection writes while another checkpoints."""


class Stored:
    """What is on the disk. Parts are made when they are needed: a damaged database must not stop the rest."""

    def __init__(
        self,
        home: Path,
        database: Callable[[], Database],
        clock: Clock,
        mender: Callable[[], Mender],
        offsite: Callable[[], Offsite],
    ) -> None:
        self._home = home
        self._database = database
        self._clock = clock
        self._mender = mender
        self._offsite = offsite

    def checks(self) -> list[Check]:
        """The database first: the others read it."""
        return [
            Check(AREA, "database", self.database_file),
            Check(AREA, "database copies", self.copies),
            Check(AREA, "checkpoints", self.checkpoints),
            Check(AREA, "catalog", self.strays),
            Check(AREA, "second place", self.second_place),
            Check("effects", "operations", self.interrupted),
        ]

    def database_file(self) -> Iterator[Finding]:
        """Whether it is sound."""
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
                f"{sqlite3.sqlite_version} has a rare bug (fixed in 3.51.3): a database can be damaged when one"
                " connection writes while another checkpoints the log; so one alone does that, the heartbeat's",
                "Use a Python that comes with a newer SQLite when you can",
            )

    def copies(self) -> Iterator[Finding]:
        """How old the newest copy of the database is."""
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

    def checkpoints(self) -> Iterator[Finding]:
        """What is valid, and there."""
        known = self._database().read(checkpoints.everything)
        damaged = [one for one in known if not one.is_valid]
        missing = [one for one in known if one.is_local and not Path(one.path).exists()]
        size = sum(one.size_bytes for one in known if one.is_local)
        if damaged or missing:
            what = f"{len(damaged)} of {len(known)} damaged, {counted(len(missing), 'file')} missing"
            yield Finding("checkpoints", "broken", what, "`hive-tui validate --all` names them")
        else:
            yield Finding("checkpoints", "ok", f"{len(known)} in the catalog, {bytes_in_words(size)}")

    def strays(self) -> Iterator[Finding]:
        """Files and entries that do not fit."""
        strays = self._mender().strays()
        if strays.files or strays.rows:
            files, entries = counted(len(strays.files), "file"), counted(len(strays.rows), "entry")
            what = f"{files} without an entry, {entries} without a file"
            yield Finding("catalog", "broken", what, "`hive-tui doctor --mend` brings them together again")

    def second_place(self) -> Iterator[Finding]:
        """How good the copies there are."""
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

    def interrupted(self) -> Iterator[Finding]:
        """Naps and restores that have not ended."""
        count = len(self._database().read(journal.operations))
        if count:
            yield Finding("operations", "warning", f"{count} under way or interrupted", "`hive-tui recover` ends them")
