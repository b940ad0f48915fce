"""Which folders are left over from a demo, and which are not."""

import json
import os
import tempfile
from pathlib import Path

import pytest

from hive_tui.adapters.clock import SystemClock
from hive_tui.adapters.processes import system_processes
from hive_tui.demo import leftovers

PROCESSES = system_processes()
CLOCK = SystemClock()


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for demos that is nobody else's."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(leftovers, "_bases", lambda: [tmp_path])
    return tmp_path


def put(base: Path, name: str, marker: object) -> Path:
    folder = base / name
    (folder / "user").mkdir(parents=True)
    if marker is not None:
        (folder / leftovers.MARKER).write_text(json.dumps(marker))
    return folder


def test_a_demo_whose_process_is_gone_is_swept(base: Path):
    folder = put(base, "hive-demo-old", {"pid": os.getpid(), "started": 1})
    assert leftovers.sweep(PROCESSES, CLOCK) == [folder]
    assert not folder.exists()


def test_a_demo_whose_process_lives_is_left_alone(base: Path):
    folder = leftovers.new_folder(PROCESSES)
    assert leftovers.sweep(PROCESSES, CLOCK) == []
    assert folder.exists() and folder.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("marker", [None, {}, [], {"pid": "many", "started": 1}, {"pid": None, "started": None}])
def test_a_folder_without_a_marker_of_ours_is_left_alone(base: Path, marker: object):
    folder = put(base, "hive-demo-photos", marker)
    assert leftovers.sweep(PROCESSES, CLOCK) == []
    assert folder.exists()


def test_a_folder_of_another_name_is_left_alone(base: Path):
    folder = put(base, "hive-work", {"pid": 1, "started": 1})
    assert leftovers.sweep(PROCESSES, CLOCK) == [] and folder.exists()


def test_what_a_link_points_to_is_left_alone(base: Path):
    target = put(base, "photos", {"pid": os.getpid(), "started": 1})
    (base / "hive-demo-link").symlink_to(target)
    assert leftovers.sweep(PROCESSES, CLOCK) == [] and target.exists()
