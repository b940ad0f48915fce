"""Tells that some process has written into the database, without asking all the time.

On Linux by inotify: a commit writes into the write-ahead log, and can be read a moment later, once that
was synced. Elsewhere, and where no watch can be had, whoever waits must look now and then
(`is_watching` is False).
"""

import ctypes
import os
import select
import struct
import sys
import threading
from contextlib import suppress
from pathlib import Path

from hive_tui.domain.changes import Heard

IN_MODIFY, IN_CREATE, IN_MOVED_TO = 0x2, 0x100, 0x80
HEAD = struct.Struct("iIII")
ENOUGH_BYTES = 65_536


class DatabaseWatch:
    """Readable as soon as the write-ahead log of a database has been written to; for one thread at a time.

    Args:
        path: The database file. Its folder is watched, since the log may go away and come back.
    """

    def __init__(self, path: Path) -> None:
        self._name = f"{path.name}-wal".encode()
        self._inotify = _watched(path.parent) if sys.platform == "linux" else -1
        self._end, self._other_end = os.pipe()
        # A descriptor that was closed may be another file's a moment later.
        self._closing = threading.Lock()
        os.set_blocking(self._end, False)
        os.set_blocking(self._other_end, False)

    @property
    def is_watching(self) -> bool:
        """Whether a write is noticed at once."""
        return self._inotify >= 0

    def fileno(self) -> int:
        """A descriptor that becomes readable with a write into the folder; -1 for none."""
        return self._inotify

    def drain(self) -> bool:
        """Take what has come; whether the log was among it."""
        found = False
        with self._closing, suppress(OSError):
            while self._inotify >= 0 and (read := os.read(self._inotify, ENOUGH_BYTES)):
                found = self._names_log(read) or found
        return found

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
        if for_writes and self._inotify >= 0:
            poll.register(self._inotify, select.POLLIN)
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
        if self._inotify in ready and self.drain():
            return Heard.WRITE
        return Heard.NOTHING

    def close(self) -> None:
        """Watch no longer; a second time does nothing."""
        with self._closing:
            for descriptor in {self._inotify, self._end, self._other_end} - {-1}:
                os.close(descriptor)
            self._inotify = self._end = self._other_end = -1

    def _names_log(self, read: bytes) -> bool:
        at = 0
        while at < len(read):
            _, _, _, length = HEAD.unpack_from(read, at)
            at += HEAD.size + length
            # An overflow of the kernel's queue has no name: then anything may have happened.
            if length == 0 or read[at - length : at].rstrip(b"\0") == self._name:
                return True
        return False


def _watched(folder: Path) -> int:
    """An inotify descriptor for the folder; -1 where there are no more to be had."""
    try:
        library = ctypes.CDLL(None, use_errno=True)
        descriptor = int(library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
    except (OSError, AttributeError):
        return -1
    if (
        descriptor >= 0
        and library.inotify_add_watch(
            descriptor, os.fsencode(folder), ctypes.c_uint32(IN_MODIFY | IN_CREATE | IN_MOVED_TO)
        )
        < 0
    ):
        os.close(descriptor)
        return -1
    return descriptor
