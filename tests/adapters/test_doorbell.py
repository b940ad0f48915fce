"""The doorbell between real processes; ringing must never block and never fail."""

import os
import select
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hive_tui.adapters.doorbell import Doorbell
from tests.stage import ROOT

RINGER = """
import sys
from pathlib import Path
from hive_tui.adapters.doorbell import Doorbell
Doorbell(Path(sys.argv[1])).ring()
"""


@pytest.fixture(autouse=True)
def runtime_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for sockets that is this test's own, with a path that is as short as theirs must be."""
    with tempfile.TemporaryDirectory(prefix="hive-") as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        yield Path(folder)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def doorbell(home: Path) -> Iterator[Doorbell]:
    made = Doorbell(home)
    yield made
    made.close()


def has_rung(doorbell: Doorbell, *, within_s: float = 0.0) -> bool:
    """Whether there is something to hear, as the event loop of the heartbeat would see it."""
    return bool(select.select([doorbell.fileno()], [], [], within_s)[0])


def test_a_ring_of_another_process_wakes_the_listener(doorbell: Doorbell, home: Path):
    doorbell.open()
    assert not has_rung(doorbell)
    subprocess.run([sys.executable, "-c", RINGER, str(home)], check=True, cwd=ROOT)
    assert has_rung(doorbell, within_s=10)


def test_draining_takes_all_rings_and_hears_the_next_one(doorbell: Doorbell, home: Path):
    doorbell.open()
    for _ in range(5):
        Doorbell(home).ring()
    doorbell.drain()
    assert not has_rung(doorbell)
    doorbell.drain()
    Doorbell(home).ring()
    assert has_rung(doorbell)


def test_a_ring_that_nobody_hears_changes_nothing(home: Path, runtime_folder: Path):
    Doorbell(home).ring()
    assert list(runtime_folder.iterdir()) == []
    assert not home.exists()


def test_ringing_a_listener_that_does_not_drain_does_not_block(doorbell: Doorbell, home: Path):
    doorbell.open()
    for _ in range(2_000):
        Doorbell(home).ring()
    assert has_rung(doorbell)


@pytest.mark.parametrize("left", ["socket", "fifo", "file"])
def test_what_a_dead_listener_left_behind_is_in_nobodys_way(doorbell: Doorbell, home: Path, left: str):
    doorbell.path.parent.mkdir(parents=True)
    if left == "socket":
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dead:
            dead.bind(str(doorbell.path))
    elif left == "fifo":
        os.mkfifo(doorbell.path)
    else:
        doorbell.path.write_text("stale")
    Doorbell(home).ring()
    doorbell.open()
    Doorbell(home).ring()
    assert has_rung(doorbell)


def test_a_ring_of_the_listening_process_is_a_call_until_it_listens_no_longer(doorbell: Doorbell):
    rings: list[int] = []
    doorbell.open(lambda: rings.append(1))
    doorbell.ring()
    assert rings == [1]
    assert not has_rung(doorbell), "no datagram to ourselves"
    doorbell.close()
    doorbell.ring()
    assert rings == [1]


def test_a_bell_that_has_rung_in_vain_is_heard_by_a_later_listener(doorbell: Doorbell, home: Path):
    ringer = Doorbell(home)
    ringer.ring()
    for _ in range(2):
        doorbell.open()
        ringer.ring()
        assert has_rung(doorbell)
        doorbell.close()


def test_each_home_has_a_bell_of_its_own(doorbell: Doorbell, tmp_path: Path):
    doorbell.open()
    Doorbell(tmp_path / "other").ring()
    assert not has_rung(doorbell)


def test_one_home_has_one_bell_whatever_way_it_is_written(tmp_path: Path, home: Path):
    home.mkdir()
    (tmp_path / "link").symlink_to(home)
    assert Doorbell(tmp_path / "link" / ".." / "home").path == Doorbell(home).path


def test_a_home_of_any_depth_has_a_path_that_a_socket_may_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/4294967294")
    assert len(str(Doorbell(tmp_path.joinpath(*["deep"] * 100)).path)) < 100


def test_a_runtime_folder_that_is_not_there_is_replaced_by_one_of_our_own(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "missing"))
    assert Doorbell(home).path.parent.name == f"hive-tui-{os.getuid()}"


def test_only_its_owner_may_ring(doorbell: Doorbell):
    doorbell.open()
    assert stat.S_ISSOCK(doorbell.path.stat().st_mode)
    assert doorbell.path.stat().st_mode & 0o777 == 0o600
    assert doorbell.path.parent.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_another_user_made_is_refused(doorbell: Doorbell, monkeypatch: pytest.MonkeyPatch):
    doorbell.path.parent.mkdir()
    monkeypatch.setattr(os, "getuid", lambda: doorbell.path.parent.stat().st_uid + 1)
    with pytest.raises(PermissionError, match="belongs to another user"):
        doorbell.open()
    assert not doorbell.path.exists()


def test_a_closed_bell_is_silent_and_leaves_nothing_behind(doorbell: Doorbell, home: Path):
    assert doorbell.fileno() == -1
    doorbell.drain()
    doorbell.open()
    assert doorbell.fileno() >= 0
    doorbell.close()
    doorbell.close()
    assert doorbell.fileno() == -1 and not doorbell.path.exists()
    Doorbell(home).ring()
    doorbell.drain()


def test_a_reopened_bell_hears_again(doorbell: Doorbell, home: Path):
    doorbell.open()
    doorbell.close()
    doorbell.open()
    Doorbell(home).ring()
    assert has_rung(doorbell)
