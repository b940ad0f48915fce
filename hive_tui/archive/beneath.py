"""Files below a folder, reached without ever following a link: what takes a folder's place cannot lead outside."""

import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class _Near(threading.local):
    """The folder that a thread has looked into last: the next file is mostly in the same one."""

    def __init__(self) -> None:
        self.path: str | None = None
        self.descriptor = -1


class Beneath:
    """A folder that is kept open, for any thread. Methods raise OSError as the system calls do.

    Where a link stands in the place of a folder that is ENOTDIR or ELOOP.
    """

    def __init__(self, root: Path) -> None:
        self._root = os.open(root, FOLDER & ~os.O_NOFOLLOW)
        self._near = _Near()
        self._held: set[int] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def status(self, within: str) -> os.stat_result:
        """Of a file, or of a link itself."""
        name, folder = self._place(within)
        return os.stat(name, dir_fd=folder, follow_symlinks=False)

    def open(self, within: str, flags: int) -> int:
        """A descriptor; a link is refused where the flags say so."""
        name, folder = self._place(within)
        return os.open(name, flags, dir_fd=folder)

    def link(self, within: str) -> str:
        """What stands in a link."""
        name, folder = self._place(within)
        return os.readlink(name, dir_fd=folder)

    def close(self) -> None:
        """Nobody looks any more."""
        for descriptor in (self._root, *self._held):
            os.close(descriptor)
        self._held.clear()

    def _place(self, within: str) -> tuple[str, int]:
        """The name, and a descriptor of its folder."""
        parent, _, name = within.rpartition("/")
        if not parent:
            return name, self._root
        near = self._near
        if near.path != parent:
            self._forget(near)
            near.descriptor = self._walk(parent)
            near.path = parent
            self._held.add(near.descriptor)
        return name, near.descriptor

    def _walk(self, path: str) -> int:
        at = self._root
        for part in path.split("/"):
            try:
                below = os.open(part, FOLDER, dir_fd=at)
            finally:
                if at != self._root:
                    os.close(at)
            at = below
        return at

    def _forget(self, near: _Near) -> None:
        if near.path is not None:
            near.path = None
            self._held.discard(near.descriptor)
            os.close(near.descriptor)
