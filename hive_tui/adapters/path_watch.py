"""Tells that something comes to a path, or into a folder, without asking all the time: on Linux, by inotify."""

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from hive_tui.adapters.inotify import (
    IN_CREATE,
    IN_DELETE_SELF,
    IN_IGNORED,
    IN_MOVE_SELF,
    IN_MOVED_TO,
    IN_Q_OVERFLOW,
    Inotify,
    Touch,
)

NEWS = IN_CREATE | IN_MOVED_TO
ENDS = IN_DELETE_SELF | IN_MOVE_SELF | IN_Q_OVERFLOW | IN_IGNORED
"""After those it is not known any more what happens."""
OTHERS, OTHERS_S = 5, 1.0
"""After so many touches of something else nothing is listened to for a second: the folder may be one for everybody."""

ALL = None


class PathWatch:
    """For the thread of one event loop.

    A path that is a folder is touched by whatever comes into it. One that is not there is touched when it comes,
    or the next folder on the way to it.
    """

    def __init__(self) -> None:
        self._inotify: Inotify | None = None
        self._names: dict[int, set[bytes] | None] = {}
        self._listening: Callable[[], None] | None = None
        self._pause: asyncio.TimerHandle | None = None
        self._others = 0

    def begin(self, paths: Sequence[Path], touched: Callable[[], None]) -> bool:
        """Watch these, in place of those before; False where that cannot be, and nothing is watched.

        Args:
            paths: Absolute.
            touched: Called once, when one of them is touched; then nothing is watched any more.
        """
        self.end()
        inotify = Inotify()
        for path in paths:
            folder, name = _place_of(path)
            watch = inotify.add(folder, NEWS | IN_DELETE_SELF | IN_MOVE_SELF)
            # What came between the two looks at the path is asked for again, as it would be by the next `begin`.
            if watch < 0 or _place_of(path) != (folder, name):
                inotify.close()
                return False
            known = self._names.setdefault(watch, set())
            if name is ALL or known is ALL:
                self._names[watch] = ALL
            else:
                known.add(name)
        self._inotify, self._listening = inotify, touched
        self._listen()
        return True

    def end(self) -> None:
        """Watch no longer; a second time does nothing."""
        if self._pause is not None:
            self._pause.cancel()
        inotify, self._inotify, self._pause = self._inotify, None, None
        self._names = {}
        if inotify is not None:
            with suppress(RuntimeError):  # the loop has ended
                asyncio.get_running_loop().remove_reader(inotify.fileno())
            inotify.close()

    def _listen(self) -> None:
        if self._inotify is not None:
            asyncio.get_running_loop().add_reader(self._inotify.fileno(), self._on_news)

    def _on_news(self) -> None:
        if self._inotify is None or self._listening is None:
            return
        if any(map(self._concerns, self._inotify.read())):
            touched = self._listening
            self.end()
            touched()
            return
        self._others += 1
        if self._others >= OTHERS:
            self._others = 0
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._inotify.fileno())
            self._pause = loop.call_later(OTHERS_S, self._listen)

    def _concerns(self, touch: Touch) -> bool:
        if touch.mask & ENDS:
            return True
        names = self._names.get(touch.watch, ALL)
        return names is ALL or touch.name in names


def is_folder(path: Path) -> bool:
    """Whether there is a folder, as far as we may know."""
    with suppress(OSError):
        return path.is_dir()
    return False


def _place_of(path: Path) -> tuple[Path, bytes | None]:
    """The folder in which something happens when something comes to the path, and the name to wait for."""
    if is_folder(path):
        return path, ALL
    name = path.name
    for folder in path.parents:
        if is_folder(folder):
            return folder, os.fsencode(name)
        name = folder.name
    return path.parent, os.fsencode(path.name)
