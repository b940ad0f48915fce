"""Single zstd frames: made, read from a file, and unpacked to exactly what they are said to hold."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import zstandard

from hive_tui.archive.direct import AlignedBuffers, open_direct
from hive_tui.archive.format import LEVEL, Frame


class BadFrame(Exception):
    """A frame is not what it is said to be."""


class _Contexts(threading.local):
    """Compressing and unpacking take memory that a thread can use again."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
        self.decompressor = zstandard.ZstdDecompressor()


_contexts = _Contexts()


def compress(content: bytes) -> bytes:
    """A frame that holds this."""
    return _contexts.compressor.compress(content)


def decompress(raw: bytes, content_bytes: int) -> bytes:
    """What the frame holds; takes no more memory than it is said to need.

    Raises:
        BadFrame: It is damaged, or does not hold so many bytes.
    """
    try:
        stated = zstandard.get_frame_parameters(raw)
        if stated.content_size != content_bytes or not stated.has_checksum:
            raise BadFrame(f"the frame states {stated.content_size} bytes, not {content_bytes}, or has no checksum")
        content = _contexts.decompressor.decompress(raw, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise BadFrame(str(error)) from error
    if len(content) != content_bytes:
        raise BadFrame(f"the frame holds {len(content)} bytes, not {content_bytes}")
    return content


class FrameFile:
    """A checkpoint file that is read at any place by any thread."""

    def __init__(self, descriptor: int, *, direct: bool = False) -> None:
        self._descriptor = descriptor
        self._buffers = AlignedBuffers() if direct else None
        self.size_bytes = os.fstat(descriptor).st_size

    def read(self, offset: int, size_bytes: int) -> bytes:
        """So many bytes.

        Raises:
            BadFrame: The file ends before.
        """
        if self._buffers is not None:
            buffer, at, found = self._buffers.read(self._descriptor, offset, size_bytes)
            raw = buffer[at : at + found]
        else:
            raw = os.pread(self._descriptor, size_bytes, offset)
            while len(raw) < size_bytes and (
                more := os.pread(self._descriptor, size_bytes - len(raw), offset + len(raw))
            ):
                raw += more
        if len(raw) < size_bytes:
            raise BadFrame(f"the file ends at {offset + len(raw)}")
        return raw

    def frame(self, frame: Frame) -> bytes:
        """A frame, if its hash is right.

        Raises:
            BadFrame: It is damaged.
        """
        raw = self.read(frame.offset, frame.size_bytes)
        if sha256(raw).hexdigest() != frame.sha256:
            raise BadFrame(f"the frame at {frame.offset} is not what was written")
        return raw

    def content(self, frame: Frame) -> bytes:
        """What a frame holds.

        Raises:
            BadFrame: It is damaged, or holds something else than it is said to.
        """
        return decompress(self.frame(frame), frame.content_bytes)


@contextmanager
def opened(path: Path, *, direct: bool = False) -> Iterator[FrameFile]:
    """The file, for reading; `direct` for what need not be kept in the system's memory.

    Raises:
        OSError: It cannot be opened.
    """
    descriptor = open_direct(path, os.O_RDONLY) if direct else os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield FrameFile(descriptor, direct=direct)
    finally:
        os.close(descriptor)
