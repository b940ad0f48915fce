"""The index over conversations, in a database file of its own: it can be thrown away and made again.

Identifiers are found whole because they are searched as phrases: `src/a_b.py` is
the words src, a, b and py side by side. So a part of one is found as well.
"""

import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from math import log
from pathlib import Path
from secrets import randbits

from hive_tui.condense.chunks import Chunk
from hive_tui.condense.words import is_common
from hive_tui.domain.errors import StoreError
from hive_tui.store.values import optional_time, optional_us, path_to_text

VERSION = 1
SCHEMA = """
CREATE TABLE sources (
    id INTEGER PRIMARY KEY,
    agent_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    path TEXT NOT NULL,
    head TEXT NOT NULL,
    size_bytes INTEGER NOT NULL DEFAULT 0,
    lines INTEGER NOT NULL DEFAULT 0,
    UNIQUE (agent_id, session_id, kind)
) STRICT;
CREATE TABLE chunks (
    id INTEGER PRIMARY KEY,
    source_id INTEGER NOT NULL REFERENCES sources (id),
    line INTEGER NOT NULL,
    part INTEGER NOT NULL,
    says TEXT NOT NULL,
    at INTEGER,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX ix_chunks_source ON chunks (source_id, line, part);
CREATE VIRTUAL TABLE words USING fts5 (text, content = 'chunks', content_rowid = 'id', tokenize = 'unicode61');
CREATE VIRTUAL TABLE vocabulary USING fts5vocab ('words', 'row');
"""
ADD_CHUNK = "INSERT INTO chunks (source_id, line, part, says, at, text) VALUES (?, ?, ?, ?, ?, ?)"
PIECES = (
    "SELECT chunks.id, agent_id, session_id, kind, line, says, at, text"
    " FROM chunks JOIN sources ON sources.id = source_id"
)
BEFORE = "WHERE source_id = ? AND (line, part) < (?, ?) ORDER BY line DESC, part DESC LIMIT ?"
BEHIND = "WHERE source_id = ? AND (line, part) > (?, ?) ORDER BY line, part LIMIT ?"
CANDIDATES = 240
"""Of a frequent word so many of its newest places are looked at."""
FREQUENT, ENOUGH = 5_000, 6
"""Of a word in more pieces than that only the newest are looked at: six times as many as should hold enough of it."""
TERMS = 8
TERM = re.compile(r"\w[\w./:@#$%+~-]*")
LIKE_A_NAME = re.compile(r"[\d_/@#$]|\w[.:-]+\w|[a-z][A-Z]")
"""What a path, a version, a hash or a name in code has and a word has not."""
LEDGER = "ledger"
LEDGER_FACTOR, TALK_FACTOR = 1.25, 1.1


@dataclass(frozen=True, slots=True)
class Source:
    """How far one conversation, or its ledger, is indexed."""

    id: int
    head: str
    """Of the file's first bytes: another one under the same name is another conversation."""
    size_bytes: int
    lines: int


@dataclass(frozen=True, slots=True)
class Hit:
    """One piece of a conversation in which something was found."""

    chunk_id: int
    agent_id: str
    session_id: str
    kind: str
    line: int
    says: str
    at: datetime | None
    text: str
    score: float


class ContextIndex:
    """One file, opened for each piece of work.

    Raises:
        StoreError: The file cannot be read or written; it may be deleted.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def source(self, agent_id: str, session_id: str, kind: str) -> Source | None:
        """How far it is indexed; None where it is not at all."""
        with self._opened() as db:
            row = db.execute(
                "SELECT id, head, size_bytes, lines FROM sources WHERE agent_id = ? AND session_id = ? AND kind = ?",
                (agent_id, session_id, kind),
            ).fetchone()
        return Source(*row) if row else None

    def begin(self, agent_id: str, session_id: str, kind: str, path: Path, head: str) -> Source:
        """A source of which nothing is indexed yet; what was is removed."""
        with self._opened() as db, db:
            known = db.execute(
                "SELECT id FROM sources WHERE agent_id = ? AND session_id = ? AND kind = ?",
                (agent_id, session_id, kind),
            ).fetchone()
            if known:
                _remove(db, known[0])
            made = db.execute(
                "INSERT INTO sources (agent_id, session_id, kind, path, head) VALUES (?, ?, ?, ?, ?)",
                (agent_id, session_id, kind, path_to_text(str(path)), head),
            )
            return Source(int(made.lastrowid or 0), head, 0, 0)

    def add(self, source: Source, chunks: Iterable[Chunk], *, size_bytes: int, lines: int) -> int:
        """Add pieces, and how far that leads, in one transaction; how many they were.

        An earlier attempt that went as far has added them already: nothing is added twice.
        """
        with self._opened() as db, db:
            db.execute("BEGIN IMMEDIATE")
            now = db.execute("SELECT size_bytes FROM sources WHERE id = ?", (source.id,)).fetchone()
            if now is None or now[0] != source.size_bytes:
                return 0
            count = 0
            for chunk in chunks:
                text = chunk.text.encode(errors="replace").decode()
                row = (source.id, chunk.line, chunk.part, chunk.says, optional_us(chunk.at), text)
                made = db.execute(
                    "INSERT INTO chunks (source_id, line, part, says, at, text) VALUES (?, ?, ?, ?, ?, ?)", row
                )
                db.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (made.lastrowid, text))
                count += 1
            db.execute("UPDATE sources SET size_bytes = ?, lines = ? WHERE id = ?", (size_bytes, lines, source.id))
            return count

    def count(self) -> int:
        """How many pieces there are."""
        with self._opened() as db:
            return int(db.execute("SELECT count(*) FROM chunks").fetchone()[0])

    def keep_only(self, agent_ids: Sequence[str]) -> None:
        """Forget the conversations of all other agents."""
        with self._opened() as db, db:
            for number, agent_id in db.execute("SELECT id, agent_id FROM sources").fetchall():
                if agent_id not in agent_ids:
                    _remove(db, number)

    def search(self, text: str, *, agent_id: str | None = None, limit: int = 10) -> list[Hit]:
        """The pieces that have most of what was asked for, the best first; of the rest the newest first."""
        with self._opened() as db:
            terms = _terms(db, text)
            found: set[int] = set()
            for query, first in _queries(terms, _last(db)):
                found.update(_newest(db, query, first, agent_id))
            hits = [_hit(row, terms) for row in _rows(db, sorted(found))]
        return sorted((hit for hit in hits if hit.score > 0), key=lambda hit: (-hit.score, -hit.chunk_id))[:limit]

    def identity(self) -> str:
        """Which index this is: one that was made again is another one, with other numbers for its pieces."""
        with self._opened() as db:
            return str(db.execute("PRAGMA application_id").fetchone()[0])

    def newest(self, agent_id: str, limit: int, *, only_talk: bool) -> list[tuple[int, str]]:
        """Number and text of the newest pieces of an agent: all, or what was said and what its ledger has."""
        wanted = f"AND (kind = '{LEDGER}' OR says IN ('user', 'agent'))" if only_talk else ""
        with self._opened() as db:
            return db.execute(
                "SELECT chunks.id, text FROM chunks JOIN sources ON sources.id = source_id"
                f" WHERE agent_id = ? {wanted} ORDER BY chunks.id DESC LIMIT ?",
                (agent_id, limit),
            ).fetchall()

    def pieces(self, ids: Sequence[int]) -> list[Hit]:
        """Those that are still there, in no order."""
        with self._opened() as db:
            return [_hit(row, ()) for row in _rows(db, ids)]

    def around(self, hit: Hit) -> tuple[list[str], list[str]]:
        """The lines of the pieces before and behind a hit."""
        before, behind = self.beside(hit, 1)
        lines = [[line for piece in side for line in piece.text.splitlines()] for side in (before, behind)]
        return lines[0], lines[1]

    def beside(self, hit: Hit, most: int) -> tuple[list[Hit], list[Hit]]:
        """Up to so many pieces of the same conversation before a hit and behind it, in its order."""
        with self._opened() as db:
            own = db.execute("SELECT source_id, line, part FROM chunks WHERE id = ?", (hit.chunk_id,)).fetchone()
            if own is None:  # it was indexed anew meanwhile
                return [], []
            before = db.execute(f"{PIECES} {BEFORE}", (*own, most)).fetchall()
            behind = db.execute(f"{PIECES} {BEHIND}", (*own, most)).fetchall()
        return [_hit(row, ()) for row in reversed(before)], [_hit(row, ()) for row in behind]

    def replace_with(self, made: "ContextIndex") -> None:
        """Take over the whole content of another index at once, and remove that one.

        Who searches meanwhile sees the old content or the new one; a crash leaves the old one, or the new one.
        """
        try:
            with made._opened() as source, self._opened() as target:
                source.backup(target)
                target.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except StoreError:  # what is no database cannot be written over, and nobody reads it
            with made._opened() as source:
                source.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self.remove_all()
            made.path.replace(self.path)
        made.remove_all()

    def remove_all(self) -> None:
        """Throw the index away."""
        for path in (self.path, *(self.path.with_name(f"{self.path.name}{end}") for end in ("-wal", "-shm"))):
            path.unlink(missing_ok=True)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(self._open()) as db:
                yield db
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"The index {self.path} cannot be used: {error}.",
                hint="`hive-tui search --rebuild` makes it again.",
            ) from error

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.path.exists():
            self.path.touch(mode=0o600)
        db = sqlite3.connect(self.path, timeout=10.0, isolation_level=None)
        if db.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            _make(db)
        db.execute("PRAGMA synchronous = NORMAL")  # it can be made again
        return db


def _make(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("BEGIN IMMEDIATE")
    if db.execute("PRAGMA user_version").fetchone()[0] == VERSION:  # somebody else was faster
        db.execute("ROLLBACK")
        return
    for statement in SCHEMA.split(";\n"):
        if statement.strip():
            db.execute(statement)
    db.execute(f"PRAGMA application_id = {randbits(31)}")
    db.execute(f"PRAGMA user_version = {VERSION}")
    db.execute("COMMIT")


def _remove(db: sqlite3.Connection, source_id: int) -> None:
    for number, text in db.execute("SELECT id, text FROM chunks WHERE source_id = ?", (source_id,)).fetchall():
        db.execute("INSERT INTO words (words, rowid, text) VALUES ('delete', ?, ?)", (number, text))
    db.execute("DELETE FROM chunks WHERE source_id = ?", (source_id,))
    db.execute("DELETE FROM sources WHERE id = ?", (source_id,))


@dataclass(frozen=True, slots=True)
class _Term:
    """A word of a question."""

    text: str
    weight: float
    count: int
    """In how many pieces its rarest part stands."""
    rarest: str

    @property
    def query(self) -> str:
        """A rare part alone finds what the whole would, and at once; whether the rest is there, too, is seen after."""
        parts = re.findall(r"[^\W_]+", self.text)
        return f'"{self.rarest}"' if self.count <= CANDIDATES else '"' + " ".join(parts) + '"'


def _last(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT max(id) FROM chunks").fetchone()[0] or 0)


def _terms(db: sqlite3.Connection, text: str) -> list[_Term]:
    """The words of a question that can find something, the rarest first; common ones only if there are no others."""
    words = list(dict.fromkeys(word.rstrip(".:-+~%").lower() for word in TERM.findall(text)))
    telling = [word for word in words if not is_common(word)] or words
    total = _last(db)
    found = []
    for word in telling:
        counted = {part: _count(db, part) for part in re.findall(r"[^\W_]+", word)}
        counts = {part: count for part, count in counted.items() if count}
        if counts:  # the ends of the word may stand inside of longer ones
            rarest = min(counts, key=lambda part: counts[part])
            found.append(_Term(word, log(1 + total / (1 + counts[rarest])), counts[rarest], rarest))
    return sorted(found, key=lambda term: -term.weight)[:TERMS]


def _count(db: sqlite3.Connection, part: str) -> int:
    found = db.execute("SELECT doc FROM vocabulary WHERE term = ?", (part,)).fetchone()
    return int(found[0]) if found else 0


def _queries(terms: Sequence[_Term], last: int) -> list[tuple[str, int]]:
    """All terms together, then each for itself; of frequent ones only the newest places are looked at.

    Each with the first piece to look at: so far back that there are enough of them.
    """
    found = []
    if len(terms) > 1:
        found.append((" AND ".join(term.query for term in terms), _first(terms[0].count, last)))
    return [*found, *((term.query, _first(term.count, last)) for term in terms)]


def _first(count: int, last: int) -> int:
    return 0 if count <= FREQUENT else max(0, last - ENOUGH * CANDIDATES * last // count)


def _newest(db: sqlite3.Connection, query: str, first: int, agent_id: str | None) -> list[int]:
    if agent_id is None:
        select = "SELECT rowid FROM words WHERE words MATCH ? AND rowid >= ? ORDER BY rowid DESC LIMIT ?"
        return [row[0] for row in db.execute(select, (query, first, CANDIDATES))]
    select = (
        "SELECT words.rowid FROM words JOIN chunks ON chunks.id = words.rowid JOIN sources ON sources.id = source_id"
        " WHERE words MATCH ? AND agent_id = ? ORDER BY words.rowid DESC LIMIT ?"
    )
    return [row[0] for row in db.execute(select, (query, agent_id, CANDIDATES))]


def _rows(db: sqlite3.Connection, ids: Sequence[int]) -> list[tuple[object, ...]]:
    found: list[tuple[object, ...]] = []
    for at in range(0, len(ids), 500):
        part = ids[at : at + 500]
        marks = ", ".join("?" * len(part))
        found += db.execute(
            f"{PIECES} WHERE chunks.id IN ({marks})",
            part,
        ).fetchall()
    return found


def _hit(row: Sequence[object], terms: Sequence[_Term]) -> Hit:
    number, agent_id, session_id, kind, line, says, at, text = row
    lower = str(text).lower()
    score = sum(term.weight * _fit(term.text, lower) for term in terms)
    score *= LEDGER_FACTOR if kind == LEDGER else TALK_FACTOR if says in ("user", "agent") else 1.0
    when = optional_time(int(str(at)) if at is not None else None)
    return Hit(
        int(str(number)), str(agent_id), str(session_id), str(kind), int(str(line)), str(says), when, str(text), score
    )


def is_exactly_in(text: str, question: str) -> bool:
    """Whether all identifiers of a question stand in a text as they are; a question of one word is taken for one."""
    words = [word.rstrip(".:-+~%") for word in TERM.findall(question)]
    named = words if len(words) == 1 else [word for word in words if LIKE_A_NAME.search(word)]
    lower = text.lower()
    return bool(named) and all(_fit(word.lower(), lower) == 1.0 for word in named)


def _fit(term: str, text: str) -> float:
    """1 where the term stands there as it is, as a word of its own; less where only a part of a word is like it."""
    at = text.find(term)
    if at < 0:
        parts = re.findall(r"[^\W_]+", term)
        return 0.4 if parts and all(part in text for part in parts) else 0.0
    while at >= 0:
        before, behind = text[at - 1 : at] if at else "", text[at + len(term) : at + len(term) + 1]
        if not (before.isalnum() or before == "_") and not (behind.isalnum() or behind == "_"):
            return 1.0
        at = text.find(term, at + 1)
    return 0.7
