"""Cores that several processes share: never more than there are, and none is lost with who had it."""

import os
import subprocess
import sys
from pathlib import Path

from hive_tui.adapters.cores import Cores
from tests.clocks import FakeClock

HOLD = """
import sys, time
from pathlib import Path
from hive_tui.adapters.clock import SystemClock
from hive_tui.adapters.cores import Cores
core = Cores(Path(sys.argv[1]), 2, SystemClock()).try_help()
print("held" if core else "none", flush=True)
time.sleep(600)
"""


def test_helpers_have_what_is_spare_and_make_room_for_who_waits(tmp_path: Path):
    clock = FakeClock()
    stages, helpers = Cores(tmp_path, 2, clock), Cores(tmp_path, 2, clock)
    first, spare = stages.try_take(), helpers.try_help()
    assert first is not None and spare is not None
    assert helpers.try_help() is None, "there is no third one"
    assert stages.try_take() is None
    clock.advance(3)
    spare()
    assert helpers.helped_s == 3
    assert helpers.try_help() is None, "somebody waits for it"
    second = stages.try_take()
    assert second is not None
    second()
    again = helpers.try_help()
    assert again is not None
    assert stages.try_take() is None
    again()
    stages.want_none()
    assert helpers.try_help() is not None, "nobody waits any more"


def test_the_core_of_a_process_that_was_killed_is_free_again(tmp_path: Path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        ours = Cores(tmp_path, 2, FakeClock())
        assert ours.try_take() is not None and ours.try_take() is None
    finally:
        holder.kill()
        holder.communicate()
    assert ours.try_take() is not None


def test_a_core_is_given_back_though_a_child_was_forked_meanwhile(tmp_path: Path):
    cores = Cores(tmp_path, 1, FakeClock())
    give_back = cores.try_take()
    assert give_back is not None
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writing)
        os.read(reading, 1)
        os._exit(0)
    try:
        give_back()
        assert cores.try_take() is not None
    finally:
        os.close(writing)
        os.close(reading)
        os.waitpid(child, 0)
