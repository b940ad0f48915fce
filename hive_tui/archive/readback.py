"""Compares what is on the disk with what was to be written, before the file gets its name.

By XXH3 and not by SHA-256: it is to find the faults of a disk, not somebody who forges, and costs a fortieth.
"""

import errno
import os
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import partial
from operator import attrgetter
from pathlib import Path

from msgspec import Struct
from xxhash import xxh3_64_intdigest

from hive_tui.archive.direct import AlignedBuffers, forget_cache, open_direct
from hive_tui.archive.pipeline import Pipeline

RUN_BYTES = 4 * 1024 * 1024
BEHIND_BYTES = 32 * 1024 * 1024
"""When so much more is stored, the disk is asked to confirm it, and it is read: the rest at the end is short."""
THREADS = 2


class Piece(Struct, frozen=True, gc=False):
    """Some bytes of the file; pieces follow each other without a gap."""

    offset: int
    end: int
    check: int
    """What `check_of` said of them before they were written."""


def check_of(data: bytes | memoryview) -> int:
    """XXH3 of 64 bits: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md."""
    return xxh3_64_intdigest(data)


class ReadBack:
    """One reading of a file, past the cache, of each part after the disk has confirmed it."""

    def __init__(self, path: Path, confirm: Callable[[], None]) -> None:
        """Nothing is read yet.

        Args:
            path: The file, which grows.
            confirm: Waits until the disk has all that was stored by then.
        """
        self._path = path
        self._confirm = confirm
        self._descriptor: int | None = None
        self._buffers = AlignedBuffers()
        self._pipeline = Pipeline(THREADS)
        self._differing: list[Piece] = []
        self._begun = 0
        """So many pieces have been read, or will be by what is under way."""
        self._begun_bytes = 0

    def follow(self, pieces: Sequence[Piece], stored_bytes: int) -> None:
        """Begin to read what is stored, meanwhile, if that is much.

        Args:
            pieces: All so far.
            stored_bytes: How much of them is in the file.

        Raises:
            OSError: What was begun before cannot be read, or was not confirmed.
        """
        if stored_bytes - self._begun_bytes < BEHIND_BYTES:
            return
        end = bisect_right(pieces, stored_bytes, lo=self._begun, key=attrgetter("end"))
        part = pieces[self._begun : end]
        self._begun, self._begun_bytes = end, stored_bytes
        self._pipeline.submit(0, partial(self._compare_part, self._open(), part), self._differing.extend)

    def differing(self, pieces: Sequence[Piece]) -> list[Piece]:
        """The pieces, of all in the file, that are not on the disk as they should be; the disk has confirmed them.

        Raises:
            OSError: It cannot be read, or has lost its name.
        """
        descriptor = self._open()
        forget_cache(descriptor)
        for run in _runs(pieces[self._begun :]):
            self._pipeline.submit(0, partial(self._compare, descriptor, run), self._differing.extend)
        self._pipeline.drain()
        if not os.path.samestat(os.fstat(descriptor), self._path.stat()):
            raise FileNotFoundError(errno.ENOENT, "another file took its place", str(self._path))
        return self._differing

    def stop(self) -> None:
        """Give up the threads and the file."""
        self._pipeline.stop()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        if self._descriptor is None:
            self._descriptor = open_direct(self._path, os.O_RDONLY)
        return self._descriptor

    def _compare_part(self, descriptor: int, part: Sequence[Piece]) -> list[Piece]:
        self._confirm()
        forget_cache(descriptor)
        return [piece for run in _runs(part) for piece in self._compare(descriptor, run)]

    def _compare(self, descriptor: int, run: Sequence[Piece]) -> list[Piece]:
        start = run[0].offset
        buffer, at, found = self._buffers.read(descriptor, start, run[-1].end - start)
        with memoryview(buffer) as whole, whole[at : at + found] as view:
            return [piece for piece in run if check_of(view[piece.offset - start : piece.end - start]) != piece.check]


def _runs(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Pieces that are read together."""
    found: list[list[Piece]] = []
    for piece in pieces:
        if not found or piece.end - found[-1][0].offset > RUN_BYTES:
            found.append([])
        found[-1].append(piece)
    return found
