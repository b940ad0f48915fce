"""What stands in a checkpoint file: its manifest, its members, its frames, its trailer.

A file is a standard tar in zstd frames that can each be read alone. Whole small files share a frame;
a large file has one frame for its tar header and one for every 4 MiB, so that what is appended to it
leaves the earlier frames as they are. The last member is the manifest; behind it, in a frame that zstd
skips, a trailer says where the manifest is. Frames, manifest and trailer follow each other without a
gap, and each is under a hash: no byte of the file can change unseen.
"""

import json
import struct
from collections.abc import Mapping
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated, Any, ClassVar, Self

import msgspec
from msgspec import Meta, Struct, field

FORMAT_VERSION = 2
MANIFEST = "manifest.json"
"""The last member."""
LEVEL = 3
GROUP_BYTES = 128 * 1024
"""Small files share a frame until it holds so much: less compresses worse, more has to be written again sooner."""
CHUNK_BYTES = 4 * 1024 * 1024
"""What one frame holds of a large file."""
FRAME_LIMIT_BYTES = CHUNK_BYTES + 64 * 1024
"""No frame but the manifest's unpacks to more: a chunk, its header with the longest names, and padding."""
MANIFEST_LIMIT_BYTES = 256 * 1024 * 1024


class BadManifest(Exception):
    """The manifest is not what a manifest must be."""


class NewerFormat(BadManifest):
    """The file was written by a newer program."""

    def __init__(self, version: int) -> None:
        super().__init__(f"format {version}; this program reads up to {FORMAT_VERSION}")


class Kind(StrEnum):
    """What a member is."""

    FILE = "file"
    LINK = "link"
    FOLDER = "folder"


Count = Annotated[int, Meta(ge=0)]


class Member(Struct, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """One file, symbolic link or folder in the archive."""

    name: str
    size_bytes: Count
    sha256: str
    """Hash of the content; empty for what has none."""
    mode: Count
    mtime_ns: int = field(default_factory=int)  # not a plain 0: it is written even so, as older programs want it
    frame: Count = field(default_factory=int)
    """Number of the frame that its tar header stands in."""
    stamp: tuple[int, ...] = ()
    """What the file system said of the file: while it says the same, the content is. Empty: nobody knows."""
    frames: Annotated[int, Meta(ge=1)] = 1
    """Over how many frames header and content go."""
    kind: Kind = Kind.FILE
    target: str = ""
    """Where a link leads."""

    def moved(self, by: int) -> "Member":
        """The same, so many frames further on."""
        if not by:
            return self
        return Member(
            self.name, self.size_bytes, self.sha256, self.mode, self.mtime_ns, self.frame + by, self.stamp,
            self.frames, self.kind, self.target,
        )  # fmt: skip


class Frame(Struct, frozen=True, gc=False, array_like=True, forbid_unknown_fields=True):
    """One zstd frame."""

    offset: Count
    size_bytes: Count
    content_bytes: Count
    """What it unpacks to."""
    sha256: str
    """Hash of the frame as it stands in the file."""
    content_id: str
    """Two frames of one identity hold the same content; see `packing`."""

    def moved(self, by_bytes: int) -> "Frame":
        """The same, so much further on."""
        if not by_bytes:
            return self
        return Frame(self.offset + by_bytes, self.size_bytes, self.content_bytes, self.sha256, self.content_id)

    @property
    def end(self) -> int:
        """Where the next one begins."""
        return self.offset + self.size_bytes


class Manifest(Struct, frozen=True):
    """Every member with size and hash, and facts about the checkpoint as a whole."""

    members: tuple[Member, ...]
    """In the order in which they stand in the file."""
    facts: Mapping[str, Any]
    format_version: int = FORMAT_VERSION
    frames: tuple[Frame, ...] = ()
    began_ns: int = 0
    """The file system's time when the writer began: what changed later may have changed again unseen."""
    since_reread: int = 0
    """How many generations ago every file was read; 0: for this one."""

    def to_bytes(self) -> bytes:
        """As JSON."""
        stored = _Stored(
            self.format_version, dict(self.facts), self.members, self.began_ns, self.since_reread, self.frames
        )
        try:
            return msgspec.json.encode(stored)
        except (UnicodeEncodeError, OverflowError):  # names that are no UTF-8, and numbers beyond 64 bits
            return json.dumps(msgspec.to_builtins(stored)).encode()

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Back from JSON.

        Raises:
            NewerFormat: It was written by a newer program.
            BadManifest: It is something else.
        """
        try:
            stored = _decoded(raw)
        except (ValueError, RecursionError) as error:
            _refuse_newer(raw)
            raise BadManifest(str(error)) from error
        if stored.format_version > FORMAT_VERSION:
            raise NewerFormat(stored.format_version)
        return cls(
            stored.members, stored.facts, stored.format_version, stored.frames, stored.began_ns, stored.since_reread
        )


class _Version(Struct):
    """All that is known of a manifest that a newer program wrote."""

    format_version: int


class _Stored(_Version):
    """The manifest as it stands in the file."""

    facts: dict[str, Any]
    members: tuple[Member, ...]
    began_ns: Count = 0
    since_reread: Count = 0
    frames: tuple[Frame, ...] = ()


def _decoded(raw: bytes) -> _Stored:
    try:
        return msgspec.json.decode(raw, type=_Stored)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:  # names that are no UTF-8
        return msgspec.convert(json.loads(raw), _Stored)


def _refuse_newer(raw: bytes) -> None:
    try:
        version = msgspec.convert(json.loads(raw), _Version).format_version
    except (ValueError, RecursionError):
        return
    if version > FORMAT_VERSION:
        raise NewerFormat(version)


class Trailer(Struct, frozen=True):
    """The end of the file: where the manifest's frame is."""

    offset: int
    size_bytes: int
    sha256: bytes
    """Hash of the manifest's frame."""
    version: int = FORMAT_VERSION

    _LAYOUT: ClassVar = struct.Struct("<IIQQ32sI8s")
    _SKIPPABLE: ClassVar = 0x184D2A5E
    _TAG: ClassVar = b"HIVECKPT"
    BYTES: ClassVar[int] = _LAYOUT.size

    def to_bytes(self) -> bytes:
        """As a frame that zstd skips."""
        content = self.BYTES - 8
        return self._LAYOUT.pack(
            self._SKIPPABLE, content, self.offset, self.size_bytes, self.sha256, self.version, self._TAG
        )

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self | None:
        """Back from the last bytes of a file; None if they are something else.

        Raises:
            NewerFormat: It was written by a newer program.
        """
        if len(raw) != cls.BYTES:
            return None
        magic, content, offset, size_bytes, sha256, version, tag = cls._LAYOUT.unpack(raw)
        if (magic, content, tag) != (cls._SKIPPABLE, cls.BYTES - 8, cls._TAG) or version < FORMAT_VERSION:
            return None
        if version > FORMAT_VERSION:
            raise NewerFormat(version)
        return cls(offset, size_bytes, sha256, version)


def unsafe_name(name: str) -> str | None:
    """Why a member of this name must not be unpacked; None if it may."""
    if not name or "\0" in name:
        return "the name is empty or has a NUL"
    if name.startswith("/"):
        return "the name is absolute"
    parts = name.split("/")
    if ".." in parts:
        return "the name leads out of the folder"
    if "" in parts or "." in parts:
        return "the name is written in an odd way"  # two such names may mean one file
    return None


def leads_out(name: str, target: str) -> str | None:
    """Why a link of this name might lead out of the folder; None if it cannot.

    `..` may stand at the beginning alone: behind the name of another link it would
    lead somewhere else than it seems to.
    """
    if target.startswith("/"):
        return "the link is absolute"
    parts = PurePosixPath(target).parts
    ups = next((number for number, part in enumerate(parts) if part != ".."), len(parts))
    if ups > name.count("/"):
        return "the link leads out of the folder"
    if ".." in parts[ups:]:
        return "the link goes down and up again"
    return None
