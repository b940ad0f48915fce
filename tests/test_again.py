"""The few tests that failed among all others run once more, alone: what is broken fails again."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stage import ROOT

FAILS = "def test_broken(): assert False\n"
FAILS_ONCE = """
from pathlib import Path

def test_starved():
    mark = Path(__file__).with_name("seen")
    was_there, _ = mark.exists(), mark.touch()
    assert was_there
"""


@pytest.mark.parametrize(
    ("tests", "code", "says"),
    [
        (FAILS_ONCE, 0, "UNRELIABLE: failed among all others and passed alone"),
        (FAILS_ONCE + FAILS, 1, "test_broken"),
        (FAILS_ONCE + "".join(FAILS.replace("broken", f"broken_{at}") for at in range(3)), 1, "4 failed"),
        ("def test_fine(): pass\nimport no_such_module\n", 2, "no_such_module"),
    ],
)
def test_only_what_passes_alone_is_let_through(tmp_path: Path, tests: str, code: int, says: str):
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "again", tmp_path / ".ci" / "again")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    runs = tmp_path / ".venv" / "bin" / "pytest"
    runs.write_text(f'#!/bin/sh\nexec {sys.executable} -m pytest "$@"\n')
    runs.chmod(0o755)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_some.py").write_text(tests)
    run = f"{runs} || .ci/again $?"
    plain = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # these tests need none, and each takes a while
    ended = subprocess.run(["bash", "-c", run], cwd=tmp_path, env=plain, capture_output=True, text=True, check=False)
    assert ended.returncode == code, ended.stdout + ended.stderr
    assert says in ended.stdout
    assert ("UNRELIABLE" in ended.stdout) is (code == 0)
