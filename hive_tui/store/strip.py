"""What the status line of tmux tells, read without opening the database as a part of the hive."""

from __future__ import annotations

import sqlite3

from hive_tui.domain.strip import StripAgent

PATIENCE_S = 0.3
RESTS, REST_S = '"rests"', 60.0
"""A sign of life with that word in it holds for so much longer: its heartbeat rests while nothing runs."""
AGENTS = "SELECT id, name, lifecycle, activity FROM agents ORDER BY name"
SETTINGS = """
    SELECT key, value, updated_at FROM settings
     WHERE key IN ('paused', 'heartbeat') OR key >= 'unread:' AND key < 'unread;'
"""


class StripFacts:
    """The hive as it was last seen."""

    __slots__ = ("agents", "beat_at_s", "is_paused")

    def __init__(self, agents: list[StripAgent], is_paused: bool, beat_at_s: float) -> None:
        """Make it; `beat_at_s` is when a heartbeat last was known to live, since the epoch, 0 for never."""
        self.agents = agents
        self.is_paused = is_paused
        self.beat_at_s = beat_at_s


def read(path: str) -> StripFacts:
    """Read them; makes and changes nothing.

    Raises:
        sqlite3.Error: There is no database, or it cannot be read now.
    """
    address = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    database = sqlite3.connect(f"file:{address}?mode=ro", uri=True, timeout=PATIENCE_S)
    try:
        kept = {key: (value, at) for key, value, at in database.execute(SETTINGS)}
        rows = database.execute(AGENTS).fetchall()
        sign, signed_at = kept.get("heartbeat", ("", 0))
    finally:
        database.close()
    return StripFacts(
        [
            StripAgent(name, _state(lifecycle, activity, f"unread:{agent_id}" in kept))
            for agent_id, name, lifecycle, activity in rows
        ],
        kept.get("paused", ("false", 0))[0] == "true",
        signed_at / 1_000_000 + (REST_S if RESTS in sign else 0.0),
    )


def _state(lifecycle: str, activity: str, is_unread: bool) -> str:
    if lifecycle != "awake":
        return lifecycle
    return "done" if is_unread and activity == "idle" else activity
