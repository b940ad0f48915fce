"""A restore moves HEAD and branches with care, and brings back commits that are lost."""

import errno
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hive_tui.adapters.git.untracked import Limits
from hive_tui.adapters.git.workspaces import GitWorkspaces
from hive_tui.domain.errors import WorkspaceError
from tests.adapters.git.conftest import Repo
from tests.adapters.git.restoring import Take, restore, wreck
from tests.adapters.git.scenes import SCENES


def test_a_branch_of_another_worktree_is_not_moved_and_head_is_detached(
    repo: Repo, take: Take, workspaces: GitWorkspaces
):
    taken = take(repo)
    wanted = repo.line("rev-parse", "HEAD")
    repo.git("checkout", "-q", "-b", "mine")
    repo.git("worktree", "add", "-q", repo.root.parent / "theirs", "main")
    theirs = Repo(repo.root.parent / "theirs")
    moved = theirs.commit("theirs")
    current = take(repo)
    plan = workspaces.plan(taken.folder, current.folder, repo.root)
    assert plan.head is not None and plan.head.branch_blocked and "another worktree" in plan.warnings[0]
    workspaces.apply(plan, taken.folder, repo.root, repo.root.parent / "journal")
    assert repo.line("rev-parse", "HEAD") == wanted and repo.git("symbolic-ref", "-q", "HEAD", ok=False) == b""
    assert repo.line("rev-parse", "main") == moved
    assert workspaces.verify(taken.folder, repo.root) == ["The branch is None, not main."]


def test_a_branch_that_moved_after_the_plan_stays_and_head_is_detached(
    repo: Repo, take: Take, workspaces: GitWorkspaces
):
    taken = take(repo)
    wanted = repo.line("rev-parse", "HEAD")
    repo.commit("second")
    plan = workspaces.plan(taken.folder, take(repo).folder, repo.root)
    moved = repo.commit("third")
    result = workspaces.apply(plan, taken.folder, repo.root, repo.root.parent / "journal")
    assert "has moved meanwhile" in result.warnings[0]
    assert (repo.line("rev-parse", "HEAD"), repo.line("rev-parse", "main")) == (wanted, moved)


def test_the_reflog_tells_of_the_restore_and_keeps_the_old_commit(repo: Repo, take: Take, workspaces: GitWorkspaces):
    taken = take(repo)
    repo.git("config", "core.logAllRefUpdates", "false")
    shutil.rmtree(repo.git_dir / "logs")
    second = repo.commit("second")
    restore(workspaces, taken, take)
    assert repo.line("log", "-g", "-1", "--format=%gs", "main") == "hive restore"
    assert repo.line("rev-parse", "main@{1}") == second


def test_commits_that_leave_the_branch_are_named_before_anything_is_done(
    repo: Repo, take: Take, workspaces: GitWorkspaces
):
    taken = take(repo)
    for number in range(7):
        repo.commit(f"later {number}")
    plan = workspaces.plan(taken.folder, take(repo).folder, repo.root)
    assert plan.left is not None
    said = plan.left.lines()
    assert said[0] == "7 commits leave the branch main; the safety checkpoint and the reflog keep them:"
    assert said[1] == f"    {repo.line('log', '-1', '--abbrev=10', '--format=%h')} later 6"
    assert said[-1] == "    and 2 more" and len(said) == 7
    repo.git("checkout", "-q", "--detach")
    repo.commit("without a branch")
    left = workspaces.plan(taken.folder, take(repo).folder, repo.root).left
    assert left is not None and left.lines()[0].startswith("7 commits leave the branch main"), left


def test_a_restore_that_only_goes_forward_leaves_no_commit_behind(repo: Repo, take: Take, workspaces: GitWorkspaces):
    start = repo.line("rev-parse", "HEAD")
    repo.commit("later")
    taken = take(repo)
    repo.git("reset", "-q", "--hard", start)
    assert workspaces.plan(taken.folder, take(repo).folder, repo.root).left is None
    repo.git("checkout", "-q", "--detach")
    repo.commit("without a branch")
    left = workspaces.plan(taken.folder, take(repo).folder, repo.root).left
    assert left is not None, "the branch moves forward, but HEAD had a commit of its own"
    assert left.lines()[0] == "1 commit leaves HEAD; the safety checkpoint and the reflog keep it:"


def test_commits_that_the_repository_lost_come_back_with_the_restore(repo: Repo, take: Take, workspaces: GitWorkspaces):
    start = repo.line("rev-parse", "HEAD")
    repo.write("lost.txt", "lost\n")
    lost = repo.commit("lost")
    repo.write("staged.txt", "staged and lost\n")
    repo.git("add", "staged.txt")
    staged = repo.line("rev-parse", ":staged.txt")
    taken = take(repo)
    repo.git("reset", "-q", "--hard", start)
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("gc", "-q", "--prune=now")
    assert repo.git("cat-file", "-e", lost, ok=False) == b"" and repo.git("cat-file", "-t", staged, ok=False) == b""
    restore(workspaces, taken, take)
    assert repo.line("rev-parse", "HEAD") == lost and repo.git("show", ":staged.txt") == b"staged and lost\n"
    repo.git("fsck", "--strict")


def test_a_restore_adds_no_objects_that_the_repository_has(repo: Repo, take: Take, workspaces: GitWorkspaces):
    repo.write("staged.txt", "staged\n")
    repo.git("add", "staged.txt")
    repo.write("untracked.txt", "untracked\n")
    taken = take(repo)
    repo.commit("second")
    before = repo.git("count-objects", "-v")
    restore(workspaces, taken, take)
    assert repo.git("count-objects", "-v") == before


def test_a_checkpoint_that_needs_its_repository_says_so_where_that_is_another(
    repo: Repo, take: Take, workspaces: GitWorkspaces, new_repo: Callable[..., Repo]
):
    taken = take(repo, limits=Limits(history_bytes=1))
    other = new_repo("other")
    other.write("file", "file\n")
    other.commit("other")
    current = take(other)
    with pytest.raises(WorkspaceError, match=r"holds only what the commit [0-9a-f]+ lacks"):
        workspaces.plan(taken.folder, current.folder, other.root)
    shutil.rmtree(repo.root)
    with pytest.raises(WorkspaceError, match="there is no repository with that commit"):
        workspaces.recreate(taken.folder, repo.root)
    assert not repo.root.exists()


def test_a_checkpoint_that_needs_its_repository_is_restored_beside_it(
    repo: Repo, take: Take, workspaces: GitWorkspaces
):
    files = SCENES["busy"](repo).files()
    taken = take(repo, limits=Limits(history_bytes=1))
    assert taken.facts.needs_repo
    wreck(repo)
    restore(workspaces, taken, take)
    assert files.items() <= repo.files().items()


def test_a_file_system_without_links_gets_its_index_all_the_same(
    repo: Repo, take: Take, workspaces: GitWorkspaces, monkeypatch: pytest.MonkeyPatch
):
    def refuse(place: Path, target: Path) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    taken = take(SCENES["busy"](repo))
    wreck(repo)
    monkeypatch.setattr(Path, "hardlink_to", refuse)
    restore(workspaces, taken, take)
    assert not (repo.git_dir / "index.lock").exists()
