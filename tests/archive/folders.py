"""Folders to archive, and what is in them."""

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from hive_tui.archive.reader import extract
from hive_tui.archive.sources import Skipped
from hive_tui.archive.writer import Written, writing

TICK_NS = 100_000_000
"""Longer than a file may have changed twice at the same time, as far as `Previous` knows."""


def fill(root: Path, contents: Mapping[str, bytes]) -> Path:
    for name, content in contents.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def names_below(root: Path) -> list[str]:
    """Everything in it, also folders; links are not followed."""
    found: list[str] = []
    for folder, folders, files in os.walk(root):
        found += [os.path.relpath(os.path.join(folder, name), root) for name in (*folders, *files)]  # noqa: PTH118
    return sorted(found)


def facts_below(root: Path) -> dict[str, tuple[object, ...]]:
    """What a restore must bring back of each: content, mode and time; where a link leads."""
    return {name: _facts(root / name) for name in names_below(root)}


def _facts(path: Path) -> tuple[object, ...]:
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return ("link", str(path.readlink()))
    if stat.S_ISDIR(status.st_mode):
        return ("folder", status.st_mode & 0o777)
    return ("file", status.st_mode & 0o777, status.st_mtime_ns, path.read_bytes())


def take(
    path: Path, root: Path, previous: Path | None = None, *, names: Iterable[str] | None = None
) -> tuple[Written, list[Skipped]]:
    """Archive a folder."""
    with writing(path, {}, previous=previous) as (archive, results):
        skipped = archive.add_tree("tree", root, names_below(root) if names is None else names)
    return results[0], skipped


def unpacked(path: Path, into: Path) -> dict[str, tuple[object, ...]]:
    """What comes back of a folder that was taken."""
    extract(path, into)
    return facts_below(into / "tree") if (into / "tree").exists() else {}


def let_time_pass(folder: Path) -> None:
    """Until what changes now gets a time that differs from all before."""
    probe = folder / ".probe"
    probe.touch()
    began = probe.stat().st_ctime_ns
    while probe.stat().st_ctime_ns < began + TICK_NS:
        os.utime(probe)
    probe.unlink()
