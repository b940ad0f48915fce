"""Cuts a conversation into short pieces for the index: a few lines of one message, call or result each."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from hive_tui.condense.calls import command_of
from hive_tui.condense.records import Record, Says

LINES, LETTERS = 16, 2_400


@dataclass(frozen=True, slots=True)
class Chunk:
    """One piece."""

    line: int
    """The line of the transcript."""
    part: int
    """Which piece of that line, from 0."""
    says: str
    at: datetime | None
    text: str


def chunks(record: Record, text: str | None = None) -> Iterator[Chunk]:
    """The pieces of one record, in order; none for one without text. In the place of its text another may stand."""
    part = 0
    pending: list[str] = []
    size = 0
    for line in (text_of(record) if text is None else text).splitlines():
        for piece in _pieces(line):
            if pending and (len(pending) >= LINES or size + len(piece) > LETTERS):
                yield Chunk(record.line, part, str(record.says), record.at, "\n".join(pending))
                part, size = part + 1, 0
                pending = []
            pending.append(piece)
            size += len(piece)
    if any(line.strip() for line in pending):
        yield Chunk(record.line, part, str(record.says), record.at, "\n".join(pending))


def text_of(record: Record) -> str:
    """What there is to find in a record."""
    if record.says is Says.PLACE:
        return ""
    if record.says is not Says.CALL:
        return record.text
    command = command_of(record)
    given = command or "\n".join(
        f"{key}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for key, value in record.arguments.items()
    )
    return f"{record.tool}: {given}" if given else record.tool


def _pieces(line: str) -> list[str]:
    """A line, cut where it is endless."""
    if len(line) <= LETTERS:
        return [line]
    return [line[at : at + LETTERS] for at in range(0, len(line), LETTERS)]
