"""Finds the files that git does not track, and decides which of them a checkpoint takes."""

import os
import re
import stat
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hive_tui.adapters.files.tree import Tree, mode_of
from hive_tui.adapters.git.command import Git, GitFailed
from hive_tui.domain.workspaces import SYMLINK, NestedRepository, Skipped, is_secret

UNOPENED = re.compile(r"^warning: could not open directory '(.+)/': (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a snapshot takes."""

    history_bytes: int = 200_000_000
    """With a larger packed history the bundle holds only what HEAD lacks."""
    untracked_file_bytes: int = 100_000_000
    """Larger untracked files are left out."""
    untracked_bytes: int = 2_000_000_000
    """Once so much of untracked files is taken, the rest is left out."""


@dataclass(slots=True)
class Untracked:
    """What git does not track and does not ignore."""

    wanted: list[bytes] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    nested: list[NestedRepository] = field(default_factory=list)
    left_out: list[list[Any]] = field(default_factory=list)
    """What git has listed and is not wanted, with what would show that it has changed."""
    warnings: str = ""
    """What git said while it looked."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What git said of files that it does not track."""

    paths: bytes
    """Each with a zero byte behind it."""
    warnings: bytes


def list_untracked(git: Git) -> Listing:
    """Have git look through all folders.

    Args:
        git: Works on the files and an index that names the tracked ones.

    Raises:
        GitFailed: It cannot read the index, or not the folder.
    """
    return Listing(*git.run_and_listen("ls-files", "--others", "--exclude-standard", "-z"))


def find_untracked(listing: Listing, root: Path, limits: Limits, ours: Sequence[Path]) -> Untracked:
    """Choose among untracked files.

    Args:
        listing: What there is below `root`.
        root: Where the files are.
        limits: How much is taken.
        ours: Folders that are no part of the work, should they lie below the root.
    """
    found = Untracked(warnings=listing.warnings.decode(errors="replace"))
    foreign = [os.fsencode(path.relative_to(root)) for path in ours if path.is_relative_to(root)]
    total = 0
    with Tree(root) as tree:
        for folder, reason in UNOPENED.findall(listing.warnings.decode(errors="surrogateescape")):
            found.skipped.append(Skipped(folder, f"cannot be read: {reason}"))
        for path in listing.paths.split(b"\0")[:-1]:
            if any(path == name or path.startswith(name + b"/") for name in foreign):
                continue
            if path.endswith(b"/"):
                found.nested.append(NestedRepository(os.fsdecode(path[:-1]), None))
                found.left_out.append(looks(os.fsdecode(path)))
                continue
            size, reason = _weigh(tree, path, limits, total)
            if reason:
                found.skipped.append(Skipped(os.fsdecode(path), reason))
                with suppress(OSError):
                    found.left_out.append(looks(os.fsdecode(path), tree.stat(path)))
            elif size is not None:
                total += size
                found.wanted.append(path)
    return found


def looks(name: str, found: os.stat_result | None = None) -> list[Any]:
    """What shows that a file that is not captured has changed, as JSON values; of a folder, its name alone."""
    plain = found if found is not None and not name.endswith("/") else None
    return [name, plain.st_mode, plain.st_size, plain.st_ctime_ns] if plain else [name]


class Specials:
    """Pipes, sockets and devices, which git never mentions, in the folders of known files.

    Args:
        root: Where the files are.
    """

    def __init__(self, root: Path) -> None:
        self._root = os.fsencode(root)
        self._looked_into: set[bytes] = set()
        self._found: list[bytes] = []

    def look_beside(self, paths: Iterable[bytes]) -> None:
        """Look into the folders of these files, unless that was done."""
        folders = {b""} | {path.rpartition(b"/")[0] for path in paths}
        for folder in folders - self._looked_into:
            with suppress(OSError), os.scandir(os.path.join(self._root, folder)) as entries:  # noqa: PTH118 - bytes
                for entry in entries:
                    is_plain = entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)
                    if not (is_plain or entry.is_symlink()):
                        self._found.append(b"/".join(filter(None, (folder, entry.name))))
        self._looked_into |= folders

    def skipped(self, git: Git) -> list[Skipped]:
        """Those that git does not ignore."""
        ignored = set(_ignored(git, self._found)) if self._found else set()
        return [Skipped(os.fsdecode(path), "no plain file") for path in self._found if path not in ignored]


def _weigh(tree: Tree, path: bytes, limits: Limits, total: int) -> tuple[int | None, str]:
    """The size of a file and why it is left out, if it is; no size if it is gone."""
    if is_secret(os.fsdecode(path)):
        return 0, "looks like a secret"
    try:
        found = tree.stat(path)
    except OSError as error:
        return 0, f"cannot be read: {error.strerror}"
    if found is None or stat.S_ISDIR(found.st_mode):
        return None, ""
    if mode_of(found) is None:
        return 0, "no plain file"
    if mode_of(found) != SYMLINK and found.st_size > limits.untracked_file_bytes:
        return 0, f"untracked and larger than {limits.untracked_file_bytes} bytes"
    if total + found.st_size > limits.untracked_bytes:
        return 0, f"untracked files are larger than {limits.untracked_bytes} bytes together"
    return found.st_size, ""


def _ignored(git: Git, paths: Sequence[bytes]) -> list[bytes]:
    try:
        return git.records("check-ignore", "-z", "--stdin", stdin=b"\0".join(paths) + b"\0")
    except GitFailed:
        return []  # git says "none of them" by an error
