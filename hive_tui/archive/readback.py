"""Compares what is on the disk with what was to be written, before the file gets its name."""

import os
from collections.abc import Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path

from hive_tui.archive.direct import AlignedBuffers, forget_cache, open_direct
from hive_tui.archive.format import Frame
from hive_tui.archive.pipeline import Pipeline

RUN_BYTES = 4 * 1024 * 1024


class ReadBack:
    """One reading of a file, past the cache and on several cores, after the disk has confirmed it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._buffers = AlignedBuffers()
        self._pipeline = Pipeline()
        self._differing: list[Frame] = []

    def differing(self, frames: Sequence[Frame]) -> list[Frame]:
        """The frames, of all in the file, that are not on the disk as they should be.

        Raises:
            OSError: It cannot be read.
        """
        self._descriptor = open_direct(self._path, os.O_RDONLY)
        forget_cache(self._descriptor)
        for run in _runs(frames):
            self._pipeline.submit(0, partial(self._compare, self._descriptor, run), self._differing.extend)
        self._pipeline.drain()
        return self._differing

    def stop(self) -> None:
        """Give up the threads and the file."""
        self._pipeline.stop()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _compare(self, descriptor: int, run: Sequence[Frame]) -> list[Frame]:
        start = run[0].offset
        buffer, at, found = self._buffers.read(descriptor, start, run[-1].end - start)
        with memoryview(buffer) as whole, whole[at : at + found] as view:
            return [
                frame
                for frame in run
                if sha256(view[frame.offset - start : frame.end - start]).hexdigest() != frame.sha256
            ]


def _runs(frames: Sequence[Frame]) -> list[list[Frame]]:
    """Frames that are read together."""
    found: list[list[Frame]] = []
    for frame in frames:
        if not found or frame.end - found[-1][0].offset > RUN_BYTES:
            found.append([])
        found[-1].append(frame)
    return found
