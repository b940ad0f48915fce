"""A disk without any space left: how to know it, how to read a database on it, and a reserve to get out of it."""

import errno
import os
import sqlite3
import tempfile
from contextlib import closing, suppress
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT)
PROBE_BYTES = 64 * 1024
"""What a connection may need at once: the 32 KiB of the log's index, and a few pages of the log."""
RESERVE_BYTES = 1 << 20
"""Room for the transactions that free space: each takes a few pages of the log."""
SPARE_TIMES = 4
"""The reserve is made where so many times its size is free; on a smaller disk it would itself be the trouble."""
FORMAT_VERSIONS = slice(18, 20)
"""Of a database's header: 1 for a rollback journal, 2 for a write-ahead log, which memory cannot have."""


def is_full(folder: Path) -> bool:
    """Whether not even a little can be written into a folder, by trying it: a quota shows in no other way."""
    try:
        with tempfile.TemporaryFile(dir=folder, buffering=0) as probe:
            probe.write(bytes(PROBE_BYTES))
    except OSError as error:
        return error.errno in FULL
    return False


def read_whole(path: Path, timeout_s: float) -> bytes:
    """A database that nobody has open, with its write-ahead log, as `deserialize` takes it; writes nothing.

    Whoever opens a database in the usual way needs a file for the log's index. With the lock for itself alone
    SQLite keeps that index in memory.

    Raises:
        sqlite3.Error: Somebody has it open, or it cannot be read.
    """
    with closing(sqlite3.connect(path, timeout=timeout_s, isolation_level=None)) as connection:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        content = bytearray(connection.serialize())
    content[FORMAT_VERSIONS] = b"\x01\x01"
    return bytes(content)


def in_memory(content: bytes) -> sqlite3.Connection:
    """A connection to a copy that `read_whole` made; nobody can write it."""
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.deserialize(content)
    connection.execute("PRAGMA query_only = 1")
    return connection


class Reserve:
    """A file that is of no use but for its space, which is given up when the disk is full."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self) -> None:
        """Make it, where there is space in plenty and it is not there; where that fails there is none, and no harm."""
        with suppress(OSError):
            if self._path.exists() and self._path.stat().st_size == RESERVE_BYTES:
                return
            disk = os.statvfs(self._path.parent)
            if disk.f_bavail * disk.f_frsize >= SPARE_TIMES * RESERVE_BYTES:
                self._fill()

    def give_up(self) -> None:
        """Free its space; the file stays, since a full disk may have no room for a new name."""
        with suppress(OSError):
            os.truncate(self._path, 0)

    def take_back(self) -> None:
        """Take as much of its space again as there is."""
        if self._path.exists():
            self._fill()

    def _fill(self) -> None:
        # No zeros: some file systems keep no space for those.
        content = memoryview(os.urandom(RESERVE_BYTES))
        with suppress(OSError):
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                while content:
                    content = content[os.write(descriptor, content) :]
            finally:
                os.close(descriptor)
