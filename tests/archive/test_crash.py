"""A writer that is killed, or that runs out of disk, leaves no file that does not verify."""

import itertools
import multiprocessing
import os
import random
import signal
import sys
from collections.abc import Callable
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from hive_tui.archive.reader import extract, read_member, verify
from hive_tui.archive.writer import sweep, writing
from hive_tui.domain.errors import MAKE_ROOM, CheckpointError, DiskFull
from tests.disks import small_disk

CHANGING = {"os.rename", "os.remove", "os.mkdir", "os.chmod", "os.truncate", "os.link"}
"""What the interpreter announces before it changes something on disk."""

CONTENT = random.Random(1).randbytes(9_000_000)
FORK = multiprocessing.get_context("fork")


class Killer:
    """Kills its own process at the n-th step: a change on disk that is about to be made, or a read of a member."""

    def __init__(self, at: int) -> None:
        self.left = at

    def step(self, _: object = None) -> None:
        self.left -= 1
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(self, event: str, arguments: tuple[object, ...]) -> None:
        is_write = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if is_write or event in CHANGING:
            self.step()


def write(path: Path, advance: Callable[[int], None] = lambda _: None) -> None:
    with writing(path, {}, advance=advance) as (archive, _):
        archive.add_bytes("agent.json", b"{}")
        archive.add_bytes("session/a.jsonl", CONTENT)


def in_a_child(work: Callable[[], None]) -> int:
    """Process id of a child that does this and no more."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    return child


def was_killed(child: int) -> bool:
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL), "it failed by itself"
    return code != 0


def write_and_kill_at(step: int, path: Path) -> bool:
    killer = Killer(step)

    def work() -> None:
        sys.addaudithook(killer.audit)
        write(path, killer.step)

    return was_killed(in_a_child(work))


def check_leftovers(path: Path) -> bool:
    """Whether the file has got its name; then it must be good. What else is there can be swept."""
    folder = path.parent
    is_there = path.exists()
    if is_there:
        assert verify(path) == []
        assert read_member(path, "session/a.jsonl") == CONTENT
    if folder.exists():
        sweep(folder, lambda pid: False)
        assert list(folder.iterdir()) == ([path] if is_there else [])
    return is_there


def test_a_writer_killed_at_any_step_leaves_no_file_that_does_not_verify(tmp_path: Path):
    steps = 0
    for step in itertools.count():
        path = tmp_path / str(step) / "a.tar.zst"
        if not write_and_kill_at(step, path):
            break
        check_leftovers(path)
        steps += 1
    assert check_leftovers(path), "the last one was not killed"
    assert steps >= 8


def test_a_writer_killed_just_before_the_file_gets_its_name_leaves_none(tmp_path: Path):
    path = tmp_path / "a.tar.zst"

    def at_naming(event: str, _: tuple[object, ...]) -> None:
        if event == "os.link":
            os.kill(os.getpid(), signal.SIGKILL)

    def work() -> None:
        sys.addaudithook(at_naming)
        write(path)

    assert was_killed(in_a_child(work))
    (temp,) = tmp_path.iterdir()
    assert verify(temp) == [], "it was complete, read back and only not yet named"
    assert not check_leftovers(path)


@pytest.mark.parametrize("seed", range(10))
def test_a_writer_killed_at_a_random_moment_leaves_no_file_that_does_not_verify(tmp_path: Path, seed: int):
    """It writes one archive after the other; the moment is one in the growth of one of them."""
    chance = random.Random(seed)
    wanted_files, wanted_bytes = chance.randrange(4), chance.randrange(len(CONTENT))

    def work() -> None:
        for number in itertools.count():
            write(tmp_path / f"{number}.tar.zst")

    child = in_a_child(work)
    while True:
        names = os.listdir(tmp_path)  # noqa: PTH208
        done = sum(not name.startswith(".") for name in names)
        if done > wanted_files or (done == wanted_files and size_of_temp(tmp_path, names) >= wanted_bytes):
            break
    os.kill(child, signal.SIGKILL)
    assert was_killed(child)
    named = sorted(tmp_path.glob("[!.]*"))
    assert len(named) >= wanted_files
    for path in named:
        assert verify(path) == []
    sweep(tmp_path, lambda pid: pid != child)
    assert sorted(tmp_path.iterdir()) == named


def size_of_temp(folder: Path, names: list[str]) -> int:
    for name in names:
        if name.startswith("."):
            try:
                return (folder / name).stat().st_size
            except FileNotFoundError:
                return 0
    return 0


def test_a_file_that_is_swept_from_under_a_writer_is_an_error(tmp_path: Path):
    path = tmp_path / "a.tar.zst"
    with pytest.raises(CheckpointError), writing(path, {}) as (archive, _):
        archive.add_bytes("a", b"x")
        assert sweep(tmp_path, lambda pid: False) != []
    assert list(tmp_path.iterdir()) == []


def test_what_is_damaged_before_it_is_read_back_gets_no_name(tmp_path: Path):
    path = tmp_path / "a.tar.zst"
    with pytest.raises(CheckpointError, match="is not what was written"), writing(path, {}) as (archive, _):
        archive.add_bytes("a", CONTENT * 3)
        archive.flush()
        (temp,) = tmp_path.iterdir()
        with temp.open("r+b") as file:
            file.seek(100)
            file.write(b"damage")
    assert list(tmp_path.iterdir()) == []


def write_at_once(path: Path, together: Barrier, said: "Queue[str]") -> None:
    together.wait()
    try:
        write(path)
        said.put("written")
    except CheckpointError as error:
        said.put(error.what)


def test_writers_that_meet_at_one_name_leave_one_good_file(tmp_path: Path):
    path = tmp_path / "a.tar.zst"
    together, said = FORK.Barrier(3), FORK.Queue()
    processes = [FORK.Process(target=write_at_once, args=(path, together, said)) for _ in range(3)]
    for process in processes:
        process.start()
    found = {said.get(timeout=30) for _ in processes}
    for process in processes:
        process.join()
    assert "written" in found
    assert found <= {"written", f"There is already a file {path}."}
    assert check_leftovers(path)


@pytest.mark.faults
@pytest.mark.parametrize("size", [10_000_000, 300_000, 262_144])
def test_a_disk_that_gets_full_says_so_and_keeps_nothing(tmp_path: Path, size: int):
    with small_disk(tmp_path / "disk", 262_144) as disk:
        with pytest.raises(DiskFull) as caught, writing(disk / "a.tar.zst", {}) as (archive, _):
            archive.add_bytes("a", os.urandom(size))
        assert caught.value.what == f"The disk is full: the checkpoint a.tar.zst could not be written in {disk}."
        assert caught.value.hint == MAKE_ROOM
        assert list(disk.iterdir()) == []


@pytest.mark.faults
def test_a_disk_that_gets_full_while_unpacking_says_so(tmp_path: Path):
    with small_disk(tmp_path / "disk", 262_144) as disk:
        with writing(disk / "a.tar.zst", {}) as (archive, _):
            archive.add_bytes("a", os.urandom(150_000))
        with pytest.raises(DiskFull, match=r"the checkpoint a\.tar\.zst could not be unpacked"):
            extract(disk / "a.tar.zst", disk / "out")
