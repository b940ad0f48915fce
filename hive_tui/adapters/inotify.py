"""The kernel's news of folders and files, on Linux; elsewhere, and where there is none to be had, nobody is told."""

import ctypes
import os
import struct
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

IN_MODIFY, IN_ATTRIB, IN_MOVED_TO, IN_CREATE = 0x2, 0x4, 0x80, 0x100
IN_DELETE_SELF, IN_MOVE_SELF = 0x400, 0x800
IN_Q_OVERFLOW, IN_IGNORED = 0x4000, 0x8000
HEAD = struct.Struct("iIII")
ENOUGH_BYTES = 65_536


class Touch(NamedTuple):
    """Something has happened in a folder, or to a file."""

    watch: int
    """Its number, as of `Inotify.add`; -1 where the kernel had to drop news."""
    mask: int
    name: bytes
    """Of what is in the folder; empty where it is about the folder itself."""


class Inotify:
    """Folders and files, each with what is to be told of it."""

    def __init__(self) -> None:
        self._library: ctypes.CDLL | None = None
        self._descriptor = -1
        if sys.platform == "linux":
            with suppress(OSError, AttributeError):
                self._library = ctypes.CDLL(None, use_errno=True)
                self._descriptor = int(self._library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))

    def fileno(self) -> int:
        """A descriptor that is readable while there is news; -1 for none."""
        return self._descriptor

    def add(self, path: Path | str, mask: int) -> int:
        """Watch a folder or a file as well; its number, the same one for the same file, -1 where that cannot be."""
        if self._library is None or self._descriptor < 0:
            return -1
        return int(self._library.inotify_add_watch(self._descriptor, os.fsencode(path), ctypes.c_uint32(mask)))

    def remove(self, watch: int) -> None:
        """Watch the one with this number no more."""
        if self._library is not None and self._descriptor >= 0:
            self._library.inotify_rm_watch(self._descriptor, watch)

    def read(self) -> list[Touch]:
        """All that has happened since the last call."""
        found: list[Touch] = []
        with suppress(OSError):
            while self._descriptor >= 0 and (read := os.read(self._descriptor, ENOUGH_BYTES)):
                at = 0
                while at < len(read):
                    watch, mask, _, length = HEAD.unpack_from(read, at)
                    at += HEAD.size + length
                    found.append(Touch(watch, mask, read[at - length : at].rstrip(b"\0")))
        return found

    def close(self) -> None:
        """Watch no longer; a second time does nothing."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
