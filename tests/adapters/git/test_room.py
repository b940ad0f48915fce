"""A git command that fills the disk is ended before the disk is full."""

import errno
import os
from pathlib import Path

import pytest

from hive_tui.adapters.files.errors import plain_errors
from hive_tui.adapters.files.room import disk_of, free_bytes, require_room
from hive_tui.adapters.git.command import Git
from hive_tui.domain.errors import DiskFull
from tests.disks import small_disk

HUNGRY = "#!/bin/sh\necho $$ > pid\nhead -c 250000 /dev/zero > eaten\nexec sleep 1000\n"
"""Eats into what must stay free, and then would take its time."""


def test_a_command_that_leaves_too_little_free_is_ended(tmp_path: Path):
    program = tmp_path / "git"
    program.write_text(HUNGRY)
    program.chmod(0o755)
    with small_disk(tmp_path / "disk", 8_000_000) as disk:
        full = disk / "filler"
        full.write_bytes(bytes(free_bytes(disk) - 200_000))
        with pytest.raises(DiskFull, match="not enough space left"):
            Git(disk, disk, program=str(program), room=disk).run("pack-objects")
        with pytest.raises(ProcessLookupError):
            os.kill(int((disk / "pid").read_text()), 0)


def test_what_does_not_fit_beside_the_reserve_is_refused(tmp_path: Path):
    with small_disk(tmp_path / "disk", 8_000_000) as disk:
        folder = disk / "scratch" / "1-x"
        folder.mkdir(parents=True)
        require_room(folder, free_bytes(folder))
        with pytest.raises(DiskFull) as refused:
            require_room(folder, free_bytes(folder) + 2_500_000)
        assert refused.value.what.startswith(f"There is not enough space left on the disk at {disk}: ")
        assert refused.value.what.endswith(" are to be written, and 2.5 MB are missing.")
        assert refused.value.hint.startswith("Free 2.5 MB or more there. ")
        (disk / "filler").write_bytes(bytes(free_bytes(disk) + 4096))
        with pytest.raises(DiskFull, match=r"some of it must stay free, and [0-9.]+ kB are missing"):
            require_room(folder)


def test_a_disk_is_named_also_by_a_place_that_is_gone(tmp_path: Path):
    with small_disk(tmp_path / "disk", 8_000_000) as disk:
        assert disk_of(disk / "scratch" / "gone" / "file") == disk
        (disk / "filler").write_bytes(bytes(free_bytes(disk) - 300_000))
        said = f"^There is no space left on the disk at {disk}: [0-9.]+ kB can still"
        with pytest.raises(DiskFull, match=said), plain_errors(disk / "gone"):
            raise OSError(errno.ENOSPC, "No space left on device")
