"""Watches files by the watchfiles library, and looks at them where it cannot."""

import heapq
import os
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from hive_tui.domain.file_changes import IGNORED, FileNews, is_ignored

MOST_TOUCHED = 5_000
"""Beyond so many at once the kernel may have dropped some, and all is looked at."""
MOST_SEEN = 200_000
KEPT_PATHS = 20
STEP_MS = 500
"""How often the library looks for news of the kernel: at its own 50 it would take ten times the CPU."""
JOIN_S = 1.0

Target = tuple[Path, bool, int]
"""A folder, whether all below it counts too, and its inode: one that was made anew is watched anew."""


class Stop(threading.Event):
    """Ends a watch, and tells when that has begun: the library asks for its end only once the kernel watches."""

    def __init__(self, begun: Callable[[], None]) -> None:
        super().__init__()
        self._begun: Callable[[], None] | None = begun

    def is_set(self) -> bool:
        """Asked by the library, again and again."""
        if self._begun is not None:
            begun, self._begun = self._begun, None
            begun()
        return super().is_set()


class Watcher:
    """One thread that watches some folders.

    Args:
        told: Where what has happened is noted.
    """

    def __init__(self, told: "SystemFileWatch", folders: Collection[Path], *, recursive: bool, step_ms: int) -> None:
        self._told = told
        self._folders = sorted(folders)
        self._recursive = recursive
        self._step_ms = step_ms
        # What has happened until then was seen by nobody.
        self._stop = Stop(told.lose)
        self._thread = threading.Thread(target=self._run, name="file watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End soon."""
        self._stop.set()

    def join(self) -> None:
        """Wait a little for its end."""
        self._thread.join(JOIN_S)

    def _run(self) -> None:
        try:
            from watchfiles import watch

            changes = watch(
                *self._folders,
                watch_filter=None,
                debounce=2 * self._step_ms,
                step=self._step_ms,
                stop_event=self._stop,
                recursive=self._recursive,
                raise_interrupt=False,
            )
            for found in changes:
                self._told.note([Path(path) for _, path in found])
        except ImportError:
            self._told.fail("The package watchfiles is missing: `pip install 'hive-tui[files]'`.")
        except Exception as error:  # the library words the limits of the system as it likes
            limit = "limit" in str(error) or "Too many" in str(error)
            hint = " Raise fs.inotify.max_user_watches or max_user_instances." if limit else ""
            self._told.fail(f"The system refuses to tell of changes: {str(error)[:120]}.{hint}")


class SystemFileWatch:
    """See `FileWatch`.

    Args:
        own: Folders in which only hive-tui writes.
        step_ms: See `STEP_MS`.
    """

    def __init__(self, own: Sequence[Path], *, step_ms: int = STEP_MS) -> None:
        self._own = tuple(own)
        self._step_ms = step_ms
        self._watchers: list[Watcher] = []
        self._targets: frozenset[Target] = frozenset()
        self._roots: frozenset[Path] = frozenset()
        self._trouble = ""
        self._touched: set[Path] = set()
        self._has_lost = False
        self._is_closed = False
        self._news = threading.Condition()

    def watch(self, paths: Collection[Path]) -> str:
        """See `FileWatch`."""
        self._roots = frozenset(paths)
        targets = frozenset(target for path in paths for target in _targets(path))
        if targets != self._targets or self._is_closed:
            self._end()
            self._targets, self._trouble, self._is_closed = targets, "", False
            for recursive in (True, False):
                if folders := {folder for folder, is_deep, _ in targets if is_deep is recursive}:
                    self._watchers.append(Watcher(self, folders, recursive=recursive, step_ms=self._step_ms))
        return self._trouble

    def touched(self, timeout_s: float) -> frozenset[Path] | None:
        """See `FileWatch`."""
        with self._news:
            self._news.wait_for(lambda: self._touched or self._has_lost or self._is_closed, timeout_s)
            touched, self._touched = self._touched, set()
            has_lost, self._has_lost = self._has_lost, False
        return None if has_lost else frozenset(touched)

    def note(self, paths: Collection[Path]) -> None:
        """These were touched; called by a watcher."""
        with self._news:
            self._has_lost = self._has_lost or len(paths) >= MOST_TOUCHED
            self._touched |= {path for path in paths if not is_ignored(path, self._own)}
            if self._touched or self._has_lost:
                self._news.notify_all()

    def lose(self) -> None:
        """Something may have happened that was not noted; called by a watcher."""
        with self._news:
            self._has_lost = True
            self._news.notify_all()

    def fail(self, trouble: str) -> None:
        """A watcher has ended; called by it."""
        with self._news:
            self._trouble = trouble

    def look_at(self, paths: Collection[Path], since_ns: int) -> FileNews | None:
        """See `FileWatch`."""
        # Of one that is gone the folder tells when.
        return _news(((path, _changed_ns(path) or _changed_ns(path.parent)) for path in paths), since_ns, self._roots)

    def look_below(self, paths: Collection[Path], since_ns: int) -> FileNews | None:
        """See `FileWatch`."""
        return _news((one for path in paths for one in self._walk(path)), since_ns, paths)

    def close(self) -> None:
        """See `FileWatch`."""
        with self._news:
            self._is_closed = True
            self._news.notify_all()
        for watcher in self._watchers:
            watcher.stop()

    def _walk(self, path: Path) -> Iterator[tuple[Path, int]]:
        """The path and all below it, as far as it is not ignored; never through symbolic links."""
        left, seen = [path], 0
        while left and seen < MOST_SEEN:
            here = left.pop()
            yield here, _changed_ns(here)
            with suppress(OSError), os.scandir(here) as entries:
                for entry in entries:
                    seen += 1
                    below = Path(entry.path)
                    if entry.name in IGNORED or is_ignored(below, self._own):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        left.append(below)
                    else:
                        yield below, _changed_ns(below)

    def _end(self) -> None:
        watchers, self._watchers = self._watchers, []
        for watcher in watchers:
            watcher.stop()
        for watcher in watchers:
            watcher.join()


def _targets(path: Path) -> Iterator[Target]:
    """What to watch for a path: itself if it is a folder, else the folder in which it is, or will be."""
    for folder, is_deep in ((path, True), (path.parent, False)):
        with suppress(OSError):
            if folder.is_dir():
                yield folder, is_deep, folder.stat().st_ino
                return


def _news(found: Iterator[tuple[Path, int]], since_ns: int, roots: Collection[Path]) -> FileNews | None:
    changed = [(at_ns, path) for path, at_ns in found if at_ns > since_ns]
    if not changed:
        return None
    # A folder changes with what is in it; it is named only where nothing else is.
    files = [one for one in changed if not one[1].is_dir()] or changed
    newest = heapq.nlargest(KEPT_PATHS, files)
    paths = tuple(_below(path, roots) for _, path in newest)
    return FileNews(max(changed)[0], paths, len(files))


def _below(path: Path, roots: Collection[Path]) -> str:
    root = next((one for one in roots if one in path.parents), path.parent)
    return str(path.relative_to(root))


def _changed_ns(path: Path) -> int:
    """When its content, name or mode changed; 0 if it is not there.

    Not when it says it was changed: that is what programs make of it that copy and unpack.
    """
    with suppress(OSError):
        return path.lstat().st_ctime_ns
    return 0
