"""The list of files in a snapshot, beside which the archive puts their contents."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from hive_tui.adapters.files.ondisk import BlobHash, Found, look
from hive_tui.adapters.files.tree import Tree
from hive_tui.domain.errors import WorkspaceError
from hive_tui.domain.workspaces import SYMLINK, FileEntry, is_safe_path

LISTING = "files.json"
FILES = "files"
"""The folder with the contents, in a snapshot that was unpacked."""
MODE = re.compile("(100|040)[0-7]{3}|120000")
HASH = "sha256"
"""Contents are known by git's blob ids of this kind, so that one journal serves every kind of workspace."""


@dataclass(frozen=True)
class Listing:
    """What a snapshot knows of files."""

    entries: Sequence[FileEntry]

    @cached_property
    def files(self) -> Mapping[str, FileEntry]:
        """Files and links by path; only paths that may be written."""
        return {entry.path: entry for entry in self.entries if not _is_folder(entry) and is_safe_path(entry.path)}

    @cached_property
    def folders(self) -> Mapping[str, FileEntry]:
        """Folders by path."""
        return {entry.path: entry for entry in self.entries if _is_folder(entry) and is_safe_path(entry.path)}


def write_listing(entries: Sequence[FileEntry], into: Path) -> None:
    """Write it; file names that are no UTF-8 become escapes."""
    rows = [[entry.path, entry.mode, entry.size_bytes, entry.changed_ns, entry.target] for entry in entries]
    with (into / LISTING).open("w", encoding="ascii") as file:
        file.write('{"version": 1, "files": [\n')
        file.write(",\n".join(map(json.dumps, rows)))
        file.write("\n]}\n")


def read_listing(folder: Path) -> Listing:
    """Read what `write_listing` wrote.

    Raises:
        WorkspaceError: It is something else.
    """
    try:
        entries = [_entry(*row) for row in json.loads((folder / LISTING).read_text())["files"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WorkspaceError(
            f"{folder / LISTING} does not list files: {error!r}.",
            hint="Validate the checkpoint, then try an older generation.",
        ) from error
    return Listing(entries)


def contents(listing: Listing, place: Path) -> dict[str, Found]:
    """The files of a listing that are at a place, with the ids of their contents, and the links.

    Args:
        listing: Which files.
        place: A snapshot's folder `files`, or the folder that the snapshot is of.
    """
    found: dict[str, Found] = {}
    with Tree(place, exact=True) as tree:
        for path, entry in listing.files.items():
            if entry.mode == SYMLINK:
                found[path] = Found(SYMLINK, link_id(entry.target))
                continue
            there = look(tree, os.fsencode(path), HASH)
            if there is not None and there.is_file and there.mode != SYMLINK:
                found[path] = Found(entry.mode, there.id)
    return found


def link_id(target: str) -> str:
    """The id of a link's content."""
    raw = os.fsencode(target)
    hashed = BlobHash(HASH, len(raw))
    hashed.update(raw)
    return hashed.id


def _entry(path: Any, mode: Any, size_bytes: Any, changed_ns: Any, target: Any) -> FileEntry:
    texts, numbers = (path, mode, target), (size_bytes, changed_ns)
    if not all(isinstance(one, str) for one in texts) or not all(type(one) is int for one in numbers):
        raise TypeError(f"no entry of a file: {path!r}")
    if not MODE.fullmatch(mode):
        raise ValueError(f"{path!r} has the mode {mode!r}")
    return FileEntry(path, mode, size_bytes=size_bytes, changed_ns=changed_ns, target=target)


def _is_folder(entry: FileEntry) -> bool:
    return entry.mode.startswith("040")
