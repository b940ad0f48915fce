"""Reading and writing past the system's cache, where it can be done.

What is written this way takes no memory from the programs that run, costs a fraction of the time, and
what is read this way comes from the disk and not from memory. It takes buffers and offsets that are
aligned; a file system that knows nothing of it is used as usual.
"""

import errno
import fcntl
import mmap as mapping
import os
import threading
from contextlib import suppress
from mmap import mmap
from pathlib import Path

ALIGNMENT = 4096
_DIRECT = getattr(os, "O_DIRECT", 0)


def open_direct(path: Path, flags: int, mode: int = 0o600) -> int:
    """A descriptor of the file, past the cache if possible.

    Raises:
        OSError: It cannot be opened.
    """
    try:
        return os.open(path, flags | _DIRECT | os.O_CLOEXEC, mode)
    except OSError as error:
        if error.errno != errno.EINVAL or not _DIRECT:
            raise
    # Some file systems make the file before they refuse the flag; it is ours: nobody else knows its name.
    return os.open(path, flags & ~os.O_EXCL | os.O_CLOEXEC, mode)


def aligned_buffer(size: int) -> mmap:
    """Memory that begins where a page does, in few large pages where the system has them."""
    buffer = mmap(-1, size, mapping.MAP_PRIVATE | mapping.MAP_ANONYMOUS)
    if hasattr(mapping, "MADV_HUGEPAGE"):
        with suppress(OSError):
            buffer.madvise(mapping.MADV_HUGEPAGE)
    return buffer


def use_cache(descriptor: int) -> None:
    """From now on any offset, length and buffer will do."""
    if _DIRECT:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) & ~_DIRECT)


def forget_cache(descriptor: int) -> None:
    """What is read next comes from the disk, where the system can do that."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def write_at(descriptor: int, buffer: mmap, size: int, offset: int) -> None:
    """Write the first bytes of a buffer.

    Raises:
        OSError: They cannot be written.
    """
    with memoryview(buffer) as view:
        done = 0
        while done < size:
            if done % ALIGNMENT or size % ALIGNMENT:
                use_cache(descriptor)
            try:
                done += os.pwrite(descriptor, view[done:size], offset + done)
            except OSError as error:
                if error.errno != errno.EINVAL or not _is_direct(descriptor):
                    raise
                use_cache(descriptor)


def read_at(descriptor: int, buffer: mmap, size: int, offset: int) -> int:
    """Fill the first bytes of a buffer; how many there were before the end of the file.

    Raises:
        OSError: They cannot be read.
    """
    with memoryview(buffer) as view:
        done = 0
        while done < size:
            try:
                found = os.preadv(descriptor, [view[done:size]], offset + done)
            except OSError as error:
                if error.errno != errno.EINVAL or not _is_direct(descriptor):
                    raise
                use_cache(descriptor)
                continue
            done += found
            if not found or done % ALIGNMENT:
                break  # the end of the file
        return done


GROWTH_BYTES = 1024 * 1024
"""New memory has to be cleared: a buffer does not grow by little."""


class AlignedBuffers(threading.local):
    """A buffer for each thread, which grows."""

    def __init__(self) -> None:
        self._buffer = aligned_buffer(ALIGNMENT)

    def read(self, descriptor: int, offset: int, size: int) -> tuple[mmap, int, int]:
        """Read so much from any offset.

        Returns:
            The buffer, where in it that begins, and how much there was.

        Raises:
            OSError: It cannot be read.
        """
        before = offset % ALIGNMENT
        wanted = before + size + -(before + size) % ALIGNMENT
        if len(self._buffer) < wanted:
            self._buffer = aligned_buffer(wanted + -wanted % GROWTH_BYTES)
        found = read_at(descriptor, self._buffer, wanted, offset - before)
        return self._buffer, before, min(size, max(0, found - before))


def _is_direct(descriptor: int) -> bool:
    return bool(_DIRECT and fcntl.fcntl(descriptor, fcntl.F_GETFL) & _DIRECT)
