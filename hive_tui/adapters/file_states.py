"""Whether files were written or replaced, for who asks again and again of files that mostly rest."""

import os
import stat
from collections.abc import Iterable

from hive_tui.adapters.inotify import IN_ATTRIB, IN_MODIFY, IN_MOVE_SELF, IN_Q_OVERFLOW, Inotify

State = tuple[int, int, int]
NEWS = IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF
"""Of a file. Where it is removed or replaced it has a name less, which counts among its attributes."""


class FileStates:
    """Asks the file system each time."""

    def take_in(self) -> None:
        """From now on what has happened until now counts."""

    def of(self, path: str) -> State | None:
        """What changes when the file is written or replaced, as of the last `take_in` or later; None for no file."""
        return state_of(path)

    def are(self, paths: Iterable[str], states: Iterable[State | None]) -> bool:
        """Whether the files are, one by one, in these states."""
        return all(self.of(path) == state for path, state in zip(paths, states, strict=True))

    def forget(self) -> None:
        """Ask the file system anew of each file, whatever was heard of it."""


ASKED_EACH_TIME = FileStates()


class WatchedFileStates(FileStates):
    """Remembers the states of files as long as the kernel tells nothing of them. For one thread at a time.

    Where the kernel does not tell, as of a file that is not there, of a symbolic link, or on macOS, the file system is
    asked each time. What it cannot tell, as that a folder above was renamed, is seen after `forget`, which also ends
    the watch of files of which nobody has asked since the time before. To be closed.
    """

    def __init__(self) -> None:
        self._inotify: Inotify | None = None
        self._known: dict[str, State] = {}
        self._watches: dict[str, int] = {}
        self._paths: dict[int, set[str]] = {}

    def take_in(self) -> None:
        """See `FileStates`."""
        if self._inotify is None:
            return
        for touch in self._inotify.read():
            if touch.mask & IN_Q_OVERFLOW:
                self._known.clear()
            for path in self._paths.get(touch.watch, ()):
                self._known.pop(path, None)

    def of(self, path: str) -> State | None:
        """See `FileStates`."""
        return self._known.get(path) or self._look_at(path)

    def are(self, paths: Iterable[str], states: Iterable[State | None]) -> bool:
        """See `FileStates`."""
        known = self._known.get  # asked for all agents, at each look
        for path, state in zip(paths, states, strict=True):  # noqa: SIM110 - a call for each costs as much again
            if (known(path) or self._look_at(path)) != state:
                return False
        return True

    def forget(self) -> None:
        """See `FileStates`."""
        if self._inotify is None:
            return
        for path in self._watches.keys() - self._known.keys():
            self._unwatch(path)
        self._known.clear()

    def close(self) -> None:
        """Watch no more; asked again, it begins anew."""
        inotify, self._inotify = self._inotify, None
        for one in (self._known, self._watches, self._paths):
            one.clear()
        if inotify is not None:
            inotify.close()

    def _look_at(self, path: str) -> State | None:
        try:
            found = os.lstat(path)
        except OSError:
            return None
        # A link that is set anew is another file, and nobody tells that.
        if not stat.S_ISREG(found.st_mode):
            return state_of(path)
        if self._inotify is None:
            self._inotify = Inotify()
        if (watch := self._inotify.add(path, NEWS)) < 0:
            return _state(found)
        if self._watches.get(path, watch) != watch:
            self._unwatch(path)
        self._watches[path] = watch
        self._paths.setdefault(watch, set()).add(path)
        # Behind the watch, so that nothing is missed in between.
        if (state := state_of(path)) is not None:
            self._known[path] = state
        return state

    def _unwatch(self, path: str) -> None:
        watch = self._watches.pop(path)
        others = self._paths.get(watch, set())
        others.discard(path)
        if not others and self._inotify is not None:
            self._paths.pop(watch, None)
            self._inotify.remove(watch)


def state_of(path: str) -> State | None:
    """What changes when the file is written or replaced; None for no file."""
    try:  # and no `suppress`, nor Path: each second, of each agent
        return _state(os.stat(path))  # noqa: PTH116
    except OSError:
        return None


def _state(found: os.stat_result) -> State:
    return found.st_mtime_ns, found.st_size, found.st_ino
