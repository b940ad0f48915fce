"""Puts files where a restore wants them, one by one; may be repeated after a crash at any point.

A file that is neither as it was when the restore was planned nor as it shall be is copied aside
first. Nothing is written through a link that stands in the place of a folder.
"""

import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from hive_tui.adapters.files.journal import Piece, sync
from hive_tui.adapters.files.ondisk import PIECE, Found, look
from hive_tui.adapters.files.tree import NOT_THERE, Tree
from hive_tui.domain.errors import DiskFull
from hive_tui.domain.workspaces import EXECUTABLE, SYMLINK, ChangeKind, FileChange, parents

SYNC_EACH = 200
"""Up to so many files are made durable each by itself; for more, the whole system is."""

FULL = (errno.ENOSPC, errno.EDQUOT)


class Refused(Exception):
    """A file is not written; the text says why."""


@dataclass(slots=True)
class Outcome:
    """What became of the changes."""

    changed: int = 0
    displaced: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


class FileWriter:
    """Makes the changes of one restore.

    Args:
        tree: Where.
        contents: The staged contents, one after the other.
        pieces: Where in `contents` each blob is.
        displaced: Where files go that would be lost.
        restore_id: Part of the names of temporary files, the same in each attempt.
        advance: Told after each file how many bytes it has.
    """

    def __init__(
        self,
        tree: Tree,
        contents: IO[bytes],
        pieces: Mapping[str, Piece],
        *,
        object_format: str,
        displaced: Path,
        restore_id: str,
        advance: Callable[[int], None],
    ) -> None:
        self._tree = tree
        self._contents = contents
        self._pieces = pieces
        self._object_format = object_format
        self._displaced = displaced
        self._temporary = f".hive-{restore_id}".encode()
        self._advance = advance
        self._outcome = Outcome()

    def make(
        self, changes: Iterable[FileChange], kept_folders: Iterable[str], folders: Mapping[str, int] | None = None
    ) -> Outcome:
        """Make all changes: first what goes, then what comes, then folders that are left empty.

        Args:
            changes: What becomes of files.
            kept_folders: Folders that stay even if they are empty.
            folders: Folders that were missing, with the permissions that they get.
        """
        ordered = sorted(changes, key=lambda change: (change.kind is not ChangeKind.DELETE, change.path))
        for change in ordered:
            try:
                self._make(change)
            except Refused as error:
                self._outcome.refused.append(f"{change.path}: {error}")
            except OSError as error:
                if error.errno in FULL:
                    raise DiskFull(
                        f"There is no space left to write {change.path!r}.",
                        hint="Make room, then run `hive-tui recover` to finish the restore.",
                    ) from error
                self._outcome.refused.append(f"{change.path}: {error.strerror}")
        self._remove_empty_folders(ordered, set(kept_folders))
        for folder, permissions in sorted((folders or {}).items(), reverse=True):
            with suppress(OSError):  # a file that stays, or a link, is in its place
                self._tree.make_folder(os.fsencode(folder))
                self._tree.set_folder_permissions(os.fsencode(folder), permissions)
        self._make_durable(ordered)
        return self._outcome

    def _make(self, change: FileChange) -> None:
        path = os.fsencode(change.path)
        there = look(self._tree, path, self._object_format)
        wanted = Found(change.new_mode, change.new_id) if change.new_mode and change.new_id else None
        if there == wanted or (wanted is None and there is not None and there.id == "folder"):
            return
        if there is not None and not there.is_file:
            self._clear_folder(path, there)
        elif there is not None and not _is_expected(there, change):
            self._set_aside(path, there)
        if wanted is None:
            self._tree.remove(path)
        else:
            self._write(path, wanted, there)
        self._outcome.changed += 1

    def _clear_folder(self, path: bytes, there: Found) -> None:
        if there.id != "folder":
            raise Refused("something that is no plain file is in its place")
        if not self._tree.remove_folder(path):
            raise Refused("a folder with files that stay is in its place")

    def _write(self, path: bytes, wanted: Found, there: Found | None) -> None:
        try:
            _, folder = self._tree.place(path, make=True)
        except OSError as error:
            if error.errno in NOT_THERE:
                raise Refused("a link or a file is in the place of its folder") from error
            raise
        replaced = there if there is not None and there.is_file and SYMLINK not in (there.mode, wanted.mode) else None
        permissions = self._permissions(path, wanted, replaced)
        if replaced and permissions is not None and replaced.id == wanted.id:
            self._set_permissions(path, permissions)
            return
        self._tree.discard(path, self._temporary)
        name, folder = self._tree.place(path)
        size = self._fill(folder, wanted, permissions)
        os.rename(self._temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        self._advance(size)

    def _fill(self, folder: int, wanted: Found, permissions: int | None) -> int:
        """Write the temporary file of a folder; its size."""
        piece = self._pieces[wanted.id]
        self._contents.seek(piece.offset)
        if wanted.mode == SYMLINK:
            os.symlink(self._contents.read(piece.size), self._temporary, dir_fd=folder)
            return piece.size
        usual = 0o600 if permissions is not None else 0o777 if wanted.mode == EXECUTABLE else 0o666
        descriptor = os.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, usual, dir_fd=folder)
        with os.fdopen(descriptor, "wb", buffering=0) as target:
            left = piece.size
            while left:
                left -= target.write(self._contents.read(min(left, PIECE)))
            if permissions is not None:
                os.fchmod(descriptor, permissions)
        return piece.size

    def _permissions(self, path: bytes, wanted: Found, replaced: Found | None) -> int | None:
        """What the file gets; None for what is usual."""
        if wanted.mode == SYMLINK:
            return None
        if self._tree.exact:
            return int(wanted.mode[3:], 8)
        return _kept_permissions(self._tree, path, wanted) if replaced else None

    def _set_permissions(self, path: bytes, permissions: int) -> None:
        descriptor = self._tree.open(path)
        try:
            os.fchmod(descriptor, permissions)
        finally:
            os.close(descriptor)

    def _set_aside(self, path: bytes, there: Found) -> None:
        """Copy what is at a path into the folder of displaced files."""
        target = self._displaced / os.fsdecode(path)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if there.mode == SYMLINK:
            with suppress(FileNotFoundError):
                target.unlink()
            target.symlink_to(os.fsdecode(self._tree.link(path)))
        else:
            with os.fdopen(self._tree.open(path), "rb") as source, target.open("wb") as copy:
                shutil.copyfileobj(source, copy, PIECE)
            target.chmod(0o700 if there.mode == EXECUTABLE else 0o600)
            sync(target)
        sync(target.parent)
        self._outcome.displaced.append(os.fsdecode(path))

    def _remove_empty_folders(self, changes: Iterable[FileChange], kept: set[str]) -> None:
        emptied = {folder for change in changes if change.kind is ChangeKind.DELETE for folder in parents(change.path)}
        for folder in sorted(emptied - kept, key=len, reverse=True):
            with suppress(OSError):
                self._tree.remove_empty(os.fsencode(folder))

    def _make_durable(self, changes: list[FileChange]) -> None:
        """Bring the changes to the disk, before the journal that could repeat them goes."""
        for change in changes:
            with suppress(OSError):
                self._tree.discard(os.fsencode(change.path), self._temporary)
        if len(changes) > SYNC_EACH:
            os.sync()
            return
        for change in changes:
            self._tree.sync(os.fsencode(change.path))


def _is_expected(there: Found, change: FileChange) -> bool:
    """Whether nothing is lost with what is there: it is in the safety checkpoint, or what is wanted."""
    is_link = there.mode == SYMLINK
    known = ((change.old_id, change.old_mode), (change.new_id, change.new_mode))
    return any(there.id == name and is_link == (mode == SYMLINK) for name, mode in known)


def _kept_permissions(tree: Tree, path: bytes, wanted: Found) -> int | None:
    """Those of the file that is replaced, with the executable bits that are wanted."""
    found = tree.stat(path)
    if found is None:
        return None
    kept = stat.S_IMODE(found.st_mode) & 0o777
    return kept | (kept & 0o444) >> 2 if wanted.mode == EXECUTABLE else kept & ~0o111
