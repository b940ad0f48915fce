"""Reads a transcript of any kind, from its first line to its last, in one pass."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from hive_tui.condense.chats import ChatReader
from hive_tui.condense.claude import ClaudeReader
from hive_tui.condense.codex import CodexReader
from hive_tui.condense.lines import rows
from hive_tui.condense.records import Reading, Record

LOOKED_AT = 40
"""So many rows may come before the first that shows which kind wrote the file."""


class _Reader(Protocol):
    def records(self, line: int, row: Mapping[str, Any]) -> Iterator[Record]: ...


def read(path: Path, reading: Reading | None = None) -> Iterator[Record]:
    """The records of a transcript, in its order. What it is written by shows in its rows, not in its name.

    Args:
        path: The transcript.
        reading: Counts lines, and what was skipped and why; complete when the iterator is at its end.

    Raises:
        OSError: The file cannot be read.
    """
    counted = reading if reading is not None else Reading()
    return records_of(rows(path, counted), counted)


def records_of(numbered: Iterable[tuple[int, dict[str, Any]]], counted: Reading) -> Iterator[Record]:
    """The records of rows that follow each other in a transcript."""
    held: list[tuple[int, dict[str, Any]]] = []
    reader: _Reader | None = None
    for line, row in numbered:
        if reader is None:
            held.append((line, row))
            reader = _reader_for(row, counted)
            if reader is None and len(held) < LOOKED_AT:
                continue
            reader = reader or ChatReader(counted)
            for one in held:
                yield from reader.records(*one)
            continue
        yield from reader.records(line, row)
    if reader is None:
        for one in held:
            yield from ChatReader(counted).records(*one)


def _reader_for(row: Mapping[str, Any], reading: Reading) -> _Reader | None:
    """The reader for files with such a row; None where it does not show."""
    if row.get("type") in ("session_meta", "response_item", "turn_context") or (
        "payload" in row and "message" not in row
    ):
        return CodexReader(reading)
    if row.get("type") in ("user", "assistant") and isinstance(row.get("message"), Mapping):
        return ClaudeReader(reading)
    return ChatReader(reading) if isinstance(row.get("text"), str) or isinstance(row.get("role"), str) else None
