"""A database in memory for properties that are tried many times."""

import sqlite3
from pathlib import Path

from hive_tui.store import agents, migrations
from tests.builders import NOON, an_agent


def in_memory(*names: str) -> sqlite3.Connection:
    """The newest schema, with agents of these names."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA foreign_keys = ON")
    migrations.migrate(db, Path(":memory:"), now=NOON)
    for name in names:
        agents.add(db, an_agent(name), now=NOON)
    return db
