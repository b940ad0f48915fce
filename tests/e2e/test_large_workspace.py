"""A workspace with 100,000 files: the nap takes longer, and neither fails nor eats the memory that it is to free."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stage import CLOCK, Stage, eventually

FILES = 100_000
FILES_IN_A_FOLDER = 500
MEMORY_BYTES = 300_000_000
NAP_S, WAKE_S = 180.0, 60.0


def fill(folder: Path, kind: str, count: int) -> None:
    for start in range(0, count, FILES_IN_A_FOLDER):
        below = folder / kind / f"{start:06}"
        below.mkdir(parents=True)
        for number in range(start, start + FILES_IN_A_FOLDER):
            (below / f"{number}.txt").write_bytes(b"%s %d\n" % (kind.encode(), number))


WATCH = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, flush=True)
sys.exit(done.returncode)
"""


def measured(stage: Stage, *arguments: str) -> tuple[float, int]:
    """Run a command, which must succeed; its seconds, and the most memory that it or a program of its held."""
    began = CLOCK.monotonic()
    # The peak of a process begins with that of whoever started it, so a small one does.
    line = [sys.executable, "-c", WATCH, *stage.command_line(*arguments)]
    done = subprocess.run(line, env=stage.environment, capture_output=True, text=True, cwd=stage.folder, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return CLOCK.monotonic() - began, int(done.stdout.splitlines()[-1]) * 1024


@pytest.mark.faults
@pytest.mark.timeout(900)
@pytest.mark.parametrize("tracked", [FILES, FILES // 2, 0], ids=["tracked", "half tracked", "untracked"])
def test_a_workspace_of_100_000_files_naps_and_wakes(stage: Stage, tracked: int):
    folder = stage.repository("shop")
    fill(folder, "tracked", tracked)
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-C", str(folder)]
    for arguments in (["add", "-A"], ["commit", "-qm", "many"]):
        subprocess.run([*git, *arguments], env=stage.environment, check=True)
    fill(folder, "untracked", FILES - tracked)
    for number in range(0, tracked, 100):
        changed = folder / "tracked" / f"{number // FILES_IN_A_FOLDER * FILES_IN_A_FOLDER:06}" / f"{number}.txt"
        changed.write_text("changed\n")
    pane_id = stage.agent_in_shell("shop", folder=folder)
    agent = stage.look("shop")

    nap_s, nap_bytes = measured(stage, "nap", "shop")
    [checkpoint] = stage.json("checkpoints", "shop")
    assert checkpoint["is_valid"] is True
    deep_s, deep_bytes = measured(stage, "validate", "shop", "--deep")
    wake_s, wake_bytes = measured(stage, "wake", "shop")
    print(
        f"\nnap {nap_s:.1f} s, {nap_bytes / 1e6:.0f} MB; deep validation {deep_s:.1f} s, {deep_bytes / 1e6:.0f} MB;"
        f" wake {wake_s:.1f} s, {wake_bytes / 1e6:.0f} MB; checkpoint {checkpoint['size_bytes'] / 1e6:.1f} MB"
    )
    assert stage.look("shop").session_id == agent.session_id
    eventually(lambda: "(resumed with 1 messages)" in stage.screen(pane_id))
    assert sum(len(files) for kind in ("tracked", "untracked") for _, _, files in os.walk(folder / kind)) >= FILES
    assert max(nap_bytes, deep_bytes, wake_bytes) < MEMORY_BYTES
    assert nap_s < NAP_S and wake_s < WAKE_S
