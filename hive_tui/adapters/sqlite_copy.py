"""Copies SQLite databases that others write meanwhile: by SQLite's own means, never as a plain file.

A source is not even opened as a file to look at it: closing it would end the locks that this process holds on it.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from hive_tui.domain.errors import BackupError
from hive_tui.domain.ports import Clock

PAGES_A_STEP = 2_000
REST_S = 0.01
"""How long a copy waits for a writer before it tries the next step."""
LOCK_REST_S = 0.001
RESTARTS = 3
"""So often a copy begins anew, since the source was written between two of its steps, before writers are held back."""
BUSY_RESTS = 50
"""So often a copy rests for a writer before writers are held back."""
RECENT_S = 2.0
"""A file that was changed within this time may be changing still."""
BUSY_TIMEOUT_S = 5.0
MAX_ERRORS = 20
COMPANIONS = ("-wal", "-shm", "-journal")


def copy_database(source: Path, target: Path, clock: Clock, *, timeout_s: float = 60.0) -> int:
    """Copy a database as it is at one moment, with what its write-ahead log holds; the copy's size in bytes.

    The source is opened for reading only. Where it has a write-ahead log, its writers go on undisturbed; where it
    has none, they wait only if the copy would not come to an end otherwise.

    Args:
        source: A database that may be in use.
        target: Does not exist yet; made with mode 0600 and synced. After an error it is gone.
        clock: For the time limit.
        timeout_s: Longest time that the copying may take.

    Raises:
        BackupError: It is no database, cannot be read, or stays locked or busy too long; or the disk is full.
    """
    deadline = clock.monotonic() + timeout_s
    is_done = False
    try:
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            _copy(source, target, clock, lambda: deadline - clock.monotonic())
            _sync(target)
            is_done = True
            return target.stat().st_size
        finally:
            if not is_done:
                target.unlink(missing_ok=True)
    except (sqlite3.Error, OSError) as error:
        said = str(error) or type(error).__name__
        raise BackupError(f"The database {source} could not be copied: {said}.", hint=_hint(said)) from error


def empty_tables(path: Path, tables: Sequence[str]) -> None:
    """Take all rows out of tables of a copy, so that not even its free pages hold them.

    Args:
        path: A database that nobody else uses.
        tables: Those that it does not have are left out.

    Raises:
        BackupError: It cannot be written; the copy is not to be kept then.
    """
    if not tables:
        return
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            names = {str(row[0]) for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("PRAGMA foreign_keys = OFF")
            connection.execute("PRAGMA secure_delete = ON")
            for table in names.intersection(tables):
                connection.execute(f'DELETE FROM "{table}"')
            connection.execute("VACUUM")
        _sync(path)
    except (sqlite3.Error, OSError) as error:
        raise BackupError(f"The keys could not be taken out of the copy {path}: {error}.") from error


def database_errors(path: Path) -> list[str]:
    """What SQLite's full check finds in a database that nobody uses; empty if it is sound. Leaves no files behind."""
    try:
        with _opened(path, immutable=True) as connection:
            rows = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({MAX_ERRORS})")]
    except sqlite3.Error as error:
        return [str(error)]
    return [] if rows == ["ok"] else rows


def _copy(source: Path, target: Path, clock: Clock, left_s: Callable[[], float]) -> None:
    if not source.is_file():
        raise FileNotFoundError(f"there is no file {source}")
    before = _at_rest(source, clock)
    if before is not None:
        # Read as a file that stands still, so that no empty log is left beside it. Never done to a database that this
        # process has open: that one has a log; and closing it would end the locks that the process holds on it.
        with suppress(sqlite3.DatabaseError), _opened(source, immutable=True) as reading, _written(target) as writing:
            _in_steps(reading, writing, left_s)
            if _at_rest(source, clock) == before:
                return
    with _opened(source) as reading, _written(target) as writing:
        _copy_busy(reading, writing, clock, left_s)


def _copy_busy(
    reading: sqlite3.Connection, writing: sqlite3.Connection, clock: Clock, left_s: Callable[[], float]
) -> None:
    reading.execute("PRAGMA busy_timeout = 0")
    if _asked(reading, "PRAGMA journal_mode", clock, left_s) != "wal":
        with suppress(_HinderedError):
            _in_steps(reading, writing, left_s, until_hindered=True)
            return
    # One view for the whole copy: what is committed meanwhile does not make it begin anew.
    reading.execute("BEGIN")
    _asked(reading, "SELECT count(*) FROM sqlite_schema", clock, left_s)
    _in_steps(reading, writing, left_s)


def _asked(reading: sqlite3.Connection, question: str, clock: Clock, left_s: Callable[[], float]) -> object:
    """Ask far more often than SQLite's own waiting does: a writer may leave only moments between two commits."""
    while True:
        try:
            return reading.execute(question).fetchone()[0]
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or left_s() <= 0:
                raise
            clock.sleep(LOCK_REST_S)


class _HinderedError(Exception):
    """Writers of the source would keep the copy from coming to an end."""


def _in_steps(
    reading: sqlite3.Connection,
    writing: sqlite3.Connection,
    left_s: Callable[[], float],
    *,
    until_hindered: bool = False,
) -> None:
    """Copy until it is done; or, if asked, only until writers have hindered it too often.

    Raises:
        TimeoutError: The time is over.
        _HinderedError: Asked to give up, and it began anew `RESTARTS` times or rested `BUSY_RESTS` times.
    """
    before = restarts = rests = 0

    def look(status: int, remaining: int, _total: int) -> None:
        nonlocal before, restarts, rests
        if left_s() <= 0:
            raise TimeoutError("it was busy for too long")
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            rests += 1
        elif before and remaining >= before:
            restarts += 1
        before = remaining
        if until_hindered and (restarts >= RESTARTS or rests >= BUSY_RESTS):
            raise _HinderedError

    reading.backup(writing, pages=PAGES_A_STEP, progress=look, sleep=REST_S)


def _at_rest(path: Path, clock: Clock) -> tuple[int, ...] | None:
    """What would tell a change of a database that nobody uses; None if somebody does, or did just now."""
    if any(path.with_name(path.name + end).exists() for end in COMPANIONS):
        return None
    stat = path.stat()
    if abs(clock.now().timestamp() - stat.st_mtime) < RECENT_S:
        return None
    return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


@contextmanager
def _opened(path: Path, *, immutable: bool = False) -> Iterator[sqlite3.Connection]:
    url = f"file:{quote(os.fsencode(path))}?mode=ro" + ("&immutable=1" if immutable else "")
    with closing(sqlite3.connect(url, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)) as connection:
        yield connection


@contextmanager
def _written(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection
        # The copy stands alone, without a log beside it.
        connection.execute("PRAGMA journal_mode = DELETE")


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _hint(said: str) -> str:
    if "full" in said or "No space" in said:
        return "Free some space."
    if "locked" in said or "busy" in said:
        return "A program writes it all the time or holds it locked; try again."
    return "Is it a sound SQLite database that you may read?"
