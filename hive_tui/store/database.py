"""The database file: opened, migrated, written by one connection, read by others."""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar
from urllib.parse import quote

from hive_tui.domain.errors import StoreError
from hive_tui.domain.ports import Clock
from hive_tui.store import migrations

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlmodel import Session

P = ParamSpec("P")
T = TypeVar("T")

BUSY_TIMEOUT_MS = 5_000
AUTOCHECKPOINT_PAGES = 1_000
SWITCHES_TO_WAL = 20


class Database:
    """One SQLite file in WAL mode with `synchronous=FULL`: what was acknowledged survives a power cut.

    There is one writing connection a process, under a lock, and one for reading
    in each thread. Only the heartbeat's process checkpoints the WAL (see
    `checkpoint_wal`): SQLite before 3.51.3 has a rare bug when several do.

    Raises:
        StoreError: The file cannot be opened, is no database, or is too new.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._engine: Engine | None = None
        with _as_store_error(path):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            is_new = not path.exists()
            self._writer = self._connect()
            if is_new:
                path.chmod(0o600)
            migrations.migrate(self._writer, path, now=clock.now())

    def write(self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` in one transaction: all of it, or nothing.

        Raises:
            StoreError: The database is locked, read-only, damaged or out of space.
        """
        with self._lock, _as_store_error(self.path):
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                result = work(self._writer, *args, **kwargs)
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise
            return result

    def read(self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` on a consistent view of the database.

        Raises:
            StoreError: The database cannot be read.
        """
        with _as_store_error(self.path):
            connection = self._reader()
            connection.execute("BEGIN")
            try:
                return work(connection, *args, **kwargs)
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    @contextmanager
    def session(self) -> Iterator["Session"]:
        """An SQLModel session for the reads of screens. Imports SQLModel, which takes half a second once."""
        from sqlalchemy.exc import DBAPIError
        from sqlalchemy.pool import QueuePool
        from sqlmodel import Session, create_engine

        if self._engine is None:
            self._engine = create_engine("sqlite://", creator=self._connect_read_only, poolclass=QueuePool)
        with _as_store_error(self.path), Session(self._engine) as session:
            try:
                yield session
            except DBAPIError as error:
                raise error.orig or error from error

    def change_counter(self) -> int:
        """Moves when another connection, of any process, has committed; for one thread at a time."""
        with _as_store_error(self.path):
            return int(self._reader().execute("PRAGMA data_version").fetchone()[0])

    def checkpoint_wal(self, *, own: bool) -> None:
        """Make this process the one that moves the WAL into the database file, or no longer."""
        with self._lock, _as_store_error(self.path):
            self._writer.execute(f"PRAGMA wal_autocheckpoint = {AUTOCHECKPOINT_PAGES if own else 0}")

    def integrity_errors(self) -> list[str]:
        """What `PRAGMA quick_check` finds; empty if the file is sound."""
        with _as_store_error(self.path):
            rows = [str(row[0]) for row in self._reader().execute("PRAGMA quick_check(20)")]
        return [] if rows == ["ok"] else rows

    def close(self) -> None:
        """Close all connections; the object is of no use afterwards."""
        with self._lock:
            for connection in (*self._readers, self._writer):
                connection.close()
            if self._engine is not None:
                self._engine.dispose()

    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connect()
            connection.execute("PRAGMA query_only = 1")
            self._local.connection = connection
            self._readers.append(connection)
        return connection

    def _connect_read_only(self) -> sqlite3.Connection:
        url = f"file:{quote(os.fsencode(self.path))}?mode=ro"
        return sqlite3.connect(url, uri=True, timeout=BUSY_TIMEOUT_MS / 1000, check_same_thread=False)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        # Before a pragma that touches the schema: a newer file must be refused unchanged.
        migrations.refuse_newer(migrations.version(connection), self.path)
        _use_wal(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("PRAGMA journal_size_limit = 16777216")
        return connection


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch a fresh file to WAL; SQLite does not wait, as it else does, when two do that at once."""
    for _ in range(SWITCHES_TO_WAL):
        with suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA journal_mode = WAL")
            return
        connection.execute("BEGIN IMMEDIATE")  # waits for the other one, up to the busy timeout
        connection.execute("ROLLBACK")
    connection.execute("PRAGMA journal_mode = WAL")


HINTS = (
    ("locked", "Another program holds it: close it, or try again in a moment."),
    ("readonly", "Make the file and its folder writable for you, or choose another --home."),
    ("read-only", "Make the file and its folder writable for you, or choose another --home."),
    ("unable to open", "Look at the folder's owner and mode, or choose another --home."),
    ("permission denied", "Look at the folder's owner and mode, or choose another --home."),
    ("not a database", "Move it away; `hive-tui doctor` names the copies that were kept."),
    ("malformed", "Move it away; `hive-tui doctor` names the copies that were kept."),
    ("full", "Free some space on this disk, then try again."),
    ("disk i/o", "Look at the disk's health and free space, then try again."),
)


@contextmanager
def _as_store_error(path: Path) -> Iterator[None]:
    """Turn what SQLite and the file system say into a sentence with a hint."""
    try:
        yield
    except sqlite3.IntegrityError:
        raise  # a broken promise of our own code, not of the disk
    except (sqlite3.Error, OSError) as error:
        said = str(error)
        if isinstance(error, OSError):
            said = f"{error.filename or path}: {error.strerror or error}"
        hint = next((hint for words, hint in HINTS if words in said.lower()), "`hive-tui doctor` looks closer.")
        raise StoreError(f"The database {path} cannot be used: {said}.", hint=hint) from error
