"""The program ends, whatever thread of it does not."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys, threading
from hive_tui.cli.dashboard import leave_behind

threading.Thread(target=threading.Event().wait, name=sys.argv[1]).start()
print("last words")
leave_behind(bool(int(sys.argv[2])), 3)
"""


def left(thread: str, *, is_busy: bool, timeout_s: float) -> tuple[int, str]:
    """Exit code and output of a program with such a thread, which never ends."""
    command = [sys.executable, "-c", PROGRAM, thread, str(int(is_busy))]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
    return ended.returncode, ended.stdout + ended.stderr


def test_a_thread_that_reads_a_terminal_which_is_gone_is_not_waited_for():
    assert left("textual-input", is_busy=False, timeout_s=60) == (3, "last words\n")


def test_work_that_did_not_end_in_time_is_not_waited_for():
    assert left("step_0", is_busy=True, timeout_s=60) == (3, "last words\n")


def test_any_other_thread_comes_to_its_end():
    with pytest.raises(subprocess.TimeoutExpired):
        left("backup", is_busy=False, timeout_s=2)
