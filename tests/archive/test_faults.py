"""Many kills, flips and cuts: none of them gives a file that looks good and is not."""

import os
import signal
import subprocess
from functools import partial
from pathlib import Path
from random import Random
from time import perf_counter

import pytest

from hive_tui.archive.format import CHUNK_BYTES, Trailer
from hive_tui.archive.reader import extract, read_manifest, verify
from hive_tui.archive.writer import Written, sweep, writing
from hive_tui.domain.checkpoints import Depth
from hive_tui.domain.errors import CheckpointError
from tests.archive.folders import facts_below, fill, let_time_pass, names_below, take, unpacked
from tests.archive.test_crash import in_a_child, was_killed
from tests.disks import read_only, small_disk

pytestmark = pytest.mark.faults

KILLS = 200


@pytest.fixture
def root(tmp_path: Path) -> Path:
    random = Random(5)
    root = fill(tmp_path / "root", {f"small/{number:03}": random.randbytes(7000) for number in range(300)})
    fill(root, {"large": random.randbytes(3 * CHUNK_BYTES)})
    let_time_pass(tmp_path)
    return root


@pytest.fixture
def first(root: Path, tmp_path: Path) -> Written:
    return take(tmp_path / "kept" / "0.tar.zst", root)[0]


def take_quietly(path: Path, root: Path, previous: Path | None) -> None:
    take(path, root, previous)


@pytest.mark.timeout(600)
def test_a_writer_killed_at_any_of_many_moments_leaves_no_bad_file_and_nothing_else_touched(
    root: Path, first: Written, tmp_path: Path
):
    """Every other one copies from the generation before; the moments are spread over the whole of it."""
    random = Random(6)
    began = perf_counter()
    take(tmp_path / "timed" / "a.tar.zst", root)
    takes_s = [perf_counter() - began] * 2
    folder = tmp_path / "kills"
    finished = 0
    for number in range(KILLS):
        path = folder / f"{number}.tar.zst"
        previous = first.path if number % 2 else None
        wait_s = random.uniform(0, 1.5 * takes_s[number % 2])
        child = in_a_child(partial(take_quietly, path, root, previous))
        until = perf_counter() + wait_s
        while perf_counter() < until and not path.exists():
            pass
        os.kill(child, signal.SIGKILL)
        was_killed(child)
        if path.exists():
            assert verify(path) == []
            assert facts_below(root).keys() == unpacked(path, tmp_path / f"out {number}").keys()
            finished += 1
        # About every other one gets done, however busy the machine is by now.
        takes_s[number % 2] *= 0.9 if path.exists() else 1.1
    assert 5 < finished < KILLS - 5, "the moments hit the beginning alone, or the end"
    sweep(folder, lambda _: False)
    assert all(path.suffix == ".zst" for path in folder.iterdir())
    assert verify(first.path, first.sha256) == []


def test_every_flipped_bit_is_found(root: Path, first: Written, tmp_path: Path):
    random = Random(7)
    good = first.path.read_bytes()
    damaged = tmp_path / "damaged.tar.zst"
    for _ in range(200):
        at, bit = random.randrange(len(good)), 1 << random.randrange(8)
        damaged.write_bytes(good[:at] + bytes([good[at] ^ bit]) + good[at + 1 :])
        assert verify(damaged, depth=Depth.FAST) != []
        assert verify(damaged) != []


def test_every_cut_is_found_also_where_a_frame_ends(root: Path, first: Written, tmp_path: Path):
    random = Random(8)
    good = first.path.read_bytes()
    ends = [0, *(frame.end for frame in read_manifest(first.path).frames), len(good) - Trailer.BYTES]
    cuts = [random.choice(ends) for _ in range(32)] + [random.randrange(len(good)) for _ in range(68)]
    damaged = tmp_path / "damaged.tar.zst"
    unseen = 0
    for number, cut in enumerate(cuts):
        damaged.write_bytes(good[:cut])
        for depth in Depth:
            assert verify(damaged, depth=depth) != []
        with pytest.raises(CheckpointError):
            extract(damaged, tmp_path / f"out {number}")
        unseen += cut > 0 and subprocess.run(["zstd", "-tq", damaged], check=False, capture_output=True).returncode == 0
    assert unseen > 10, "zstd alone does not see a cut between frames, so these tell nothing of ours"


def test_a_folder_that_is_read_only_says_so(tmp_path: Path):
    with small_disk(tmp_path / "disk", 1_000_000) as disk, read_only(disk):
        with pytest.raises(CheckpointError) as caught, writing(disk / "a.tar.zst", {}) as (archive, _):
            archive.add_bytes("a", b"x")
        assert caught.value.what == "The checkpoint a.tar.zst could not be written: Read-only file system."
        assert caught.value.hint.startswith("Look at ") and list(disk.iterdir()) == []


def test_a_folder_that_vanishes_meanwhile_is_an_error(root: Path, tmp_path: Path):
    path = tmp_path / "gone" / "a.tar.zst"

    def advance(_: int) -> None:
        for file in path.parent.glob(".*"):
            file.unlink()
        if path.parent.exists():
            path.parent.rmdir()

    with pytest.raises(CheckpointError), writing(path, {}, advance=advance) as (archive, _):
        archive.add_tree("tree", root, names_below(root))
    assert not path.parent.exists()
