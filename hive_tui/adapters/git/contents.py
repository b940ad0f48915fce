"""Takes files from disk into git's objects byte for byte: git itself never opens them."""

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from hive_tui.adapters.files.room import require_room
from hive_tui.adapters.files.tree import NOT_THERE, Tree, mode_of
from hive_tui.adapters.git.command import Git
from hive_tui.adapters.git.pipes import Fed
from hive_tui.domain.ports import Progress
from hive_tui.domain.workspaces import SYMLINK, Skipped

PIECE = 1 << 20

STORED = ("-c", "core.compression=0", "-c", "pack.compression=0")
"""The archive compresses them, and that faster and better than git: twice were once too many."""


@dataclass(frozen=True, slots=True)
class Blob:
    """A file's content in git."""

    mode: str
    id: str


@dataclass(slots=True)
class Taken:
    """What became of the files that were to be taken in; those that had vanished are in neither list."""

    blobs: dict[bytes, Blob] = field(default_factory=dict)
    stats: dict[bytes, os.stat_result] = field(default_factory=dict)
    """How each looked while it was read."""
    skipped: list[Skipped] = field(default_factory=list)
    unsettled: list[str] = field(default_factory=list)
    """Files that changed each time while they were read."""

    @property
    def total_bytes(self) -> int:
        """Size of all that was read."""
        return sum(found.st_size for found in self.stats.values())


def take_in(git: Git, root: Path, paths: Iterable[bytes], marks: Path, progress: Progress | None) -> Taken:
    """Store the content of files as blobs in a new pack of the repository that `git` works in.

    Args:
        marks: Where git may write which blob got which id.

    Raises:
        DiskFull: They do not fit.
    """
    with Tree(root) as tree:
        paths = list(paths)
        needed = sum(_size(tree, path) for path in paths)
        require_room(marks.parent, needed)
        if progress is not None:
            progress.step("read files", needed)
        with Fed(git, *STORED, "fast-import", "--quiet", "--depth=0", f"--export-marks={marks}") as feed:
            intake = _Intake(tree, feed, progress)
            for path in paths:
                intake.add(path)
            intake.flush()
        ids = dict(line.split() for line in marks.read_text().splitlines())
    for path, (mode, mark) in intake.marked.items():
        intake.taken.blobs[path] = Blob(mode, ids[f":{mark}"])
    return intake.taken


class _Intake:
    def __init__(self, tree: Tree, feed: Fed, progress: Progress | None) -> None:
        self.taken = Taken()
        self.marked: dict[bytes, tuple[str, int]] = {}
        self._tree = tree
        self._feed = feed
        self._progress = progress
        self._buffer = bytearray()
        self._mark = 0

    def add(self, path: bytes) -> None:
        """Take in one file; one that changes meanwhile is read a second time."""
        try:
            if not self._read(path) and not self._read(path):
                self._give_up(path)
        except OSError as error:
            self.marked.pop(path, None)
            if error.errno not in NOT_THERE:
                self.taken.skipped.append(Skipped(os.fsdecode(path), f"cannot be read: {error.strerror}"))

    def flush(self) -> None:
        """Hand over what is collected."""
        self._feed.write(self._buffer)
        self._buffer.clear()

    def _give_up(self, path: bytes) -> None:
        if path in self.marked:
            self.taken.unsettled.append(os.fsdecode(path))
        else:
            self.taken.skipped.append(Skipped(os.fsdecode(path), "shrank each time while it was read"))

    def _read(self, path: bytes) -> bool:
        """Take in a file as it is now; False if it changed while it was read."""
        found = self._tree.stat(path)
        if found is not None and mode_of(found) == SYMLINK:
            target = self._tree.link(path)
            self._begin(len(target))
            self._put(target)
            self.marked[path] = (SYMLINK, self._mark)
            self.taken.stats[path] = found
            return True
        descriptor = self._tree.open(path)
        try:
            before = os.fstat(descriptor)
            whole = self._stream(descriptor, before.st_size)
            after = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        self.marked.pop(path, None)
        if whole:
            self.marked[path] = (mode_of(after) or "", self._mark)
            self.taken.stats[path] = after
        return whole and _identity(before) == _identity(after)

    def _stream(self, descriptor: int, size: int) -> bool:
        """Hand over exactly so many bytes, as announced; False if there were fewer and zeros had to do."""
        self._begin(size)
        left, failure = size, None
        while left:
            try:
                piece = os.read(descriptor, min(left, PIECE))
            except OSError as error:
                failure = error
                break
            if not piece:
                break
            self._put(piece)
            left -= len(piece)
        for start in range(0, left, PIECE):
            self._put(bytes(min(PIECE, left - start)))
        if failure is not None:
            raise failure
        return left == 0

    def _begin(self, size: int) -> None:
        self._buffer += b"\n" if self._mark else b""
        self._mark += 1
        self._buffer += b"blob\nmark :%d\ndata %d\n" % (self._mark, size)

    def _put(self, piece: bytes) -> None:
        self._buffer += piece
        if len(self._buffer) >= PIECE:
            self.flush()
        if self._progress is not None:
            self._progress.advance(len(piece))


def _size(tree: Tree, path: bytes) -> int:
    with suppress(OSError):
        found = tree.stat(path)
        return found.st_size if found is not None else 0
    return 0


def _identity(found: os.stat_result) -> tuple[int, ...]:
    return (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_mode)
