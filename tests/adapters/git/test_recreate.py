"""A work tree whose folder is gone is built again from its checkpoint."""

import shutil
from pathlib import Path

import pytest

from hive_tui.adapters.git.untracked import Limits
from hive_tui.adapters.git.workspaces import GitWorkspaces
from hive_tui.domain.errors import WorkspaceError
from tests.adapters.git.conftest import Repo
from tests.adapters.git.restoring import Take
from tests.adapters.git.scenes import SCENES
from tests.spread import spread


@pytest.mark.parametrize("name", spread(SCENES, every=2))
def test_a_folder_that_is_gone_is_built_again_from_the_checkpoint_alone(
    name: str, repo: Repo, take: Take, workspaces: GitWorkspaces, tmp_path: Path
):
    source = SCENES[name](repo)
    files, status, entries = source.files(), source.status(), source.entries()
    log = source.git("log", "--format=%H", ok=False)
    taken = take(source)
    for path in tmp_path.iterdir():
        if path.name != "home" and path != taken.folder:
            shutil.rmtree(path)
    workspaces.recreate(taken.folder, source.root)

    assert source.files() == files
    assert source.entries() == entries
    assert source.git("log", "--format=%H", ok=False) == log
    assert without_upstream(source.status()) == without_upstream(status)
    source.git("fsck", "--connectivity-only", "--no-dangling")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".hive")] == []


def without_upstream(status: bytes) -> list[bytes]:
    """Whether a branch follows another is a setting, and settings are not in a checkpoint."""
    return [line for line in status.splitlines() if not line.startswith((b"# branch.upstream", b"# branch.ab"))]


def test_a_linked_worktree_is_built_again_as_one_of_its_repository(repo: Repo, take: Take, workspaces: GitWorkspaces):
    linked = SCENES["linked"](repo)
    files, status = linked.files(), linked.status()
    taken = take(linked, limits=Limits(history_bytes=1))
    for is_pruned in (False, True):
        shutil.rmtree(linked.root)
        if is_pruned:
            repo.git("worktree", "prune")
        workspaces.recreate(taken.folder, linked.root)
        assert (linked.files(), linked.status()) == (files, status)
        assert linked.common_dir == repo.git_dir
        assert len(repo.git("worktree", "list").splitlines()) == 2


def test_a_branch_that_went_on_without_its_worktree_is_not_moved_back(
    repo: Repo, take: Take, workspaces: GitWorkspaces
):
    linked = SCENES["linked"](repo)
    files, taken = linked.files(), take(linked)
    then = linked.line("rev-parse", "HEAD")
    gone_on = linked.commit("gone on")
    shutil.rmtree(linked.root)
    workspaces.recreate(taken.folder, linked.root)
    assert linked.files() == files
    assert (linked.line("rev-parse", "HEAD"), repo.line("rev-parse", "side")) == (then, gone_on)


def test_a_folder_with_something_in_it_is_not_built_again(repo: Repo, take: Take, workspaces: GitWorkspaces):
    taken = take(repo)
    with pytest.raises(WorkspaceError, match="is not empty"):
        workspaces.recreate(taken.folder, repo.root)
    shutil.rmtree(repo.root)
    repo.root.mkdir()
    workspaces.recreate(taken.folder, repo.root)
    assert workspaces.verify(taken.folder, repo.root) == []


def test_a_repository_built_again_knows_its_remotes(repo: Repo, take: Take, workspaces: GitWorkspaces):
    repo.git("remote", "add", "origin", "https://ada:token@example.com/hive.git")
    taken = take(repo)
    shutil.rmtree(repo.root)
    workspaces.recreate(taken.folder, repo.root)
    assert repo.line("remote", "get-url", "origin") == "https://example.com/hive.git"
