"""While a checkpoint is unpacked and compared, the bytes are told and a person can stop it: nothing is left then."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.domain.errors import Cancelled
from hive_tui.domain.progress import Unwatched
from tests.keeper import TESTER, Keeper

LARGE = 9_000_000
"""More than one chunk."""
Work = Callable[[Keeper, Checkpoint, Unwatched], object]


class Watched(Unwatched):
    """Keeps what it was told, and is stopped at the first bytes of a step."""

    def __init__(self, stop_in: str = "") -> None:
        super().__init__()
        self.steps: dict[str, list[int]] = {}
        self._stop_in, self._now = stop_in, ""

    def step(self, name: str, total_bytes: int = 0) -> None:
        self._now = name
        self.steps[name] = [total_bytes, 0]
        super().step(name, total_bytes)

    def advance(self, done_bytes: int) -> None:
        self.steps[self._now][1] += done_bytes
        if self._now == self._stop_in:
            self.ask_to_stop()
        super().advance(done_bytes)


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    made = Keeper(tmp_path)
    (made.work / "large.bin").write_bytes(bytes(LARGE))
    yield made
    made.close()


def deep(keeper: Keeper, one: Checkpoint, progress: Unwatched) -> None:
    assert not keeper.hive.validator.check(one, deep=True, progress=progress)


def drill(keeper: Keeper, one: Checkpoint, progress: Unwatched) -> None:
    assert keeper.hive.keeping.drills.prove(one, TESTER, progress).is_proven


def preview(keeper: Keeper, one: Checkpoint, progress: Unwatched) -> None:
    assert keeper.hive.returning.restorer.preview(keeper.agent, one, progress).plan is not None


def restore(keeper: Keeper, one: Checkpoint, progress: Unwatched) -> None:
    (keeper.work / "large.bin").unlink(missing_ok=True)
    keeper.clock.advance(1)
    assert keeper.hive.returning.restorer.restore(keeper.agent, one, TESTER, progress).files_changed == 1


def compare(keeper: Keeper, one: Checkpoint, progress: Unwatched) -> None:
    keeper.hive.keeping.comparer.compare(one, one, progress)


def export_and_import(keeper: Keeper, one: Checkpoint, progress: Unwatched) -> None:
    file = keeper.folder / "exported.tar.zst"
    catalog = keeper.hive.keeping.catalog
    catalog.export(one, file, TESTER, Unwatched(), force=True)
    keeper.take(after=timedelta(seconds=1))
    catalog.delete(one, TESTER)
    catalog.plan_import(file, None, progress)
    catalog.import_file(file, None, TESTER, progress)


UNPACKING = [
    pytest.param(deep, "unpacking it", id="deep validation"),
    pytest.param(drill, "unpacking it", id="drill"),
    pytest.param(preview, "unpacking the checkpoint", id="preview"),
    pytest.param(restore, "unpacking the checkpoint", id="restore"),
    pytest.param(compare, "unpacking generation 0", id="comparison"),
]


@pytest.mark.parametrize(("work", "step"), UNPACKING)
def test_bytes_of_unpacking_are_told_against_their_total(keeper: Keeper, work: Work, step: str):
    one = keeper.take()
    progress = Watched()
    work(keeper, one, progress)
    total, done = progress.steps[step]
    assert done > LARGE and done == pytest.approx(total, rel=0.01)


READ_BACK = [
    pytest.param(drill, "reading it back", id="drill, while it is read back"),
    pytest.param(drill, "comparing the workspace", id="drill, while it is compared"),
    pytest.param(restore, "preparing the files", id="restore, before the first file changes"),
]


@pytest.mark.parametrize(("work", "step"), [*UNPACKING, *READ_BACK])
def test_it_is_stopped_at_once_and_nothing_is_left_or_changed(keeper: Keeper, work: Work, step: str):
    one = keeper.take()
    with pytest.raises(Cancelled):
        work(keeper, one, Watched(stop_in=step))
    home = keeper.folder / "home"
    assert not list((home / "scratch").iterdir()) and not list((home / "restores").glob("*"))
    assert all(each.is_valid and each.drilled_at is None for each in keeper.catalog)
    assert sorted(path.name for path in keeper.work.iterdir() if path.suffix) == (
        ["kept.txt"] if work is restore else ["kept.txt", "large.bin"]
    )
    work(keeper, one, Unwatched())


IMPORTING = ["verifying the file", "copying it, and reading the copy back", "verifying the copy"]


def test_bytes_of_an_import_are_told_against_their_total(keeper: Keeper):
    progress = Watched()
    export_and_import(keeper, keeper.take(), progress)
    for step in IMPORTING:
        total, done = progress.steps[step]
        assert total / 2 < done <= total, step  # the index of so small a file is not counted, and weighs much


@pytest.mark.parametrize("step", IMPORTING)
def test_an_import_is_stopped_at_once_and_leaves_nothing(keeper: Keeper, step: str):
    one = keeper.take()
    with pytest.raises(Cancelled):
        export_and_import(keeper, one, Watched(stop_in=step))
    assert len(keeper.catalog) == 1
    assert not list((keeper.folder / "home/checkpoints").glob("imported/*"))


def test_folders_of_the_hive_are_private_whatever_the_umask(keeper: Keeper):
    restore(keeper, keeper.take(), Unwatched())
    home = keeper.folder / "home"
    modes = {path.name: path.stat().st_mode & 0o777 for path in home.iterdir() if path.is_dir()}
    assert {"checkpoints", "git", "restores", "scratch"} <= modes.keys()
    assert set(modes.values()) == {0o700}
