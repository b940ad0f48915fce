"""Checks that what a snapshot wrote is whole."""

from pathlib import Path

from hive_tui.adapters.files.state import read_state
from hive_tui.adapters.git.bundle import open_bundles
from hive_tui.adapters.git.command import Git, GitFailed
from hive_tui.adapters.git.sandbox import sandbox
from hive_tui.domain.errors import WorkspaceError
from hive_tui.domain.workspaces import WorkspaceFacts


def check_snapshot(git: Git, saved: Path) -> None:
    """Compute every object of the bundle anew, and follow the links from the captured commits.

    A bundle that needs its repository is followed no further than it reaches by itself.

    Raises:
        WorkspaceError: An object is damaged or missing.
    """
    wanted = read_state(saved)
    if wanted.worktree is None:
        return
    with sandbox(saved.parent, git) as box:
        box.create(wanted.object_format, None)
        (box.git_dir / "shallow").write_text("".join(f"{commit}\n" for commit in wanted.shallow))
        packs = open_bundles(saved, box, wanted.object_format)
        try:
            box.git.run("verify-pack", *packs)
            _follow(box.git, wanted)
        except GitFailed as error:
            raise WorkspaceError(
                f"The git bundle in {saved} is damaged: {error.said.strip() or error.what}.",
                hint="Try an older generation.",
            ) from error


def _follow(git: Git, wanted: WorkspaceFacts) -> None:
    assert wanted.worktree is not None
    captured = [tree.commit for tree in (wanted.index, wanted.worktree) if tree is not None]
    if wanted.needs_repo:
        for name in captured:
            git.run("cat-file", "-e", name)
        return
    tips = [*captured, *([wanted.head] if wanted.head else []), *([wanted.loose_blobs] if wanted.loose_blobs else [])]
    git.run("rev-list", "--objects", "--quiet", *tips)
