"""Walks through a folder and decides what of it a checkpoint takes. Reads no file and follows no link."""

import os
import stat
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from hive_tui.adapters.files.tree import mode_of
from hive_tui.adapters.folder.ignore import Rules, is_remade_file, is_remade_folder, rules_of, verdict
from hive_tui.adapters.folder.scope import mount_points
from hive_tui.domain.workspaces import FileEntry, LeftOut, NestedRepository, Skipped, is_secret

MAX_PATH_BYTES = 2048
"""Longer paths could not be unpacked below another folder."""

NAMED = 5
MAX_SKIPPED = 1000
"""So many files that were left out are listed one by one."""


@dataclass(frozen=True, slots=True)
class FolderLimits:
    """How much of a folder a snapshot takes."""

    file_bytes: int = 100_000_000
    """Larger files are left out."""
    total_bytes: int = 2_000_000_000
    """Once so much is taken, the rest is left out."""
    files: int = 100_000
    """Once so many files are taken, the rest is left out and not looked at."""
    walk_s: float = 60.0
    """Seconds after which the rest is not looked at, on a disk that hardly answers."""


@dataclass(slots=True)
class Found:
    """What a walk has found."""

    files: list[FileEntry] = field(default_factory=list)
    """Files, links and folders."""
    nested: list[NestedRepository] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    """Files that are work and are not taken."""
    _left_out: dict[str, LeftOut] = field(default_factory=dict)

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """What was left out, by reason, and those first that stand for most."""
        return tuple(sorted(self._left_out.values(), key=lambda one: (-one.size_bytes, one.reason)))

    def leave_out(self, path: str, reason: str, size_bytes: int | None, *, is_work: bool) -> None:
        """Note a file, or a folder (no size), that is not taken."""
        before = self._left_out.get(reason, LeftOut(reason, 0, 0, 0, ()))
        is_file = size_bytes is not None
        first = before.first if len(before.first) >= NAMED else (*before.first, path)
        self._left_out[reason] = LeftOut(
            reason,
            before.files + is_file,
            before.folders + (not is_file),
            before.size_bytes + (size_bytes or 0),
            first,
        )
        if is_work and len(self.skipped) < MAX_SKIPPED:
            self.skipped.append(Skipped(path, reason))


@dataclass(frozen=True, slots=True)
class _Folder:
    path: str
    """Relative to the root, with `/` at its end; empty for the root."""
    rules: tuple[Rules, ...]


class Walk:
    """One walk, outer folders first, so that a limit cuts off what lies deepest.

    Args:
        root: Where it begins.
        limits: Where it ends.
        ours: Folders that are no part of the work.
        is_late: Whether the time for it is up.
        look_up: Called for every folder; may raise to stop the walk.
    """

    def __init__(
        self,
        root: Path,
        limits: FolderLimits,
        *,
        ours: Sequence[Path],
        is_late: Callable[[], bool],
        look_up: Callable[[], None],
    ) -> None:
        self._root = root
        self._limits = limits
        self._ours = {str(path) for path in ours}
        self._is_late = is_late
        self._look_up = look_up
        self._mounts = mount_points(root)
        self._device = root.stat().st_dev
        self._found = Found()
        self._size_bytes = 0
        self._count = 0

    def run(self) -> Found:
        """Everything that it finds."""
        waiting = deque([_Folder("", ())])
        while waiting:
            self._look_up()
            folder = waiting.popleft()
            if self._is_full() or self._is_late():
                reason = "beyond the limit of files" if self._is_full() else "not looked at, since the disk is slow"
                self._found.leave_out(folder.path.rstrip("/") or ".", reason, None, is_work=True)
                continue
            waiting.extend(self._enter(folder))
        return self._found

    def _enter(self, folder: _Folder) -> list[_Folder]:
        """Take the files of a folder; the folders in it."""
        place = self._root / folder.path
        try:
            with os.scandir(place) as listed:
                entries = sorted(listed, key=lambda entry: entry.name)
        except OSError as error:
            reason = f"cannot be read: {error.strerror}"
            self._found.leave_out(folder.path.rstrip("/") or ".", reason, None, is_work=True)
            return []
        names = [entry.name for entry in entries]
        own = rules_of(place, folder.path, names)
        inside = _Folder(folder.path, (*folder.rules, own) if own else folder.rules)
        found = [self._meet(inside, entry, names) for entry in entries]
        return [one for one in found if one is not None]

    def _meet(self, folder: _Folder, entry: os.DirEntry[str], siblings: Sequence[str]) -> _Folder | None:
        path = folder.path + entry.name
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                self._found.leave_out(path, f"cannot be read: {error.strerror}", 0, is_work=True)
            return None
        if entry.name.lower() == ".git":
            return None  # a repository that git cannot use, which the facts say
        if stat.S_ISDIR(status.st_mode):
            return self._meet_folder(folder, entry, status, siblings)
        self._meet_file(folder, entry, status)
        return None

    def _meet_folder(
        self, folder: _Folder, entry: os.DirEntry[str], status: os.stat_result, siblings: Sequence[str]
    ) -> _Folder | None:
        path = folder.path + entry.name
        if entry.path in self._ours:
            return None
        said = verdict(folder.rules, f"{path}/")
        if said or (said is None and is_remade_folder(entry.name, siblings, entry.path)):
            reason = "ignored by a rule" if said else "made again by programs"
            self._found.leave_out(path, reason, None, is_work=False)
            return None
        if status.st_dev != self._device or entry.path in self._mounts:
            self._found.leave_out(path, "on another file system", None, is_work=True)
            return None
        if os.path.lexists(f"{entry.path}/.git"):
            self._found.nested.append(NestedRepository(path, None))
            self._found.leave_out(path, "a git repository of its own", None, is_work=True)
            return None
        self._found.files.append(FileEntry(path, f"040{status.st_mode & 0o777:03o}", changed_ns=status.st_mtime_ns))
        return _Folder(f"{path}/", folder.rules)

    def _meet_file(self, folder: _Folder, entry: os.DirEntry[str], status: os.stat_result) -> None:
        path = folder.path + entry.name
        said = verdict(folder.rules, path)
        if said or (said is None and is_remade_file(entry.name)):
            reason = "ignored by a rule" if said else "made again by programs"
            self._found.leave_out(path, reason, status.st_size, is_work=False)
            return
        mode = mode_of(status, exact=True)
        reason = self._against(path, mode, status)
        if mode is None or reason:
            self._found.leave_out(path, reason, status.st_size, is_work=True)
            return
        self._count += 1
        if stat.S_ISLNK(status.st_mode):
            with suppress(OSError):  # it is gone
                target = str(Path(entry.path).readlink())
                self._found.files.append(FileEntry(path, mode, changed_ns=status.st_mtime_ns, target=target))
            return
        self._size_bytes += status.st_size
        self._found.files.append(FileEntry(path, mode, entry.path, status.st_size, status.st_mtime_ns))

    def _against(self, path: str, mode: str | None, status: os.stat_result) -> str:
        """Why a file is not taken; empty if it is."""
        if mode is None:
            return "no plain file"
        if is_secret(path):
            return "looks like a secret"
        if len(os.fsencode(path)) > MAX_PATH_BYTES:
            return f"its path is longer than {MAX_PATH_BYTES} bytes"
        if stat.S_ISREG(status.st_mode) and status.st_size > self._limits.file_bytes:
            return f"larger than {self._limits.file_bytes} bytes"
        if self._is_full():
            return "beyond the limit of files"
        if self._size_bytes + status.st_size > self._limits.total_bytes:
            return f"beyond {self._limits.total_bytes} bytes together"
        if stat.S_ISREG(status.st_mode) and not self._may_read(path):
            return "cannot be read: Permission denied"
        return ""

    def _may_read(self, path: str) -> bool:
        # Of the user who will open it, which is not always the one who has started the program.
        is_effective = os.access in os.supports_effective_ids
        return os.access(os.path.join(self._root, path), os.R_OK, effective_ids=is_effective)  # noqa: PTH118 - speed

    def _is_full(self) -> bool:
        return self._count >= self._limits.files
