"""Real folders, and snapshots of them that went through a real checkpoint file."""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from hive_tui.adapters.clock import SystemClock
from hive_tui.adapters.folder.walk import FolderLimits
from hive_tui.adapters.folder.workspaces import FolderWorkspaces
from hive_tui.archive import reader
from hive_tui.archive.writer import writing
from hive_tui.domain.contents import FILES
from hive_tui.domain.workspaces import WorkspaceFacts

Files = dict[str, tuple[int, str | bytes]]
"""Permissions and content by path; the target of a link, and nothing of a folder."""


@dataclass(frozen=True)
class Taken:
    """A snapshot that was unpacked again."""

    folder: Path
    facts: WorkspaceFacts


Take = Callable[..., Taken]


def write(root: Path, path: str | bytes, content: str | bytes = "content\n", mode: int = 0o644) -> Path:
    place = root / os.fsdecode(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content.encode() if isinstance(content, str) else content)
    place.chmod(mode)
    return place


def look(root: Path) -> Files:
    """Everything below a folder."""
    found: Files = {}
    for path in sorted(root.rglob("*")):
        name, mode = str(path.relative_to(root)), path.lstat().st_mode
        if path.is_symlink():
            found[name] = (0, str(path.readlink()))
        elif path.is_dir():
            found[f"{name}/"] = (stat.S_IMODE(mode), b"")
        elif path.is_file():
            found[name] = (stat.S_IMODE(mode), path.read_bytes())
    return found


def prints(root: Path) -> dict[str, tuple[int, ...]]:
    """What must be the same after a snapshot: inodes, sizes and all time stamps but those of reading."""
    places = (root, *root.rglob("*"))
    found = {str(path): path.lstat() for path in places}
    return {
        name: (one.st_ino, one.st_mode, one.st_size, one.st_mtime_ns, one.st_ctime_ns) for name, one in found.items()
    }


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a bit of everything."""
    made = tmp_path / "work"
    write(made, "notes.md", "# Notes\none\ntwo\n")
    write(made, "deep/er/data.bin", bytes(range(256)) * 40)
    write(made, "run.sh", "#!/bin/sh\n", 0o755)
    write(made, "private.txt", "mine\n", 0o600)
    (made / "empty").mkdir(mode=0o750)
    (made / "link").symlink_to("notes.md")
    (made / "dangling").symlink_to("/nowhere/at all")
    return made


@pytest.fixture
def workspaces() -> FolderWorkspaces:
    return FolderWorkspaces(SystemClock())


@pytest.fixture
def take(tmp_path: Path) -> Take:
    """Takes snapshots through a checkpoint file, and checks each time that the folder is exactly as it was."""
    count = iter(range(1000))

    def make(
        root: Path,
        *,
        limits: FolderLimits | None = None,
        ours: tuple[Path, ...] = (),
        meanwhile: Callable[[], object] | None = None,
    ) -> Taken:
        folder = tmp_path / f"snapshot-{next(count)}"
        scratch, unpacked = folder / "scratch", folder / "unpacked"
        scratch.mkdir(parents=True)
        before = prints(root)
        facts = FolderWorkspaces(SystemClock(), limits, ours).snapshot(root, scratch)
        if meanwhile is not None:
            meanwhile()
        with writing(folder / "file.tar.zst", {}) as (archive, _):
            for path in scratch.iterdir():
                archive.add_file(f"workspace/{path.name}", path)
            archive.add_tree(FILES, root, [file.path for file in facts.files])
        assert meanwhile is not None or prints(root) == before, "the snapshot has touched the folder"
        unpacked.mkdir()
        reader.extract(folder / "file.tar.zst", unpacked, free_links=FILES)
        return Taken(unpacked / "workspace", facts)

    return make
