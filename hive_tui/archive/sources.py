"""Files that are to be archived, read while others may work on them."""

import errno
import os
import stat
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from hive_tui.archive.beneath import Beneath
from hive_tui.archive.format import Kind
from hive_tui.domain.errors import CheckpointError

ATTEMPTS = 3
GONE = "it is gone"
"""Why a file was skipped that was there before."""
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class ChangedWhileRead(CheckpointError):
    """A file got shorter while it was read; taking the checkpoint again helps."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} changed while it was read.", hint="Try again.")


class Skipped(Struct, frozen=True):
    """What was asked for and is not in the archive."""

    name: str
    reason: str


class _Skip(Exception):
    """This file is to be left out."""


class Loaded(Struct, frozen=True):
    """A whole member in memory."""

    name: str
    content: bytes
    mode: int
    mtime_ns: int = 0
    kind: Kind = Kind.FILE
    target: str = ""
    stamp: tuple[int, ...] = ()


class Source(Protocol):
    """Content that is taken piece by piece."""

    @property
    def name(self) -> str:
        """Of the member."""
        ...

    @property
    def size_bytes(self) -> int:
        """How much there is."""
        ...

    @property
    def mode(self) -> int:
        """Permission bits."""
        ...

    @property
    def mtime_ns(self) -> int:
        """When it was last written."""
        ...

    def read(self, size_bytes: int, offset: int) -> bytes:
        """One piece."""
        ...

    def stamp(self) -> tuple[int, ...]:
        """What will change when the content does."""
        ...

    def close(self) -> None:
        """Nothing more is read."""
        ...


class Held(Struct):
    """Content in memory that is too large for one frame."""

    name: str
    content: bytes
    mode: int
    mtime_ns: int = 0

    @property
    def size_bytes(self) -> int:
        """Length of the content."""
        return len(self.content)

    def read(self, size_bytes: int, offset: int) -> bytes:
        """One piece."""
        return self.content[offset : offset + size_bytes]

    def stamp(self) -> tuple[int, ...]:
        """There is nothing that could say it has not changed."""
        return ()

    def close(self) -> None:
        """Nothing to do."""


class Entry(Struct):
    """A file to archive, as the file system described it."""

    name: str
    path: Path | str
    """Below `folder`, if there is one."""
    status: os.stat_result
    descriptor: int = -1
    """Of a file that is open already; else it is opened when its turn comes, never through a link."""
    size_bytes: int = -1
    """Take only so much of a file that is open."""
    folder: Beneath | None = None
    """What it is opened through."""

    @property
    def is_open(self) -> bool:
        """Whether it can be read now."""
        return self.descriptor >= 0

    @property
    def kind(self) -> Kind | None:
        """None for what cannot be archived."""
        return kind_of(self.status.st_mode)

    @property
    def mode(self) -> int:
        """Permission bits."""
        return self.status.st_mode & 0o7777

    @property
    def mtime_ns(self) -> int:
        """When it was last written."""
        return self.status.st_mtime_ns

    def link(self) -> str:
        """What stands in the link.

        Raises:
            OSError: It is no link any more.
        """
        if self.folder is not None:
            return self.folder.link(str(self.path))
        return str(os.readlink(self.path))  # noqa: PTH115 - a Path would write it in another way

    def open(self) -> None:
        """Open it, and see how large it is now.

        Raises:
            OSError: It cannot be opened, or is no regular file any more.
        """
        folder, path = self.folder, self.path
        self.descriptor = os.open(path, _FLAGS) if folder is None else folder.open(str(path), _FLAGS)
        self.status = status = os.fstat(self.descriptor)
        self.size_bytes = status.st_size
        if not stat.S_ISREG(status.st_mode):
            self.close()
            raise OSError(errno.ELOOP, "it is no regular file any more", str(self.path))

    def read(self, size_bytes: int, offset: int) -> bytes:
        """So much of an open file.

        Raises:
            ChangedWhileRead: It has got shorter.
        """
        content = os.pread(self.descriptor, size_bytes, offset)
        while len(content) < size_bytes:
            more = os.pread(self.descriptor, size_bytes - len(content), offset + len(content))
            if not more:
                raise ChangedWhileRead(self.name)
            content += more
        return content

    def stamp(self) -> tuple[int, ...]:
        """Of an open file; empty if it has changed since it was opened."""
        stamp = stamp_of(self.status)
        return stamp if stamp_of(os.fstat(self.descriptor)) == stamp else ()

    def close(self) -> None:
        """Close it if it is open."""
        if self.is_open:
            descriptor, self.descriptor = self.descriptor, -1
            os.close(descriptor)


def kind_of(mode: int) -> Kind | None:
    """What a file of this `st_mode` is; None for sockets, pipes and devices."""
    if stat.S_ISREG(mode):
        return Kind.FILE
    if stat.S_ISLNK(mode):
        return Kind.LINK
    return Kind.FOLDER if stat.S_ISDIR(mode) else None


def stamp_of(status: os.stat_result) -> tuple[int, ...]:
    """What changes when the content does."""
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_mode)


def skip_reason(error: OSError) -> str | None:
    """Why a file that gave this error may be left out; None if it is a failure of the whole checkpoint."""
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return GONE
    if error.errno in (errno.EACCES, errno.EPERM):
        return "it may not be read"
    # A link that became a file says EINVAL when it is read.
    return "it is no regular file any more" if error.errno in (errno.ELOOP, errno.EINVAL) else None


def load(entry: Entry) -> Loaded | Skipped:
    """Read a file that fits into one frame, or a link.

    Raises:
        OSError: The disk cannot be read.
        ChangedWhileRead: It is open and has got shorter, or changes all the time.
    """
    if entry.kind is Kind.FOLDER:
        return Loaded(
            entry.name,
            b"",
            entry.mode,
            entry.mtime_ns,
            Kind.FOLDER,
            stamp=stamp_of(entry.status),
        )
    try:
        return _load_link(entry) if entry.kind is Kind.LINK else _load_file(entry)
    except OSError as error:
        reason = skip_reason(error)
        if reason is None or entry.is_open:
            raise
        return Skipped(entry.name, reason)


def _load_link(entry: Entry) -> Loaded:
    return Loaded(
        entry.name,
        b"",
        0o777,
        entry.mtime_ns,
        Kind.LINK,
        entry.link(),
        stamp_of(entry.status),
    )


def _load_file(entry: Entry) -> Loaded:
    if entry.is_open:
        return _read_open(entry)
    for attempt in range(1, ATTEMPTS + 1):
        entry.open()
        try:
            loaded = _read_open(entry)
            if loaded.stamp or attempt == ATTEMPTS:
                return loaded
        except ChangedWhileRead:
            if attempt == ATTEMPTS:
                raise
        finally:
            entry.close()
    raise AssertionError


def _read_open(entry: Entry) -> Loaded:
    content = entry.read(entry.size_bytes, 0)
    return Loaded(entry.name, content, entry.mode, entry.mtime_ns, stamp=entry.stamp())
