"""Reads and writes the index file itself, where git would print, and be told, a line for each of its files.

The format is in git's documentation, `gitformat-index`; here are versions 2 and 3, without required extensions.
"""

import hashlib
import os
import struct
import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat

HASH_BYTES = {"sha1": 20, "sha256": 32}
HEADER = struct.Struct(">4sII")
EXTENSION = struct.Struct(">4sI")
STAT = struct.Struct(">10I")
"""Seconds and nanoseconds of ctime and mtime, device, inode, mode, user, group, size; each cut to 32 bits."""

LENGTH = 0x0FFF
STAGE = 0x3000
EXTENDED = 0x4000
ASSUME_VALID = 0x8000
SKIP_WORKTREE = 0x4000
"""In the second half of the flags, which extended entries have."""

MODE_AT, SIZE_AT = 24, 36
GITLINK = 0o160000
MODES = (0o100644, 0o100755, 0o120000, GITLINK)
CUT = 0xFFFFFFFF


@dataclass(frozen=True)
class IndexFile:
    """A parsed index file; all lists have an item for each entry, in the order of the file."""

    object_format: str
    content: bytes
    offsets: list[int]
    """Where entries begin; at last, where they end."""
    paths: list[bytes]
    modes: list[int]
    sizes: list[int]
    """What the files had on disk when they were last the same as their blobs; 0 also where git does not know."""
    blobs: list[str]
    special: list[int]
    """Entries that are no plain files: those with flags, and submodules."""

    def flags(self, position: int) -> tuple[int, bool, bool]:
        """The stage of an entry, and whether it is marked as skip-worktree and as assume-unchanged."""
        at = self.offsets[position] + STAT.size + HASH_BYTES[self.object_format]
        flags, more = struct.unpack_from(">HH", self.content, at)
        return (flags & STAGE) >> 12, bool(flags & EXTENDED and more & SKIP_WORKTREE), bool(flags & ASSUME_VALID)


def parse(content: bytes) -> IndexFile | None:
    """The entries of an index; None for one that is spoilt, or of a form that is not read here."""
    object_format = next((name for name in HASH_BYTES if _is_whole(content, name)), None)
    try:
        signature, version, count = HEADER.unpack_from(content)
        if object_format is None or signature != b"DIRC" or version not in (2, 3):
            return None
        found = _entries(content, count, object_format)
    except (struct.error, ValueError, IndexError):
        return None
    return found if set(found.modes) <= set(MODES) and _has_no_required_extension(found) else None


def _entries(content: bytes, count: int, object_format: str) -> IndexFile:
    offsets, paths = _paths(content, count, STAT.size + HASH_BYTES[object_format])
    columns = _Columns(content, offsets[:-1], HASH_BYTES[object_format])
    modes, flags = columns.numbers(MODE_AT, "I"), columns.numbers(STAT.size + columns.hash_bytes, "H")
    special: list[int] = []
    if max(flags, default=0) > LENGTH or GITLINK in modes:  # seldom, and looked up at once
        special = [
            at for at, pair in enumerate(zip(flags, modes, strict=True)) if pair[0] > LENGTH or pair[1] == GITLINK
        ]
    return IndexFile(
        object_format, content, offsets, paths, modes, columns.numbers(SIZE_AT, "I"), columns.ids(STAT.size), special
    )


def _paths(content: bytes, count: int, flags_at: int) -> tuple[list[int], list[bytes]]:
    """Where entries begin and the last one ends, and the paths in them."""
    offsets: list[int] = []
    paths: list[bytes] = []
    at = HEADER.size
    for _ in repeat(None, count):
        offsets.append(at)
        name, length = at + flags_at + 2, content[at + flags_at + 1]
        if high := content[at + flags_at]:
            name += 2 if high << 8 & EXTENDED else 0
            length |= high << 8 & LENGTH
            length = length if length < LENGTH else content.index(b"\0", name) - name
        paths.append(content[name : name + length])
        at += (name + length - at + 8) & ~7
    return [*offsets, at], paths


class _Columns:
    """Fields of all entries at a time: byte by byte with a stride, which no loop in Python is as quick as."""

    def __init__(self, content: bytes, offsets: Sequence[int], hash_bytes: int) -> None:
        self.hash_bytes = hash_bytes
        self._count = len(offsets)
        self._width = STAT.size + hash_bytes + 2
        self._heads = b"".join([content[at : at + self._width] for at in offsets])
        if len(self._heads) != self._count * self._width:
            raise ValueError("an entry is cut")

    def numbers(self, at: int, code: str) -> list[int]:
        """Unsigned numbers of a type of `array`."""
        found = array(code, bytes(self._bytes(at, array(code).itemsize)))
        if sys.byteorder == "little":
            found.byteswap()
        return found.tolist()

    def ids(self, at: int) -> list[str]:
        """Hashes in hex."""
        return self._bytes(at, self.hash_bytes).hex(" ", self.hash_bytes).split()

    def _bytes(self, at: int, size: int) -> bytearray:
        found = bytearray(size * self._count)
        for place in range(size):
            found[place::size] = self._heads[at + place :: self._width]
        return found


def _has_no_required_extension(found: IndexFile) -> bool:
    at, end = found.offsets[-1], len(found.content) - HASH_BYTES[found.object_format]
    while at + EXTENSION.size <= end:
        name, length = EXTENSION.unpack_from(found.content, at)
        if not name[:1].isupper():
            return False
        at += EXTENSION.size + length
    return at == end


@dataclass(frozen=True, slots=True)
class NewEntry:
    """A plain file as it was on disk when its blob was made."""

    mode: str
    blob: str
    found: os.stat_result


def changed(file: IndexFile, changes: Mapping[bytes, NewEntry | None]) -> bytes:
    """The content of an index that is another one with some changes, and in which git looks at every file.

    Args:
        file: The other one.
        changes: What becomes of paths; None to drop one. All that have a conflict must be among them.
    """
    hidden = ((file.paths[position], _plain(file, position)) for position in file.special)
    made = {path: _entry(file.object_format, path, new) if new else b"" for path, new in changes.items()}
    pieces, kept_from, count = [b""], 0, len(file.paths)
    for path, entry in sorted((dict(hidden) | made).items()):
        start, stop = bisect_left(file.paths, path), bisect_right(file.paths, path)
        pieces += (file.content[file.offsets[kept_from] : file.offsets[start]], entry)
        count += bool(entry) - (stop - start)
        kept_from = stop
    pieces.append(file.content[file.offsets[kept_from] : file.offsets[-1]])
    pieces[0] = HEADER.pack(b"DIRC", 2, count)
    return _signed(pieces, file.object_format)


def empty(object_format: str) -> IndexFile:
    """An index without entries."""
    content = _signed([HEADER.pack(b"DIRC", 2, 0)], object_format)
    return IndexFile(object_format, content, [HEADER.size], [], [], [], [], [])


def _plain(file: IndexFile, position: int) -> bytes:
    """An entry as it is, without flags."""
    at, path = file.offsets[position], file.paths[position]
    return _padded(file.content[at : at + STAT.size + HASH_BYTES[file.object_format]], path)


def _entry(object_format: str, path: bytes, new: NewEntry) -> bytes:
    found = new.found
    numbers = (
        *divmod(found.st_ctime_ns, 10**9),
        *divmod(found.st_mtime_ns, 10**9),
        *(found.st_dev, found.st_ino, int(new.mode, 8), found.st_uid, found.st_gid, found.st_size),
    )
    return _padded(STAT.pack(*(number & CUT for number in numbers)) + bytes.fromhex(new.blob), path)


def _padded(head: bytes, path: bytes) -> bytes:
    entry = head + struct.pack(">H", min(len(path), LENGTH)) + path
    return entry + bytes(8 - len(entry) % 8)


def _signed(pieces: Iterable[bytes], object_format: str) -> bytes:
    content = b"".join(pieces)
    return content + hashlib.new(object_format, content, usedforsecurity=False).digest()


def _is_whole(content: bytes, object_format: str) -> bool:
    size = HASH_BYTES[object_format]
    with memoryview(content) as view:
        return hashlib.new(object_format, view[:-size], usedforsecurity=False).digest() == content[-size:]
