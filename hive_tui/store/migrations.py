"""Numbered steps from each version of the schema to the next, against `PRAGMA user_version`."""

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from hive_tui.domain.errors import StoreError

STEPS: tuple[str, ...] = (
    "0001.sql", "0002.sql", "0003.sql", "0004.sql", "0005.sql", "0006.sql", "0007.sql", "0008.sql", "0009.sql",
    "0010.sql", "0011.sql", "0012.sql", "0013.sql", "0014.sql", "0015.sql", "0016.sql",
    "0017.sql", "0018.sql", "0019.sql", "0020.sql",
)  # fmt: skip
"""Files of `store/schema`; step N leads from version N-1 to version N. Never edit one that was released."""

LATEST = len(STEPS)


def version(connection: sqlite3.Connection) -> int:
    """The schema version of an open database; 0 for a new one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection, path: Path, *, now: datetime, steps: tuple[str, ...] = STEPS) -> None:
    """Bring the database up to date, in one transaction, after keeping a copy of an older one.

    Two processes may do this at once: the second finds nothing left to do.

    Raises:
        StoreError: The database was written by a newer hive-tui.
    """
    found = version(connection)
    if found == len(steps):
        return
    refuse_newer(found, path, len(steps))
    if found > 0:
        keep_copy(connection, path, found, now)
    from importlib.resources import files  # most starts have nothing to do here

    connection.execute("BEGIN IMMEDIATE")
    try:
        for number in range(version(connection), len(steps)):
            for statement in _statements(files("hive_tui.store").joinpath("schema", steps[number]).read_text()):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(steps)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk has ended it already
            connection.execute("ROLLBACK")
        raise


def refuse_newer(found: int, path: Path, known: int = LATEST) -> None:
    """Raise a StoreError if the database is newer than this program."""
    if found > known:
        raise StoreError(
            f"{path} was written by a newer hive-tui (its schema is version {found}, this one knows {known}).",
            hint="Update hive-tui, or point --home at another folder.",
        )


def keep_copy(connection: sqlite3.Connection, path: Path, found: int, now: datetime) -> Path:
    """A consistent copy of the database beside it, made before it is changed."""
    copy = path.with_name(f"{path.name}.v{found}-{now:%Y%m%dT%H%M%S%f}.bak")
    copy.touch(mode=0o600)
    with closing(sqlite3.connect(copy)) as target:
        connection.backup(target)
    return copy


def _statements(script: str) -> list[str]:
    """Split a script at statement ends; `executescript` would commit behind our back."""
    found: list[str] = []
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            found.append(pending)
            pending = ""
    return found
