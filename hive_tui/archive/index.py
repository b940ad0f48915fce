"""Finds the manifest of a checkpoint file by the trailer at its end."""

from hashlib import sha256

import zstandard
from msgspec import Struct

from hive_tui.archive.format import MANIFEST, MANIFEST_LIMIT_BYTES, BadManifest, Manifest, Member, Trailer
from hive_tui.archive.frames import BadFrame, FrameFile, decompress
from hive_tui.archive.tar import BLOCK, END, header, padding


class Index(Struct, frozen=True):
    """Where everything is in a file."""

    manifest: Manifest
    end: int
    """Where the manifest's own frame begins, and the others end."""


def read_index(file: FrameFile) -> Index | None:
    """The index; None if the file has no trailer: it is of format 1, is cut off, or is something else.

    Raises:
        NewerFormat: It was written by a newer program.
        BadManifest: There is a trailer, but no manifest where it points to.
    """
    if file.size_bytes < Trailer.BYTES:
        return None
    at = file.size_bytes - Trailer.BYTES
    trailer = Trailer.from_bytes(file.read(at, Trailer.BYTES))
    if trailer is None:
        return None
    if trailer.offset + trailer.size_bytes != at:
        raise BadManifest("it is not where the end of the file says")
    raw = file.read(trailer.offset, trailer.size_bytes)
    if sha256(raw).digest() != trailer.sha256:
        raise BadManifest("it is not what was written")
    return Index(Manifest.from_bytes(_json(raw)), trailer.offset)


def _json(frame: bytes) -> bytes:
    """The content of the one member in this frame, which ends the tar."""
    try:
        stated = zstandard.get_frame_parameters(frame).content_size
        if stated > MANIFEST_LIMIT_BYTES:
            raise BadManifest(f"it states {stated} bytes, which is too large")
        content = decompress(frame, stated)
        size = int(content[124:135], 8)
    except (zstandard.ZstdError, BadFrame, ValueError) as error:
        raise BadManifest(str(error)) from error
    raw = content[BLOCK : BLOCK + size]
    if content != header(Member(MANIFEST, size, "", 0o600)) + raw + padding(size) + END:
        raise BadManifest("it is not the last member")
    return raw
