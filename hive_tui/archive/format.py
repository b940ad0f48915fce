"""What stands in a checkpoint file."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any, Self

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
"""The last member."""
LEVEL = 3
CHUNK_BYTES = 1024 * 1024


class BadManifest(Exception):
    """The manifest is not what a manifest must be."""


class NewerFormat(BadManifest):
    """The file was written by a newer program."""


@dataclass(frozen=True, slots=True)
class Member:
    """One regular file in the archive."""

    name: str
    size_bytes: int
    sha256: str
    mode: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """Every member with size and hash, and facts about the checkpoint as a whole."""

    members: tuple[Member, ...]
    facts: Mapping[str, Any]
    format_version: int = FORMAT_VERSION

    def to_bytes(self) -> bytes:
        """As JSON."""
        return json.dumps(asdict(self), indent=1).encode()

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Back from JSON.

        Raises:
            NewerFormat: It was written by a newer program.
            BadManifest: It is something else.
        """
        try:
            value = json.loads(raw)
            version = int(value["format_version"])
            if version > FORMAT_VERSION:
                raise NewerFormat(f"format {version}; this program reads up to {FORMAT_VERSION}")
            return cls(tuple(_member(member) for member in value["members"]), dict(value["facts"]), version)
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise BadManifest(str(error)) from error


def _member(value: Mapping[str, Any]) -> Member:
    member = Member(**value)
    if not (isinstance(member.name, str) and isinstance(member.sha256, str)):
        raise TypeError("the name or the hash of a member is no text")
    return member


def unsafe_name(name: str) -> str | None:
    """Why a member of this name must not be unpacked; None if it may."""
    path = PurePosixPath(name)
    if not name or "\0" in name:
        return "the name is empty or has a NUL"
    if path.is_absolute():
        return "the name is absolute"
    if ".." in path.parts:
        return "the name leads out of the folder"
    if not path.parts or str(path) != name:
        return "the name is written in an odd way"  # two such names may mean one file
    return None
