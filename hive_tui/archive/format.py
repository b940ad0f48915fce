"""What stands in a checkpoint file: its manifest, its members, its frames, its trailer.

A file is a standard tar in zstd frames that can each be read alone. Whole small files share a frame;
a large file has one frame for its tar header and one for every 4 MiB, so that what is appended to it
leaves the earlier frames as they are. The last member is the manifest; behind it, in a frame that zstd
skips, a trailer says where the manifest is. Frames, manifest and trailer follow each other without a
gap, and each is under a hash: no byte of the file can change unseen.
"""

import gc
import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from operator import attrgetter, itemgetter
from pathlib import PurePosixPath
from typing import Any, Self

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


@dataclass(slots=True)  # frozen, a hundred thousand of them would take three times as long to make
class Member:
    """One file, symbolic link or folder in the archive. Never changed once it is made."""

    name: str
    size_bytes: int
    sha256: str
    """Hash of the content; empty for what has none."""
    mode: int
    mtime_ns: int = 0
    frame: int = 0
    """Number of the frame that its tar header stands in."""
    stamp: tuple[int, ...] = ()
    """What the file system said of the file: while it says the same, the content is. Empty: nobody knows."""
    frames: int = 1
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

    def to_json(self) -> dict[str, Any]:
        """Without what is as it usually is."""
        value = {
            "name": self.name, "size_bytes": self.size_bytes, "sha256": self.sha256, "mode": self.mode,
            "mtime_ns": self.mtime_ns, "frame": self.frame,
        }  # fmt: skip
        if self.kind is not Kind.FILE:
            value |= {"kind": str(self.kind), "target": self.target}
        if self.frames != 1:
            value["frames"] = self.frames
        if self.stamp:
            value["stamp"] = self.stamp
        return value


@dataclass(slots=True)
class Frame:
    """One zstd frame. Never changed once it is made."""

    offset: int
    size_bytes: int
    content_bytes: int
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


@dataclass(frozen=True, slots=True)
class Manifest:
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
        with _no_collection():
            value = {
                "format_version": self.format_version,
                "facts": dict(self.facts),
                "began_ns": self.began_ns,
                "since_reread": self.since_reread,
                "members": [member.to_json() for member in self.members],
                "frames": [
                    [frame.offset, frame.size_bytes, frame.content_bytes, frame.sha256, frame.content_id]
                    for frame in self.frames
                ],
            }
            return json.dumps(value).encode()

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Back from JSON.

        Raises:
            NewerFormat: It was written by a newer program.
            BadManifest: It is something else.
        """
        try:
            with _no_collection():
                value = json.loads(raw)
                version = int(value["format_version"])
                if version > FORMAT_VERSION:
                    raise NewerFormat(version)
                return cls(
                    _members(value["members"]),
                    dict(value["facts"]),
                    version,
                    tuple(_frame(*frame) for frame in value.get("frames", ())),
                    _whole(value.get("began_ns", 0)),
                    _whole(value.get("since_reread", 0)),
                )
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise BadManifest(str(error)) from error


@contextmanager
def _no_collection() -> Iterator[None]:
    """Look for no garbage meanwhile: so many new objects set it off again and again, a third of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


_USUAL_NAMES = ("name", "size_bytes", "sha256", "mode", "mtime_ns", "frame", "stamp")
_USUAL = itemgetter(*_USUAL_NAMES)


def _members(values: Sequence[dict[str, Any]]) -> tuple[Member, ...]:
    """Nearly all are files of one frame: they take the short way, as there may be a hundred thousand."""
    usual = len(_USUAL_NAMES)
    members = tuple(
        Member(*_USUAL(value)) if len(value) == usual and "stamp" in value else _any_member(**value) for value in values
    )
    for member in members:
        member.stamp = tuple(member.stamp)
    _check_types(members)
    return members


def _any_member(
    *,
    name: str,
    size_bytes: int,
    sha256: str,
    mode: int,
    mtime_ns: int = 0,
    kind: str = Kind.FILE,
    target: str = "",
    frame: int = 0,
    frames: int = 1,
    stamp: tuple[int, ...] = (),
) -> Member:
    return Member(name, size_bytes, sha256, mode, mtime_ns, frame, stamp, frames, Kind(kind), target)


def _check_types(members: Sequence[Member]) -> None:
    """Field by field, which is quicker than member by member."""
    for column in ("name", "sha256", "target"):
        if not set(map(type, map(attrgetter(column), members))) <= {str}:
            raise TypeError(f"the {column} of a member is no text")
    for column, least in (("size_bytes", 0), ("mode", 0), ("frame", 0), ("frames", 1), ("mtime_ns", None)):
        numbers = list(map(attrgetter(column), members))
        if not set(map(type, numbers)) <= {int}:
            raise TypeError(f"the {column} of a member is no number")
        if least is not None and min(numbers, default=least) < least:
            raise ValueError(f"the {column} of a member is below what it can be")
    if not set(map(type, chain.from_iterable(map(attrgetter("stamp"), members)))) <= {int}:
        raise TypeError("the stamp of a member has no numbers")


def _frame(offset: int, size_bytes: int, content_bytes: int, sha256: str, content_id: str) -> Frame:
    if not (isinstance(sha256, str) and isinstance(content_id, str)):
        raise TypeError("a hash of a frame is no text")
    return Frame(_whole(offset), _whole(size_bytes), _whole(content_bytes), sha256, content_id)


def _whole(number: object) -> int:
    if type(number) is not int or number < 0:
        raise TypeError(f"{number!r} is no count")
    return number


@dataclass(frozen=True, slots=True)
class Trailer:
    """The end of the file: where the manifest's frame is."""

    offset: int
    size_bytes: int
    sha256: bytes
    """Hash of the manifest's frame."""
    version: int = FORMAT_VERSION

    _LAYOUT = struct.Struct("<IIQQ32sI8s")
    _SKIPPABLE = 0x184D2A5E
    _TAG = b"HIVECKPT"
    BYTES = _LAYOUT.size

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
