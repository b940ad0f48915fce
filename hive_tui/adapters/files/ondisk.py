"""Looks at files on disk: what each is, and the id that git would give to its content."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from hive_tui.adapters.files.tree import Tree
from hive_tui.domain.workspaces import SYMLINK

PIECE = 1 << 20
Advance = Callable[[int], None]
"""Told how many more bytes were read; may raise to stop."""


def unwatched(_: int) -> None:
    """Nobody is told."""


class Found(NamedTuple):
    """What is at a path."""

    mode: str
    """As in git; empty for what git knows nothing of: a folder, a pipe."""
    id: str

    @property
    def is_file(self) -> bool:
        """Whether it is a plain file or a link."""
        return bool(self.mode)


def look(tree: Tree, path: bytes, object_format: str, advance: Advance = unwatched) -> Found | None:
    """What is at a path; None for nothing."""
    found = tree.stat(path)
    if found is None:
        return None
    mode = tree.mode(found)
    if mode is None:
        return Found("", "folder" if stat.S_ISDIR(found.st_mode) else "other")
    if mode == SYMLINK:
        target = tree.link(path)
        hashed = BlobHash(object_format, len(target))
        hashed.update(target)
        return Found(mode, hashed.id)
    return Found(mode, _file_id(tree, path, object_format, advance))


def differences(
    tree: Tree, wanted: Mapping[str, Found], object_format: str, advance: Advance = unwatched
) -> Iterator[str]:
    """A sentence for each file that is not as it should be."""
    for path, expected in wanted.items():
        found = look(tree, os.fsencode(path), object_format, advance)
        if found is None:
            yield f"{path!r} is missing."
        elif found.id != expected.id:
            yield f"{path!r} has other content."
        elif found != expected:
            yield f"{path!r} has mode {found.mode}, not {expected.mode}."


class BlobHash:
    """Git's id of a blob, computed piece by piece."""

    def __init__(self, object_format: str, size: int) -> None:
        self._hash = hashlib.new(object_format, b"blob %d\0" % size, usedforsecurity=False)

    def update(self, piece: bytes) -> None:
        """Take in more of the content."""
        self._hash.update(piece)

    @property
    def id(self) -> str:
        """The id of what was taken in."""
        return self._hash.hexdigest()


def _file_id(tree: Tree, path: bytes, object_format: str, advance: Advance) -> str:
    descriptor = tree.open(path)
    try:
        hashed = BlobHash(object_format, os.fstat(descriptor).st_size)
        while piece := os.read(descriptor, PIECE):
            hashed.update(piece)
            advance(len(piece))
        return hashed.id
    finally:
        os.close(descriptor)
