"""Writes a checkpoint file: complete and verified, or not there at all."""

import errno
import hashlib
import io
import json
import os
import tarfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import zstandard

from hive_tui.archive.format import CHUNK_BYTES, LEVEL, MANIFEST, Manifest, Member
from hive_tui.archive.reader import verify
from hive_tui.domain.errors import CheckpointError, DiskFull

TEMP_SUFFIX = ".tmp"


@dataclass(frozen=True, slots=True)
class Written:
    """A finished checkpoint file."""

    path: Path
    sha256: str
    size_bytes: int
    content_bytes: int
    """Sum of the members' sizes before compression."""
    members: int


class ChangedWhileRead(CheckpointError):
    """A file got shorter while it was read; taking the checkpoint again helps."""


class ArchiveWriter:
    """Adds members one after the other. Made by `writing`."""

    def __init__(self, raw: BinaryIO, advance: Callable[[int], None]) -> None:
        self._hashing = _HashingFile(raw)
        self._zstd = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True).stream_writer(
            cast("BinaryIO", self._hashing),
            closefd=False,  # asks only for write and flush
        )
        self._tar = tarfile.open(fileobj=self._zstd, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self._advance = advance
        self.members: list[Member] = []
        self._names: set[str] = set()

    def add_bytes(self, name: str, content: bytes, *, mode: int = 0o600) -> None:
        """Add a member with this content."""
        self._add(name, io.BytesIO(content), len(content), mode)

    def add_json(self, name: str, value: object) -> None:
        """Add a member with a value as JSON, in ASCII: it may hold names that are no UTF-8."""
        self.add_bytes(name, json.dumps(value, indent=1).encode())

    def add_file(self, name: str, path: Path, *, whole_lines: bool = False) -> int:
        """Add a file as it is now; what is appended meanwhile is not in it. Returns its size.

        Args:
            name: The member's name.
            path: The file.
            whole_lines: Leave out a last line that is not finished yet.
        """
        with path.open("rb") as file:
            stat = os.fstat(file.fileno())
            size = _end_of_lines(file, stat.st_size) if whole_lines else stat.st_size
            self._add(name, file, size, stat.st_mode & 0o777)
        return size

    def finish(self, facts: Mapping[str, Any]) -> tuple[str, int]:
        """Add the manifest and end the file; its SHA-256 and size."""
        manifest = Manifest(tuple(self.members), facts)
        self.add_bytes(MANIFEST, manifest.to_bytes())
        self._tar.close()
        self._zstd.close()  # type: ignore[no-untyped-call]
        return self._hashing.sha256.hexdigest(), self._hashing.size

    def _add(self, name: str, content: BinaryIO, size: int, mode: int) -> None:
        if name in self._names:
            raise CheckpointError(f"The checkpoint has two members called {name!r}.")
        self._names.add(name)
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, mode
        reader = _HashingReader(content, size, self._advance)
        try:
            self._tar.addfile(info, reader)  # type: ignore[arg-type]
        except OSError as error:
            if "unexpected end of data" in str(error):
                raise ChangedWhileRead(f"{name} changed while it was read.", hint="Try again.") from error
            raise
        self.members.append(Member(name, size, reader.sha256.hexdigest(), mode))


@contextmanager
def writing(
    path: Path, facts: Mapping[str, Any], *, advance: Callable[[int], None] = lambda _: None
) -> Iterator[tuple[ArchiveWriter, list[Written]]]:
    """Write a checkpoint file to `path`, which must not exist.

    Yields the writer and a list that holds the result after the block. The file
    appears under its name only after it was fsynced, read back and found good;
    on any error nothing is left behind.

    Raises:
        DiskFull: There is not enough space.
        CheckpointError: It could not be written, or what was read back was not what was written.
    """
    folder = path.parent
    temp = folder / f".{path.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}{TEMP_SUFFIX}"
    results: list[Written] = []
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as raw:
            writer = ArchiveWriter(raw, advance)
            yield writer, results
            sha256, size = writer.finish(facts)
            raw.flush()
            os.fsync(raw.fileno())
        errors = verify(temp, sha256)
        if errors:
            raise CheckpointError(f"What was read back of {path.name} is not what was written: {errors[0]}.")
        if path.exists():
            raise CheckpointError(f"There is already a file {path}.")
        temp.rename(path)
        fsync_folder(folder)
        content = sum(member.size_bytes for member in writer.members)
        results.append(Written(path, sha256, size, content, len(writer.members)))
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(
                f"The disk is full: the checkpoint {path.name} could not be written.",
                hint=f"Free some space below {folder}.",
            ) from error
        raise CheckpointError(
            f"The checkpoint {path.name} could not be written: {error.strerror or error}.",
            hint=f"Look at {error.filename or folder}.",
        ) from error
    finally:
        with suppress(OSError):
            temp.unlink(missing_ok=True)


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
    """Make a rename in the folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _end_of_lines(file: BinaryIO, size: int) -> int:
    """Offset behind the last line feed within the first `size` bytes."""
    at = size
    while at > 0:
        start = max(0, at - 65536)
        file.seek(start)
        block = file.read(at - start)
        newline = block.rfind(b"\n")
        if newline >= 0:
            at = start + newline + 1
            break
        at = start
    file.seek(0)
    return at


class _HashingFile:
    """Passes writes on, and hashes and counts them."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self.sha256 = hashlib.sha256()
        self.size = 0

    def write(self, block: bytes) -> int:
        if self._raw.closed:
            return len(block)  # of a writer that was given up: tarfile flushes it when it is thrown away
        self.sha256.update(block)
        self.size += len(block)
        return self._raw.write(block)

    def flush(self) -> None:
        self._raw.flush()


class _HashingReader:
    """Passes reads on, up to a size, and hashes them."""

    def __init__(self, content: BinaryIO, size: int, advance: Callable[[int], None]) -> None:
        self._content = content
        self._left = size
        self._advance = advance
        self.sha256 = hashlib.sha256()

    def read(self, size: int) -> bytes:
        block = self._content.read(min(size, self._left, CHUNK_BYTES))
        self._left -= len(block)
        self.sha256.update(block)
        self._advance(len(block))
        return block
