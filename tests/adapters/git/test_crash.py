"""A restore that is killed at any point is finished by the next start, or has changed nothing."""

import bisect
import itertools
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from hive_tui.adapters.git.workspaces import GitWorkspaces
from hive_tui.domain.workspaces import AppliedRestore, RestorePlan
from tests.adapters.git.conftest import Files, Repo, Taken
from tests.adapters.git.scenes import SCENES
from tests.adapters.killing import run_until

SHARES = 4
IN_TURN = [0, *(pytest.param(one, marks=pytest.mark.faults) for one in range(1, SHARES))]
"""The first part of the points always, the others with the slow tests."""


@dataclass(frozen=True)
class Stage:
    """A repository that a restore changes in every way there is, to be set up again and again."""

    repo: Repo
    template: Path
    taken: Taken
    plan: RestorePlan
    files_before: Files
    files_after: Files
    status_before: bytes
    status_after: bytes
    workspaces: GitWorkspaces

    @property
    def journal(self) -> Path:
        return self.repo.root.parent / "journal"

    @property
    def scratch(self) -> Path:
        """What is in there after the point of no return is thrown away in any case."""
        return self.journal / "staged"

    def apply(self) -> AppliedRestore:
        return self.workspaces.apply(self.plan, self.taken.folder, self.repo.root, self.journal)

    def set_up(self) -> None:
        """As it was before the restore."""
        for folder in (self.repo.root, self.journal):
            shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.template, self.repo.root, symlinks=True)

    def check_unchanged(self) -> None:
        assert self.repo.files() == self.files_before
        assert self.repo.status() == self.status_before
        assert self.workspaces.resume(self.journal) is None
        assert not self.journal.exists() or not list(self.journal.iterdir())

    def check_restored(self) -> None:
        assert self.repo.files() == self.files_after
        assert sorted(self.repo.status().splitlines()) == sorted(self.status_after.splitlines())
        assert self.workspaces.verify(self.taken.folder, self.repo.root) == []
        leftovers = [path for path in self.repo.root.rglob("*") if "hive" in path.name]
        assert not leftovers
        assert {path.name for path in self.journal.iterdir()} == {"done.json"}


@pytest.fixture
def stage(repo: Repo, take: Callable[..., Taken], workspaces: GitWorkspaces) -> Stage:
    start = repo.line("rev-parse", "HEAD")
    repo.write("staged-once.txt", "its blob will be lost\n")
    repo.git("add", "staged-once.txt")
    repo.git("commit", "-q", "-m", "staged once")
    (repo.root / "link").symlink_to("README.md")
    SCENES["merging"](repo)
    repo.write("src/deep/untracked.txt", "untracked\n")
    files, status = repo.files(), repo.status()
    taken = take(repo)
    repo.git("merge", "--abort")
    repo.git("checkout", "-q", "-f", "-B", "main", start)
    repo.git("branch", "-q", "-D", "other")
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("gc", "-q", "--prune=now")
    repo.write("src/main.py", "second\n")
    repo.write("src/run.sh", "#!/bin/sh\n", mode=0o644)
    repo.write("new/tracked.txt", "tracked\n")
    (repo.root / "link").unlink(missing_ok=True)
    repo.write("link", "a file\n")
    repo.commit("wrecked")
    repo.git("checkout", "-q", "-b", "side")
    repo.write("kept.md", "kept\n")
    plan = workspaces.plan(taken.folder, take(repo).folder, repo.root)
    template = repo.root.parent / "template"
    shutil.copytree(repo.root, template, symlinks=True)
    files_after = files | {b"kept.md": ("100644", b"kept\n")}
    after = status + b"? kept.md\n"
    return Stage(repo, template, taken, plan, repo.files(), files_after, repo.status(), after, workspaces)


def point_of_no_return(stage: Stage, scratch: Path = Path("/none")) -> int:
    """The first change before which a kill no longer leaves everything as it was."""

    def is_past(before: int) -> bool:
        stage.set_up()
        killed = run_until(before, stage.apply, scratch)
        return not killed or any((stage.journal / name).exists() for name in ("journal.json", "done.json"))

    return bisect.bisect_left(range(1000), True, key=is_past)


@pytest.mark.parametrize(
    ("share", "step"),
    [(0, SHARES * 5), *(pytest.param(one, SHARES, marks=pytest.mark.faults) for one in range(SHARES))],
)
def test_a_restore_killed_before_it_has_begun_changes_nothing(share: int, step: int, stage: Stage):
    for before in range(share, point_of_no_return(stage), step):
        stage.set_up()
        assert run_until(before, stage.apply)
        stage.check_unchanged()


@pytest.mark.parametrize("share", IN_TURN)
def test_a_restore_killed_before_any_of_its_changes_is_finished_by_the_next_start(share: int, stage: Stage):
    for before in itertools.count(point_of_no_return(stage, stage.scratch) + share, SHARES):
        stage.set_up()
        if not run_until(before, stage.apply, stage.scratch):
            break
        assert stage.workspaces.resume(stage.journal) is not None
        stage.check_restored()
    stage.check_restored()
    stage.repo.git("fsck", "--strict")


@pytest.mark.parametrize("share", IN_TURN[:2])
def test_finishing_a_restore_may_be_killed_too(share: int, stage: Stage):
    middle = point_of_no_return(stage, stage.scratch) + 10
    for before in itertools.count(share * SHARES, 2 * SHARES):
        stage.set_up()
        assert run_until(middle, stage.apply, stage.scratch)
        if not run_until(before, lambda: stage.workspaces.resume(stage.journal), stage.scratch):
            break
        assert stage.workspaces.resume(stage.journal) is not None
        stage.check_restored()
    stage.check_restored()


def test_a_temporary_file_is_swept_even_if_the_person_has_done_the_work_of_it(stage: Stage):
    found: list[Path] = []
    for before in itertools.count(point_of_no_return(stage, stage.scratch)):
        stage.set_up()
        assert run_until(before, stage.apply, stage.scratch)
        found = [path for path in (stage.repo.root / "src").glob(".hive-*") if path.stat().st_size]
        if found:
            break
    wanted = {content: path for path, (_, content) in stage.files_after.items()}
    shutil.copy(found[0], stage.repo.root / os.fsdecode(wanted[found[0].read_bytes()]))
    assert stage.workspaces.resume(stage.journal) is not None
    stage.check_restored()
