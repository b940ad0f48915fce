"""The file that is being written: private and nameless until it is whole."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from hashlib import sha256
from mmap import mmap
from pathlib import Path

from hive_tui.archive.direct import aligned_buffer, open_direct, write_at
from hive_tui.domain.errors import MAKE_ROOM, CheckpointError, DiskFull
from hive_tui.domain.space import reserve_bytes

TEMP_SUFFIX = ".tmp"
BUFFER_BYTES = 4 * 1024 * 1024
BUFFERS = 4
_fdatasync = getattr(os, "fdatasync", os.fsync)


class Output:
    """Counts, hashes and writes, the latter two each in a thread of its own, and watches the space that is left."""

    def __init__(self, descriptor: int, path: Path, final: Path) -> None:
        self._descriptor = descriptor
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="archive-output")
        self._hashing = ThreadPoolExecutor(1, thread_name_prefix="archive-hash")
        self._free: deque[mmap] = deque(aligned_buffer(BUFFER_BYTES) for _ in range(BUFFERS))
        self._storing: deque[tuple[mmap, Future[None], Future[None], int]] = deque()
        self._buffer = self._free.popleft()
        self._filled = 0
        self._handed_over = 0
        self._hash = sha256()
        self._final = final
        self.path = path
        self.size_bytes = 0
        self.stored_bytes = 0
        """How much of that has been written to the file, if not yet confirmed by the disk."""
        self.began_ns = os.fstat(descriptor).st_ctime_ns
        self._watch_space()

    @property
    def sha256(self) -> str:
        """Of all that was written, once it is on the disk."""
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        """Append.

        Raises:
            DiskFull: The disk has less left than must stay free.
            OSError: What was appended before could not be written.
        """
        view = memoryview(data)
        while view:
            taken = min(len(view), BUFFER_BYTES - self._filled)
            self._buffer[self._filled : self._filled + taken] = view[:taken]
            self._filled += taken
            view = view[taken:]
            if self._filled == BUFFER_BYTES:
                self._hand_over()
        self.size_bytes += len(data)

    def sync(self) -> None:
        """Wait until all of it is on the disk.

        Raises:
            OSError: It did not get there.
        """
        if self._filled:
            self._hand_over()
        while self._storing:
            self._take_back()
        os.fsync(self._descriptor)

    def confirm(self) -> None:
        """Wait until the disk has what was stored so far; from any thread, while more is written.

        Raises:
            OSError: It did not get there.
        """
        _fdatasync(self._descriptor)

    def close(self) -> None:
        """Wait for the disk; whatever it says."""
        self._writing.shutdown(wait=True, cancel_futures=True)
        self._hashing.shutdown(wait=True, cancel_futures=True)
        with suppress(OSError):
            os.close(self._descriptor)

    def _hand_over(self) -> None:
        """Have the buffer stored, and go on with another."""
        self._watch_space()
        stored = self._writing.submit(self._store, self._buffer, self._filled, self._handed_over)
        hashed = self._hashing.submit(self._hash_of, self._buffer, self._filled)
        self._handed_over += self._filled
        self._storing.append((self._buffer, stored, hashed, self._handed_over))
        while not self._free or (self._storing and all(done.done() for done in self._storing[0][1:3])):
            self._take_back()
        self._buffer = self._free.popleft()
        self._filled = 0

    def _store(self, buffer: mmap, size: int, offset: int) -> None:
        write_at(self._descriptor, buffer, size, offset)

    def _hash_of(self, buffer: mmap, size: int) -> None:
        with memoryview(buffer) as view, view[:size] as filled:
            self._hash.update(filled)

    def _take_back(self) -> None:
        buffer, stored, hashed, end = self._storing.popleft()
        stored.result()
        hashed.result()
        self.stored_bytes = end
        self._free.append(buffer)

    def _watch_space(self) -> None:
        disk = os.fstatvfs(self._descriptor)
        if disk.f_bavail * disk.f_frsize < reserve_bytes(disk.f_blocks * disk.f_frsize):
            raise disk_full(self._final)


def disk_full(path: Path) -> DiskFull:
    """What to say when there is no space for this checkpoint."""
    return DiskFull(
        f"The disk is full: the checkpoint {path.name} could not be written in {path.parent}.",
        hint=MAKE_ROOM,
    )


@contextmanager
def temporary(final: Path) -> Iterator[Output]:
    """A private file beside `final`, whose folder is made; removed at the end.

    Raises:
        OSError: It cannot be made.
    """
    folder = final.parent
    temp = folder / f".{final.name}.{os.getpid()}-{os.urandom(4).hex()}{TEMP_SUFFIX}"
    for place in (folder.parent, folder):  # those that `parents` makes have the mode that the umask leaves
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = open_direct(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            output = Output(descriptor, temp, final)
        except BaseException:
            os.close(descriptor)
            raise
        try:
            yield output
        finally:
            output.close()
    finally:
        with suppress(OSError):
            temp.unlink(missing_ok=True)


def publish(temp: Path, final: Path) -> None:
    """Give the file its name, which nobody else may have taken; survives a power cut.

    Raises:
        CheckpointError: There is a file of this name.
        OSError: It did not work.
    """
    try:
        os.link(temp, final)  # unlike a rename, takes the place of nothing
    except FileExistsError as error:
        raise CheckpointError(f"There is already a file {final}.") from error
    except OSError:
        if not temp.exists():
            raise
        if final.exists():
            raise CheckpointError(f"There is already a file {final}.") from None
        temp.rename(final)  # a file system without hard links
    else:
        with suppress(OSError):
            temp.unlink()
    fsync_folder(final.parent)


def sweep(folder: Path, is_running: Callable[[int], bool]) -> list[Path]:
    """Remove temporary files of writers that have died; those that were removed."""
    swept: list[Path] = []
    for temp in folder.rglob(f".*{TEMP_SUFFIX}"):
        pid = temp.name.removesuffix(TEMP_SUFFIX).rsplit(".", 1)[-1].split("-")[0]
        if pid.isdigit() and not is_running(int(pid)):
            with suppress(OSError):
                temp.unlink()
                swept.append(temp)
    return swept


def fsync_folder(folder: Path) -> None:
    """Make a new name in the folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
