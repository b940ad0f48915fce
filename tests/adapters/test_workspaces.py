"""The right way for each folder: git where there is a repository, else file by file."""

from pathlib import Path

import pytest

from hive_tui.adapters.clock import SystemClock
from hive_tui.adapters.folder.workspaces import FolderWorkspaces
from hive_tui.adapters.git.workspaces import GitWorkspaces
from hive_tui.adapters.workspaces import AnyWorkspaces
from hive_tui.domain.errors import WorkspaceError
from hive_tui.domain.workspaces import WorkspaceKind
from tests.adapters.git.conftest import Repo, new_repo, repo  # noqa: F401 - fixtures
from tests.adapters.killing import run_until


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def choosing(program: str = "git") -> AnyWorkspaces:
    return AnyWorkspaces(GitWorkspaces(SystemClock(), program=program), FolderWorkspaces(SystemClock()))


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "file").write_text("first\n")
    return folder


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


def test_a_repository_is_captured_by_git_and_a_plain_folder_file_by_file(
    repo: Repo,  # noqa: F811
    plain: Path,
    into: Path,
):
    assert choosing().snapshot(plain, into).kind is WorkspaceKind.FOLDER
    for path in into.iterdir():
        path.unlink()
    assert choosing().snapshot(repo.root / "src", into).kind is WorkspaceKind.GIT
    choosing().check(into)


def test_without_git_a_plain_folder_is_captured_all_the_same_and_a_repository_is_an_error(
    repo: Repo,  # noqa: F811
    plain: Path,
    into: Path,
):
    without = choosing("no-such-git")
    assert [file.path for file in without.snapshot(plain, into).files] == ["file"]
    with pytest.raises(WorkspaceError, match="no `no-such-git` program"):
        without.snapshot(repo.root, into)


def test_a_repository_that_git_cannot_use_is_captured_file_by_file_and_that_is_said(plain: Path, into: Path):
    (plain / ".git").write_text("gitdir: /nowhere\n")
    facts = choosing().snapshot(plain, into)
    assert facts.kind is WorkspaceKind.FOLDER and [file.path for file in facts.files] == ["file"]
    assert facts.notes == (f"{plain / '.git'} is no repository that git can use.",)


def test_a_restore_of_a_folder_that_was_killed_is_finished_without_git(plain: Path, into: Path, tmp_path: Path):
    without = choosing("no-such-git")
    without.snapshot(plain, into)
    (into / "files").mkdir()
    (into / "files/file").write_text("first\n")
    (into / "files/file").chmod((plain / "file").stat().st_mode & 0o777)
    (plain / "file").write_text("second\n")
    now, journal = tmp_path / "now", tmp_path / "journal"
    now.mkdir()
    without.snapshot(plain, now)
    plan = without.plan(into, now, plain)
    before = 0
    while run_until(before, lambda: without.apply(plan, into, plain, journal)):
        if (journal / "journal.json").exists():
            break
        assert without.resume(journal) is None and (plain / "file").read_text() == "second\n"
        before += 1
    assert without.resume(journal) is not None
    assert (plain / "file").read_text() == "first\n" and without.verify(into, plain) == []
