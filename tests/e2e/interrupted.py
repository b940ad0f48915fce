"""Runs a command line of hive-tui that gets a SIGINT when the first file of a restore is about to be changed.

Usage: python -m tests.e2e.interrupted ARGUMENTS...
"""

import os
import signal
import sys
from typing import Any

from hive_tui.adapters.files.writer import FileWriter
from hive_tui.cli.main import run


def interrupted(*arguments: Any) -> Any:
    os.kill(os.getpid(), signal.SIGINT)
    return make(*arguments)


make = FileWriter.make

if __name__ == "__main__":
    FileWriter.make = interrupted  # type: ignore[assignment, method-assign]
    sys.exit(run(sys.argv[1:]))
