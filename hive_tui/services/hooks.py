"""Takes in what the hooks of agents have told, each event once and in order."""

import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hive_tui.adapters.hooks import spool
from hive_tui.domain.errors import StoreError
from hive_tui.domain.hooks import HookEvent, HookReport, Reports
from hive_tui.domain.ports import Clock
from hive_tui.domain.processes import ProcessId
from hive_tui.store import hooks
from hive_tui.store.database import Database
from hive_tui.store.remembered import Remembered

AT_ONCE = 500
"""So many events go into one transaction, so that a long spool holds up nobody else."""
KEPT = timedelta(days=7)
SWEEP_EVERY_S = 3600.0
FARTHEST_AHEAD = timedelta(minutes=1)
"""An event that claims to be from later than that was written before the clock was set back."""


class HookReports:
    """The spool's reader, and what is known from it. Safe to use in several processes at once."""

    def __init__(self, home: Path, database: Database, clock: Clock) -> None:
        self._home = str(home)
        self._database = database
        self._clock = clock
        self._swept_at = clock.monotonic()  # not at the start: a short command is to be short
        self._known = Reports({})
        self._remembered = Remembered(database)

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where events wait; their time of change tells that there is news."""
        return tuple(map(Path, spool.folders(self._home)))

    def take_in(self) -> int:
        """Take in all that waits; how many events were new.

        An event is removed once the database holds it. After a crash in between it is
        still there, and known.

        Raises:
            StoreError: The database or the spool cannot be used; the events wait on.
        """
        taken = 0
        paths = self._waiting()
        for begin in range(0, len(paths), AT_ONCE):
            bodies = [(path, self._read(path)) for path in paths[begin : begin + AT_ONCE]]
            found = [self._event(path, body) for path, body in bodies if body is not None]
            taken += self._database.write(_take, [event for event in found if event], now=self._clock.now())
            for path, body in bodies:
                if body is not None:
                    spool.drop(path)
        self._sweep()
        self._known = self._remembered.read(hooks.reports)
        return taken

    @property
    def mark(self) -> object:
        """All that is known; another one once anything else was told."""
        return self._known

    def of_session(self, kind: str, session_id: str) -> HookReport | None:
        """The last report about a conversation, as of the last `take_in`."""
        return self._known.of_session(kind, session_id)

    def of_process(self, kind: str, process: ProcessId) -> HookReport | None:
        """The last report of exactly this process, as of the last `take_in`.

        None for kinds whose hooks run in a server that several panes share.
        """
        return self._known.of_process(kind, process)

    def read(self) -> Reports:
        """What is known of all conversations, from the events that were taken in.

        Raises:
            StoreError: The database cannot be read.
        """
        return self._database.read(hooks.reports)

    def _waiting(self) -> list[str]:
        try:
            return spool.waiting(self._home)
        except OSError as error:
            raise StoreError(
                f"The events of hooks in {spool.folders(self._home)[0]} cannot be read: {error.strerror or error}.",
                hint="Look at the folder's owner and mode.",
            ) from error

    def _read(self, path: str) -> bytes | None:
        """None if it is gone, or cannot be read now: then it waits on."""
        try:
            return spool.read(path)
        except OSError:
            return None

    def _event(self, path: str, body: bytes) -> HookEvent | None:
        """None for what is no event: a power cut can leave a file with a name and without content."""
        return parsed(path.rpartition("/")[2], body, self._clock.now())

    def _sweep(self) -> None:
        now = self._clock.monotonic()
        if now - self._swept_at < SWEEP_EVERY_S:
            return
        self._swept_at = now
        waiting = {path.rpartition("/")[2] for path in self._waiting()}
        self._database.write(hooks.forget_before, self._clock.now() - KEPT, waiting=waiting)
        with suppress(OSError):
            spool.sweep(self._home, now_s=self._clock.now().timestamp())


def parsed(name: str, body: bytes, now: datetime) -> HookEvent | None:
    """The event in a file of the spool; None if there is none in it."""
    try:
        # A lone surrogate, which JSON may hold, is no text that a database takes.
        record: dict[str, Any] = json.loads(json.dumps(json.loads(body), ensure_ascii=False).encode(errors="replace"))
        at = datetime.fromtimestamp(record["at_us"] / 1_000_000, UTC)
        tmux_pid = str(record.get("tmux_pid", ""))
        return HookEvent(
            name,
            str(record["kind"]),
            min(at, now) if at > now + FARTHEST_AHEAD else at,
            dict(record["event"]),
            str(record.get("pane") or "") or None,
            int(tmux_pid) if tmux_pid.isdecimal() and len(tmux_pid) < 12 else None,
            tuple(map(str, record.get("ancestors", ()))),
        )
    except (ValueError, KeyError, TypeError, OverflowError, OSError, RecursionError):
        return None


def _take(db: Any, events: Sequence[HookEvent], *, now: datetime) -> int:
    return sum(hooks.take(db, event, now=now) for event in events)
