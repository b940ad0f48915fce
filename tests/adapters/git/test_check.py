"""A snapshot that is not whole is found out."""

from pathlib import Path

import pytest

from hive_tui.adapters.git.bundle import BUNDLE
from hive_tui.adapters.git.untracked import Limits
from hive_tui.adapters.git.workspaces import GitWorkspaces
from hive_tui.domain.errors import WorkspaceError
from tests.adapters.git.conftest import Repo
from tests.adapters.git.restoring import Take


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 0xFF
    path.write_bytes(content)


@pytest.mark.parametrize("has_index", [True, False], ids=["with its pack index", "without one"])
@pytest.mark.parametrize("share", [0.4, 0.6, 0.8, 0.99])
def test_a_changed_byte_in_the_pack_is_found(
    share: float, has_index: bool, repo: Repo, take: Take, workspaces: GitWorkspaces
):
    repo.write("notes.txt", "untracked\n" * 50)
    taken = take(repo)
    if not has_index:
        (taken.folder / "repo.idx").unlink()
        workspaces.check(taken.folder)
    bundle = taken.folder / BUNDLE
    flip(bundle, int(bundle.stat().st_size * share))
    with pytest.raises(WorkspaceError, match="git bundle"):
        workspaces.check(taken.folder)


@pytest.mark.parametrize("limits", [None, Limits(history_bytes=1)], ids=["with history", "without"])
def test_a_captured_commit_that_the_bundle_lacks_is_found(
    limits: Limits | None, repo: Repo, take: Take, workspaces: GitWorkspaces
):
    taken = take(repo, limits=limits)
    assert taken.facts.worktree is not None
    state = taken.folder / "state.json"
    state.write_text(state.read_text().replace(taken.facts.worktree.commit, "1" * 40))
    with pytest.raises(WorkspaceError, match="damaged"):
        workspaces.check(taken.folder)


def test_history_that_the_bundle_lacks_is_found(repo: Repo, take: Take, workspaces: GitWorkspaces):
    taken = take(repo, limits=Limits(history_bytes=1))
    state = taken.folder / "state.json"
    text = state.read_text()
    assert '"needs_repo": true' in text
    state.write_text(text.replace('"needs_repo": true', '"needs_repo": false'))
    with pytest.raises(WorkspaceError, match="damaged"):
        workspaces.check(taken.folder)


def test_a_bundle_that_is_gone_is_found(repo: Repo, take: Take, workspaces: GitWorkspaces):
    taken = take(repo)
    (taken.folder / BUNDLE).unlink()
    with pytest.raises(WorkspaceError, match="cannot be read"):
        workspaces.check(taken.folder)


def test_a_snapshot_of_a_folder_without_files_is_whole(tmp_path: Path, workspaces: GitWorkspaces):
    plain, into = tmp_path / "plain", tmp_path / "into"
    plain.mkdir()
    into.mkdir()
    workspaces.snapshot(plain, into)
    workspaces.check(into)
