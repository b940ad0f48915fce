"""However often the intake is killed, and whatever is delivered again then, each delivery becomes one wake."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hive_tui.domain.signals import Asked
from hive_tui.services.sources.webhook import webhook
from tests.services.sources.conftest import Sleepers
from tests.stage import ROOT

# Takes deliveries and says which are taken. Kills itself before the statement whose number it is given.
TAKER = """
import os, signal, sys
from itertools import count
from pathlib import Path
from hive_tui.settings import Settings
from hive_tui.domain.signals import Asked
from hive_tui.hive import Hive
from hive_tui.services.sources.webhook import webhook

statements, fatal = count(1), int(sys.argv[2])

def execute(statement):
    if next(statements) == fatal:
        os.kill(os.getpid(), signal.SIGKILL)

hive = Hive(Path(sys.argv[1]), Settings())
intake = hive.listening.intake
hive.database._writer.set_trace_callback(execute)
for number in range(3):
    intake.take(webhook("ada", f"delivery-{number}", Asked(f"message {number}")))
    print(number, flush=True)
"""


@pytest.mark.faults
def test_a_kill_before_any_statement_loses_no_delivery_and_doubles_none(tmp_path: Path):
    for fatal in range(1, 100):
        folder = tmp_path / str(fatal)
        folder.mkdir()
        sleepers = Sleepers(folder)
        command = [sys.executable, "-c", TAKER, str(folder / "home"), str(fatal)]
        killed = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
        assert killed.returncode in (0, -signal.SIGKILL), killed.stderr
        told = sleepers.told()
        assert told[: len(killed.stdout.split())] == [f"message {n}" for n in killed.stdout.split()]
        for number in range(3):  # the sender knows nothing of the crash
            sleepers.hive.listening.intake.take(webhook("ada", f"delivery-{number}", Asked(f"message {number}")))
        assert sleepers.told() == ["message 0", "message 1", "message 2"], f"killed at {fatal}"
        sleepers.hive.close()
        if killed.returncode == 0:
            assert fatal > 15, "there are as many steps"
            return
    pytest.fail("it never came to its end")
