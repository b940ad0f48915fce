"""What a snapshot leaves out, it reports."""

import os
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from hive_tui.adapters.files.state import read_state
from hive_tui.adapters.git.untracked import Limits
from hive_tui.adapters.git.workspaces import GitWorkspaces
from tests.adapters.git.conftest import Repo, StandingClock, Taken
from tests.adapters.git.scenes import SCENES

HOOKS = (
    *("applypatch-msg", "commit-msg", "fsmonitor-watchman", "post-checkout", "post-commit", "post-index-change"),
    *("post-merge", "post-rewrite", "pre-auto-gc", "pre-commit", "pre-rebase", "reference-transaction", "update"),
)

AsNobody = Callable[[], AbstractContextManager[None]]
Env = pytest.MonkeyPatch
NewRepo = Callable[..., Repo]
Take = Callable[..., Taken]


def test_ignored_files_and_git_settings_for_them_are_respected(repo: Repo, home: Path, take: Take):
    (home / ".config/git").mkdir(parents=True)
    (home / ".config/git/ignore").write_text("*.personal\n")
    (repo.git_dir / "info").mkdir()
    (repo.git_dir / "info/exclude").write_text("*.excluded\n")
    repo.write(".gitignore", "*.ignored\n")
    repo.write("tracked.ignored", "tracked\n")
    repo.git("add", "--force", "tracked.ignored")
    expected = repo.files()
    for name in ("a.ignored", "b.excluded", "c.personal"):
        repo.write(name, "ignored\n")
    assert take(repo).files() == expected


def test_untracked_secrets_are_left_out_and_reported_but_tracked_ones_are_kept(repo: Repo, take: Take):
    repo.write("tracked.pem", "tracked\n")
    repo.commit("pem")
    expected = repo.files()
    for name in (".env.example", "deep/.env.template"):
        repo.write(name, "harmless\n")
        expected[name.encode()] = ("100644", b"harmless\n")
    secrets = [
        ".env",
        ".env.local",
        "deep/server.key",
        "id_rsa",
        "ID_ED25519.pub",
        "a.p12",
        ".npmrc",
        "credentials.json",
    ]
    for name in secrets:
        repo.write(name, "secret\n")
    taken = take(repo)
    assert taken.files() == expected
    assert {item.path for item in taken.facts.skipped} == set(secrets)
    assert {item.reason for item in taken.facts.skipped} == {"looks like a secret"}
    assert b"secret\n" not in b"".join(path.read_bytes() for path in taken.folder.iterdir() if path.is_file())


def test_large_untracked_files_are_left_out_and_reported(repo: Repo, take: Take):
    repo.write("tracked", b"x" * 5000)
    repo.git("add", "tracked")
    expected = repo.files()
    repo.write("large", b"x" * 2000)
    taken = take(repo, limits=Limits(untracked_file_bytes=1000))
    assert taken.files() == expected
    assert [(item.path, "larger than 1000 bytes" in item.reason) for item in taken.facts.skipped] == [("large", True)]


def test_untracked_files_above_the_limit_for_all_are_left_out_and_reported(repo: Repo, take: Take):
    for number in range(5):
        repo.write(f"untracked-{number}", bytes([number]) * 1000)
    taken = take(repo, limits=Limits(untracked_bytes=3500))
    assert [item.path for item in taken.facts.skipped] == ["untracked-3", "untracked-4"]
    assert b"untracked-2" in taken.files()


def test_pipes_sockets_and_tracked_files_that_became_one_are_reported(repo: Repo, take: Take):
    os.mkfifo(repo.root / "src/pipe")
    (repo.root / "README.md").unlink()
    os.mkfifo(repo.root / "README.md")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(repo.root / "socket"))
        taken = take(repo)
    assert [item.path for item in taken.facts.skipped] == ["README.md", "socket", "src/pipe"]
    assert taken.files().keys() == {b"src/main.py", b"src/run.sh"}


def test_files_and_folders_that_cannot_be_read_are_reported(repo: Repo, take: Take, as_nobody: AsNobody):
    repo.write("tracked/secret", "secret\n")
    repo.commit("second")
    repo.write("tracked/secret", "changed\n", mode=0)
    repo.write("untracked", "untracked\n", mode=0)
    repo.write("closed/inside", "inside\n")
    (repo.root / "closed").chmod(0)
    with as_nobody():
        taken = take(repo)
    assert {item.path: item.reason for item in taken.facts.skipped} == {
        "tracked/secret": "cannot be read: Permission denied",
        "untracked": "cannot be read: Permission denied",
        "closed": "cannot be read: Permission denied",
    }


def test_nested_repositories_are_listed_and_not_captured(repo: Repo, take: Take):
    source = SCENES["with_submodule"](repo)
    nested = Repo(source.root / "nested")
    nested.root.mkdir()
    nested.git("init", "-q")
    nested.write("inside", "inside\n")
    commit = source.line("rev-parse", ":vendor/lib")
    taken = take(source)
    assert {(item.path, item.commit) for item in taken.facts.nested} == {("vendor/lib", commit), ("nested", None)}
    assert taken.files() == source.files() and b"nested/inside" not in taken.files()


def test_a_snapshot_folder_inside_the_work_tree_does_not_capture_itself(repo: Repo, workspaces: GitWorkspaces):
    expected = repo.files()
    into = repo.root / ".hive/into"
    into.mkdir(parents=True)
    workspaces.snapshot(repo.root, into)
    facts = read_state(into)
    assert facts.untracked == 0
    assert Taken(into, facts, repo).files() == expected


def test_of_a_repository_around_the_home_only_tracked_files_are_taken(home: Path, take: Take):
    """As people keep their settings: everything else in the home is untracked."""
    repo = Repo(home)
    repo.git("init", "-q", "--template=")
    repo.commit("settings")
    repo.write(".gitconfig", (home / ".gitconfig").read_text() + "# more\n")
    repo.write("photos/all.raw", "untracked\n")
    taken = take(repo)
    assert set(taken.files()) == {b".gitconfig"} and taken.facts.modified == 1
    assert "only tracked files are captured" in taken.facts.notes[0]


def test_the_folder_of_the_checkpoints_is_never_captured(repo: Repo, clock: StandingClock, tmp_path: Path):
    repo.write("hive/checkpoints/ada/1.tar.zst", "a checkpoint\n")
    (tmp_path / "into").mkdir()
    facts = GitWorkspaces(clock, ours=(repo.root / "hive",)).snapshot(repo.root, tmp_path / "into")
    assert facts.untracked == 0
