"""Reads on in files that grow, line by line, and notices where one is not the file it was."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

PIECE_BYTES = 8 << 20
"""So much is read at once."""
HEAD_BYTES = 512


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a file was read."""

    device: int
    inode: int
    offset: int
    head: str
    """Digest of its first `head_bytes`, by which one is known that was written anew in its place."""
    head_bytes: int


@dataclass(frozen=True, slots=True)
class Piece:
    """What was read."""

    lines: list[bytes]
    mark: Mark
    is_from_start: bool
    has_more: bool


def read_on(path: Path, mark: Mark | None) -> Piece | None:
    """The whole lines behind the mark; None if there are none. A last line that is not ended waits.

    Raises:
        OSError: The file cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        found = os.fstat(descriptor)
        if mark is None or not _is_same(descriptor, found, mark):
            mark = None
        offset = mark.offset if mark else 0
        if found.st_size <= offset:
            return None
        piece = os.pread(descriptor, PIECE_BYTES, offset)
        end = piece.rfind(b"\n") + 1
        if not end:
            end = _line_end(descriptor, offset + len(piece)) - offset if len(piece) == PIECE_BYTES else 0
            piece = b""  # no record is that long
        if not end:
            return None
        head_bytes = min(HEAD_BYTES, offset + end)
        reached = Mark(found.st_dev, found.st_ino, offset + end, _head(descriptor, head_bytes), head_bytes)
        return Piece(piece[:end].splitlines(), reached, mark is None, offset + end < found.st_size)
    finally:
        os.close(descriptor)


def _is_same(descriptor: int, found: os.stat_result, mark: Mark) -> bool:
    return (
        (found.st_dev, found.st_ino) == (mark.device, mark.inode)
        and found.st_size >= mark.offset
        and _head(descriptor, mark.head_bytes) == mark.head
    )


def _head(descriptor: int, size: int) -> str:
    return hashlib.blake2b(os.pread(descriptor, size, 0), digest_size=8).hexdigest()


def _line_end(descriptor: int, at: int) -> int:
    """Where the line ends that goes on at that place; 0 if it has no end yet."""
    while piece := os.pread(descriptor, PIECE_BYTES, at):
        if (end := piece.find(b"\n")) >= 0:
            return at + end + 1
        at += len(piece)
    return 0
