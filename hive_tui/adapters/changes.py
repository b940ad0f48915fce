"""Tells that some process has written into the database, without asking all the time.

On Linux by inotify: a commit writes into the write-ahead log, and can be read a moment later, once that
was synced. Elsewhere, and where no watch can be had, whoever waits must look now and then
(`is_watching` is False).
"""

import os
import select
import threading
from contextlib import suppress
from pathlib import Path

from hive_tui.adapters.inotify import ENOUGH_BYTES, IN_CREATE, IN_MODIFY, IN_MOVED_TO, Inotify
from hive_tui.domain.changes import Heard


class DatabaseWatch:
    """Readable as soon as the write-ahead log of a database has been written to; for one thread at a time.

    Args:
        path: The database file. Its folder is watched, since the log may go away and come back.
    """

    def __init__(self, path: Path) -> None:
        self._name = f"{path.name}-wal".encode()
        self._inotify = Inotify()
        if self._inotify.add(path.parent, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0:
            self._inotify.close()
        self._end, self._other_end = os.pipe()
        # A descriptor that was closed may be another file's a moment later.
        self._closing = threading.Lock()
        os.set_blocking(self._end, False)
        os.set_blocking(self._other_end, False)

    @property
    def is_watching(self) -> bool:
        """Whether a write is noticed at once."""
        return self._inotify.fileno() >= 0

    def fileno(self) -> int:
        """A descriptor that becomes readable with a write into the folder; -1 for none."""
        return self._inotify.fileno()

    def drain(self) -> bool:
        """Take what has come; whether the log was among it."""
        with self._closing:
            touches = self._inotify.read()
        # An overflow of the kernel's queue has no name: then anything may have happened.
        return any(touch.name in (b"", self._name) for touch in touches)

    def ring(self) -> None:
        """Let whoever waits go on; from any thread, and never blocks."""
        with self._closing, suppress(OSError):
            if self._other_end >= 0:
                os.write(self._other_end, b"1")

    def wait(self, timeout_s: float, *, for_writes: bool = True, reader_of: int = -1) -> Heard:
        """Wait for a write, a ring, the end of a reader, or of the time.

        Args:
            timeout_s: In seconds.
            for_writes: Whether a write ends it.
            reader_of: A pipe that we write to; -1 for none.
        """
        poll = select.poll()
        poll.register(self._end, select.POLLIN)
        inotify = self._inotify.fileno()
        if for_writes and inotify >= 0:
            poll.register(inotify, select.POLLIN)
        if reader_of >= 0:
            poll.register(reader_of, 0)
        ready = dict(poll.poll(timeout_s * 1000))
        if ready.get(reader_of, 0) & (select.POLLERR | select.POLLHUP):
            return Heard.READER_GONE
        if self._end in ready:
            with suppress(OSError):
                while os.read(self._end, ENOUGH_BYTES):
                    pass
            return Heard.RING
        if inotify in ready and self.drain():
            return Heard.WRITE
        return Heard.NOTHING

    def close(self) -> None:
        """Watch no longer; a second time does nothing."""
        with self._closing:
            self._inotify.close()
            for descriptor in {self._end, self._other_end} - {-1}:
                os.close(descriptor)
            self._end = self._other_end = -1
