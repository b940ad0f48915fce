"""Copies of hive's own database: one a day, each checked, in `backups/` below the home folder."""

import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from hive_tui.adapters.sqlite_copy import copy_database, database_errors
from hive_tui.archive.writer import fsync_folder
from hive_tui.domain.backups import is_due, kept
from hive_tui.domain.durations import bytes_in_words
from hive_tui.domain.errors import BackupError, HiveError
from hive_tui.domain.events import HEARTBEAT, Event, EventKind, Severity
from hive_tui.domain.ports import Clock
from hive_tui.services.hub import Hub
from hive_tui.store import journal
from hive_tui.store.database import Database

NAME = "hive-%Y%m%dT%H%M%S.%fZ.db"
TEMP_SUFFIX = ".tmp"
COPY_TIMEOUT_S = 20.0
"""Well below the time after which the heartbeat calls a step hung."""
RETRY_S = 3_600.0
STALE = timedelta(hours=1)


class Backups:
    """One file each, under its name only once it was copied, checked and synced; mode 0600.

    To go back to one: end every hive-tui, move `hive.db`, `hive.db-wal` and `hive.db-shm` away, and copy the file to
    `hive.db`.
    """

    def __init__(self, home: Path, database: Database, clock: Clock, hub: Hub) -> None:
        self.folder = home / "backups"
        self._source = home / "hive.db"
        self._database = database
        self._clock = clock
        self._hub = hub
        self._failed_at: float | None = None

    def take_if_due(self) -> Path | None:
        """Take one if the last is older than a day; after a failure, which is told, again in an hour. Never raises."""
        now_s = self._clock.monotonic()
        if self._failed_at is not None and now_s - self._failed_at < RETRY_S:
            return None
        try:
            if not is_due(list(list_backups(self.folder)), self._clock.now()):
                return None
            path = self.take()
        except HiveError as error:
            self._failed_at = now_s
            text = f"No copy of the database was made: {error.what}"
            self._tell(Event(EventKind.BACKUP_FAILED, text, None, HEARTBEAT, Severity.FAILURE, {"hint": error.hint}))
            return None
        self._failed_at = None
        text = f"The database was copied to {path} ({bytes_in_words(path.stat().st_size)}, checked)"
        self._tell(Event(EventKind.BACKUP_TAKEN, text, None, HEARTBEAT))
        return path

    def take(self) -> Path:
        """A checked copy of the database as it is now; older ones that are not wanted any more are removed.

        Raises:
            BackupError: It cannot be made, or the database is damaged; older copies are all kept.
        """
        now = self._clock.now()
        path = self.folder / now.strftime(NAME)
        temp = self.folder / f".{path.name}.{os.getpid()}-{uuid4().hex[:8]}{TEMP_SUFFIX}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._sweep(now)
            copy_database(self._source, temp, self._clock, timeout_s=COPY_TIMEOUT_S)
            errors = database_errors(temp)
            if errors:
                raise BackupError(f"The database is damaged: {errors[0]}.", hint="`hive-tui doctor` names a good copy.")
            temp.rename(path)
            fsync_folder(self.folder)
            self._prune(now)
        except OSError as error:
            said = error.strerror or str(error)
            raise BackupError(f"{path} could not be written: {said}.", hint="Free space or rights?") from error
        finally:
            with suppress(OSError):
                temp.unlink(missing_ok=True)
        return path

    def _prune(self, now: datetime) -> None:
        found = list_backups(self.folder)
        wanted = kept(list(found), now)
        for taken_at, path in found.items():
            if taken_at not in wanted:
                path.unlink(missing_ok=True)

    def _sweep(self, now: datetime) -> None:
        """Remove what a killed process left half-written."""
        for temp in self.folder.glob(f".*{TEMP_SUFFIX}*"):
            with suppress(OSError):
                if now - datetime.fromtimestamp(temp.stat().st_mtime, UTC) > STALE:
                    temp.unlink()

    def _tell(self, event: Event) -> None:
        with suppress(HiveError):
            self._database.write(journal.log, event, now=self._clock.now())
        self._hub.publish(event)


def list_backups(folder: Path) -> dict[datetime, Path]:
    """The copies in a folder by the time at which they were taken, the oldest first."""
    found: dict[datetime, Path] = {}
    for path in sorted(folder.glob("hive-*.db")) if folder.is_dir() else ():
        with suppress(ValueError):
            found[datetime.strptime(path.name, NAME).replace(tzinfo=UTC)] = path
    return found
