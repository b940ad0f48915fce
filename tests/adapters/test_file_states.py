"""The state of a file is remembered as long as nothing happens to it, and not a moment longer."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hive_tui.adapters.file_states import WatchedFileStates, state_of
from hive_tui.adapters.inotify import IN_Q_OVERFLOW, Inotify, Touch

only_where_it_is_told = pytest.mark.skipif(sys.platform != "linux", reason="there is no inotify")


@pytest.fixture
def states() -> Iterator[WatchedFileStates]:
    made = WatchedFileStates()
    yield made
    made.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "transcript.jsonl"
    made.write_text("{}\n")
    return made


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Files of which the file system was asked."""
    found: list[str] = []
    lstat = os.lstat

    def counted(path: str) -> os.stat_result:
        found.append(path)
        return lstat(path)

    monkeypatch.setattr(os, "lstat", counted)
    return found


@pytest.fixture
def dropped(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of what is watched no more."""
    found: list[int] = []
    remove = Inotify.remove

    def noted(inotify: Inotify, watch: int) -> None:
        found.append(watch)
        remove(inotify, watch)

    monkeypatch.setattr(Inotify, "remove", noted)
    return found


def append(path: Path) -> None:
    with path.open("a") as file:
        file.write("more\n")


def replace(path: Path) -> None:
    other = path.with_suffix(".new")
    other.write_text("{}\n")
    os.utime(other, ns=(1, 1))
    other.replace(path)


def replace_while_it_is_open(path: Path) -> None:
    with path.open():
        replace(path)


def touch(path: Path) -> None:
    os.utime(path, ns=(1, 1))


def move_away(path: Path) -> None:
    path.rename(path.with_suffix(".old"))


def write_by_another_name(path: Path) -> None:
    other = path.with_suffix(".link")
    other.hardlink_to(path)
    append(other)
    other.unlink()


CHANGES = [append, replace, replace_while_it_is_open, touch, move_away, write_by_another_name, Path.unlink]


@pytest.mark.parametrize("change", CHANGES)
def test_each_change_is_told(states: WatchedFileStates, path: Path, change: Callable[[Path], None]):
    before = states.of(str(path))
    for _ in range(2):  # what was told once is told again
        change(path)
        states.take_in()
        after = states.of(str(path))
        assert after == state_of(str(path)) != before
        append(path)
        states.take_in()
        before = states.of(str(path))
        assert before == state_of(str(path)) != after


@only_where_it_is_told
def test_a_file_at_rest_is_asked_for_once(states: WatchedFileStates, path: Path, asked: list[str]):
    other = path.with_name("other")
    other.write_text("")
    before = states.of(str(path))
    for _ in range(3):
        append(other)
        states.take_in()
        assert states.of(str(path)) == before
        states.of(str(other))
    assert asked == [str(path), str(other), str(other), str(other)]


def test_a_file_that_is_not_there_is_asked_for_each_time(states: WatchedFileStates, path: Path):
    path.unlink()
    assert states.of(str(path)) is None
    append(path)
    assert states.of(str(path)) == state_of(str(path)) is not None
    shutil.rmtree(path.parent)
    states.take_in()
    assert states.of(str(path)) is None


def test_a_link_that_is_set_anew_is_seen(states: WatchedFileStates, path: Path):
    link, other = path.with_name("link"), path.with_name("other")
    other.write_text("something else")
    link.symlink_to(path)
    assert states.of(str(link)) == state_of(str(path))
    link.unlink()
    link.symlink_to(other)
    assert states.of(str(link)) == state_of(str(other))


def test_what_nobody_tells_is_seen_after_forgetting(states: WatchedFileStates, path: Path):
    states.of(str(path))
    folder = path.parent
    folder.rename(folder.with_name("elsewhere"))
    folder.mkdir()
    path.write_text("another one")
    states.take_in()
    states.forget()
    assert states.of(str(path)) == state_of(str(path))
    append(path)
    states.take_in()
    assert states.of(str(path)) == state_of(str(path))


def test_news_that_the_kernel_dropped_may_be_of_any_file(
    states: WatchedFileStates, path: Path, monkeypatch: pytest.MonkeyPatch
):
    states.of(str(path))
    append(path)
    monkeypatch.setattr(Inotify, "read", lambda _: [Touch(-1, IN_Q_OVERFLOW, b"")])
    states.take_in()
    assert states.of(str(path)) == state_of(str(path))


@only_where_it_is_told
def test_only_files_of_which_somebody_asks_are_watched(states: WatchedFileStates, path: Path, dropped: list[int]):
    other = path.with_name("other")
    other.hardlink_to(path)  # one file, and so one watch, of two names
    for asked in ([path, other], [other]):
        for one in asked:
            assert states.of(str(one)) is not None
        states.forget()
        assert not dropped
    states.forget()
    assert len(dropped) == 1


@only_where_it_is_told
def test_a_file_that_has_gone_elsewhere_is_watched_no_more(states: WatchedFileStates, path: Path, dropped: list[int]):
    states.of(str(path))
    move_away(path)
    append(path)
    states.take_in()
    assert states.of(str(path)) == state_of(str(path))
    assert len(dropped) == 1


@pytest.mark.parametrize("is_refused", ["an instance", "a watch"])
def test_where_the_kernel_tells_nothing_each_change_is_seen_all_the_same(
    is_refused: str, path: Path, monkeypatch: pytest.MonkeyPatch
):
    if is_refused == "an instance":
        monkeypatch.setattr("sys.platform", "darwin")
    else:
        monkeypatch.setattr(Inotify, "add", lambda *_: -1)
    states = WatchedFileStates()
    before = states.of(str(path))
    append(path)
    assert states.of(str(path)) == state_of(str(path)) != before
    states.close()


def test_nothing_is_left_open(path: Path):
    before = len(list(Path("/dev/fd").iterdir()))
    states = WatchedFileStates()
    states.of(str(path))
    states.close()
    states.close()
    assert len(list(Path("/dev/fd").iterdir())) == before
    assert states.of(str(path)) is not None
    states.close()
