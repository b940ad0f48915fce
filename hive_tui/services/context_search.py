"""Keeps the index over conversations up to date, and searches it."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hive_tui.condense.chunks import Chunk, chunks, text_of
from hive_tui.condense.lines import UTF_16
from hive_tui.condense.reading import read
from hive_tui.condense.records import Reading
from hive_tui.domain.agents import Agent
from hive_tui.domain.errors import HiveError
from hive_tui.domain.redaction import Redactor
from hive_tui.store.context_index import LEDGER, ContextIndex, Hit

ARCHIVE = "archive"
BATCH = 2_000
"""So many pieces are one transaction."""
HEAD_BYTES = 512
AROUND = 3
BY_WORDS, BY_MEANING, BY_BOTH = "words", "meaning", "words and meaning"
PASSAGE = 12


@dataclass(frozen=True, slots=True)
class Found:
    """A hit with what stands around it."""

    hit: Hit
    lines: tuple[str, ...]
    """The line that fits best, and those around it."""
    best: int
    """Which of the lines fits best."""
    by: str = BY_WORDS
    """Whether it has words of the question, or means something like it, or both."""


class ContextSearch:
    """Over all conversations of all agents that were given to it; secrets never get into it."""

    def __init__(self, index: ContextIndex) -> None:
        self._index = index

    def add(self, agent: Agent, session_id: str, transcript: Path, *, most_bytes: int | None = None) -> int:
        """Index what is new in a transcript; how many pieces that were.

        Args:
            agent: Whose conversation it is.
            session_id: Which of its conversations.
            transcript: The file; one that was cut or replaced is indexed anew.
            most_bytes: Do nothing where more than that is new.

        Raises:
            HiveError: The transcript cannot be read.
            StoreError: The index cannot be written.
        """
        try:
            size = transcript.stat().st_size
            source = self._index.source(agent.id, session_id, ARCHIVE)
            is_same = source is not None and source.size_bytes <= size and _is_continued(transcript, source.head)
            done = source.size_bytes if source is not None and is_same else 0
            if size == done or (most_bytes is not None and size - done > most_bytes):
                return 0
            if source is None or not is_same:
                source = self._index.begin(agent.id, session_id, ARCHIVE, transcript, _head(transcript))
            reading = Reading(lines=source.lines, size_bytes=source.size_bytes)
            count = 0
            for batch in _batches(_redacted(transcript, reading), reading, is_whole=_ends_with_a_line(transcript)):
                position = {"size_bytes": batch.size_bytes, "lines": batch.lines}
                count += self._index.add(source, batch.chunks, **position)
                source = self._index.source(agent.id, session_id, ARCHIVE) or source
            return count
        except OSError as error:
            raise HiveError(
                f"The transcript {transcript} of {agent.name} cannot be indexed: {error.strerror or error}."
            ) from error

    def add_ledger(self, agent: Agent, session_id: str, text: str) -> None:
        """Index a ledger in the place of the one before."""
        source = self._index.begin(agent.id, session_id, LEDGER, Path(), hashlib.sha256(text.encode()).hexdigest())
        lines = text.splitlines()
        pieces = [
            Chunk(at + 1, 0, "ledger", None, "\n".join(lines[at : at + AROUND * 2]))
            for at in range(0, len(lines), AROUND * 2)
        ]
        self._index.add(source, pieces, size_bytes=len(text), lines=len(lines))

    def search(self, text: str, *, agent_id: str | None = None, limit: int = 10, around: int = AROUND) -> list[Found]:
        """What fits best, each with the lines around it.

        Raises:
            HiveError: There is nothing to search for.
        """
        return [self.with_lines(hit, text, around) for hit in self.hits(text, agent_id=agent_id, limit=limit)]

    def hits(self, text: str, *, agent_id: str | None = None, limit: int = 10) -> list[Hit]:
        """As `search`, without the lines."""
        if not any(letter.isalnum() for letter in text):
            raise HiveError(
                f"There is nothing to search for in {text!r}.", hint="Give a word, a path or an identifier."
            )
        return self._index.search(text, agent_id=agent_id, limit=limit)

    def passage(self, hit: Hit, *, most: int = PASSAGE) -> tuple[list[Hit], list[Hit]]:
        """What was said and done before a hit and behind it, up to so many pieces each."""
        return self._index.beside(hit, most)

    def with_lines(self, hit: Hit, text: str, around: int = AROUND) -> Found:
        """A hit with the line in it that fits best, and the lines around that."""
        before, behind = self._index.around(hit)
        own = hit.text.splitlines()
        words = [word.lower() for word in text.split()]
        best = max(range(len(own)), key=lambda at: sum(word in own[at].lower() for word in words), default=0)
        lines = [*before, *own, *behind]
        at = len(before) + best
        first = max(0, at - around)
        return Found(hit, tuple(lines[first : at + around + 1]), at - first)


@dataclass(slots=True)
class _Batch:
    chunks: list[Chunk]
    size_bytes: int
    lines: int


def _redacted(transcript: Path, reading: Reading) -> Iterator[list[Chunk]]:
    redactor = Redactor()
    for record in read(transcript, reading):
        # As a whole: a key of many lines is none any more when it is cut in pieces.
        yield list(chunks(record, redactor.note_and_redact(text_of(record))))


def _batches(records: Iterator[Sequence[Chunk]], reading: Reading, *, is_whole: bool) -> Iterator[_Batch]:
    """Pieces of whole lines: an interrupted run goes on behind the last line that is indexed as a whole."""
    pending: list[Chunk] = []
    whole = (reading.size_bytes, reading.lines)
    last_line = 0
    for pieces in records:
        if pieces and pieces[0].line != last_line:
            if len(pending) >= BATCH:
                yield _Batch(pending, *whole)
                pending = []
            last_line = pieces[0].line
        pending += pieces
        whole = (reading.size_bytes, reading.lines)
    # A last line that is still being written is read again when it is whole.
    yield _Batch(pending, *((reading.size_bytes, reading.lines) if is_whole else whole))


def _ends_with_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 1))
        return file.read(1) in (b"\n", b"")


def _is_utf_16(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) in UTF_16


def _head(path: Path, size: int = HEAD_BYTES) -> str:
    """How a file begins: a number of bytes and their hash."""
    with path.open("rb") as file:
        head = file.read(size)
    return f"{len(head)}:{hashlib.sha256(head).hexdigest()}"


def _is_continued(path: Path, head: str) -> bool:
    """Whether the file begins as it did, and can be read on from where it ended then."""
    return _head(path, int(head.partition(":")[0])) == head and not _is_utf_16(path)
