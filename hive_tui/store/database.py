"""The database file: opened, migrated, written by one connection, read by others."""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar
from urllib.parse import quote

from hive_tui.domain.errors import MAKE_ROOM, StoreError, StoreFull
from hive_tui.domain.ports import Clock
from hive_tui.store import migrations
from hive_tui.store.full_disk import FULL, Reserve, in_memory, is_full, read_whole
from hive_tui.store.reader import Reader

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlmodel import Session

P = ParamSpec("P")
T = TypeVar("T")

BUSY_TIMEOUT_MS = 5_000
AUTOCHECKPOINT_PAGES = 4_000
"""Only where nobody has called `fold_wal` for long: within a commit it makes that one slow."""
FOLD_AFTER_COMMITS = 100
"""That many are a thousand pages, about; the size of the file, which is written anew from its begin, says nothing."""
SWITCHES_TO_WAL = 20
CLOSE_PATIENCE_S = 2.0
"""So long is waited for each read that goes on when all is closed."""
THAW_EVERY_S = 1.0
"""So often a database on a full disk is tried again."""


class Database:
    """One SQLite file in WAL mode with `synchronous=FULL`: what was acknowledged survives a power cut.

    There is one writing connection a process, under a lock, and one for reading
    in each thread. Only the heartbeat's process checkpoints the WAL (see
    `checkpoint_wal`): SQLite before 3.51.3 has a rare bug when several do.

    On a disk without any space left it is *frozen*, where nobody else has it open: reads see
    a copy in memory, writes fail, and both try now and then whether there is space again.

    Raises:
        StoreError: The file cannot be opened, is no database, or is too new.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self._clock = clock
        self._lock = threading.RLock()
        self._local = threading.local()
        self._readers: list[Reader] = []
        self._readers_lock = threading.Lock()
        self._engine: Engine | None = None
        self._owns_wal = False
        self.commits = 0
        """Transactions of this process that have ended well."""
        self.own_changes = 0
        """Rows that they have changed."""
        self.is_writing = False
        """Whether a transaction of this process has the database: then nobody else writes."""
        self._folded = 0
        """How many of them there were when the WAL was last moved into the file."""
        self._writer: sqlite3.Connection | None = None
        self._frozen: bytes | None = None
        self._frozen_state: tuple[int, ...] = ()
        self._tried_at = 0.0
        self._era = 0
        """Counts how often what is read from has changed: connections of an era before are of no use."""
        self._reserve = Reserve(path.with_name(f"{path.name}.reserve"))
        with _as_store_error(path):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._open()
        self._reserve.keep()

    @property
    def trouble(self) -> StoreFull | None:
        """Why nothing can be written, where that was found when it was opened: the disk is full."""
        return full(self.path) if self._frozen is not None else None

    @contextmanager
    def spending_reserve(self) -> Iterator[None]:
        """Within it, on a full disk, the last space is free: for transactions that make room."""
        if not is_full(self.path.parent):
            yield
            return
        self._reserve.give_up()
        try:
            yield
        finally:
            self._reserve.take_back()

    def write(self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` in one transaction: all of it, or nothing.

        Raises:
            StoreError: The database is locked, read-only, damaged or out of space.
        """
        with self._lock:
            try:  # `_as_store_error` in its own words: a generator a commit costs as much as a statement
                return self._write(work, *args, **kwargs)
            except sqlite3.IntegrityError:
                raise  # a broken promise of our own code, not of the disk
            except (sqlite3.Error, OSError) as error:
                raise _said(error, self.path) from error

    def _write(self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        writer = self._writer or self._thawed_writer()
        steps = writer.cursor()  # one for both ends: each `execute` of a connection makes another
        steps.execute("BEGIN IMMEDIATE")
        try:
            self.is_writing = True
            result = work(writer, *args, **kwargs)
            steps.execute("COMMIT")
            self.commits, self.own_changes = self.commits + 1, writer.total_changes
        except BaseException:
            if writer.in_transaction:
                writer.execute("ROLLBACK")
            raise
        finally:
            self.is_writing = False
        return result

    def read(self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` on a consistent view of the database.

        Raises:
            StoreError: The database cannot be read.
        """
        with _as_store_error(self.path), self._reader() as connection:
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

        with _as_store_error(self.path):
            self._thaw_if_due()
        engine = self._engine
        if engine is None:
            engine = self._engine = create_engine("sqlite://", creator=self._connect_read_only, poolclass=QueuePool)
        with _as_store_error(self.path), Session(engine) as session:
            try:
                yield session
            except DBAPIError as error:
                raise error.orig or error from error

    def change_counter(self) -> int:
        """Moves when another connection, of any process, has committed; for one thread at a time."""
        with _as_store_error(self.path), self._reader() as connection:
            return int(connection.execute("PRAGMA data_version").fetchone()[0])

    def mark(self) -> object:
        """Equal to the one before where this thread would read the same as then; for one thread at a time.

        Other than `change_counter`, it tells a connection from the one that it has replaced.
        """
        with _as_store_error(self.path), self._reader() as connection:
            counter = int(connection.execute("PRAGMA data_version").fetchone()[0])
            return self._local.era, counter

    def foreign_counter(self) -> int:
        """Moves when another process has committed, and not by commits of this one. Waits for one under way."""
        with self._lock, _as_store_error(self.path):
            return -1 if self._writer is None else int(self._writer.execute("PRAGMA data_version").fetchone()[0])

    def checkpoint_wal(self, *, own: bool) -> None:
        """Make this process the one that moves the WAL into the database file, or no longer."""
        with self._lock, _as_store_error(self.path):
            self._owns_wal = own
            if self._writer is not None:
                self._set_autocheckpoint(self._writer)

    def fold_wal(self) -> bool:
        """Move the WAL into the database file if much was written and this process owns it; whether that was done.

        By the writing connection, while it does not write. For moments in which nobody waits for a commit.
        """
        with self._lock, _as_store_error(self.path):
            if not self._owns_wal or self._writer is None or self.commits - self._folded < FOLD_AFTER_COMMITS:
                return False
            self._writer.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            self._folded = self.commits
            return True

    def integrity_errors(self) -> list[str]:
        """What `PRAGMA quick_check` finds; empty if the file is sound."""
        with _as_store_error(self.path), self._reader() as connection:
            rows = [str(row[0]) for row in connection.execute("PRAGMA quick_check(20)")]
        return [] if rows == ["ok"] else rows

    def close(self) -> None:
        """Close all connections; the object is of no use afterwards.

        One in the middle of a read is interrupted; where it does not end, it is left to the end of the process.
        """
        with self._lock:
            with self._readers_lock:
                readers = list(self._readers)
            for reader in readers:
                reader.close(CLOSE_PATIENCE_S)
            self._leave_era()
            if self._writer is not None:
                self._writer.close()

    def _reader(self) -> Reader:
        self._thaw_if_due()
        reader: Reader | None = getattr(self._local, "reader", None)
        if reader is None or self._local.era != self._era:
            # Not under the lock, which a writer may hold for long; of an era that ends just now, it is not used again.
            era, frozen = self._era, self._frozen
            connection = self._connect() if frozen is None else in_memory(frozen)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA query_only = 1")
            reader = self._local.reader = Reader(connection)
            self._local.era = era
            self._keep_reader(reader)
        return reader

    def _keep_reader(self, reader: Reader) -> None:
        """Remember it, and close those of threads that have ended: each holds files open."""
        with self._readers_lock:
            ended = [one for one in self._readers if not one.thread.is_alive()]
            self._readers = [one for one in self._readers if one not in ended]
            self._readers.append(reader)
        for idle in ended:
            idle.close(CLOSE_PATIENCE_S)

    def _open(self) -> None:
        """Open for writing; or, on a full disk, take a copy to read from."""
        is_new = not self.path.exists()
        try:
            writer = self._connect(migrate=True)
        except sqlite3.OperationalError:
            self._tried_at = self._clock.monotonic()
            if is_new or not is_full(self.path.parent):
                raise
            self._freeze()
            return
        if is_new:
            self.path.chmod(0o600)
        self._set_autocheckpoint(writer)
        self._writer, self._frozen = writer, None
        self._leave_era()

    def _freeze(self) -> None:
        """Take a copy of what is there now, unless that has been done.

        Raises:
            StoreError: It was written by another version of hive-tui.
            sqlite3.Error: Somebody has it open, or it cannot be read.
        """
        state = _state(self.path)
        if self._frozen is not None and state == self._frozen_state:
            return
        content = read_whole(self.path, BUSY_TIMEOUT_MS / 1000)
        with closing(in_memory(content)) as copy:
            found = migrations.version(copy)
        migrations.refuse_newer(found, self.path)
        if found < migrations.LATEST:
            raise full(self.path)
        self._frozen, self._frozen_state = content, state
        self._leave_era()

    def _leave_era(self) -> None:
        """Threads connect anew when they next read; called after what they read from has changed."""
        self._era += 1
        with self._readers_lock:
            self._readers = []  # a thread may be reading from one just now; it closes by itself
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.dispose()

    def _thaw_if_due(self) -> None:
        if self._frozen is None or self._clock.monotonic() - self._tried_at < THAW_EVERY_S:
            return
        with self._lock:
            if self._frozen is not None and self._clock.monotonic() - self._tried_at >= THAW_EVERY_S:
                with suppress(sqlite3.Error):  # what was read before is better than nothing
                    self._open()

    def _thawed_writer(self) -> sqlite3.Connection:
        if self._writer is None:
            self._open()
        if self._writer is None:
            raise full(self.path)
        return self._writer

    def _set_autocheckpoint(self, writer: sqlite3.Connection) -> None:
        writer.execute(f"PRAGMA wal_autocheckpoint = {AUTOCHECKPOINT_PAGES if self._owns_wal else 0}")

    def _connect_read_only(self) -> sqlite3.Connection:
        if self._frozen is not None:
            return in_memory(self._frozen)
        url = f"file:{quote(os.fsencode(self.path))}?mode=ro"
        return sqlite3.connect(url, uri=True, timeout=BUSY_TIMEOUT_MS / 1000, check_same_thread=False)

    def _connect(self, *, migrate: bool = False) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None, check_same_thread=False
        )
        try:
            connection.row_factory = sqlite3.Row
            # Before a pragma that touches the schema: a newer file must be refused unchanged.
            migrations.refuse_newer(migrations.version(connection), self.path)
            _use_wal(connection)
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA wal_autocheckpoint = 0")
            connection.execute("PRAGMA journal_size_limit = 16777216")
            if migrate:
                migrations.migrate(connection, self.path, now=self._clock.now())
        except BaseException:
            connection.close()  # at once: one that is left open stands in the way of the next
            raise
        return connection


def _state(path: Path) -> tuple[int, ...]:
    """What differs once somebody has written the database."""
    found: list[int] = []
    for one in (path, path.with_name(f"{path.name}-wal")):
        with suppress(FileNotFoundError):
            status = one.stat()
            found += (status.st_ino, status.st_size, status.st_mtime_ns)
    return tuple(found)


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
    ("disk i/o", "Look at the disk's health and free space, then try again."),
)


@contextmanager
def _as_store_error(path: Path) -> Iterator[None]:
    """Turn what SQLite and the file system say into a sentence with a hint."""
    try:
        yield
    except sqlite3.IntegrityError:
        raise  # as in `Database.write`
    except (sqlite3.Error, OSError) as error:
        raise _said(error, path) from error


def _said(error: sqlite3.Error | OSError, path: Path) -> StoreError:
    """What to raise in place of it."""
    if _is_for_lack_of_space(error, path):
        return full(path)
    said = str(error)
    if isinstance(error, OSError):
        said = f"{error.filename or path}: {error.strerror or error}"
    hint = next((hint for words, hint in HINTS if words in said.lower()), "`hive-tui doctor` looks closer.")
    return StoreError(f"The database {path} cannot be used: {said}.", hint=hint)


def full(path: Path) -> StoreFull:
    """What to say where there is no space for a change."""
    return StoreFull(
        f"The disk is full: the database {path} cannot be written.",
        hint=MAKE_ROOM,
    )


def _is_for_lack_of_space(error: sqlite3.Error | OSError, path: Path) -> bool:
    """SQLite says it clearly of the log, and calls it an I/O error where it is the log's index that has no room."""
    if isinstance(error, OSError):
        return error.errno in FULL
    name = getattr(error, "sqlite_errorname", "")
    return name == "SQLITE_FULL" or (name.startswith("SQLITE_IOERR") and is_full(path.parent))
