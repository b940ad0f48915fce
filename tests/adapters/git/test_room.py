"""A git command that fills the disk is ended before the disk is full."""

import os
from pathlib import Path

import pytest

from hive_tui.adapters.files.room import free_bytes, require_room
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
        require_room(disk, free_bytes(disk))
        with pytest.raises(DiskFull):
            require_room(disk, free_bytes(disk) + 1)
