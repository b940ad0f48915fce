"""Answers of models one by one, and the handoffs between their conversations, for replays."""

import sqlite3

from hive_tui.domain.savings import Handover, Turn
from hive_tui.domain.usage import PROSE_KEY, VECTORS_KEY, Tokens
from hive_tui.store.values import from_us


def turns_of(db: sqlite3.Connection, agent_id: str) -> list[Turn]:
    """All answers of an agent that are kept apart, oldest first; what consolidation has spent is none of them."""
    rows = db.execute(
        "SELECT at, input, cache_write, cache_read, output, session_id, context FROM token_usage"
        " WHERE agent_id = ? AND key NOT GLOB ? AND key NOT GLOB ? ORDER BY at, key",
        (agent_id, f"{PROSE_KEY}*", f"{VECTORS_KEY}*"),
    )
    return [Turn(from_us(row[0]), Tokens(*row[1:5]), row[5], row[6]) for row in map(tuple, rows)]


def handovers_of(db: sqlite3.Connection, agent_id: str) -> list[Handover]:
    """The handoffs of an agent whose new conversation came about."""
    rows = db.execute(
        "SELECT started_at, previous_session FROM handoffs WHERE agent_id = ? AND mode = 'handoff'"
        " AND started_at IS NOT NULL AND previous_session IS NOT NULL ORDER BY started_at",
        (agent_id,),
    )
    return [Handover(from_us(row[0]), row[1]) for row in map(tuple, rows)]
