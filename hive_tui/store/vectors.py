"""Vectors of pieces of conversations, in a database file beside the index over their words.

They can be thrown away and made again. Each stands for a text by its hash, never for a number of the index alone:
a piece that was indexed anew, or is another one now, is not taken for it.

The file is opened by apsw alone, since many builds of Python's own sqlite3 load no extensions; two libraries must not
open the same file in one process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hive_tui.domain.errors import ErrorClass, StoreError

if TYPE_CHECKING:
    import apsw

VERSION = 1
BUSY_MS = 10_000
HASH_BYTES = 16
PAGE_BYTES = 65_536
"""Vectors lie in rows of a megabyte: 50,000 of 384 numbers are compared in 32 ms, with pages of 4 KiB in 50."""
SCHEMA = """
CREATE TABLE about (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE pieces (
    id INTEGER PRIMARY KEY,
    agent_id TEXT NOT NULL,
    hash BLOB NOT NULL,
    chunk_id INTEGER NOT NULL,
    has_vector INTEGER NOT NULL,
    UNIQUE (agent_id, hash)
) STRICT;
CREATE INDEX ix_pieces_hash ON pieces (hash);
"""
NEAR = (
    "CREATE VIRTUAL TABLE near USING vec0(id INTEGER PRIMARY KEY, agent_id TEXT PARTITION KEY,"
    " embedding FLOAT[{}] DISTANCE_METRIC=cosine)"
)
INSTALL = "pip install 'hive-tui[vectors]'"


class VectorsMissing(StoreError):
    """The packages that keep vectors are not installed, or do not load."""

    error_class = ErrorClass.NEEDS_PERSON


class VectorsDamaged(StoreError):
    """The file is no database any more; it may be deleted, and is made again."""


@dataclass(frozen=True, slots=True)
class Near:
    """A piece whose meaning is like what was asked for."""

    chunk_id: int
    hash: bytes
    likeness: float
    """The cosine of the angle between both: 1 for the same, around 0 for what has nothing to do with it."""


def hash_of(text: str) -> bytes:
    """Stands for a text."""
    return hashlib.sha256(text.encode(errors="replace")).digest()[:HASH_BYTES]


def missing() -> str:
    """Why no vectors can be kept; empty if they can."""
    try:
        import apsw
        import sqlite_vec

        with_vectors = apsw.Connection(":memory:")
        _load(with_vectors, sqlite_vec.loadable_path())
        with_vectors.close()
    except ImportError as error:
        return _not_installed(error)
    except Exception as error:  # a library that is not made for this machine says so in its own ways
        return f"sqlite-vec does not load here: {error}"
    return ""


def _not_installed(error: ImportError) -> str:
    return f"{error.name} is not installed"


class Vectors:
    """One file, opened for each piece of work.

    Raises:
        VectorsMissing: The packages are not there.
        StoreError: The file cannot be read or written; it may be deleted.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def is_there(self) -> bool:
        """Whether there is a file; looking into it makes one."""
        return self.path.exists()

    def about(self) -> Mapping[str, str]:
        """`model` and `dimensions` of all vectors, and `index` for the index whose pieces they stand for."""
        with self._opened() as db:
            return _about(db)

    def forget_others(self, model: str) -> bool:
        """Throw the vectors of another model away; whether there were some."""
        with self._opened() as db, _writing(db):
            if _about(db).get("model", "") in ("", model):
                return False
            _forget(db)
            _tell(db, model="", dimensions="")
            return True

    def begin(self, model: str, dimensions: int) -> bool:
        """Vectors of this model and length follow; whether there were others, which are thrown away."""
        with self._opened() as db, _writing(db):
            now = _about(db)
            if (now.get("model"), now.get("dimensions")) == (model, str(dimensions)):
                return False
            if others := bool(now.get("model")):
                _forget(db)
            db.execute(NEAR.format(int(dimensions)))
            _tell(db, model=model, dimensions=str(dimensions))
            return others

    def place(self, agent_id: str, texts: Mapping[bytes, int], index: str) -> list[bytes]:
        """Say which pieces of an agent there are now; the hashes of those that have no vector yet.

        Vectors of what is not there any more are removed; those that another agent has of the same text are taken.

        Args:
            agent_id: Whose pieces.
            texts: The number of the newest piece with a text, by the hash of the text.
            index: Which index has those numbers.
        """
        with self._opened() as db, _writing(db):
            rows = _rows(db, "SELECT id, hash, chunk_id FROM pieces WHERE agent_id = ?", (agent_id,))
            for number, hashed, chunk_id in rows:
                if hashed not in texts:
                    _remove(db, number)
                elif texts[hashed] != chunk_id:
                    db.execute("UPDATE pieces SET chunk_id = ? WHERE id = ?", (texts[hashed], number))
            _tell(db, index=index)
            known = {hashed for _, hashed, _ in rows}
            new = [hashed for hashed in texts if hashed not in known]
            return [hashed for hashed in new if not _taken_over(db, agent_id, hashed, texts[hashed])]

    def put(self, agent_id: str, made: Iterable[tuple[bytes, int, bytes]]) -> int:
        """Keep vectors, all or none: hash and number of the piece, and the vector, empty where there can be none."""
        count = 0
        with self._opened() as db, _writing(db):
            for hashed, chunk_id, vector in made:
                _add(db, agent_id, hashed, chunk_id, vector)
                count += bool(vector)
        return count

    def agents(self) -> list[str]:
        """Whose pieces there are."""
        with self._opened() as db:
            return [str(row[0]) for row in db.execute("SELECT DISTINCT agent_id FROM pieces")]

    def count(self) -> dict[str, int]:
        """How many pieces of each agent have vectors."""
        with self._opened() as db:
            return dict(_rows(db, "SELECT agent_id, count(*) FROM pieces WHERE has_vector GROUP BY agent_id"))

    def nearest(self, vector: bytes, *, agent_id: str | None = None, limit: int = 60) -> list[Near]:
        """The pieces that are most like it, the likest first; none where the vectors are of another length."""
        of_agent, values = ("", ()) if agent_id is None else ("AND near.agent_id = ?", (agent_id,))
        with self._opened() as db:
            if _about(db).get("dimensions") != str(len(vector) // 4):
                return []
            rows = _rows(
                db,
                "WITH found AS (SELECT id, distance FROM near WHERE embedding MATCH ? AND k = ?"
                f" {of_agent}) SELECT chunk_id, hash, 1 - distance FROM found JOIN pieces USING (id) ORDER BY distance",
                (vector, limit, *values),
            )
        return [Near(int(row[0]), bytes(row[1]), float(row[2])) for row in rows]

    def remove_all(self) -> None:
        """Throw the vectors away."""
        for end in ("", "-wal", "-shm"):
            self.path.with_name(f"{self.path.name}{end}").unlink(missing_ok=True)

    @contextmanager
    def _opened(self) -> Iterator[apsw.Connection]:
        try:
            import apsw
            import sqlite_vec
        except ImportError as error:
            raise VectorsMissing(f"{_not_installed(error)}.", hint=INSTALL) from error
        try:
            db = self._open(apsw.Connection, sqlite_vec.loadable_path())
            try:
                yield db
            finally:
                db.close()
        except (apsw.Error, OSError) as error:
            is_damaged = isinstance(error, apsw.NotADBError | apsw.CorruptError)
            raise (VectorsDamaged if is_damaged else StoreError)(
                f"The vectors {self.path} cannot be used: {error}.",
                hint="They are made again while agents sleep; words are found without them.",
            ) from error

    def _open(self, connection: type[apsw.Connection], library: str) -> apsw.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.path.exists():
            self.path.touch(mode=0o600)
        db = connection(str(self.path))
        db.set_busy_timeout(BUSY_MS)
        _load(db, library)
        if db.pragma("user_version") != VERSION:
            _make(db)
        db.pragma("synchronous", "NORMAL")  # they can be made again
        return db


def _rows(db: apsw.Connection, select: str, values: Sequence[object] = ()) -> list[Any]:
    return list(db.execute(select, values))


def _load(db: apsw.Connection, library: str) -> None:
    db.enable_load_extension(True)
    db.load_extension(library)
    db.enable_load_extension(False)


@contextmanager
def _writing(db: apsw.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _make(db: apsw.Connection) -> None:
    db.pragma("page_size", PAGE_BYTES)
    db.pragma("journal_mode", "WAL")
    with _writing(db):
        if db.pragma("user_version") != VERSION:  # nobody else was faster
            db.execute(SCHEMA)
            db.pragma("user_version", VERSION)


def _about(db: apsw.Connection) -> dict[str, str]:
    return {str(name): str(value) for name, value in db.execute("SELECT name, value FROM about")}


def _tell(db: apsw.Connection, **values: str) -> None:
    for name, value in values.items():
        db.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (name, value))


def _forget(db: apsw.Connection) -> None:
    db.execute("DROP TABLE IF EXISTS near")
    db.execute("DELETE FROM pieces")


def _add(db: apsw.Connection, agent_id: str, hashed: bytes, chunk_id: int, vector: bytes) -> None:
    known = db.execute("SELECT id FROM pieces WHERE agent_id = ? AND hash = ?", (agent_id, hashed)).fetchone()
    if known:  # an earlier answer was the same
        _remove(db, known[0])
    row = (agent_id, hashed, chunk_id, int(bool(vector)))
    db.execute("INSERT INTO pieces (agent_id, hash, chunk_id, has_vector) VALUES (?, ?, ?, ?)", row)
    if vector:
        row_id = db.last_insert_rowid()
        db.execute("INSERT INTO near (id, agent_id, embedding) VALUES (?, ?, ?)", (row_id, agent_id, vector))


def _taken_over(db: apsw.Connection, agent_id: str, hashed: bytes, chunk_id: int) -> bool:
    """Give an agent the vector that another one has of the same text; whether there was one."""
    other = db.execute("SELECT id, has_vector FROM pieces WHERE hash = ? LIMIT 1", (hashed,)).fetchone()
    if other is None:
        return False
    kept = db.execute("SELECT embedding FROM near WHERE id = ?", (other[0],)).fetchone() if other[1] else (b"",)
    if kept is None:
        return False
    _add(db, agent_id, hashed, chunk_id, bytes(kept[0]))
    return True


def _remove(db: apsw.Connection, number: int) -> None:
    if _rows(db, "SELECT has_vector FROM pieces WHERE id = ?", (number,))[0][0]:
        db.execute("DELETE FROM near WHERE id = ?", (number,))
    db.execute("DELETE FROM pieces WHERE id = ?", (number,))
