"""A demo that is told to end: politely first, but not for ever."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
from pathlib import Path
from hive_tui.adapters.clock import SystemClock
from hive_tui.demo import departure

departure.PATIENCE_S = 0.3
clock, cleared, manner = SystemClock(), Path(sys.argv[1]), sys.argv[2]
asked = []
with departure.Departure(clock) as leaving:
    try:
        if manner != "starting":
            leaving.screen_is_up(ask=lambda: asked.append(True), clear_away=cleared.touch)
        print("up", flush=True)
        while not asked or manner == "hangs":
            clock.sleep(0.02)
    finally:
        leaving.screen_is_down()
        print("down", flush=True)
sys.exit(128 + leaving.number)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
@pytest.mark.parametrize(("manner", "has_to_clear"), [("starting", False), ("listens", False), ("hangs", True)])
def test_a_signal_ends_it_and_a_screen_that_hangs_does_not_keep_it(
    tmp_path: Path, number: signal.Signals, manner: str, has_to_clear: bool
):
    cleared = tmp_path / "cleared"
    command = [sys.executable, "-c", SCRIPT, str(cleared), manner]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(number)
        assert process.wait(10) == 128 + number
        assert (process.stdout.read() == "down\n") is not has_to_clear
    assert cleared.exists() is has_to_clear
