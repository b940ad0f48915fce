"""Builds a folder again that is gone."""

import os
import shutil
from pathlib import Path

from hive_tui.adapters.files.journal import sync
from hive_tui.adapters.files.ondisk import PIECE, differences, unwatched
from hive_tui.adapters.files.room import too_little
from hive_tui.adapters.files.temporary import work_folder
from hive_tui.adapters.files.tree import Tree
from hive_tui.adapters.folder.apply import RESERVE_BYTES
from hive_tui.adapters.folder.listing import FILES, HASH, Listing, contents, read_listing
from hive_tui.domain.errors import WorkspaceError
from hive_tui.domain.ports import Progress
from hive_tui.domain.workspaces import SYMLINK, FileEntry

PREFIX = ".hive-folder-"
"""How the names of temporary folders begin; the id of their process follows."""


def recreate_folder(checkpoint: Path, root: Path, progress: Progress | None) -> None:
    """Build the folder `root` from the checkpoint; in one step, so that a crash leaves nothing half done.

    Raises:
        WorkspaceError: There is something at `root`.
        DiskFull: The files would not fit.
    """
    listing = read_listing(checkpoint)
    if os.path.lexists(root) and (not root.is_dir() or any(root.iterdir())):
        raise WorkspaceError(f"{root} is there and is not empty.", hint="Move it away, then restore again.")
    root.parent.mkdir(parents=True, exist_ok=True)
    needed = sum(entry.size_bytes for entry in listing.files.values())
    missing = needed + RESERVE_BYTES - shutil.disk_usage(root.parent).free
    if missing > 0:
        raise too_little(root.parent, needed, missing, hint="Nothing was changed.")
    with work_folder(root.parent, PREFIX) as work:
        (work / "new").mkdir()
        _fill(listing, checkpoint / FILES, work / "new", progress)
        os.sync()
        (work / "new").rename(root)
        sync(root.parent)


def find_differences(checkpoint: Path, root: Path, progress: Progress | None = None) -> list[str]:
    """A sentence for each file of the checkpoint that is not in `root` as it was then."""
    place = checkpoint / FILES
    place.mkdir(exist_ok=True)
    with Tree(root, exact=True) as tree:
        expected = contents(read_listing(checkpoint), place)
        return list(differences(tree, expected, HASH, progress.advance if progress else unwatched))


def _fill(listing: Listing, saved: Path, new: Path, progress: Progress | None) -> None:
    """Folders, then files, then links, so that nothing is ever written through a link."""
    saved.mkdir(exist_ok=True)
    with Tree(new) as tree, Tree(saved) as source:
        for path in sorted(listing.folders):
            tree.make_folder(os.fsencode(path))
        for entry in listing.files.values():
            if entry.mode != SYMLINK and source.stat(os.fsencode(entry.path)) is not None:
                _copy(source, tree, entry)
                if progress is not None:
                    progress.advance(entry.size_bytes)
        for entry in listing.files.values():
            if entry.mode == SYMLINK:
                name, folder = tree.place(os.fsencode(entry.path), make=True)
                os.symlink(os.fsencode(entry.target), name, dir_fd=folder)
        for path in sorted(listing.folders, reverse=True):
            entry = listing.folders[path]
            tree.set_folder_permissions(os.fsencode(path), entry.permissions)
            name, folder = tree.place(os.fsencode(path))
            os.utime(name, ns=(entry.changed_ns, entry.changed_ns), dir_fd=folder)


def _copy(source: Tree, tree: Tree, entry: FileEntry) -> None:
    path = os.fsencode(entry.path)
    name, folder = tree.place(path, make=True)
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=folder)
    with os.fdopen(descriptor, "wb", buffering=0) as target, os.fdopen(source.open(path), "rb") as content:
        shutil.copyfileobj(content, target, PIECE)
        os.fchmod(descriptor, entry.permissions)
        os.utime(descriptor, ns=(entry.changed_ns, entry.changed_ns))
