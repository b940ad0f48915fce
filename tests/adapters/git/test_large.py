"""Hundreds of megabytes that git does not track: nothing of them is ever in memory at once."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.adapters.git.conftest import Repo

MEGABYTE = 1_000_000
FILES = 4
FILE_BYTES = 80 * MEGABYTE
MAX_PEAK_BYTES = 256 * MEGABYTE

WORK = """
import sys, pathlib
from hive_tui.adapters.clock import SystemClock
from hive_tui.adapters.git.workspaces import GitWorkspaces
root, folder = map(pathlib.Path, sys.argv[1:])
workspaces = GitWorkspaces(SystemClock(), memory=folder / "memory")
for name in ("then", "now", "journal"):
    (folder / name).mkdir()
workspaces.snapshot(root, folder / "then")
workspaces.check(folder / "then")
(root / "0.bin").unlink()
workspaces.snapshot(root, folder / "now")
plan = workspaces.plan(folder / "then", folder / "now", root)
workspaces.apply(plan, folder / "then", root, folder / "journal" / "one")
assert workspaces.verify(folder / "then", root) == []
"""


def family(pid: int) -> Iterator[int]:
    """A process and all that it has started and that still run."""
    yield pid
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                yield from family(int(child))


def peak_bytes(pid: int) -> int:
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return 0


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_large_untracked_files_take_little_memory(repo: Repo, tmp_path: Path):
    for number in range(FILES):
        with (repo.root / f"{number}.bin").open("wb") as file:
            file.write(bytes([number]))
            file.truncate(FILE_BYTES)
    worker = subprocess.Popen([sys.executable, "-c", WORK, repo.root, tmp_path])
    peaks: dict[str, int] = {}
    looks = threading.Event()
    try:
        while worker.poll() is None:
            for pid in family(worker.pid):
                with suppress(OSError):
                    name = " ".join(Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")[-4:])
                    peaks[name] = max(peaks.get(name, 0), peak_bytes(pid))
            looks.wait(0.05)
    finally:
        worker.kill()
        worker.wait()
    assert worker.returncode == 0
    largest = dict(sorted(peaks.items(), key=lambda item: item[1])[-3:])
    assert max(peaks.values()) < MAX_PEAK_BYTES, json.dumps(largest)
    assert (repo.root / "0.bin").stat().st_size == FILE_BYTES
