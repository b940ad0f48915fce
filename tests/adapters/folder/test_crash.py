"""A restore of a folder that is killed at any point is finished by the next start, or has changed nothing."""

import itertools
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from hive_tui.adapters.folder.workspaces import FolderWorkspaces
from hive_tui.domain.workspaces import AppliedRestore, RestorePlan
from tests.adapters.folder.conftest import Files, Take, Taken, look
from tests.adapters.folder.test_restore import wreck
from tests.adapters.killing import run_until


@dataclass(frozen=True)
class Stage:
    """A folder that a restore changes in every way, to be set up again and again."""

    root: Path
    taken: Taken
    plan: RestorePlan
    before: Files
    after: Files
    workspaces: FolderWorkspaces

    @property
    def journal(self) -> Path:
        return self.root.with_name("journal")

    def apply(self) -> AppliedRestore:
        return self.workspaces.apply(self.plan, self.taken.folder, self.root, self.journal)

    def set_up(self) -> None:
        for folder in (self.root, self.journal):
            shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.root.with_name("template"), self.root, symlinks=True)

    def check_after_kill(self) -> bool:
        """Whether the next start has finished it; else nothing was changed."""
        if self.workspaces.resume(self.journal) is None:
            assert look(self.root) == self.before
            assert not self.journal.exists() or not list(self.journal.iterdir())
            return False
        assert look(self.root) == self.after
        assert self.workspaces.verify(self.taken.folder, self.root) == []
        assert {path.name for path in self.journal.iterdir()} == {"done.json"}
        return True


@pytest.fixture
def stage(root: Path, take: Take, workspaces: FolderWorkspaces) -> Stage:
    taken, then = take(root), look(root)
    wreck(root)
    shutil.copytree(root, root.with_name("template"), symlinks=True)
    plan = workspaces.plan(taken.folder, take(root).folder, root)
    after = then | {"later.txt": (0o644, b"made later\n")}
    return Stage(root, taken, plan, look(root), after, workspaces)


def test_a_restore_killed_at_any_point_is_finished_or_has_changed_nothing(stage: Stage):
    ends = []
    for before in itertools.count():
        stage.set_up()
        if not run_until(before, stage.apply):
            break
        ends.append(stage.check_after_kill())
    assert stage.check_after_kill()
    assert ends == sorted(ends) and len(ends) > 20 and set(ends) == {False, True}, "first back, later forward"


def test_finishing_a_restore_may_be_killed_too(stage: Stage):
    middle = next(before for before in itertools.count() if is_past(stage, before)) + 4
    for before in itertools.count():
        stage.set_up()
        assert run_until(middle, stage.apply)
        if not run_until(before, lambda: stage.workspaces.resume(stage.journal)):
            break
        assert stage.check_after_kill()
    assert stage.check_after_kill()


def is_past(stage: Stage, before: int) -> bool:
    """Whether a kill at this point leaves a restore that has to go on."""
    stage.set_up()
    assert run_until(before, stage.apply)
    return (stage.journal / "journal.json").exists()


def test_building_a_folder_again_may_be_killed_at_any_point(stage: Stage, take: Take, tmp_path: Path):
    again = tmp_path / "again/folder"
    for before in itertools.count():
        killed = run_until(before, lambda: stage.workspaces.recreate(stage.taken.folder, again))
        assert not again.exists() or look(again).keys() == stage.after.keys() - {"later.txt"}
        if not killed:
            break
        shutil.rmtree(again.parent, ignore_errors=True)
    assert [path.name for path in again.parent.iterdir()] == ["folder"]


def test_what_a_killed_process_left_beside_a_folder_goes_with_the_next_attempt(stage: Stage, tmp_path: Path):
    again = tmp_path / "again/folder"
    assert run_until(15, lambda: stage.workspaces.recreate(stage.taken.folder, again))
    assert len(list(again.parent.iterdir())) == 1
    stage.workspaces.recreate(stage.taken.folder, again)
    assert [path.name for path in again.parent.iterdir()] == ["folder"]
