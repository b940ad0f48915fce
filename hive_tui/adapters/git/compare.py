"""Compares the work trees of two snapshots."""

from pathlib import Path

from hive_tui.adapters.files.state import read_state
from hive_tui.adapters.git.bundle import open_bundles
from hive_tui.adapters.git.command import Git
from hive_tui.adapters.git.listing import object_sizes, tree_differences
from hive_tui.adapters.git.repository import Repository, find_repository
from hive_tui.adapters.git.sandbox import Sandbox, sandbox
from hive_tui.domain.comparison import FileDelta
from hive_tui.domain.errors import WorkspaceError
from hive_tui.domain.workspaces import GITLINK, WorkspaceFacts


def compare_snapshots(git: Git, old: Path, new: Path) -> list[FileDelta]:
    """The files that differ between two snapshots, by path.

    Raises:
        WorkspaceError: One of them cannot be read, or the two are of different kinds of repositories.
    """
    was, now = read_state(old), read_state(new)
    if was.worktree is None or now.worktree is None or was.worktree.tree == now.worktree.tree:
        return []
    if was.object_format != now.object_format:
        raise WorkspaceError("The two checkpoints are of repositories whose object ids are of different kinds.")
    with sandbox(new.parent, git) as box:
        box.create(now.object_format, _lender(box, was, now))
        for folder in (old, new):
            open_bundles(folder, box, now.object_format)
        found = tree_differences(box.git, "diff-tree", "-r", was.worktree.tree, now.worktree.tree)
        files = [item for item in found if GITLINK not in (item.old_mode, item.new_mode)]
        ids = {name for item in files for name in (item.old_id, item.new_id) if name is not None}
        sizes = object_sizes(box.git, ids)
        return [
            FileDelta(item.path, sizes.get(item.old_id or ""), sizes.get(item.new_id or ""))
            for item in sorted(files, key=lambda item: item.path)
        ]


def _lender(box: Sandbox, was: WorkspaceFacts, now: WorkspaceFacts) -> Repository | None:
    """The repository, where a bundle holds only what that one lacked."""
    if not (was.needs_repo or now.needs_repo) or not Path(now.root).is_dir():
        return None
    return find_repository(box.plain, Path(now.root))
