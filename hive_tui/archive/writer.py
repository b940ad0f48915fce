"""Writes a checkpoint file: complete and verified, or not there at all."""

import errno
import json
import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path, PurePath
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from hive_tui.archive import trees
from hive_tui.archive.beneath import Beneath
from hive_tui.archive.format import CHUNK_BYTES, GROUP_BYTES, MANIFEST, Frame, Manifest, Member, Trailer, unsafe_name
from hive_tui.archive.frames import compress
from hive_tui.archive.layout import chunks, is_large
from hive_tui.archive.output import Output, disk_full, fsync_folder, publish, sweep, temporary
from hive_tui.archive.packing import Block, copy_chunks, copy_groups, pack_chunk, pack_group, pack_groups, pack_header
from hive_tui.archive.pipeline import Pipeline
from hive_tui.archive.previous import Previous, open_previous
from hive_tui.archive.readback import Piece, ReadBack, check_of
from hive_tui.archive.sources import ChangedWhileRead, Entry, Held, Loaded, Skipped, Source, skip_reason
from hive_tui.archive.tar import BLOCK, END, header, padding
from hive_tui.domain.errors import CheckpointError

__all__ = ["ArchiveWriter", "ChangedWhileRead", "Skipped", "Written", "fsync_folder", "sweep", "writing"]

REREAD_AFTER = 20
"""After so many generations all files are read again, even those that seem unchanged."""


class Written(Struct, frozen=True):
    """A finished checkpoint file."""

    path: Path
    sha256: str
    size_bytes: int
    content_bytes: int
    """Sum of the members' sizes before compression."""
    members: int
    new_bytes: int = 0
    """What of the file was not copied from the generation before."""
    damaged_frames: int = 0
    """Frames of the generation before that were found damaged, and were made anew: it should be validated."""


class ArchiveWriter:
    """Adds members one after the other, from one thread. Made by `writing`."""

    def __init__(self, output: Output, previous: Previous | None, advance: Callable[[int], None]) -> None:
        self._output = output
        self._previous = previous
        self._advance = advance
        self._pipeline = Pipeline()
        self._read_back = ReadBack(output.path, output.confirm)
        self._names: set[str] = set()
        self._group: list[Loaded] = []
        self._group_bytes = 0
        self._frames: list[Frame] = []
        self._pieces: list[Piece] = []
        self._skipped: list[Skipped] = []
        self._open: dict[int, Entry] = {}
        self.members: list[Member] = []
        self.new_bytes = 0

    def add_bytes(self, name: str, content: bytes, *, mode: int = 0o600) -> None:
        """Add a member with this content."""
        self._new(name)
        if is_large(len(content)):
            self._end_group()
            self._read_large(Held(name, content, mode))
        else:
            self._add_loaded(Loaded(name, content, mode))

    def add_json(self, name: str, value: object) -> None:
        """Add a member with a value as JSON, in ASCII: it may hold names that are no UTF-8."""
        self.add_bytes(name, json.dumps(value, indent=1).encode())

    def add_file(self, name: str, path: Path, *, whole_lines: bool = False) -> int:
        """Add a file as it is now; what is appended meanwhile is not in it. Returns its size.

        Args:
            name: The member's name.
            path: The file; a link is followed.
            whole_lines: Leave out a last line that is not finished yet.

        Raises:
            OSError: The file cannot be read.
            ChangedWhileRead: It got shorter; may also be raised by a later call.
        """
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        entry = Entry(name, path, os.fstat(descriptor), descriptor)
        self._open[id(entry)] = entry
        self._new(name)
        if stat.S_ISDIR(entry.status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(entry.status.st_mode):
            raise CheckpointError(f"{path} is no regular file.")
        size = entry.status.st_size
        entry.size_bytes = _end_of_lines(entry, size) if whole_lines else size
        self._add_open(entry)
        return entry.size_bytes

    def add_tree(self, prefix: str, root: Path, files: Iterable[str | PurePath]) -> list[Skipped]:
        """Add many files of a folder: in parallel, and only those that changed are read.

        Links are kept as links and never followed. Folders need to be named only to
        keep their mode, or where they are empty.

        Args:
            prefix: What stands before the members' names; may be empty.
            root: The folder.
            files: Paths within it, each once. They must not lead through links.

        Returns:
            What is not in the archive: is gone, may not be read, or is a socket, a pipe
            or a device.

        Raises:
            OSError: The disk cannot be read.
            ChangedWhileRead: A file changes all the time.
        """
        self._end_group()
        before = len(self._skipped)
        with Beneath(root) as folder:
            tree = trees.Tree(prefix, folder, files)
            self._reserve(prefix, tree.names)
            try:
                for step in trees.plan(tree, self._previous):
                    self._take(step, tree)
                self.flush()
            except BaseException:
                self._pipeline.stop()  # nobody may look below the folder any more
                raise
        return tree.skipped + self._skipped[before:]

    def flush(self) -> None:
        """Wait until all that was added has been read and written.

        Raises:
            OSError, CheckpointError: Something could not be.
        """
        self._end_group()
        self._pipeline.drain()

    def finish(self, facts: Mapping[str, Any]) -> None:
        """Add manifest and trailer, and wait for the disk."""
        self.flush()
        age = self._previous.manifest.since_reread + 1 if self._previous else 0
        manifest = Manifest(
            tuple(self.members), facts, frames=tuple(self._frames), began_ns=self._output.began_ns, since_reread=age
        )
        raw = manifest.to_bytes()
        head = header(Member(MANIFEST, len(raw), "", 0o600))
        frame = compress(head + raw + padding(len(raw)) + END)
        offset = self._output.size_bytes
        for data in (frame, Trailer(offset, len(frame), sha256(frame).digest()).to_bytes()):
            self._write(data, check_of(data))
            self.new_bytes += len(data)
        self._advance(0)  # may stop
        self._output.sync()
        self._advance(0)

    def read_back(self) -> None:
        """Compare every byte on the disk with what was to be written.

        Raises:
            CheckpointError: It is not the same.
            OSError: It cannot be read.
        """
        differing = self._read_back.differing(self._pieces)
        self._advance(0)
        if differing:
            raise CheckpointError(
                f"What was read back of the checkpoint is not what was written: {len(differing)} of "
                f"{len(self._pieces)} pieces differ.",
                hint="Check the disk.",
            )

    def stop(self) -> None:
        """Give up threads and files."""
        self._pipeline.stop()
        self._read_back.stop()
        for entry in self._open.values():
            entry.close()

    def _new(self, name: str) -> str:
        if name in self._names:
            raise CheckpointError(f"The checkpoint has two members called {name!r}.")
        reason = unsafe_name(name) or ("the manifest is called so" if name == MANIFEST else None)
        if reason:
            raise CheckpointError(f"A member of the checkpoint must not be called {name!r}: {reason}.")
        self._names.add(name)
        return name

    def _reserve(self, prefix: str, names: Collection[str]) -> None:
        """Names of which each is there once; whether they are harmless is asked when they are looked at."""
        reason = unsafe_name(prefix) if prefix else None
        if reason:
            raise CheckpointError(f"No folder of the checkpoint can be called {prefix!r}: {reason}.")
        taken = self._names.intersection(names)
        if taken or MANIFEST in names:
            self._new(min(taken, default=MANIFEST))
        self._names.update(names)

    def _take(self, step: trees.Step, tree: trees.Tree) -> None:
        match step:
            case trees.Read(groups, size_bytes):
                self._pipeline.submit(size_bytes, partial(pack_groups, groups, self._previous), self._emit_all)
            case trees.Copy(members):
                assert self._previous is not None
                self._submit(trees.RUN_BYTES, partial(copy_groups, members, tree.look, self._previous))
            case trees.CopyLarge(member, entry):
                self._copy_large(member, entry)
            case trees.ReadLarge(entry):
                self._open_large(entry)

    def _open_large(self, entry: Entry) -> None:
        try:
            entry.open()
        except OSError as error:
            reason = skip_reason(error)
            if reason is None:
                raise
            self._skipped.append(Skipped(entry.name, reason))
            return
        self._open[id(entry)] = entry
        self._read(entry)

    def _add_open(self, entry: Entry) -> None:
        """A single file, which is open; a small one waits for others to share a frame."""
        if entry.size_bytes <= GROUP_BYTES:
            content = entry.read(entry.size_bytes, 0)
            self._close(entry)
            self._add_loaded(Loaded(entry.name, content, entry.mode, entry.mtime_ns))
            return
        self._end_group()
        member = self._previous.unchanged(entry) if self._previous else None
        if member is not None and member.frames > 1 and member.size_bytes == entry.size_bytes:
            self._close(entry)
            self._copy_large(member, entry)
        else:
            self._read(entry)

    def _read(self, entry: Entry) -> None:
        """A file that is open and has frames of its own."""
        if is_large(entry.size_bytes):
            self._read_large(entry)
            return

        def deliver(block: Block) -> None:
            self._close(entry)
            self._emit(block)

        self._pipeline.submit(entry.size_bytes, partial(pack_group, [entry], self._previous), deliver)

    def _read_large(self, source: Source) -> None:
        digest = sha256()
        pieces = chunks(source.size_bytes)
        draft = Member(source.name, source.size_bytes, "", source.mode, source.mtime_ns, frames=pieces + 1)

        def deliver(block: Block) -> None:
            digest.update(block.chunk)
            self._emit(block)

        def end(stamp: tuple[int, ...]) -> None:
            self._close(source)
            first = len(self._frames) - draft.frames
            self.members.append(replace(draft, sha256=digest.hexdigest(), frame=first, stamp=stamp))

        self._submit(BLOCK, partial(pack_header, draft, self._previous))
        for number in range(pieces):
            self._pipeline.submit(CHUNK_BYTES, partial(pack_chunk, source, number, self._previous), deliver)
        self._pipeline.submit(0, source.stamp, end)

    def _copy_large(self, member: Member, entry: Entry) -> None:
        assert self._previous is not None
        for numbers in trees.runs(self._previous, member):
            self._submit(trees.RUN_BYTES, partial(copy_chunks, member, numbers, entry, self._previous))

    def _add_loaded(self, loaded: Loaded) -> None:
        size = BLOCK + len(loaded.content)
        if self._group_bytes + size > GROUP_BYTES:
            self._end_group()
        self._group.append(loaded)
        self._group_bytes += size

    def _end_group(self) -> None:
        if self._group:
            group, size = self._group, self._group_bytes
            self._group, self._group_bytes = [], 0
            self._submit(size, partial(pack_group, group, self._previous))

    def _submit(self, weight_bytes: int, job: Callable[[], Block]) -> None:
        self._pipeline.submit(weight_bytes, job, self._emit)

    def _emit_all(self, blocks: Iterable[Block]) -> None:
        for block in blocks:
            self._emit(block)

    def _emit(self, block: Block) -> None:
        """Write the next frames."""
        offset, number = self._output.size_bytes - block.offset, len(self._frames) - block.number
        self._write(block.data, block.check)
        self._frames += [frame.moved(offset) for frame in block.frames]
        self.members += [member.moved(number) for member in block.members]
        self._skipped += block.skipped
        self.new_bytes += block.new_bytes
        self._read_back.follow(self._pieces, self._output.stored_bytes)
        self._advance(block.read_bytes)

    def _write(self, data: bytes, check: int) -> None:
        if data:
            start = self._output.size_bytes
            self._output.write(data)
            self._pieces.append(Piece(start, start + len(data), check))

    def _close(self, source: Source) -> None:
        source.close()
        self._open.pop(id(source), None)


@contextmanager
def writing(
    path: Path,
    facts: Mapping[str, Any],
    *,
    advance: Callable[[int], None] = lambda _: None,
    previous: Path | None = None,
    reread_after: int = REREAD_AFTER,
) -> Iterator[tuple[ArchiveWriter, list[Written]]]:
    """Write a checkpoint file to `path`, which must not exist.

    Yields the writer and a list that holds the result after the block. The file
    appears under its name only after it was fsynced, read back and found good;
    on any error nothing is left behind. It stands alone, whatever it was made from.

    Args:
        path: Its folder is made if it is missing.
        facts: JSON values about the checkpoint as a whole.
        advance: Called with bytes of content that are done; may raise to stop.
        previous: An older checkpoint of the same. What has not changed since is
            copied from it, and verified on the way; if it is damaged or gone, read again.
        reread_after: After so many generations copy nothing and read all again; 0: now.

    Raises:
        DiskFull: There is not enough space, or less than must stay free.
        CheckpointError: It could not be written, or what was read back was not what was written.
    """
    results: list[Written] = []
    try:
        with ExitStack() as stack:
            known = open_previous(previous, stack, reread_after) if previous else None
            output = stack.enter_context(temporary(path))
            writer = ArchiveWriter(output, known, advance)
            stack.callback(writer.stop)
            yield writer, results
            writer.finish(facts)
            writer.read_back()
            publish(output.path, path)
            content = sum(member.size_bytes for member in writer.members)
            damaged = len(known.damaged) if known else 0
            results.append(
                Written(path, output.sha256, output.size_bytes, content, len(writer.members), writer.new_bytes, damaged)
            )
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_full(path) from error
        raise CheckpointError(
            f"The checkpoint {path.name} could not be written: {error.strerror or error}.",
            hint=f"Look at {error.filename or path.parent}.",
        ) from error


def _end_of_lines(entry: Entry, size: int) -> int:
    """Offset behind the last line feed within the first `size` bytes."""
    at = size
    while at > 0:
        start = max(0, at - 65536)
        newline = entry.read(at - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        at = start
    return 0
