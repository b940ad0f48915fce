"""A database in memory for properties that are tried many times."""

import sqlite3
from functools import cache
from pathlib import Path

from hive_tui.store import agents, migrations
from tests.builders import NOON, an_agent


def in_memory(*names: str) -> sqlite3.Connection:
    """The newest schema, with agents of these names."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.deserialize(_migrated())
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA foreign_keys = ON")
    for name in names:
        agents.add(db, an_agent(name), now=NOON)
    return db


@cache
def _migrated() -> bytes:
    """An empty database, made once: the steps of the schema take longer than most that is tried on it."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    migrations.migrate(db, Path(":memory:"), now=NOON)
    return db.serialize()
