"""`hive-tui status --tmux`, which tmux runs every few seconds: few imports, no look at tmux, never an error."""

from __future__ import annotations

import os
import sqlite3
import sys

from hive_tui.adapters.clock import SystemClock
from hive_tui.domain.strip import NOTHING, strip
from hive_tui.store.strip import read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH = 60
SILENT_S = 75.0
"""A heartbeat gives a sign of life four times in that; after it, what is shown may be old."""


def line(home: str, width: int) -> str:
    """What stands in the status line."""
    try:
        facts = read(f"{home}/hive.db")
    except (sqlite3.Error, OSError, ValueError):
        return NOTHING[:width]
    is_watched = SystemClock().now().timestamp() - facts.beat_at_s < SILENT_S
    notes = [word for word, is_so in (("PAUSED", facts.is_paused), ("not watched", not is_watched)) if is_so]
    return strip(facts.agents, width=width, notes=notes if facts.agents else ())


def main(arguments: Sequence[str]) -> int | None:
    """Print it; the exit code, or None where there are other words than the few that are known here."""
    home, width = "", str(WIDTH)
    words = list(arguments)
    while words:
        name, sign, value = words.pop(0).partition("=")
        if name == "--tmux" and not sign:
            continue
        if name not in ("--home", "--width") or not (sign or words):
            return None
        value = value if sign else words.pop(0)
        home, width = (value, width) if name == "--home" else (home, value)
    if not width.isdecimal() or not 1 <= int(width) <= 1000 or home.startswith("~"):
        return None
    if not home:
        from hive_tui.adapters.hooks.command import default_home

        home = default_home()
    text = f"{line(home, int(width))}\n"
    try:
        if sys.stdout is not None:
            os.write(sys.stdout.fileno(), text.encode(sys.stdout.encoding, "backslashreplace"))
    except OSError:
        return 1  # who asked has gone: there is nobody to tell
    return 0
