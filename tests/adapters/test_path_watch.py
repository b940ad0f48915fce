"""What comes to a path is told once, whatever else happens around it."""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from hive_tui.adapters.path_watch import OTHERS, PathWatch

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is no inotify")


@pytest.fixture
async def watch() -> AsyncIterator[PathWatch]:
    made = PathWatch()
    yield made
    made.end()


class Told:
    def __init__(self) -> None:
        self.times = 0
        self._first = asyncio.Event()

    def __call__(self) -> None:
        self.times += 1
        self._first.set()

    async def once(self) -> int:
        await asyncio.wait_for(self._first.wait(), 20)
        return self.times


async def read(watch: PathWatch) -> None:
    """Have the loop read what the kernel tells now."""
    for _ in range(3):
        await asyncio.sleep(0)


def make(path: Path) -> None:
    path.touch()


def move_in(path: Path) -> None:
    draft = path.parent.parent / "draft"
    draft.touch()
    draft.rename(path)


def come_with_folder(path: Path) -> None:
    path.parent.rmdir()
    path.parent.mkdir()
    path.touch()


def take_away(path: Path) -> None:
    path.parent.rmdir()


def move_away(path: Path) -> None:
    path.parent.rename(path.parent.with_name("elsewhere"))


@pytest.mark.parametrize("happens", [make, move_in, come_with_folder, take_away, move_away])
async def test_a_path_that_is_not_there_is_touched_when_it_comes_or_its_folder_goes(
    tmp_path: Path, watch: PathWatch, happens: Callable[[Path], None]
):
    path, told = tmp_path / "sockets" / "default", Told()
    path.parent.mkdir()
    assert watch.begin([path], told)
    await read(watch)
    assert told.times == 0
    happens(path)
    assert await told.once() == 1
    path.parent.mkdir(exist_ok=True)
    path.touch()
    await read(watch)
    assert told.times == 1, "once it was told, it is not watched any more"


async def test_the_next_folder_on_the_way_is_waited_for(tmp_path: Path, watch: PathWatch):
    told = Told()
    assert watch.begin([tmp_path / "a" / "b" / "socket"], told)
    (tmp_path / "a").mkdir()
    assert await told.once() == 1


async def test_whatever_comes_into_a_folder_counts(tmp_path: Path, watch: PathWatch):
    told = Told()
    assert watch.begin([tmp_path / "missing", tmp_path], told)
    (tmp_path / "anything").touch()
    assert await told.once() == 1


async def test_others_in_the_same_folder_do_not_count_and_hide_nothing(
    tmp_path: Path, watch: PathWatch, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("hive_tui.adapters.path_watch.OTHERS_S", 0.01)
    told = Told()
    assert watch.begin([tmp_path / "socket"], told)
    for number in range(2 * OTHERS):
        (tmp_path / str(number)).touch()
        await read(watch)
    assert told.times == 0
    (tmp_path / "socket").touch()
    assert await told.once() == 1


async def test_a_folder_that_cannot_be_watched_is_said_to_be_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    watch = PathWatch()
    assert not watch.begin([tmp_path], Told())
    shutil.rmtree(tmp_path)
    watch.end()
