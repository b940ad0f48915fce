"""Damage, hostile settings and a repository that does not hold still."""

import os
import shutil
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import psutil
import pytest

from hive_tui.adapters.clock import SystemClock, wait_until
from hive_tui.adapters.files.state import read_state
from hive_tui.adapters.git.workspaces import GitWorkspaces
from hive_tui.domain.errors import Cancelled, DiskFull, WorkspaceError
from hive_tui.domain.workspaces import IndexState, WorkspaceKind
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


def test_a_corrupt_index_costs_only_what_was_staged(repo: Repo, take: Take):
    source = SCENES["busy"](repo)
    source.write(".gitignore", "/README.md\n")  # a tracked file that is ignored now
    index = source.git_dir / "index"
    index.write_bytes(b"DIRC" + os.urandom(200))
    taken = take(source)
    assert taken.files() == source.files() and b"README.md" in taken.files()
    assert taken.facts.index_state is IndexState.CORRUPT and not (taken.folder / "index").exists()
    assert "cannot read the index" in taken.facts.notes[0]


def test_a_branch_that_git_cannot_read_is_not_taken_for_an_empty_one(repo: Repo, take: Take):
    (repo.git_dir / "refs/heads/main").write_text("")
    taken = take(repo, ask_git=False)
    assert taken.files() == repo.files() and "cannot read where the branch main points" in taken.facts.notes[0]


@pytest.mark.parametrize("lost", ["HEAD:src/main.py", "HEAD:README.md", "HEAD:src", "HEAD^{tree}", "HEAD", "HEAD~1"])
def test_a_repository_that_lost_an_object_still_gives_all_files(lost: str, repo: Repo, take: Take):
    repo.write("src/other.py", "other\n")
    repo.commit("second")
    repo.write("src/main.py", "changed\n")
    repo.write("untracked", "untracked\n")
    name = repo.line("rev-parse", lost)
    (repo.git_dir / "objects" / name[:2] / name[2:]).unlink()
    taken = take(repo)
    assert taken.files() == repo.files()
    assert taken.facts.notes
    if not taken.facts.needs_repo:  # what was lost could be built again from the files
        taken.unbundled().git("fsck", "--strict")
        assert taken.unbundled().git("cat-file", "-e", name) == b""


def test_an_index_that_would_never_end_is_not_waited_for(repo: Repo, take: Take):
    (repo.git_dir / "index").unlink()
    os.mkfifo(repo.git_dir / "index")
    os.mkfifo(repo.git_dir / "shallow")
    taken = take(repo, ask_git=False)
    assert taken.files() == repo.files() and taken.facts.index_state is IndexState.CORRUPT


def test_the_lock_of_the_index_does_not_matter_to_a_snapshot(repo: Repo, take: Take):
    (repo.git_dir / "index.lock").touch()
    assert take(repo).files() == repo.files()


def test_git_variables_of_the_environment_lead_nowhere(repo: Repo, new_repo: NewRepo, take: Take, monkeypatch: Env):
    other = new_repo("other")
    with monkeypatch.context() as patch:
        for name, value in {"DIR": other.git_dir, "WORK_TREE": other.root, "INDEX_FILE": other.git_dir / "i"}.items():
            patch.setenv(f"GIT_{name}", str(value))
        into = repo.root.parent / "into"
        into.mkdir()
        GitWorkspaces(StandingClock()).snapshot(repo.root, into)
        facts = read_state(into)
    assert facts.root == str(repo.root) and facts.head == repo.line("rev-parse", "HEAD")


def test_nothing_that_a_repository_or_a_person_has_configured_runs(repo: Repo, home: Path, take: Take):
    """Every setting by which git starts a program, set to one that leaves a mark."""
    mark = home / "mark"
    program = home / "program"
    program.write_text(f"#!/bin/sh\ntouch {mark}\ncat\n")
    program.chmod(0o755)
    repo.write("file.bin", "bytes\n")
    repo.commit("second")
    repo.write(".gitattributes", "* filter=evil diff=evil merge=evil\n")
    (repo.git_dir / "hooks").mkdir()
    for hook in HOOKS:
        shutil.copy(program, repo.git_dir / "hooks" / hook)
    settings = "fsmonitor sshCommand editor pager askPass gitProxy alternateRefsCommand".split()
    settings = [f"core.{name}" for name in settings]
    settings += ["filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "diff.evil.textconv", "gpg.program"]
    settings += [
        "diff.evil.command",
        "diff.external",
        "credential.helper",
        "uploadpack.packObjectsHook",
        "pager.config",
    ]
    settings += [
        "alias.ls-files",
        "trailer.x.command",
        "interactive.diffFilter",
        "merge.evil.driver",
        "pager.rev-parse",
    ]
    for where in ("--local", "--global"):
        for setting in settings:
            repo.git("-c", "core.fsmonitor=", "config", where, setting, str(program))
        repo.git("-c", "core.fsmonitor=", "config", where, "filter.evil.required", "true")
    (repo.root / "file.bin").write_bytes(b"other\n")
    repo.write("untracked", "untracked\n")
    taken = take(repo, ask_git=False)
    assert not mark.exists()
    assert taken.files() == repo.files()


def test_a_repository_of_another_user_is_read_without_ado(repo: Repo, home: Path, take: Take):
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    with (home / ".gitconfig").open("a") as config:
        config.write("[safe]\n\tdirectory = *\n")  # for the git of this test
    for path in [repo.root, *repo.root.rglob("*")]:
        os.chown(path, 65534, 65534, follow_symlinks=False)
    assert take(repo, ask_git=False).facts.kind is WorkspaceKind.GIT


def test_a_missing_git_is_one_clear_sentence(repo: Repo, tmp_path: Path, clock: StandingClock):
    with pytest.raises(WorkspaceError, match="There is no `git-that-is-not-there` program") as caught:
        GitWorkspaces(clock, program="git-that-is-not-there").snapshot(repo.root, tmp_path)
    assert "2.30" in caught.value.hint


def test_a_git_that_hangs_is_ended_with_all_that_it_started(repo: Repo, tmp_path: Path, clock: StandingClock):
    program = tmp_path / "slow-git"
    program.write_text(f"#!/bin/sh\nsleep 600 & echo $! > {tmp_path}/pid\nsleep 600\n")
    program.chmod(0o755)
    with pytest.raises(WorkspaceError, match=r"did not finish within 0\.2 s") as caught:
        GitWorkspaces(clock, timeout_s=0.2, program=str(program)).snapshot(repo.root, tmp_path)
    assert caught.value.hint
    child = int((tmp_path / "pid").read_text())
    assert wait_until(lambda: not psutil.pid_exists(child), timeout_s=5, clock=SystemClock())


def test_an_old_git_is_refused(repo: Repo, tmp_path: Path, clock: StandingClock):
    program = tmp_path / "old-git"
    program.write_text("#!/bin/sh\necho git version 2.17.1\n")
    program.chmod(0o755)
    with pytest.raises(WorkspaceError, match=r"git version 2\.17\.1 is too old"):
        GitWorkspaces(clock, program=str(program)).snapshot(repo.root, tmp_path)


class Interfering:
    """Progress of a snapshot that does something at a step of it."""

    def __init__(self, at: str, action: Callable[[], object]) -> None:
        self.cancelled = threading.Event()
        self._at = at
        self._action = action

    def step(self, name: str, total_bytes: int = 0) -> None:
        if name == self._at:
            self._action()

    def no_way_back(self, why: str) -> None:
        """Goes on."""

    def advance(self, done_bytes: int) -> None:
        if self._at == "advance":
            self._action()


def test_files_that_vanish_or_change_while_they_are_read_stop_nothing(repo: Repo, take: Take):
    repo.write("vanishing", "here\n")
    repo.write("growing", "one\n")

    def interfere() -> None:
        (repo.root / "vanishing").unlink(missing_ok=True)
        with (repo.root / "growing").open("a") as file:
            file.write("more\n")

    taken = take(repo, progress=Interfering("advance", interfere), is_still=False)
    assert b"vanishing" not in taken.files() or taken.files()[b"vanishing"][1] == b"here\n"
    assert taken.files()[b"growing"][1].startswith(b"one\n")
    assert any("'growing'" in note for note in taken.facts.notes)


def test_a_commit_in_the_middle_of_a_snapshot_makes_it_begin_again(repo: Repo, take: Take):
    repo.write("src/main.py", "changed\n")
    commits: list[str] = []

    def interfere() -> None:
        if not commits:
            commits.append(repo.commit("in between"))

    taken = take(repo, progress=Interfering("read files", interfere), is_still=False)
    assert taken.facts.head == commits[0] and taken.facts.staged == taken.facts.modified == 0
    assert taken.files() == repo.files()


def test_a_full_disk_is_told_as_such(repo: Repo, tmp_path: Path, workspaces: GitWorkspaces):
    into = tmp_path / "into"
    into.mkdir()
    (into / "repo.bundle").symlink_to("/dev/full")
    with pytest.raises(DiskFull, match="no space left") as caught:
        workspaces.snapshot(repo.root, into)
    assert caught.value.hint


def test_the_person_can_stop_a_snapshot(repo: Repo, take: Take, tmp_path: Path):
    progress = Interfering("read files", lambda: progress.cancelled.set())
    with pytest.raises(Cancelled):
        take(repo, progress=progress)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".hive-git-")]
