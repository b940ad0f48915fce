"""Opens the dashboard: what stands before its first picture is imported here, and nothing else."""

import gc
import os
import sys
import threading

import click

from hive_tui.cli.beside import Beside
from hive_tui.cli.context import opened
from hive_tui.domain.errors import HiveError

SWITCH_S = 0.001


def open_dashboard(ctx: click.Context) -> None:
    """The dashboard, with the heartbeat inside."""
    need_terminal()
    # A thread that computes lets the one that draws wait for so long; five times that is Python's own.
    sys.setswitchinterval(SWITCH_S)
    # Until the first screen is drawn all that is made stays: looking for garbage meanwhile only costs time.
    gc.disable()
    with opened(ctx) as hive:
        hive.database  # noqa: B018 - a database that cannot be opened is told before the screen is taken
        hive.check_own_kinds()
        from hive_tui.ui.app import HiveApp
        from hive_tui.ui.mishaps import last_words
        from hive_tui.ui.quiet_input import quiet

        app = HiveApp(hive, answering=Beside(hive))
        app.driver_class = quiet(app.driver_class)
        broken = last_words(app)
        app.run()
        if error := broken():
            raise error
        leave_behind(app.is_busy or app.is_stuck)


def need_terminal() -> None:
    """Refuse to open a dashboard that nobody could see.

    Raises:
        HiveError: Input or output is no terminal.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise HiveError(
            "The dashboard needs a terminal.", hint="Scripts use `hive-tui agents --json`; services `hive-tui serve`."
        )


def leave_behind(is_busy: bool, code: int = 0) -> None:
    """Do not wait for work that did not end in time: the next start finishes it, or rolls it back.

    Nor for a thread of Textual that reads a terminal which is gone: it would do so for ever.
    """
    if is_busy or any(thread.name.startswith("textual-") for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
