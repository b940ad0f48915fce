"""Notices what other programs commit into the database, and is not kept busy by what this process commits."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress

from hive_tui.domain.changes import Changes
from hive_tui.domain.errors import HiveError
from hive_tui.services.subscription import SETTLING_S
from hive_tui.store.database import Database

OWN_WRITE_S = 0.002
"""So long the watch rests when it was a transaction of our own that wrote: a commit that waits for the disk shares the
processor with nobody."""
OWN_SETTLING_S = (0.004, 0.032)
"""Pauses between looks for a commit of others that may hide behind our own."""
DEAF_S = 0.002
"""In pauses up to that, further writes of the same commit are not listened to."""


class ForeignWrites:
    """Watches the write-ahead log. For the thread of one event loop, but for the looks.

    Args:
        changes: Notices each write into the log, by whichever process.
        look: Runs a look in a thread; one at a time.
        written: Called by a look, in its thread, once others have committed. It must not fail.
        settled: Called in the loop's thread when no more looks follow; given whether the last has found such a commit.
    """

    def __init__(
        self,
        database: Database,
        changes: Changes,
        look: Callable[[Callable[[], None]], object],
        written: Callable[[], None],
        settled: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._database = database
        self._changes = changes
        self._submit = look
        self._written = written
        self._settled = settled
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._pauses: Iterator[float] = iter(())
        self._commits = database.commits
        self._counter = -1
        self._has_ended = False

    @property
    def is_watching(self) -> bool:
        """Whether what others write is noticed at once."""
        return self._changes.is_watching

    def start(self) -> None:
        """Watch from now on, where that can be done; else the rounds of the heartbeat meet what was written."""
        if self._changes.is_watching and not self._has_ended:
            self._loop.add_reader(self._changes.fileno(), self._on_write)

    def stop(self) -> None:
        """Watch no longer."""
        self._has_ended = True
        self._rest()
        self._changes.close()

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._changes.is_watching:
            with suppress(OSError, ValueError):
                self._loop.remove_reader(self._changes.fileno())

    def _on_write(self) -> None:
        """Somebody writes; while a transaction of ours is open or has just ended, that one, and who made it asks."""
        self._rest()
        if self._database.is_writing or self._database.commits != self._commits:
            self._timer = self._loop.call_later(OWN_WRITE_S, self._look_behind_own)
        else:
            self._pauses = iter(SETTLING_S)
            self._looked(has_changed=False)  # at its first write no commit can be read

    def _look_behind_own(self) -> None:
        self._commits = self._database.commits
        self._pauses = iter(OWN_SETTLING_S)
        self._look()

    def _look(self) -> None:
        self._rest()
        with suppress(RuntimeError):  # no more looks are made
            self._submit(self._check)

    def _check(self) -> None:
        """Whether others have committed. What is written after the first line is noticed anew."""
        self._changes.drain()
        has_changed = False
        try:
            with suppress(HiveError):  # the next look meets it again, or the next round, which tells
                before, self._counter = self._counter, self._database.foreign_counter()
                has_changed = before != self._counter
            if has_changed:
                self._written()
        finally:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._looked, has_changed)

    def _looked(self, has_changed: bool) -> None:
        """Look again where it cannot be read yet: the log is written a moment before a commit counts."""
        if self._has_ended:
            return
        pause_s = None if has_changed else next(self._pauses, None)
        if pause_s is not None:
            self._timer = self._loop.call_later(pause_s, self._look)
        if pause_s is None or pause_s > DEAF_S:
            self.start()
        if pause_s is None:
            self._settled(has_changed)
