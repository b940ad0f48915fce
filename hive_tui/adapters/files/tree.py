"""Files below a root, reached without following a link: the last part of a path may be one, no other is."""

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EMLINK)
"""Errors of a path that leads nowhere, or through something that is no folder."""

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Tree:
    """A folder kept open, and the files below it by relative paths in bytes.

    Methods raise OSError as the system calls do, with ENOTDIR or ELOOP where a link stands
    in the place of a folder.

    Args:
        root: The folder.
        exact: Modes have all permission bits, where git knows only whether a file is executable.
    """

    def __init__(self, root: Path, *, exact: bool = False) -> None:
        self.root = root
        self.exact = exact
        self._descriptor = os.open(root, FOLDER & ~os.O_NOFOLLOW)
        self._parts: Sequence[bytes] | None = None
        self._parent = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._forget()
        os.close(self._descriptor)

    def place(self, path: bytes, *, make: bool = False) -> tuple[bytes, int]:
        """The last part of a path and a descriptor of its folder, good until the next call.

        Args:
            path: As git writes it, with `/`.
            make: Make folders that are missing.
        """
        *parts, name = path.split(b"/")
        if parts != self._parts:
            self._forget()
            self._parent = self._open(parts, make=make)
            self._parts = parts
        return name, self._parent

    def stat(self, path: bytes) -> os.stat_result | None:
        """What is there, a link as itself; None for nothing."""
        try:
            name, folder = self.place(path)
            return os.stat(name, dir_fd=folder, follow_symlinks=False)
        except OSError as error:
            if error.errno in NOT_THERE:
                return None
            raise

    def stats(self, paths: Iterable[bytes]) -> Iterator[tuple[bytes, os.stat_result | OSError | None]]:
        """What is at each path, a link as itself; None for nothing, the error where that cannot be told.

        As quick as can be: there may be a hundred thousand.
        """
        folder, parent = -1, None
        look = os.stat
        for path in paths:
            above, _, name = path.rpartition(b"/")
            try:
                if above != parent:
                    parent = None
                    folder = self.place(path)[1]
                    parent = above
                yield path, look(name, dir_fd=folder, follow_symlinks=False)
            except OSError as error:
                yield path, None if error.errno in NOT_THERE else error

    def mode(self, found: os.stat_result) -> str | None:
        """The mode of what was found, like git's; None if it is no file or link."""
        return mode_of(found, exact=self.exact)

    def open(self, path: bytes) -> int:
        """A descriptor to read a plain file from."""
        name, folder = self.place(path)
        # Without O_NONBLOCK this would wait for a writer where a pipe has taken the file's place.
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, "no plain file any more")
        return descriptor

    def link(self, path: bytes) -> bytes:
        """Where a symbolic link points."""
        name, folder = self.place(path)
        return os.readlink(name, dir_fd=folder)

    def remove(self, path: bytes) -> None:
        """Unlink a file or a link."""
        name, folder = self.place(path)
        os.unlink(name, dir_fd=folder)

    def remove_folder(self, path: bytes) -> bool:
        """Remove a folder with nothing but empty folders in it; False if there is more, or no folder."""
        try:
            inside = self._folders_only(path)
            for folder_path in [*inside, path] if inside is not None else []:
                name, folder = self.place(folder_path)
                os.rmdir(name, dir_fd=folder)
                self._forget()  # the folder that is kept open may be the one that is gone
        except OSError:
            return False
        return inside is not None

    def remove_empty(self, path: bytes) -> None:
        """Remove a folder with nothing in it."""
        name, folder = self.place(path)
        os.rmdir(name, dir_fd=folder)
        self._forget()

    def discard(self, path: bytes, name: bytes) -> None:
        """Unlink the file of that name in the folder of a path, if there is one."""
        _, folder = self.place(path)
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)

    def make_folder(self, path: bytes) -> None:
        """Make a folder that is open to nobody else, unless something is there."""
        name, folder = self.place(path, make=True)
        with suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=folder)

    def set_folder_permissions(self, path: bytes, permissions: int) -> None:
        """Open a folder to others, or close it."""
        name, folder = self.place(path)
        descriptor = os.open(name, FOLDER, dir_fd=folder)
        try:
            os.fchmod(descriptor, permissions)
        finally:
            os.close(descriptor)

    def sync(self, path: bytes) -> None:
        """Make a file and its entry in its folder durable, if it is there."""
        with suppress(OSError):
            os.fsync(self.place(path)[1])
            descriptor = self.open(path)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _folders_only(self, path: bytes) -> list[bytes] | None:
        """The folders below a folder, inner ones first; None if there is anything else."""
        name, folder = self.place(path)
        found = os.open(name, FOLDER, dir_fd=folder)
        try:
            entries = [(os.fsencode(entry.name), entry.is_dir(follow_symlinks=False)) for entry in os.scandir(found)]
        finally:
            os.close(found)
        inside: list[bytes] = []
        for entry, is_folder in entries:
            deeper = self._folders_only(path + b"/" + entry) if is_folder else None
            if deeper is None:
                return None
            inside += [*deeper, path + b"/" + entry]
        return inside

    def _open(self, parts: Sequence[bytes], *, make: bool) -> int:
        folder = os.dup(self._descriptor)
        for part in parts:
            try:
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(part, 0o700 if self.exact else 0o777, dir_fd=folder)
                inner = os.open(part, FOLDER, dir_fd=folder)
            finally:
                os.close(folder)
            folder = inner
        return folder

    def _forget(self) -> None:
        if self._parent >= 0:
            os.close(self._parent)
        self._parts, self._parent = None, -1


def mode_of(found: os.stat_result, *, exact: bool = False) -> str | None:
    """Git's mode for a file on disk, or the exact one in git's way; None for what is no file or link."""
    if stat.S_ISLNK(found.st_mode):
        return "120000"
    if not stat.S_ISREG(found.st_mode):
        return None
    if exact:
        return f"100{found.st_mode & 0o777:03o}"
    return "100755" if found.st_mode & stat.S_IXUSR else "100644"
