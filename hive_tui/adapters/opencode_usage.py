"""What OpenCode's database tells about tokens. It is OpenCode's: opened for reading only, and never waited for."""

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from hive_tui.domain.usage import Spent, of_opencode

BUSY_TIMEOUT_S = 0.2
MESSAGES = """
    SELECT message.id, message.session_id, message.data, session.parent_id FROM message
      JOIN session ON session.id = message.session_id
     WHERE (session.id = :id OR session.parent_id = :id) AND message.time_created >= :since_ms
"""


def spent_in(database: Path, session_id: str, *, since_ms: int) -> list[Spent]:
    """The answers of a session, and of its helpers, that were begun since then.

    Raises:
        OSError: The database cannot be read, is busy, or is of a version that is not known.
    """
    url = f"file:{quote(os.fsencode(database))}?mode=ro"
    try:
        with closing(sqlite3.connect(url, uri=True, timeout=BUSY_TIMEOUT_S)) as opened:
            rows = opened.execute(MESSAGES, {"id": session_id, "since_ms": since_ms}).fetchall()
    except sqlite3.Error as error:
        raise OSError(f"{database}: {error}") from error
    found: list[Spent] = []
    for message_id, owner, data, parent in rows:
        try:
            value = json.loads(data)
        except (ValueError, TypeError, RecursionError):
            continue
        spent = (
            of_opencode(str(message_id), str(owner), value, is_aside=bool(parent)) if isinstance(value, dict) else None
        )
        if spent is not None:
            found.append(spent)
    return found
